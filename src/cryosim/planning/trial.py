"""What a worker does: simulate one choice of probes and say how far it is from the goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation import GoalVerdict, Report, TargetShape, evaluate, frozen_skin_cm2
from ..geometry import Grid
from ..margin_room import limit_words
from ..plan import GridPlan, Plan, Protocol
from ..plan.metrics import COMPLIANCE
from ..probes import Probe
from ..simulation import Result, Settings, simulate
from ..surfaces import sample, share_at_or_below
from ..tissue import TissueGrid
from .candidate import Candidate
from .otherwise import applied, otherwise

__all__ = [
    "KELVINS_A_MM",
    "SKIN_MM_A_CM2",
    "Trial",
    "carry_out",
    "gap_of",
    "goal_row",
    "lacking_mm",
    "missing_of",
    "outcome_of",
    "scale_of",
]

F64 = NDArray[np.float64]

# Steps twice as long as usual: 0.1 % in a volume is nothing here. No fields but the last, and no
# course but at the ends of stages: nobody asks when.
_SETTINGS = Settings(growth=0.1, snapshot_every_s=1e9, course_every_s=1e9)
# What is missing to a goal counts in these units.
_UNIT = {"mm": 10.0, "C": 10.0, "": 0.1}
KELVINS_A_MM = 3.0  # that temperature climbs at the edge of the ice
# Skin that nobody names an organ at risk is no goal, but not to be frozen without need: so many
# millimeters of reserve a square centimeter.
SKIN_MM_A_CM2 = 0.05
_UNKNOWN = 5.0  # a goal on a number that does not exist, such as the margin of no ice

_TEMPLATE_ROOM_MM = 48.0
_TEMPLATE_SPACING_MM = 3.0
_TEMPLATE_STEP_MM = 1.5


@dataclass(frozen=True, eq=False)
class Trial:
    """What all tasks of a search have in common.

    Attributes
    ----------
    tissue : on the grid of the search. plan : its probes only say what candidates of their model
        are like.
    points_mm : (n, 3) where the coldest temperature is asked for.
    target : finer than `tissue` shows it.
    """

    tissue: TissueGrid
    plan: Plan
    points_mm: F64
    target: TargetShape


def carry_out(trial: Trial, task: Mapping[str, Any]) -> dict[str, Any]:
    """Simulate a task; both task and outcome are JSON values.

    A task with "tips_mm" is a `Candidate.task`, with what varies: what `otherwise.applied` knows;
    "weak_probe", its number, and "weak_duty", the share of full power that it has left. The
    outcome of one without has "otherwise": what may be otherwise in its tissue, and its task.
    One with "template" is a single probe alone in a tissue, for `template.Template`.
    """
    if "template" in task:
        return _template(trial, task)
    candidate = Candidate(
        task["model"], tuple(map(tuple, task["tips_mm"])), tuple(map(tuple, task["entries_mm"])),
        task["freeze_share"],
    )  # fmt: skip
    plan, tissue = _varied(candidate.plan(trial.plan), trial.tissue, task)
    try:
        result = simulate(tissue, plan, _SETTINGS)
    except InputError as error:
        return {"refused": str(error)}
    report = evaluate(result, target_shape=trial.target)
    found = outcome_of(report, result)
    if set(task) == set(candidate.task()):
        found["otherwise"] = {one.where: dict(one.task) for one in otherwise(result, report)}
    points = sample(tissue.grid, tissue.continued_through_gas(result.coldest_c), trial.points_mm)
    return {**found, "coldest_c": np.round(points, 2).tolist()}


def outcome_of(report: Report, result: Result) -> dict[str, Any]:
    """Return the numbers that plans are compared by."""
    tissue, target = result.tissue, report.target
    frozen_ml = _frozen_ml(result)
    ice = None if target is None else target.margin.ice
    return {
        # Compliance says of half-frozen voxels what the ice margin says of points between them.
        "goals": {goal.key: goal_row(goal) for goal in report.goals if goal.key != COMPLIANCE},
        "coverage": None if target is None else target.coverage[_lethal_c(result)],
        "ice_margin_min_mm": None if ice is None else ice.min_mm,
        "ice_margin_p05_mm": None if ice is None else ice.p05_mm,
        "lethal_margin_min_mm": None if target is None else target.margin.lethal.min_mm,
        "frozen_ml": frozen_ml,
        "healthy_frozen_ml": frozen_ml - _frozen_ml(result, tissue.structures.get("target")),
        "frozen_skin_cm2": frozen_skin_cm2(result),
        "limits": [] if target is None else [limit_words(limit) for limit in target.limits],
        "coldest_organs_c": {organ.name: organ.coldest_c for organ in report.organs_at_risk},
    }


def goal_row(goal: GoalVerdict) -> list[Any]:
    """Return a goal as JSON values: value, limit, sense, unit, verdict, name."""
    return [goal.value, goal.limit, goal.sense, goal.unit, goal.verdict, goal.name]


def _lethal_c(result: Result) -> float:
    target = result.plan.target
    return -40.0 if target is None else target.lethal_c


def missing_of(goals: Mapping[str, Sequence[Any]], slack: Mapping[str, float]) -> dict[str, float]:
    """How much goals are missed by, in units that make them comparable; 0 when met.

    Parameters
    ----------
    goals : of `outcome_of`. slack : by goal, how much more than its limit is asked for.
    """
    found = {}
    for name, (value, limit, sense, unit, verdict, *_) in goals.items():
        if value is None:
            found[name] = 0.0 if verdict == "ok" else _UNKNOWN
            continue
        gap = gap_of(value, limit, sense) + slack.get(name, 0.0)
        found[name] = max(gap, 0.0) / scale_of(limit, unit)
    return found


def lacking_mm(outcome: Mapping[str, Any], reserve_mm: float) -> float:
    """How many millimeters of reserve goals lack, all together: a misplacement takes that much.

    Parameters
    ----------
    outcome : of `outcome_of`. reserve_mm : wanted beyond every limit; a millimeter is some kelvins.
    """
    rooms = []
    for value, limit, sense, unit, *_ in outcome.get("goals", {}).values():
        if unit in ("mm", "C") and value is not None:
            kelvins = KELVINS_A_MM if unit == "C" else 1.0
            rooms.append(-gap_of(value, limit, sense) / kelvins)
    if outcome.get("lethal_margin_min_mm") is not None:
        rooms.append(outcome["lethal_margin_min_mm"])
    lacking = float(np.clip(reserve_mm - np.array(rooms), 0.0, reserve_mm).sum())
    return lacking + SKIN_MM_A_CM2 * float(outcome.get("frozen_skin_cm2", 0.0))


def gap_of(value: float, limit: float, sense: str) -> float:
    """How far a value is from being good enough, in its own unit; negative when there is room."""
    return limit - value if sense == "at least" else value - limit


def scale_of(limit: float, unit: str) -> float:
    """Return how much of a goal's unit counts as much as ten millimeters of margin."""
    if unit == "" and abs(limit) > 1.0:
        return abs(limit)
    return _UNIT.get(unit, max(abs(limit), 1.0))


