"""Needles in place: cryoprobes, and warmers of the same shape."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import InputError
from .catalog import find_model
from .probe_model import NUMBERS, check_number

__all__ = ["Minutes", "Needle", "Point", "Probe", "Warmer"]

Coordinate = Annotated[float, Field(ge=-5000, le=5000, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate, Coordinate]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
# Freezing tissue takes colder surfaces.
_FREEZES_BELOW_C = -5.0

Minutes = Annotated[float, Field(ge=0, le=1440, allow_inf_nan=False)]
Temperature = Annotated[float, Field(ge=-200, le=100, allow_inf_nan=False)]
Power = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class Needle(BaseModel):
    """The shape that probes and warmers share: an active capsule with an insulated shaft above.

    Attributes
    ----------
    tip_mm : LPS position of the tip; the active part starts here.
    entry_mm : LPS position of any point up the shaft.
    diameter_mm, active_length_mm : thickness of the needle and length of its active part.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    tip_mm: Point
    entry_mm: Point
    diameter_mm: float
    active_length_mm: float

    @model_validator(mode="after")
    def _check_shape(self) -> Needle:
        for key in ("diameter_mm", "active_length_mm"):
            check_number(type(self).__name__.lower(), key, getattr(self, key))
        if self.active_length_mm < self.diameter_mm:
            raise ValueError(
                f"active_length_mm = {self.active_length_mm:g} is less than diameter_mm = "
                f"{self.diameter_mm:g}: the rounded tip alone is longer; give a longer active part"
            )
        if np.linalg.norm(np.subtract(self.entry_mm, self.tip_mm)) < 1.0:
            raise ValueError(
                f"entry_mm {list(self.entry_mm)} equals tip_mm {list(self.tip_mm)} to a "
                "millimeter; give a point up the shaft, in millimeters"
            )
        return self

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

    def active_points_mm(self, count: int = 50) -> NDArray[np.float64]:
        """Points (count, 3) along the axis of the active part, both ends included."""
        return np.linspace(np.asarray(self.tip_mm), self.active_end_mm, count)

    @property
    def active_area_m2(self) -> float:
        """Area of the active surface: the cylinder and the hemisphere of the tip."""
        return np.pi * self.diameter_mm * self.active_length_mm * 1e-6


