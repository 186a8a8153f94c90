"""A probe: a thin cold capsule with an insulated shaft above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["Probe", "ProbeModel"]

_LIMITS: dict[str, tuple[float, float, str]] = {
    "diameter_mm": (0.5, 10.0, "cryoprobes are 1.5 to 3.8 mm thick"),
    "active_length_mm": (1.0, 100.0, "active parts are 8 to 60 mm long"),
    "surface_c": (-200.0, -5.0, "a freezing probe is between -200 and -5 C"),
    "active_thaw_c": (0.0, 60.0, "a thawing probe is between 0 and 60 C"),
}


def check_number(owner: str, key: str, value: float) -> None:
    """Raise InputError when a probe number cannot be what its unit says."""
    lowest, highest, usual = _LIMITS[key]
    if not lowest <= value <= highest:
        raise InputError(
            f"{owner}: {key} = {value:g} is outside {lowest:g} to {highest:g}; {usual}"
        )


@dataclass(frozen=True)
class ProbeModel:
    """A row of the catalog.

    Attributes
    ----------
    name : as used in a plan, for example "argon-17g".
    diameter_mm : outer diameter of the needle.
    active_length_mm : length of the freezing part, from the tip.
    surface_c : temperature of the active surface while freezing.
    active_thaw_c : temperature of the active surface during an active thaw.
    description : one line for lists.
    sources : where each number comes from, by field name.
    """

    name: str
    diameter_mm: float
    active_length_mm: float
    surface_c: float
    active_thaw_c: float
    description: str = ""
    sources: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for key in _LIMITS:
            check_number(f"probe model '{self.name}'", key, getattr(self, key))


@dataclass(frozen=True)
class Probe:
    """A probe in place.

    Attributes
    ----------
    tip_mm : LPS position of the tip; the active part starts here.
    entry_mm : LPS position of any point up the shaft.
    model : name of its catalog entry, or "custom".
    """

    tip_mm: tuple[float, float, float]
    entry_mm: tuple[float, float, float]
    diameter_mm: float
    active_length_mm: float
    surface_c: float
    active_thaw_c: float = 20.0
    model: str = "custom"

    def __post_init__(self) -> None:
        for key in _LIMITS:
            check_number(f"probe '{self.model}'", key, getattr(self, key))
        if np.linalg.norm(np.subtract(self.entry_mm, self.tip_mm)) < 1.0:
            raise InputError(
                f"probe '{self.model}': entry_mm {list(self.entry_mm)} equals tip_mm "
                f"{list(self.tip_mm)}; give a point up the shaft, at least 1 mm away"
            )

    @property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector from the tip up the shaft."""
        along = np.subtract(self.entry_mm, self.tip_mm).astype(float)
        unit: NDArray[np.float64] = along / np.linalg.norm(along)
        return unit

    @property
    def active_end_mm(self) -> NDArray[np.float64]:
        """Upper end of the active part on the axis."""
        end: NDArray[np.float64] = np.asarray(self.tip_mm) + self.active_length_mm * self.axis
        return end
