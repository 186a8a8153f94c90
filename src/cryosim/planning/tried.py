"""Choices of probes that were simulated, and how they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .candidate import Candidate
from .estimate import RESERVE_WORTH, Found
from .trial import lacking_mm, missing_of

__all__ = ["ByCount", "Evaluates", "Tried", "ranked"]

# Goals count as met when less than this is missing.
_MET = 1e-6
# A probe more has to spare this share of the frozen healthy tissue, room for misplacement counted.
_PROBE_WORTH = 0.1
# A millimeter or degree that is wrong with a placement counts as this much missing to a goal.
_OBSTACLE = 0.1


class Evaluates(Protocol):
    """What evaluates tasks and returns outcomes in their order, see `Evaluator`."""

    def evaluate(self, tasks: Sequence[Any]) -> list[dict[str, Any]]:
        """Return outcomes in the order of tasks."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A choice of probes that was simulated on the grid of the search.

    Attributes
    ----------
    candidate : the probes. outcome : of `trial.carry_out`. origin : where it came from.
    found : the choice of the estimate that it was; None for others.
    slack : by goal, how much more than its limit is asked for here.
    goals_on_own_grid : as in the outcome, where the plan's own grid showed a goal missed.
    missing_at_worst : what is missing in the worst of its variations; None where nobody looked.
    obstacles : what is wrong with where its probes are, mm or degrees by name; empty: nothing.
    reserve_mm : that goals should have beyond their limits, if it costs little.
    """

    candidate: Candidate
    outcome: dict[str, Any]
    origin: str
    found: Found | None = None
    slack: Mapping[str, float] = field(default_factory=dict)
    goals_on_own_grid: Mapping[str, Sequence[Any]] | None = None
    missing_at_worst: float | None = None
    obstacles: Mapping[str, float] = field(default_factory=dict)
    reserve_mm: float = 0.0

    @property
    def missing_goals(self) -> dict[str, float]:
        """What is missing to each goal, see `missing_of`."""
        return missing_of(self.outcome.get("goals", {}), self.slack)

    @property
    def otherwise(self) -> Mapping[str, Mapping[str, Any]]:
        """What may be otherwise in the tissue that its ice is in: its words, and its task."""
        found: Mapping[str, Mapping[str, Any]] = self.outcome.get("otherwise", {})
        return found

    @property
    def refused(self) -> bool:
        """Whether it cannot even be simulated, such as two probes in one place."""
        return "refused" in self.outcome

    @property
    def missing(self) -> float:
        """What is missing to all goals together, 0 when they are met."""
        if self.refused:
            return np.inf
        missing = max(sum(self.missing_goals.values()), self.missing_at_worst or 0.0)
        return missing + _OBSTACLE * sum(self.obstacles.values())

    @property
    def met(self) -> bool:
        """Whether all goals are met, and every probe is where one may be."""
        return self.missing <= _MET

    @property
    def rank(self) -> tuple[float, float]:
        """The smaller the better: goals first, then frozen healthy tissue and lack of reserve."""
        missing = 0.0 if self.met else self.missing
        healthy = float(self.outcome.get("healthy_frozen_ml", np.inf))
        return missing, healthy * (1.0 + RESERVE_WORTH * lacking_mm(self.outcome, self.reserve_mm))

    @property
    def cost(self) -> float:
        """What the plan costs: healthy tissue, lack of reserve, and more than one probe."""
        return self.rank[1] * (1.0 + _PROBE_WORTH * (self.candidate.count - 1))


ByCount = dict[tuple[str, int], list[Tried]]  # by model and number of probes, the best first


def ranked(tried: ByCount) -> list[Tried]:
    """Best of each number and model: those that meet the goals first, by what they cost.

    Where variations count, what stood them before what nobody put to them.
    """
    best = [found[0] for found in tried.values()]
    return sorted(
        best,
        key=lambda one: (
            not one.met,
            one.missing_at_worst is None,
            one.cost if one.met else 0.0,
            one.rank,
        ),
    )