class Probe(Needle):
    """A cryoprobe in place; numbers that are not given come from the catalog row `model`.

    A plan's own `surface_c` or `curve` stands for all that drives the row: its film and limit of
    power, too. Its own `gas_c` keeps the row's film.

    Three models of what drives the ice, which may be combined: a surface at `surface_c`; gas at
    `gas_c` that exchanges heat with the inside of the wall, `exchange_w_m2k`; and a limit of power.

    Attributes
    ----------
    model : name in the probe catalog, or "custom" when every number is given.
    surface_c : temperature of the active surface while freezing.
    gas_c, exchange_w_m2k : instead of `surface_c`: temperature of the gas while freezing and heat
        transfer from the gas to the active surface, per area of the outer surface.
    cool_down_s : time constant with which surface or gas approaches its temperature, also in
        active thaws; 0 is at once. A curve is followed as it is.
    curve : instead of the constants: measured (seconds since the freeze began, C) of the surface,
        or of the gas where exchange_w_m2k is given; linear between, the last value held.
    power_limit_w : most heat that the probe can take out; its surface is warmer where that binds.
    active_thaw_c : temperature of surface or gas during an active thaw.
    active_thaw_power_w : most heat that an active thaw can give, as of an electric heater.
    duty : share of each freeze that the gas flows, 0.2 to 1; fast switching, so that heat flows at
        that share of full power.
    runs_min : (start, stop) in minutes of the procedure within which the probe follows the
        protocol; outside it is off. Everywhere when not given.
    """

    model: str = "custom"
    surface_c: float | None = None
    gas_c: Annotated[float, Field(ge=-200, le=-5, allow_inf_nan=False)] | None = None
    exchange_w_m2k: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    cool_down_s: Seconds = 0.0
    curve: tuple[tuple[Seconds, Temperature], ...] = ()
    power_limit_w: Power | None = None
    active_thaw_c: float = 20.0
    active_thaw_power_w: Power | None = None
    duty: Annotated[float, Field(ge=0.2, le=1.0)] = 1.0
    runs_min: tuple[tuple[Minutes, Minutes], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_from_catalog(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("model", "custom") == "custom":
            return values
        try:
            row = find_model(str(values["model"]))
        except InputError as error:
            raise ValueError(
                f"{error}; or give diameter_mm, active_length_mm and surface_c instead of a model"
            ) from None
        known = {key: getattr(row, key) for key in NUMBERS if getattr(row, key) is not None}
        for key in _replaced_by(values):
            known.pop(key, None)
        return {**known, **values, "model": row.name}

    @model_validator(mode="after")
    def _check(self) -> Probe:
        if self.surface_c is not None and self.gas_c is not None:
            raise ValueError("give either surface_c or gas_c with exchange_w_m2k; found both")
        if self.surface_c is None and self.gas_c is None and not self.curve:
            raise ValueError("give surface_c, gas_c with exchange_w_m2k, or curve; found none")
        apart = (self.gas_c is None) != (self.exchange_w_m2k is None)
        # A curve stands for the temperature of the gas.
        if apart and (self.gas_c is not None or not self.curve):
            raise ValueError("gas_c and exchange_w_m2k go together; give both or neither")
        if self.curve and self.coldest_c > _FREEZES_BELOW_C:
            raise ValueError(
                f"curve: never below {_FREEZES_BELOW_C:g} C, so nothing freezes; give "
                "[seconds, C] pairs"
            )
        for key in NUMBERS:
            if getattr(self, key) is not None:
                check_number(f"probe '{self.model}'", key, getattr(self, key))
        times = [time_s for time_s, _ in self.curve]
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise ValueError("curve: times must increase")
        edges = [edge for run in self.runs_min for edge in run]
        if any(later <= earlier for earlier, later in itertools.pairwise(edges)):
            raise ValueError(
                f"runs_min = {[list(run) for run in self.runs_min]}: give [start, stop] pairs in "
                "minutes that increase and do not overlap"
            )
        return self

    def freezing_c(self, since_s: float) -> float:
        """Temperature of surface or gas this long after a freeze began, cool-down aside."""
        if self.curve:
            times, values = np.array(self.curve).T
            return float(np.interp(since_s, times, values))
        return float(self.surface_c if self.gas_c is None else self.gas_c)  # type: ignore[arg-type]

    @property
    def coldest_c(self) -> float:
        """Coldest that surface or gas can get."""
        if self.curve:
            return min(value for _, value in self.curve)
        return self.freezing_c(0.0)


def _replaced_by(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a plan's own drive replaces of a catalog row's."""
    drives = ("surface_c", "gas_c", "exchange_w_m2k", "curve")
    given = {key for key in drives if values.get(key) not in (None, (), [])}
    if "gas_c" in given:
        return ("surface_c",)
    if "surface_c" in given:
        return ("gas_c", "exchange_w_m2k", "power_limit_w")
    if "curve" in given:
        # The curve of the gas where the plan gives its film, else that of the surface.
        kept = {"exchange_w_m2k", "power_limit_w"} if "exchange_w_m2k" in given else set()
        return tuple({"surface_c", "gas_c", "exchange_w_m2k", "power_limit_w"} - kept)
    return ()


class Warmer(Needle):
    """A warming needle or catheter in place, on from the start to the end.

    Attributes
    ----------
    name : as it shall appear in the report.
    temperature_c : of its active surface.
    power_limit_w : most heat that it can give.
    """

    name: str = "warmer"
    temperature_c: Annotated[float, Field(ge=20, le=60, allow_inf_nan=False)]
    power_limit_w: Power | None = None
