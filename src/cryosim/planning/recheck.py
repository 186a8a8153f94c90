"""The last word on a plan: full physics on its own grid, and more search where that disagrees."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..anatomy import Anatomy, place_anatomy
from ..errors import InputError
from ..evaluation import Report, evaluate, range_notes
from ..plan import Plan
from ..plan.metrics import COMPLIANCE, ICE_MARGIN
from ..simulation import Callback, Result, simulate
from .search import Ground, ground_of, search_count
from .trial import gap_of, goal_row, outcome_of
from .tried import ByCount, Evaluates, Tried, ranked
from .worst_case import harden_count

__all__ = ["final_outcome", "verified"]

# How often the search goes on when the plan's own grid shows a goal missed that the search met.
_CORRECTIONS = 2


def verified(
    anatomy: Anatomy,
    plan: Plan,
    grounds: Sequence[Ground],
    tried: ByCount,
    evaluates: Evaluates,
    progress: Sequence[Callback],
) -> tuple[Tried, Result, Report]:
    """Simulate the best plan on the plan's own grid; where that shows a goal missed, the next."""
    best, *others = ranked(tried)
    if best.refused:
        refused = best.outcome["refused"]
        raise InputError(f"optimize: none of the choices can be simulated: {refused}")
    found = first = _verify(anatomy, best, plan, grounds, tried, evaluates, progress)
    for other in others:
        if found[2].passed or not other.met:
            break
        ground, stands = ground_of(other, grounds), other
        if ground.search.worst_case:
            # More probes than were needed have not been put to the variations yet.
            key = ground.model, other.candidate.count
            tried[key] = harden_count(tried[key], ground, evaluates)
            stands = tried[key][0]
        if stands.met:
            found = _verify(anatomy, stands, plan, grounds, tried, evaluates, progress)
    return found if found[2].passed else first


def _verify(
    anatomy: Anatomy,
    best: Tried,
    plan: Plan,
    grounds: Sequence[Ground],
    tried: ByCount,
    evaluates: Evaluates,
    progress: Sequence[Callback],
) -> tuple[Tried, Result, Report]:
    """Simulate a plan on the plan's own grid; search on where that shows a goal missed."""
    result, report = _simulate_finely(anatomy, best, plan, progress)
    for _ in range(_CORRECTIONS):
        if report.passed or not best.met:
            break
        ground = ground_of(best, grounds)
        slack = _slack(best, result, report)
        more = search_count(ground, best.candidate.count, evaluates, slack=slack)
        if ground.search.worst_case and more[0].met:
            more = harden_count(more, ground, evaluates)
        if not more[0].met:
            break
        tried[ground.model, best.candidate.count] = more
        best = more[0]
        result, report = _simulate_finely(anatomy, best, plan, progress)
    if best.met and not report.passed:
        # So that it does not count as met any more.
        best = dataclasses.replace(
            best,
            slack=_slack(best, result, report),
            goals_on_own_grid=final_outcome(result, report)["goals"],
        )
        tried[best.candidate.model, best.candidate.count] = [best]
    return best, result, report


def _slack(best: Tried, result: Result, report: Report) -> dict[str, float]:
    """How much worse each goal came out on the finer grid.

    Where nothing but compliance failed: half a voxel more of ice margin than there was.
    """
    found = {goal.key: goal for goal in report.goals}
    slack = dict(best.slack)
    for name, (value, limit, sense, *_) in best.outcome["goals"].items():
        fine = found.get(name)
        if value is not None and fine is not None and fine.value is not None:
            # Where it has little room, the margin that is asked for depends on the grid.
            asked = fine.limit if fine.note else limit
            worse = gap_of(fine.value, asked, sense) - gap_of(value, limit, sense)
            slack[name] = max(slack.get(name, 0.0), worse)
    failed = [goal.key for goal in report.goals if goal.verdict == "fail"]
    if failed and all(key == COMPLIANCE for key in failed):
        half_mm = float(result.tissue.grid.spacing_mm.max()) / 2
        value, limit, *_ = best.outcome["goals"][ICE_MARGIN]
        slack[ICE_MARGIN] = value - limit + half_mm
    return slack


def final_outcome(result: Result, report: Report) -> dict[str, Any]:
    """Return the outcome on the plan's own grid; with compliance where nothing else failed.

    "within_ranges" says which goals are met only as planned, and where they are not.
    """
    found = outcome_of(report, result)
    found["within_ranges"] = range_notes(report.goals)
    failed = [goal for goal in report.goals if goal.verdict == "fail"]
    if all(goal.key == COMPLIANCE for goal in failed):
        found["goals"].update({one.key: goal_row(one) for one in failed})
    return found


def _simulate_finely(
    anatomy: Anatomy, one: Tried, plan: Plan, progress: Sequence[Callback]
) -> tuple[Result, Report]:
    chosen = one.candidate.plan(plan)
    result = simulate(place_anatomy(anatomy, chosen), chosen, callbacks=progress)
    return result, evaluate(result)
