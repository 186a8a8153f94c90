"""What is known of a probe before it is placed: a row of the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError

__all__ = ["NUMBERS", "ProbeModel", "check_number"]

_LIMITS: dict[str, tuple[float, float, str]] = {
    "diameter_mm": (0.5, 10.0, "cryoprobes are 1.5 to 3.8 mm thick"),
    "active_length_mm": (1.0, 100.0, "active parts are 8 to 60 mm long"),
    "surface_c": (-200.0, -5.0, "a freezing probe is between -200 and -5 C"),
    "cool_down_s": (0.0, 600.0, "probes get cold within seconds to a few minutes"),
    "active_thaw_c": (0.0, 60.0, "a thawing probe is between 0 and 60 C"),
}

NUMBERS = tuple(_LIMITS)


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
    cool_down_s : time constant with which the surface approaches it; 0 is at once.
    active_thaw_c : temperature of the active surface during an active thaw.
    description : one line for lists.
    sources : where each number comes from, by field name.
    """

    name: str
    diameter_mm: float
    active_length_mm: float
    surface_c: float
    cool_down_s: float
    active_thaw_c: float
    description: str = ""
    sources: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for key in NUMBERS:
            check_number(f"probe model '{self.name}'", key, getattr(self, key))
