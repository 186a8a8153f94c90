"""When goals were met, and when limits were broken, by the course of the treatment."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..plan import ICE_C, Plan
from ..plan.metrics import (
    HEALTHY,
    ICE_MARGIN,
    LETHAL_MARGIN,
    coverage,
    organ_temperature,
)
from ..simulation import Course
from .report import GoalVerdict

__all__ = ["first_time_s", "series_of", "timed"]

F64 = NDArray[np.float64]


def timed(
    goals: Sequence[GoalVerdict], course: Course | None, plan: Plan
) -> tuple[GoalVerdict, ...]:
    """Say of each goal when it was first met, or when its limit was first broken.

    A goal that is met only as well as the grid knows was met when nothing came to it any more.
    """
    if course is None:
        return tuple(goals)
    series = series_of(course, plan)
    return tuple(_timed(goal, course.times_s, series) for goal in goals)


def series_of(course: Course, plan: Plan) -> dict[str, F64]:
    """Return what the course says of numbers of the report: dotted path to (n,) values."""
    found = {HEALTHY: course.healthy_ml}
    if plan.target is not None:
        margins = {ICE_MARGIN: ICE_C, LETHAL_MARGIN: plan.target.lethal_c}
        found |= {
            path: course.margin_mm[level]
            for path, level in margins.items()
            if level in course.margin_mm
        }
    found |= {coverage(level): values for level, values in course.coverage.items()}
    found |= {organ_temperature(name): values for name, values in course.organs_c.items()}
    return found


def first_time_s(times_s: F64, values: F64, level: float) -> float | None:
    """First time at which a curve, linear between its samples, reaches a level from either side.

    The start where it is there from the start; None where it never gets there.
    """
    rises = values[-1] >= values[0]
    reached = values >= level if rises else values <= level
    if not reached.any():
        return None
    after = int(reached.argmax())
    if after == 0 or not np.isfinite(values[after - 1 : after + 1]).all():
        return float(times_s[after])
    before = values[after - 1]
    share = (level - before) / (values[after] - before)
    return float(times_s[after - 1] + share * (times_s[after] - times_s[after - 1]))


def _timed(goal: GoalVerdict, times_s: F64, series: dict[str, F64]) -> GoalVerdict:
    if goal.metric not in series:
        return goal
    values = series[goal.metric]
    good = values[0] >= goal.limit if goal.sense == "at least" else values[0] <= goal.limit
    if good and goal.verdict == "fail":
        return dataclasses.replace(goal, broken_s=first_time_s(times_s, values, goal.limit))
    if not good and goal.verdict != "fail":
        level = min(goal.limit, float(values[-1]))
        return dataclasses.replace(goal, met_s=first_time_s(times_s, values, level))
    return goal
