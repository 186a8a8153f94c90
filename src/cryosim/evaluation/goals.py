"""Goals: a number, a limit, a verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from ..margin_room import end_words, limit_words
from ..plan import Goal, OrganAtRisk, Plan, Target
from ..plan.metrics import (
    COMPLIANCE,
    ICE_MARGIN,
    coverage,
    ice_distance,
    limited_margin,
    organ_temperature,
    unit_of,
)
from ..quantities import MarginLimit, OrganReport, TargetReport
from .report import GoalVerdict, Verdict

__all__ = ["judge_goals", "judge_metrics"]


def judge_goals(
    plan: Plan,
    target: TargetReport | None,
    organs: Sequence[OrganReport],
    half_voxel_mm: float,
) -> tuple[GoalVerdict, ...]:
    """Judge what every plan with a target or organs at risk is meant to reach.

    Lengths pass within half a voxel, with a warning: the grid knows no better.
    """
    verdicts: list[GoalVerdict] = []
    if plan.target is not None and target is not None:
        verdicts += _target_goals(plan.target, target, half_voxel_mm)
    skin_is_seen = plan.skin.name in {found.name for found in organs}
    for organ, found in zip(plan.organs(skin_is_seen), organs, strict=True):
        verdicts += _organ_goals(organ, found, half_voxel_mm)
    return tuple(verdicts)


def judge_metrics(
    goals: Sequence[Goal], metrics: Mapping[str, float | None]
) -> tuple[GoalVerdict, ...]:
    """Judge the goals that a plan states on numbers of the report, by their dotted path."""
    return tuple(_judge_metric(goal, metrics.get(goal.metric)) for goal in goals)


def _target_goals(target: Target, found: TargetReport, half_voxel_mm: float) -> list[GoalVerdict]:
    share_lethal = found.coverage[target.lethal_c]
    compliance = found.compliance
    share = min(compliance.surface_fraction, compliance.shell_frozen_fraction)
    exact = share >= 1 - 1e-9
    goals = [
        _at_least(
            f"lethal coverage ({target.lethal_c:g} C)",
            coverage(target.lethal_c),
            share_lethal,
            target.lethal_coverage,
        ),
        _at_least(
            "ice margin", ICE_MARGIN, found.margin.ice.min_mm, target.margin_mm, half_voxel_mm
        ),
        GoalVerdict(
            f"{target.margin_mm:g} mm compliance",
            share,
            1.0,
            "at least",
            "",
            "ok" if exact else "warn" if compliance.passed else "fail",
            COMPLIANCE,
        ),
    ]
    if not found.limits:
        return goals
    lethal, *margins = goals
    return [
        lethal,
        *(_as_far_as_there_is_room(goal, found.limits) for goal in margins),
        *(_limited_margin(limit, half_voxel_mm) for limit in found.limits),
    ]


def _as_far_as_there_is_room(goal: GoalVerdict, limits: Sequence[MarginLimit]) -> GoalVerdict:
    """Say of a goal that it is judged on a part only: it is never plainly met."""
    return dataclasses.replace(
        goal,
        name=f"{goal.name} where it has room",
        verdict="warn" if goal.verdict == "ok" else goal.verdict,
        note="; ".join(map(limit_words, limits)),
    )


def _limited_margin(limit: MarginLimit, half_voxel_mm: float) -> GoalVerdict:
    """Judge the part of the surface where skin or a barrier leaves less room than is wanted."""
    goal = _at_least(
        f"ice margin at {end_words(limit.by)}, where most is missing",
        limited_margin(limit.by),
        limit.reached_mm,
        limit.asked_mm,
        half_voxel_mm,
    )
    return dataclasses.replace(goal, note=limit_words(limit))


def _organ_goals(organ: OrganAtRisk, found: OrganReport, half_voxel_mm: float) -> list[GoalVerdict]:
    goals = []
    if organ.min_temperature_c is not None:
        metric = organ_temperature(organ.name)
        goals.append(
            _at_least(f"{organ.name} coldest", metric, found.coldest_c, organ.min_temperature_c)
        )
    if organ.min_ice_distance_mm is not None:
        name, metric = f"{organ.name} to ice", ice_distance(organ.name)
        limit = organ.min_ice_distance_mm
        if found.ice_distance_mm is None:
            # Without an ice edge either nothing froze, or everything did.
            verdict: Verdict = "ok" if found.coldest_c > 0 else "fail"
            goals.append(GoalVerdict(name, None, limit, "at least", "mm", verdict, metric))
        else:
            goals.append(_at_least(name, metric, found.ice_distance_mm, limit, half_voxel_mm))
    return goals


def _at_least(
    name: str, metric: str, value: float | None, limit: float, tolerance: float = 0.0
) -> GoalVerdict:
    verdict: Verdict = "ok"
    if value is None or value < limit - tolerance:
        verdict = "fail"
    elif value < limit:
        verdict = "warn"
    return GoalVerdict(name, value, limit, "at least", unit_of(metric), verdict, metric)


def _judge_metric(goal: Goal, value: float | None) -> GoalVerdict:
    sense: Literal["at least", "at most"]
    if goal.at_least is not None:
        good = value is not None and value >= goal.at_least
        limit, sense = goal.at_least, "at least"
    else:
        limit, sense = goal.at_most or 0.0, "at most"
        good = value is not None and value <= limit
    verdict: Verdict = "ok" if good else "fail"
    unit = unit_of(goal.metric)
    return GoalVerdict(goal.metric, value, limit, sense, unit, verdict, goal.metric, stated=True)
