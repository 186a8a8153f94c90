"""The tables of a report, the same for terminal and page; degrees are written as "C"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..evaluation import GoalVerdict, Report
from ..pictures.moment import Moment
from ..plan import Protocol
from ..quantities import (
    KillReport,
    Margin,
    NeedleReport,
    OrganReport,
    SensorReport,
    quantities_of,
)
from ..simulation import Result
from .wording import amount, goal_limit, goal_time, goal_value, number_words

__all__ = [
    "Table",
    "cells",
    "goals_table",
    "growth_table",
    "headings",
    "kill_table",
    "margins_table",
    "needles_table",
    "notes_of",
    "organs_table",
    "sensors_table",
    "target_table",
]


class Table(NamedTuple):
    """Headings and rows of words."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    @property
    def turned(self) -> Table:
        """The same with rows for columns."""
        columns = list(zip(self.headings, *self.rows, strict=True))
        return Table(self.title, columns[0], columns[1:])


def headings(kind: type[Any]) -> tuple[str, ...]:
    """Name the numbers of a part of the report."""
    return tuple(quantity.name for quantity in quantities_of(kind).values())


def cells(part: Any) -> tuple[str, ...]:
    """Write the numbers of a part of the report."""
    found = quantities_of(type(part))
    return tuple(number_words(getattr(part, key), quantity) for key, quantity in found.items())


def goals_table(goals: Sequence[GoalVerdict], protocol: Protocol) -> Table:
    """Say what was asked, what was reached, and when a goal was met or a limit broken."""
    rows = [
        (goal.name, goal_value(goal), goal_limit(goal), goal_time(goal, protocol), goal.verdict)
        for goal in goals
    ]
    return Table("Goals", ("goal", "reached", "asked", "when", "verdict"), rows)


def notes_of(goals: Sequence[GoalVerdict]) -> list[str]:
    """Say what has to be said beside verdicts, each once: what limits the margin."""
    notes = [note for goal in goals for note in goal.note.split("; ") if note]
    return list(dict.fromkeys(f"margin {note}" for note in notes))


def target_table(report: Report) -> Table:
    """Write every number of the target, one a row; no rows without a target."""
    numbers = (one for one in report.numbers() if one.path.startswith("target."))
    rows = [(one.name, number_words(one.value, one.quantity)) for one in numbers]
    return Table("Target", ("", ""), rows)


def growth_table(report: Report, result: Result) -> Table:
    """Write isotherm volumes at the ends of stages and when else the plan asks for them."""
    asked = {*result.plan.protocol.ends_s(), *result.plan.report.times_s}
    rows = [row for row in report.timeline if row.t_s in asked]
    levels = [f"{level:g} C" for level in rows[0].volume_ml] if rows else []
    written = [
        (Moment.of(result, row.t_s).title, *[amount(ml, "ml") for ml in row.volume_ml.values()])
        for row in rows
    ]
    return Table("Isotherm volumes", ("time", *levels), written)


def margins_table(report: Report) -> Table:
    """Set the margins of the visible ice and of the lethal isotherm side by side."""
    rows = []
    if report.target is not None:
        margins = report.target.margin
        rows = [
            (f"{name}, {margin.isotherm_c:g} C{margin.where}", *cells(margin))
            for name, margin in (("ice", margins.ice), ("lethal", margins.lethal))
        ]
    return Table("Margins", ("margin", *headings(Margin)), rows)


def kill_table(report: Report) -> Table:
    """Write what each rule kills, the dose-response also after each freeze."""
    rows = []
    for rule in report.kill:
        rows.append((rule.rule, *cells(rule)))
        rows += [(f"– after freeze {after.freezes}", *cells(after)) for after in rule.after_freezes]
    return Table("Cell kill", ("rule", *headings(KillReport)), rows)


def organs_table(report: Report) -> Table:
    """Write every number of organs at risk, one a row, but those that none of them has."""
    organs = report.organs_at_risk
    rows = [
        (quantity.name, *(number_words(getattr(organ, key), quantity) for organ in organs))
        for key, quantity in quantities_of(OrganReport).items()
    ]
    names = tuple(organ.name for organ in organs)
    return Table("Organs at risk", ("", *names), [row for row in rows if any(row[1:])])


def sensors_table(report: Report) -> Table:
    """Write what each sensor has seen."""
    rows = [(sensor.name, *cells(sensor)) for sensor in report.sensors]
    return Table("Sensors", ("sensor", *headings(SensorReport)), rows)


def needles_table(report: Report) -> Table:
    """Write what each probe and warmer did."""
    rows = [(needle.name, needle.model, *cells(needle)) for needle in report.needles]
    return Table("Needles", ("needle", "model", *headings(NeedleReport)), rows)
