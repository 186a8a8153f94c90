"""How to compute, as opposed to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import InputError

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Numerical settings; the defaults are right for clinical grids.

    Attributes
    ----------
    integrator : "multirate" (super-time-stepping in which ice takes more stages than the tissue
        around it, in single precision), "rkl2" (all voxels alike, double precision) or "explicit"
        (plain Euler steps, the readable reference).
    smallest_step_s, largest_step_s : limits of a super step. Steps start small after each switch of
        the probes and grow with the time since.
    growth : step as a share of the time since the last switch.
    snapshot_every_s : temperature fields are kept this often, besides stage ends and asked times.
    course_every_s : so often it is recorded what has frozen so far, see `Course`.
    """

    integrator: Literal["multirate", "rkl2", "explicit"] = "multirate"
    smallest_step_s: float = 0.05
    largest_step_s: float = 40.0
    growth: float = 0.05
    snapshot_every_s: float = 300.0
    course_every_s: float = 60.0

    def __post_init__(self) -> None:
        if self.integrator not in ("multirate", "rkl2", "explicit"):
            raise InputError(
                f"settings.integrator = '{self.integrator}' is unknown; "
                "use 'multirate', 'rkl2' or 'explicit'"
            )
        if not 0 < self.smallest_step_s <= self.largest_step_s or self.growth <= 0:
            raise InputError(
                "settings: steps must be positive, smallest_step_s at most largest_step_s; found "
                f"{self.smallest_step_s:g}, {self.largest_step_s:g}, growth {self.growth:g}"
            )
        for key in ("snapshot_every_s", "course_every_s"):
            if getattr(self, key) <= 0:
                raise InputError(f"settings.{key} = {getattr(self, key):g} must be positive")
