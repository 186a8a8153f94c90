"""A choice of probes and freezing time, in numbers that a search can move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import tilt_deg
from ..plan import Plan
from ..probes import Probe

__all__ = ["Candidate"]

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """Probes of one model in place, and how long they freeze.

    Attributes
    ----------
    model : name in the probe catalog.
    tips_mm, entries_mm : LPS positions of each probe.
    freeze_share : length of all freezes as a share of the plan's protocol.
    """

    model: str
    tips_mm: tuple[tuple[float, float, float], ...]
    entries_mm: tuple[tuple[float, float, float], ...]
    freeze_share: float = 1.0

    @classmethod
    def placed(cls, model: str, tips_mm: F64, entries_mm: F64, share: float) -> Candidate:
        """Round to a tenth of a millimeter and a thousandth of the time."""
        return cls(model, _points(tips_mm), _points(entries_mm), round(float(share), 3))

    @property
    def count(self) -> int:
        """How many probes."""
        return len(self.tips_mm)

    @property
    def tilt_deg(self) -> float:
        """The largest angle of a probe to the axial plane."""
        ways = np.subtract(self.entries_mm, self.tips_mm)
        return max(tilt_deg(way / np.linalg.norm(way)) for way in ways)

    def task(self, **variation: Any) -> dict[str, Any]:
        """Return what a worker needs to know, see `trial.carry_out`."""
        return {
            "model": self.model,
            "tips_mm": [list(point) for point in self.tips_mm],
            "entries_mm": [list(point) for point in self.entries_mm],
            "freeze_share": self.freeze_share,
            **variation,
        }

    def plan(self, plan: Plan) -> Plan:
        """Return the plan with these probes and freezes."""
        like = next((probe for probe in plan.probe if probe.model == self.model), None)
        # What the plan says of its own probes of this model stays: limits, schedules, curves.
        numbers = {} if like is None else like.model_dump(exclude={"tip_mm", "entry_mm"})
        probes = tuple(
            Probe(**{"model": self.model, **numbers, "tip_mm": tip, "entry_mm": entry})
            for tip, entry in zip(self.tips_mm, self.entries_mm, strict=True)
        )
        placed = plan.model_copy(update={"probe": probes})
        return placed.with_protocol(plan.protocol.with_freezes(self.freeze_share))


def _points(values: F64) -> tuple[tuple[float, float, float], ...]:
    rounded = np.round(np.asarray(values, dtype=float), 1) + 0.0
    return tuple((float(x), float(y), float(z)) for x, y, z in rounded)
