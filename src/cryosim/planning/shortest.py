"""The shortest freezes that still give the target all that is asked of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError, expect_type
from ..evaluation import GoalVerdict, Report, evaluate
from ..plan import Plan
from ..plan.metrics import COMPLIANCE
from ..simulation import Callback, Result, simulate
from ..tissue import TissueGrid
from .trial import gap_of, scale_of

__all__ = ["Shortest", "shortest_protocol"]

# Freezes are tried in steps of a hundredth of the longest one, and of a tenth of a minute at least.
_STEP_SHARE, _STEP_MINUTES = 0.01, 0.1
# A guess keeps this share of what is left away from what was tried.
_AWAY = 0.1
_NO = -0.01  # room of a goal that only says yes or no


@dataclass(frozen=True, eq=False)
class Shortest:
    """What was found.

    Attributes
    ----------
    plan, result, report : with the shortest freezes. share : of the protocol's freezes.
    simulations : that it took.
    """

    plan: Plan
    result: Result
    report: Report
    share: float
    simulations: int


def shortest_protocol(
    tissue: TissueGrid, plan: Plan, *, callbacks: Sequence[Callback] = ()
) -> Shortest:
    """Shorten all freezes in proportion, as far as the target's goals are still met.

    Probes and thaws stay as they are. Where the whole protocol does not meet those goals, or
    lengths only within half a voxel, it is what is returned. Limits of organs at risk are judged,
    but do not decide.

    Parameters
    ----------
    tissue, plan, callbacks : as for `simulate`.

    Raises
    ------
    InputError
        When the plan has no target, and what `simulate` raises.
    """
    expect_type("shortest_protocol: plan", plan, Plan, "read_plan returns one")
    if plan.target is None:
        raise InputError("the plan has no target that shorter freezes could do for; add [target]")
    longest = max(stage.minutes for stage in plan.protocol.stages if stage.kind == "freeze")
    steps = int(min(1.0 / _STEP_SHARE, max(longest / _STEP_MINUTES, 1.0)))

    def tried(step: int, simulations: int) -> Shortest:
        protocol = plan.protocol.with_freezes(step / steps)
        shorter = plan.with_protocol(protocol)
        result = simulate(tissue, shorter, callbacks=callbacks)
        return Shortest(shorter, result, evaluate(result), step / steps, simulations)

    best, count = tried(steps, 1), 1
    enough, short, room_at_short = steps, 0, -1.0
    while room_of(best.report) >= 0.0 and enough - short > 1:
        wanted = steps * _guess(best, short / steps, room_at_short)
        step = min(max(int(wanted), short + 1), enough - 1)
        count += 1
        found = tried(step, count)
        if room_of(found.report) >= 0.0:
            best, enough = found, step
        else:
            short, room_at_short = step, room_of(found.report)
    return dataclasses.replace(best, simulations=count)


def room_of(report: Report) -> float:
    """How far the target's goals are from being missed, the nearest of them; negative: missed.

    Lengths that pass only within half a voxel are missed here: less ice is no reason to be unsure.
    """
    rooms = []
    for goal in report.goals:
        if goal.metric.startswith("target.") and goal.sense == "at least":
            rooms.append(_room(goal))
    return min(rooms, default=0.0)


def _room(goal: GoalVerdict) -> float:
    if goal.metric == COMPLIANCE or goal.value is None:
        # Its share of half-frozen voxels says no more than yes or no.
        return _NO if goal.verdict == "fail" else float("inf")
    return -gap_of(goal.value, goal.limit, goal.sense) / scale_of(goal.limit, goal.unit)


def _guess(best: Shortest, short: float, room_at_short: float) -> float:
    """Choose the next share, between one that was too short and the best so far."""
    target = best.report.target
    if short == 0.0 and target is not None and target.freezing_after_s is not None:
        # What came after the goals were met was too much, or nearly all of it.
        stages = best.plan.protocol.stages
        freezing_s = sum(stage.duration_s for stage in stages if stage.kind == "freeze")
        wanted = best.share * (1.0 - target.freezing_after_s / freezing_s)
    else:
        room = min(room_of(best.report), 1.0)
        wanted = short + (best.share - short) * -room_at_short / (room - room_at_short)
    away = _AWAY * (best.share - short)
    return min(max(wanted, short + away), best.share - away)
