"""Why this plan: sentences about the count, the goal that binds, and where it is tightest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..anatomy import FAR_FROM_AXIAL_DEG
from ..evaluation import Report, surface_margin
from ..plan import ICE_C
from ..plan.metrics import organ_temperature
from ..simulation import Result
from .layout import even_directions
from .robustness import Robustness
from .trial import gap_of, lacking_mm, missing_of, scale_of
from .tried import Tried

__all__ = [
    "WeakestPoint",
    "explain",
    "times_of",
    "weakest_point",
    "what_is_wrong",
    "where_it_has_room",
    "where_it_holds",
]

F64 = NDArray[np.float64]

# A vessel so near to the target's surface keeps the ice from its margin.
_VESSEL_NEAR_MM = 15.0


@dataclass(frozen=True)
class WeakestPoint:
    """Where on the target's surface the ice margin is smallest.

    Attributes
    ----------
    at_mm : LPS. margin_mm : there. side : of the target, in anatomical words.
    where : ", where it has room" if some of the surface is left out.
    vessel_mm : distance to the nearest wide vessel, which stays warm; None: none in the box.
    """

    at_mm: tuple[float, float, float]
    margin_mm: float
    side: str
    vessel_mm: float | None
    where: str = ""


def weakest_point(result: Result) -> WeakestPoint | None:
    """Find it; None without a target or without ice."""
    if "target" not in result.tissue.structures:
        return None
    margin = surface_margin(result, ICE_C)
    if not margin.has_edge:
        return None
    smallest_mm, point_mm = margin.margin_mm[margin.smallest], margin.points_mm[margin.smallest]
    x, y, z = (np.round(point_mm, 1) + 0.0).tolist()
    vessel_mm = _to_vessel_mm(result, point_mm)
    return WeakestPoint((x, y, z), float(smallest_mm), margin.weak_side, vessel_mm, margin.where)


def _to_vessel_mm(result: Result, point_mm: F64) -> float | None:
    sinks = result.tissue.heat_sink
    if sinks is None or not sinks.any():
        return None
    centers = result.tissue.grid.to_world(np.argwhere(sinks)[:, ::-1])
    return float(np.linalg.norm(centers - point_mm, axis=1).min())


def times_of(report: Report) -> dict[str, float | None]:
    """First time (s) at which the target had what is asked of it, and each limit was broken.

    With the freezing (s) that the protocol goes on for after that.
    """
    target = report.target
    if target is None:
        return {}
    found = {
        "ice margin reached": target.margin_reached_s,
        "goals of the target met": target.goals_met_s,
        "freezing after that": target.freezing_after_s,
    }
    for organ in report.organs_at_risk:
        key = organ_temperature(organ.name)
        broken = [goal.broken_s for goal in report.goals if goal.key == key]
        found.update({f"{organ.name} limit reached": time_s for time_s in broken})
    return found


def explain(
    best: Tried,
    ranked: Sequence[Tried],
    frugal: Tried | None,
    final: Mapping[str, Any],
    passed: bool,
    weakest: WeakestPoint | None,
    ways: dict[str, int],
    robustness: Robustness,
) -> tuple[str, ...]:
    """Return sentences, the most important first.

    Parameters
    ----------
    best : the plan that was chosen. ranked : the best of each number of probes.
    frugal : what freezes less, meets the goals, and was passed over.
    final : `outcome_of` the best plan on its own grid. passed : whether the plan is as wanted.
    ways : how many directions are free, and how many each constraint rules out.
    """
    final_goals, healthy_ml = final["goals"], final["healthy_frozen_ml"]
    count = best.candidate.count
    most = max(one.candidate.count for one in (best, *ranked))
    words = _probes(count, best.candidate.model)
    found = []
    if passed:
        met = f"{words} meet{'s' if count == 1 else ''} all goals"
        found.append(met + where_it_has_room(final) + where_it_holds(final))
    else:
        why = what_is_wrong(best, final_goals)
        found.append(
            f"no plan of up to {most} probe{'s' if most > 1 else ''} meets the goals: "
            f"with {words}, the best found, {why}"
        )
        found += [f"the margin is {limit}" for limit in final.get("limits", ())]
    if passed and robustness.met:
        found.append(_how_sure(robustness))
    found += [_against(best, healthy_ml, other) for other in ranked if other is not best]
    if passed and frugal is not None and frugal not in ranked:
        found.append(_frugal(best, frugal))
    rooms = {name: _room(goal) for name, goal in final_goals.items() if goal[0] is not None}
    if passed and rooms:
        tightest = min(rooms, key=lambda name: rooms[name])
        found.append(f"the goal with the least room: {_value(final_goals, tightest)}")
    if weakest is not None:
        x, y, z = weakest.at_mm
        found.append(
            f"the smallest ice margin{weakest.where}, {weakest.margin_mm:.1f} mm, is on the "
            f"{weakest.side} side of the target, at [{x:g}, {y:g}, {z:g}]{_beside_vessel(weakest)}"
        )
    if best.candidate.tilt_deg > FAR_FROM_AXIAL_DEG:
        found.append(
            f"needles lie up to {best.candidate.tilt_deg:.0f}° out of the axial plane, in which CT "
            "shows a whole one"
        )
    if best.candidate.freeze_share != 1.0:
        share = 100 * best.candidate.freeze_share
        found.append(f"freezes take {share:.0f} % of the time that the protocol says")
    if ways:
        told = ", ".join(f"{number} {what}" for what, number in ways.items())
        found.append(f"of {len(even_directions())} directions from the target's middle {told}")
    return tuple(found)


def where_it_has_room(outcome: Mapping[str, Any]) -> str:
    """Say behind "all goals are met" what keeps the margin from being judged everywhere."""
    limits = outcome.get("limits")
    return f" where there is tissue: the margin is {'; '.join(limits)}" if limits else ""


def where_it_holds(outcome: Mapping[str, Any]) -> str:
    """Say behind "all goals are met" which of them are not within the ranges of tissues."""
    notes = outcome.get("within_ranges")
    return f", but not throughout the tissues' ranges: {'; '.join(notes)}" if notes else ""


def _how_sure(robustness: Robustness) -> str:
    """Say in how many of the variations all goals are still met."""
    met, count = sum(robustness.met.values()), len(robustness.met)
    found = f"all goals are still met in {met} of {count} variations of placement and tissue"
    if met == count:
        return found
    return f"{found}; worst_case = true looks for a plan that stands them all"


def what_is_wrong(one: Tried, goals: Mapping[str, Sequence[Any]] | None = None) -> str:
    """Say what a plan misses most: where its probes are, a goal, or only its worst case.

    Parameters
    ----------
    goals : of a finer grid than that of the search, where there is one.
    """
    if one.refused:
        return str(one.outcome["refused"])
    if one.obstacles:
        return "; ".join(f"a shaft {name}" for name in one.obstacles)
    where = "" if goals or not one.goals_on_own_grid else " on the plan's own grid"
    goals = goals or one.goals_on_own_grid or one.outcome["goals"]
    failing = missing_of(_failed(goals) or goals, {})
    worst = max(failing, key=lambda name: failing[name])
    if failing[worst] == 0.0 and one.missing_at_worst:
        return "the goals are met as planned, but not in the worst case"
    return _value(goals, worst) + where


def _beside_vessel(weakest: WeakestPoint) -> str:
    if weakest.vessel_mm is None or weakest.vessel_mm > _VESSEL_NEAR_MM:
        return ""
    return f", {weakest.vessel_mm:.0f} mm from a wide vessel, whose blood stays warm"


def _failed(goals: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the goals that failed: lengths pass within half a voxel, and then miss something."""
    return {name: row for name, row in goals.items() if row[4] == "fail"}


