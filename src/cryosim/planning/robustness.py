"""How a plan stands up to what is never exactly as planned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..plan import Search
from .candidate import Candidate
from .trial import gap_of
from .tried import Evaluates, Tried

__all__ = ["Robustness", "Variation", "judge", "variations_of"]

# A weak probe has this share of its power left.
_WEAK_DUTY = 0.7
_MISPLACED = "misplaced"


@dataclass(frozen=True)
class Variation:
    """One way in which things are otherwise: its name, and the task to simulate."""

    name: str
    task: Mapping[str, Any]


@dataclass(frozen=True)
class Robustness:
    """What the variations of a plan did to its goals.

    Attributes
    ----------
    probability : by goal, share of the misplacements that still meet it; None without any.
    worst : by goal, the worst value of all variations and the one that it came from.
    met : by variation, whether all goals were met; misplacements are numbered.
    """

    probability: Mapping[str, float | None]
    worst: Mapping[str, tuple[float | None, str]]
    met: Mapping[str, bool]


def variations_of(best: Tried, search: Search) -> list[Variation]:
    """Misplace all needles, vary each tissue within its range, and let each probe be weak.

    Misplacements are normal with the same standard deviation along and across, independent for
    every probe; a needle keeps its direction. Tissues are varied by where the ice of `best` is.
    """
    candidate = best.candidate
    random = np.random.default_rng([search.seed, candidate.count])
    found = []
    for number in range(search.samples if search.placement_sd_mm > 0 else 0):
        moved = random.normal(0.0, search.placement_sd_mm, (candidate.count, 3))
        other = Candidate.placed(
            candidate.model,
            np.array(candidate.tips_mm) + moved,
            np.array(candidate.entries_mm) + moved,
            candidate.freeze_share,
        )
        found.append(Variation(f"{_MISPLACED} {number + 1}", other.task()))
    found += [Variation(where, candidate.task(**task)) for where, task in best.otherwise.items()]
    for number in range(candidate.count):
        weak = candidate.task(weak_probe=number, weak_duty=_WEAK_DUTY)
        found.append(Variation(f"probe.{number} at {100 * _WEAK_DUTY:g} % power", weak))
    return found


def judge(
    best: Tried, variations: Sequence[Variation], evaluates: Evaluates
) -> tuple[Robustness, list[Tried]]:
    """Simulate the variations; return what they did, and each as it was simulated."""
    outcomes = evaluates.evaluate([dict(one.task) for one in variations])
    tried = [
        dataclasses.replace(best, outcome=outcome, origin=one.name, missing_at_worst=None)
        for one, outcome in zip(variations, outcomes, strict=True)
    ]
    goals = list(best.outcome.get("goals", {}))
    misplaced = [one for one in tried if one.origin.startswith(_MISPLACED)]
    probability = {
        goal: float(np.mean([_meets(one, goal) for one in misplaced])) if misplaced else None
        for goal in goals
    }
    worst = {}
    for goal in goals:
        # What could not even be simulated, such as two probes in one place, is worst of all.
        poorest = max(tried, key=lambda one: _missing(one, goal), default=best)
        if _missing(poorest, goal) == 0.0:
            poorest = min([best, *tried], key=lambda one: _room(one, goal))
        worst[goal] = (_value(poorest, goal), poorest.origin)
    return Robustness(probability, worst, {one.origin: one.met for one in tried}), tried


def _missing(one: Tried, goal: str) -> float:
    return one.missing_goals.get(goal, np.inf)


def _meets(one: Tried, goal: str) -> bool:
    return _missing(one, goal) == 0.0


def _value(one: Tried, goal: str) -> float | None:
    """Return a goal's value, as much worse as the plan's own grid showed it."""
    value, _, sense, *_ = one.outcome.get("goals", {}).get(goal, (None, None, None))
    if value is None:
        return None
    slack = one.slack.get(goal, 0.0)
    return float(value - slack if sense == "at least" else value + slack)


def _room(one: Tried, goal: str) -> float:
    """How far a goal that is met is from its limit."""
    value = _value(one, goal)
    if value is None:
        return np.inf
    _, limit, sense, *_ = one.outcome["goals"][goal]
    return -gap_of(value, limit, sense)
