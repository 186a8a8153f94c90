"""What a search for probes may choose from: the plan's section [optimize]."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ..errors import InputError
from ..probes import find_model

__all__ = ["EntryCone", "Search"]

Minutes = Annotated[float, Field(gt=0, le=240, allow_inf_nan=False)]


class EntryCone(BaseModel):
    """Directions from which probes may come.

    Attributes
    ----------
    toward : LPS vector from the target to the skin, of any length.
    half_angle_deg : how far a shaft may lean away from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    toward: tuple[float, float, float]
    half_angle_deg: Annotated[float, Field(gt=0, le=180)] = 30.0

    @field_validator("toward")
    @classmethod
    def _has_length(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if not any(value):
            raise ValueError("must not be zero; give a vector from the target to the skin")
        return value


class Search(BaseModel):
    """Which probes may be used, where they may go, and how the best plan is judged.

    Attributes
    ----------
    models : names in the probe catalog; those of the plan's probes when not given.
    min_probes, max_probes : how many.
    spacing_mm : distance of a probe to its nearest neighbor, smallest and largest.
    directions : "parallel", or "free": each probe has its own.
    max_depth_mm : longest way from the skin to a tip.
    forbidden, allowed : labels (value or name) that a shaft must not cross, and may cross after
        all. Bone (unless the target lies in it), vessels, bowel, nerves and organs at risk are
        forbidden anyway, but the skin.
    clearance_mm : distance of a shaft to what is forbidden.
    entry_label : region of the label map through which probes enter. entry_cone : directions.
    freeze_minutes : shortest and longest that the longest freeze of the protocol may become; other
        freezes in proportion. From a quarter of what the protocol says to all of it when not given.
    placement_sd_mm : standard deviation of where probes come to lie, along and across.
    samples : how many misplacements the best plan is judged under.
    worst_case : meet the goals under all variations, not only as planned.
    spacing_of_search_mm : edge of a voxel while searching; by the target's size when not given. The
        best plan is simulated on the plan's own grid.
    seed : of all that is random; the same seed finds the same plan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = ()
    min_probes: Annotated[int, Field(ge=1, le=12)] = 1
    max_probes: Annotated[int, Field(ge=1, le=12)] = 4
    spacing_mm: tuple[float, float] = (10.0, 20.0)
    directions: Literal["parallel", "free"] = "parallel"
    max_depth_mm: Annotated[float, Field(ge=20, le=300)] = 200.0
    forbidden: tuple[int | str, ...] = ()
    allowed: tuple[int | str, ...] = ()
    clearance_mm: Annotated[float, Field(ge=0, le=30)] = 3.0
    entry_label: int | str | None = None
    entry_cone: EntryCone | None = None
    freeze_minutes: tuple[Minutes, Minutes] | None = None
    placement_sd_mm: Annotated[float, Field(ge=0, le=10)] = 2.5
    samples: Annotated[int, Field(ge=0, le=200)] = 6
    worst_case: bool = False
    spacing_of_search_mm: Annotated[float, Field(ge=1, le=6)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("models")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(find_model(name).name for name in value)
        except InputError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _in_order(self) -> Search:
        if self.min_probes > self.max_probes:
            raise ValueError(
                f"min_probes = {self.min_probes} is more than max_probes = {self.max_probes}"
            )
        for key in ("spacing_mm", "freeze_minutes"):
            low, high = getattr(self, key) or (1.0, 1.0)
            if not 0 < low <= high:
                raise ValueError(f"{key} = [{low:g}, {high:g}] must be positive and in order")
        return self