def _probes(count: int, model: str) -> str:
    return f"{count} probe{'s' if count > 1 else ''} ({model})"


def _against(best: Tried, healthy_ml: float, other: Tried) -> str:
    words = _probes(other.candidate.count, other.candidate.model)
    if not other.met:
        return f"with {words}: {what_is_wrong(other)}"
    now = other.outcome["healthy_frozen_ml"]
    return (
        f"with {words} all goals are met, and {now:.0f} instead of {healthy_ml:.0f} ml of healthy "
        f"tissue freeze{_passed_over(best, other)}"
    )


def _frugal(best: Tried, frugal: Tried) -> str:
    """Say which other plan of as many probes would freeze less."""
    return (
        f"{_probes(frugal.candidate.count, frugal.candidate.model)}, freezing "
        f"{100 * frugal.candidate.freeze_share:.0f} % of the time, would freeze "
        f"{frugal.outcome['healthy_frozen_ml']:.0f} instead of "
        f"{best.outcome['healthy_frozen_ml']:.0f} ml{_passed_over(best, frugal)}"
    )


def _passed_over(best: Tried, other: Tried) -> str:
    """Say why a plan that meets all goals and freezes less is not the best, if it does."""
    if not best.met or other.outcome["healthy_frozen_ml"] >= best.outcome["healthy_frozen_ml"]:
        return ""
    lacks_mm, has_mm = (lacking_mm(one.outcome, best.reserve_mm) for one in (other, best))
    why = []
    if lacks_mm > has_mm:
        why.append(f"its limits are {lacks_mm - has_mm:.1f} mm nearer, all together")
    if other.candidate.count > best.candidate.count:
        why.append("a probe more has to spare a tenth of it")
    if other.missing_at_worst is None and best.missing_at_worst is not None:
        why.append("nobody put it to the variations")
    return f": passed over, as {' and '.join(why)}" if why else ""


def _value(goals: Mapping[str, Sequence[Any]], name: str) -> str:
    value, limit, sense, unit, _, called = goals[name]
    text = "none" if value is None else f"{value:.3f}" if unit == "" else f"{value:.3g}"
    return f"{called} is {text} {unit}".rstrip() + f" ({sense} {limit:g} {unit}".rstrip() + ")"


def _room(goal: list[Any]) -> float:
    """How far a goal is from its limit, in the units in which goals are compared."""
    value, limit, sense, unit, *_ = goal
    return -gap_of(value, limit, sense) / scale_of(limit, unit)