def _frozen_ml(result: Result, share: NDArray[np.float32] | None = None) -> float:
    frozen = share_at_or_below(result.coldest_c, 0.0) * (1.0 - result.probe_share)
    frozen = np.where(result.tissue.is_gas, 0.0, frozen)
    if share is not None:
        frozen = frozen * share
    return float(frozen.sum(dtype=float)) * result.tissue.grid.cell_volume_ml


def _varied(plan: Plan, tissue: TissueGrid, task: Mapping[str, Any]) -> tuple[Plan, TissueGrid]:
    """Change what a task says may be otherwise than planned."""
    plan, tissue = applied(plan, tissue, task)
    if "weak_probe" in task:
        probes = list(plan.probe)
        weak = probes[task["weak_probe"]]
        probes[task["weak_probe"]] = weak.model_copy(
            update={"duty": max(weak.duty * task["weak_duty"], 0.2)}
        )
        plan = plan.model_copy(update={"probe": tuple(probes)})
    return plan, tissue


def _for_its_time(protocol: Protocol) -> Protocol:
    """Return the protocol without what may end its freezes early: alone a probe harms nothing."""
    stages = (
        stage.model_copy(update={"until": None, "until_c": None}) for stage in protocol.stages
    )
    return Protocol(stages=tuple(stages))


def _template(trial: Trial, task: Mapping[str, Any]) -> dict[str, Any]:
    """Coldest-ever temperatures around one probe in a uniform tissue, averaged about its axis."""
    like = Candidate(task["template"], ((0, 0, 0),), ((0, 0, 100),), task["freeze_share"])
    numbers = like.plan(trial.plan).probe[0]
    length = numbers.active_length_mm
    room = _TEMPLATE_ROOM_MM
    grid = Grid.centered((2 * room, 2 * room, 2 * room + length), _TEMPLATE_SPACING_MM)
    bottom, top = -length / 2, length / 2 + room - 1.0
    probe = Probe(**{**numbers.model_dump(), "tip_mm": (0, 0, bottom), "entry_mm": (0, 0, top)})
    tissue = trial.tissue.tissues[task["tissue"]]
    plan = trial.plan.model_copy(
        update={
            "probe": (probe,), "warmer": (), "sensor": (), "target": None, "organ_at_risk": (),
            "goal": (), "protection": (), "skin_pack": (), "grid": GridPlan(),
            "protocol": _for_its_time(trial.plan.protocol.with_freezes(task["freeze_share"])),
        }
    )  # fmt: skip
    result = simulate(TissueGrid.uniform(grid, tissue), plan, _SETTINGS)
    heights = np.arange(-room, length + room, _TEMPLATE_STEP_MM)
    radii = np.arange(0.0, room, _TEMPLATE_STEP_MM)
    angles = np.arange(8) * np.pi / 4 + 0.2
    z, r, a = np.meshgrid(heights, radii, angles, indexing="ij")
    points = np.stack([r * np.cos(a), r * np.sin(a), z + bottom], axis=-1)
    found = sample(grid, result.coldest_c, points.reshape(-1, 3)).reshape(z.shape).mean(axis=-1)
    return {
        "coldest_c": np.round(found, 2).tolist(),
        "first_z_mm": -room,
        "step_mm": _TEMPLATE_STEP_MM,
        "active_length_mm": length,
    }
