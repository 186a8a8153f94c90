"""What is known of a probe before it is placed: a row of the catalog."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from ..errors import InputError

__all__ = ["NUMBERS", "ProbeModel", "check_number"]

_LIMITS: dict[str, tuple[float, float, str]] = {
    "diameter_mm": (0.5, 10.0, "cryoprobes are 1.5 to 3.8 mm thick"),
    "active_length_mm": (1.0, 100.0, "active parts are 8 to 60 mm long"),
    "surface_c": (-200.0, -5.0, "a freezing probe is between -200 and -5 C"),
    "gas_c": (-200.0, -5.0, "nitrogen boils at -196 C, argon at -186 C"),
    "exchange_w_m2k": (1.0, 1e6, "argon needles exchange some 2000 to 7000 W/m2/K"),
    "power_limit_w": (1e-3, 1000.0, "needles take out some 10 to 70 W"),
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
    """A row of the catalog: a surface at a temperature, or gas behind a film.

    Attributes
    ----------
    name : as used in a plan, for example "argon-17g".
    diameter_mm : outer diameter of the needle.
    active_length_mm : length of the freezing part, from the tip.
    cool_down_s : time constant with which surface or gas approach their temperature; 0 is at once.
    active_thaw_c : temperature of surface or gas during an active thaw.
    surface_c : temperature of the active surface while freezing; None where there is a film.
    gas_c, exchange_w_m2k : temperature of the gas while freezing, and heat transfer from it to the
        active surface, per area of the outer surface.
    power_limit_w : most heat that it can take out; None where nothing limits it.
    description : one line for lists.
    sources : where each number comes from, by field name.
    ranges : lowest and highest value that can be defended, by field name, where known.

    Raises
    ------
    InputError
        When a number cannot be what its unit says, or it is neither surface nor film.
    """

    name: str
    diameter_mm: float
    active_length_mm: float
    cool_down_s: float
    active_thaw_c: float
    surface_c: float | None = None
    gas_c: float | None = None
    exchange_w_m2k: float | None = None
    power_limit_w: float | None = None
    description: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        owner = f"probe model '{self.name}'"
        for key in NUMBERS:
            if getattr(self, key) is not None:
                check_number(owner, key, getattr(self, key))
        film = self.gas_c is not None, self.exchange_w_m2k is not None
        if film not in {(True, True), (False, False)} or film[0] == (self.surface_c is not None):
            raise InputError(
                f"{owner}: give either surface_c, or gas_c and exchange_w_m2k together"
            )
        for key in ("sources", "ranges"):
            object.__setattr__(self, key, MappingProxyType(dict(getattr(self, key))))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy cannot be pickled.
        known = {key.name: getattr(self, key.name) for key in fields(self)}
        known |= {"sources": dict(self.sources), "ranges": dict(self.ranges)}
        return functools.partial(type(self), **known), ()
