"""A probe in place: a thin cold capsule with an insulated shaft above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .catalog import find_model
from .model import NUMBERS, check_number

__all__ = ["Point", "Probe"]

Coordinate = Annotated[float, Field(ge=-5000, le=5000, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate, Coordinate]


class Probe(BaseModel):
    """A probe in place; numbers that are not given come from the catalog row `model`.

    Attributes
    ----------
    model : name in the probe catalog, or "custom" when every number is given.
    tip_mm : LPS position of the tip; the active part starts here.
    entry_mm : LPS position of any point up the shaft.
    diameter_mm, active_length_mm : size of the needle and of its freezing part.
    surface_c : temperature of the active surface while freezing.
    active_thaw_c : temperature of the active surface during an active thaw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model: str = "custom"
    tip_mm: Point
    entry_mm: Point
    diameter_mm: float
    active_length_mm: float
    surface_c: float
    active_thaw_c: float = 20.0

    @model_validator(mode="before")
    @classmethod
    def _fill_from_catalog(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("model", "custom") == "custom":
            return values
        row = find_model(str(values["model"]))
        return {**{key: getattr(row, key) for key in NUMBERS}, **values, "model": row.name}

    @model_validator(mode="after")
    def _check(self) -> Probe:
        for key in NUMBERS:
            check_number(f"probe '{self.model}'", key, getattr(self, key))
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
