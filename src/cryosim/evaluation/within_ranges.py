"""Whether goals that are met are still met where tissue is otherwise, within its range.

Nobody knows blood flow and conduction of a patient's tissue while it freezes. A verdict that does
not hold within what is known of them is not plainly good, however good the number is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..plan.metrics import COMPLIANCE, ICE_MARGIN
from ..simulation import Varied
from .report import GoalVerdict

__all__ = ["judged_within_ranges", "number_words", "range_notes", "room_of", "value_in"]

_MOST_DIGITS = 4


def judged_within_ranges(
    goals: Sequence[GoalVerdict], varied: Sequence[Varied]
) -> tuple[GoalVerdict, ...]:
    """Say of goals that are met where they are not, the worst such place; they are never "ok".

    What falls below its limit by less than half a voxel is missed here. Compliance is the share of
    the surface that has the margin: it goes with the ice margin.
    """
    judged = [_judged(goal, varied) for goal in goals]
    margin = next((goal for goal in judged if goal.key == ICE_MARGIN), None)
    if margin is None or not margin.within_ranges:
        return tuple(judged)
    told = margin.within_ranges
    return tuple(
        dataclasses.replace(goal, verdict="warn", within_ranges=f"ice margin {told}")
        if goal.key == COMPLIANCE and goal.verdict != "fail"
        else goal
        for goal in judged
    )


def range_notes(goals: Sequence[GoalVerdict]) -> list[str]:
    """Name the goals that are met, but not everywhere within the tissues' ranges.

    Compliance, which goes with the ice margin, is not named beside it.
    """
    return [
        f"{goal.name}: {goal.within_ranges}"
        for goal in goals
        if goal.within_ranges and goal.key != COMPLIANCE
    ]


def value_in(goal: GoalVerdict, one: Varied) -> float | None:
    """Return the goal's number in a variation: on the result's own grid, more by what it changes.

    None where the number is gone, and the goal missed with it.
    """
    change = one.goals.get(goal.key, 0.0)
    return None if goal.value is None or change is None else goal.value + change


def room_of(goal: GoalVerdict, value: float | None, half_voxel_mm: float = 0.0) -> float:
    """How far a number is from where the goal fails; negative where it does."""
    if value is None:
        return -float("inf")
    room = value - goal.limit if goal.sense == "at least" else goal.limit - value
    return room + (half_voxel_mm if goal.unit == "mm" and not goal.stated else 0.0)


def number_words(goal: GoalVerdict, value: float | None) -> str:
    """Write a number of a goal, with as many digits as it takes to see that a limit is missed."""
    if value is None:
        return "none"
    scale, unit = (1.0, goal.unit) if goal.unit else (100.0, "%")
    value, limit = scale * value, scale * goal.limit
    digits = 1
    while digits < _MOST_DIGITS and (round(value, digits) < limit) != (value < limit):
        digits += 1
    return f"{round(value, digits) + 0.0:.{digits}f} {unit}"


def _judged(goal: GoalVerdict, varied: Sequence[Varied]) -> GoalVerdict:
    found = [(one, value_in(goal, one)) for one in varied if goal.key in one.goals]
    # A goal without a number is met because nothing is near; only its loss says something then.
    found = [(one, value) for one, value in found
             if goal.value is not None or one.goals[goal.key] is None]  # fmt: skip
    if goal.verdict == "fail" or not found:
        return goal
    worst, value = min(found, key=lambda pair: room_of(goal, pair[1]))
    if room_of(goal, value) >= 0.0:
        return goal
    told = f"met, but not {worst.where} ({number_words(goal, value)})"
    return dataclasses.replace(goal, verdict="warn", within_ranges=told)
