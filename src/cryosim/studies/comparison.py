"""Two results of any plans and grids: what both say, and what their plans differ in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluation import (
    GoalVerdict,
    Report,
    evaluate,
    isotherm_volume_ml,
)
from ..plan import Plan
from ..quantities import Quantity, numbers_of
from ..simulation import Result

__all__ = ["ComparedGoal", "ComparedNumber", "Comparison", "PlanDifference", "compare_results"]

Key = tuple[str, str, Quantity]  # section, name, and how it is written

_SAME_TIME_S = 0.5
_MOVED_MM, _TURNED_DEG = 0.05, 0.05  # less is not worth a word


@dataclass(frozen=True)
class ComparedGoal:
    """A goal of one plan or of both, by its name; None where a plan does not have it."""

    name: str
    first: GoalVerdict | None
    second: GoalVerdict | None


@dataclass(frozen=True)
class ComparedNumber:
    """A number of both results; None where one has no such number.

    Attributes
    ----------
    section, name : as in the table.
    quantity : how it is written.
    """

    section: str
    name: str
    quantity: Quantity
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        """Second minus first."""
        if self.first is None or self.second is None:
            return None
        return self.second - self.first


@dataclass(frozen=True)
class PlanDifference:
    """A key in which two plans differ, as they were run; None where a plan does not have it."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two results side by side.

    Attributes
    ----------
    names : what they are called.
    results, reports : what was simulated, and what was found in it.
    goals, numbers : side by side, in the order of the table.
    plan : what the plans differ in.
    notes : how far the probes are apart, and what makes numbers hard to compare.
    """

    names: tuple[str, str]
    results: tuple[Result, Result]
    reports: tuple[Report, Report]
    goals: tuple[ComparedGoal, ...]
    numbers: tuple[ComparedNumber, ...]
    plan: tuple[PlanDifference, ...]
    notes: tuple[str, ...]


def compare_results(
    first: Result, second: Result, names: tuple[str, str] = ("first", "second")
) -> Comparison:
    """Evaluate two results and put what they say side by side.

    Grids, anatomies and protocols may differ. Numbers are matched by their names.

    Parameters
    ----------
    names : what the results are called, for table and picture.
    """
    reports = evaluate(first), evaluate(second)
    goals = [{goal.key: goal for goal in report.goals} for report in reports]
    numbers = [
        dict(_numbers(result, report))
        for result, report in zip((first, second), reports, strict=True)
    ]
    return Comparison(
        names=names,
        results=(first, second),
        reports=reports,
        goals=tuple(
            ComparedGoal(
                (goals[0].get(key) or goals[1][key]).name, goals[0].get(key), goals[1].get(key)
            )
            for key in dict.fromkeys([*goals[0], *goals[1]])
        ),
        numbers=tuple(
            ComparedNumber(*key, numbers[0].get(key), numbers[1].get(key))
            for key in _in_sections(numbers)
        ),
        plan=_plan_differences(first.plan, second.plan),
        notes=(*_probe_moves(first.plan, second.plan), *_cautions(first, second)),
    )


def _in_sections(numbers: list[dict[Key, float | None]]) -> list[Key]:
    """Return the keys of both, those that only the second has at the end of their section."""
    keys = list(dict.fromkeys([*numbers[0], *numbers[1]]))
    sections = list(dict.fromkeys(section for section, _, _ in keys))
    return sorted(keys, key=lambda key: sections.index(key[0]))


def _numbers(result: Result, report: Report) -> Iterator[tuple[Key, float | None]]:
    levels = sorted(set(result.plan.report.isotherms_c), reverse=True)
    if report.target is not None:
        yield from _of_part("Target", report.target)
    for organ in report.organs_at_risk:
        yield from _of_part(f"At risk: {organ.name}", organ)
    for sensor in report.sensors:
        yield from _of_part(f"Sensor: {sensor.name}", sensor)
    for level in levels:
        volume = isotherm_volume_ml(result, result.coldest_c, level)
        yield _volume("Coldest ever", level), volume
    stages = zip(result.plan.protocol.stages, result.plan.protocol.ends_s(), strict=True)
    ends_s = [end_s for stage, end_s in stages if stage.kind == "freeze"]
    for freeze, end_s in enumerate(ends_s, start=1):
        for row in report.timeline:
            if abs(row.t_s - end_s) < _SAME_TIME_S:
                for level, volume in row.volume_ml.items():
                    yield _volume(f"End of freeze {freeze}", level), volume
    yield ("Probes", "number", Quantity("number", "", 0)), float(len(result.plan.probe))
    heat_kj = sum(needle.heat_j for needle in report.needles[: len(result.plan.probe)]) / 1e3
    yield ("Probes", "heat taken out", Quantity("heat taken out", "kJ")), heat_kj


def _volume(section: str, isotherm_c: float) -> Key:
    name = f"at or below {isotherm_c:g} C"
    return section, name, Quantity(name, "ml")


def _of_part(section: str, part: Any) -> Iterator[tuple[Key, float | None]]:
    for number in numbers_of(part, ""):
        if number.value is None and not number.quantity.absent:
            continue  # a number that such a part need not have
        yield (section, number.name, number.quantity), number.value


def _plan_differences(first: Plan, second: Plan) -> tuple[PlanDifference, ...]:
    leaves = [
        dict(_leaves(plan.model_dump(mode="json", exclude_none=True))) for plan in (first, second)
    ]
    return tuple(
        PlanDifference(key, leaves[0].get(key), leaves[1].get(key))
        for key in dict.fromkeys([*leaves[0], *leaves[1]])
        if leaves[0].get(key) != leaves[1].get(key)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give the values of a plan by dotted key; lists of numbers or words stay whole."""
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = list(enumerate(value))
    else:
        yield path, value
        return
    for key, item in items:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))


def _probe_moves(first: Plan, second: Plan) -> Iterator[str]:
    """Say how far each probe of the second plan lies from that of the first, if as many."""
    if len(first.probe) != len(second.probe):
        return
    for number, (one, other) in enumerate(zip(first.probe, second.probe, strict=True)):
        moved = float(np.linalg.norm(np.subtract(other.tip_mm, one.tip_mm)))
        turned = float(np.degrees(np.arccos(np.clip(one.axis @ other.axis, -1.0, 1.0))))
        if moved >= _MOVED_MM or turned >= _TURNED_DEG:
            yield f"probe.{number}: tip moved by {moved:.1f} mm, turned by {turned:.1f} degrees"


def _cautions(first: Result, second: Result) -> Iterator[str]:
    if first.plan.anatomy != second.plan.anatomy:
        yield "the anatomies differ: target and organs are not the same shapes"
    steps = [float(result.tissue.grid.spacing_mm.max()) for result in (first, second)]
    if abs(steps[0] - steps[1]) > 0.01:
        yield (
            f"voxels of {steps[0]:.3g} and {steps[1]:.3g} mm: small differences may come from the "
            "grid"
        )
