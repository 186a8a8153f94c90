"""Ending a freeze when a sensor or an organ has become so cold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..plan import Plan
from ..tissue import TissueGrid
from .drives import stage_at
from .sensors import ColdestOf, PointSamples
from .state import State

__all__ = ["Watch"]

# A step may take the temperature this share of its way to the limit, and need not be shorter.
_SHARE = 0.5
_SHORTEST_STEP_S = 0.25


@dataclass
class Watch:
    """Looks at the temperature that ends the stage of the moment, if one does.

    Attributes
    ----------
    state : of the run. place : where to look; None where nothing ends the stage.
    limit_c : what ends it. value_c : the temperature at the last look.
    longest_step_s : a step that does not overshoot it by much.
    """

    state: State
    place: ColdestOf | PointSamples | None
    limit_c: float = -np.inf
    value_c: float = np.inf
    longest_step_s: float = np.inf

    @classmethod
    def of(cls, tissue: TissueGrid, plan: Plan, state: State, time_s: float) -> Watch:
        """Return what watches the stage that follows a moment.

        Raises
        ------
        InputError
            When what ends the stage is nowhere in the tissue.
        """
        stage = plan.protocol.stages[stage_at(plan.protocol, time_s)]
        if stage.until is None or stage.until_c is None:
            return cls(state, None)
        sensors = {sensor.name: sensor.at_mm for sensor in plan.sensor}
        place: ColdestOf | PointSamples
        if stage.until in sensors:
            place = PointSamples(tissue.grid, np.array([sensors[stage.until]], dtype=float))
        else:
            if not tissue.share_of(stage.until).any():
                raise InputError(
                    f"protocol: 'until {stage.until}' can never come: there is no {stage.until} in "
                    "the simulated box; name a sensor, or an organ at risk that is in it"
                )
            place = ColdestOf(tissue, tissue.share_of(stage.until), plan.body.temperature_c)
        value_c = float(np.min(place.of(state.temperature)))
        return cls(state, place, stage.until_c, value_c, _SHORTEST_STEP_S)

    def ends(self, step_s: float) -> bool:
        """Look after a step; tell whether the stage is over."""
        if self.place is None:
            return False
        before, self.value_c = self.value_c, float(np.min(self.place.of(self.state.temperature)))
        falls_by = max(before - self.value_c, 1e-6)
        left = self.value_c - self.limit_c
        wanted = _SHARE * left / falls_by * step_s
        self.longest_step_s = max(wanted, _SHORTEST_STEP_S)
        return left <= 0.0
