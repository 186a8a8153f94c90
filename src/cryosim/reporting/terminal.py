"""The report as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import expect_type
from ..evaluation import DISCLAIMER, Report, range_notes
from ..plan import Protocol
from ..simulation import Result
from .tables import (
    Table,
    goals_table,
    growth_table,
    kill_table,
    needles_table,
    notes_of,
    organs_table,
    sensors_table,
    target_table,
)
from .wording import skin_given_up, time_to_goals

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

__all__ = ["VERDICT_STYLE", "print_report"]

_WARNINGS = 3  # that are printed
VERDICT_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def print_report(report: Report, result: Result, console: Console) -> None:
    """Print verdicts, target, organs and isotherm volumes as tables."""
    expect_type("print_report: report", report, Report, "evaluate returns one")
    if report.goals:
        console.print(_goals(report, result.plan.protocol))
        for note in (*range_notes(report.goals), *notes_of(report.goals)):
            console.print(f"[yellow]{_escape(note)}[/yellow]", highlight=False)
        if told := time_to_goals(report, result.plan.protocol):
            console.print(told, highlight=False)
    if told := skin_given_up(result):
        console.print(f"[yellow]{_escape(told)}[/yellow]", highlight=False)
    for ended in result.ended_early:
        console.print(_escape(ended), highlight=False)
    _print_warnings(report, console)
    tables = (target_table, kill_table, organs_table, sensors_table, needles_table)
    for table in (write(report) for write in tables):
        if table.rows:
            console.print(_drawn(table))
    console.print(_drawn(growth_table(report, result)))
    energy, cost = result.energy, result.performance
    console.print(
        f"energy closes to {energy.relative_error:.1e}; probes took out "
        f"{energy.probe_heat_out_j / 1e3:.1f} kJ; {cost.cells:,} voxels, {cost.stages:,} stages "
        f"in {cost.wall_s:.1f} s (+ {cost.compile_s:.1f} s compiling)",
        highlight=False,
    )
    console.print(f"[dim]{DISCLAIMER}[/dim]", highlight=False)


def _print_warnings(report: Report, console: Console) -> None:
    """Print those that harm most."""
    for warning in report.warnings[:_WARNINGS]:
        console.print(f"[yellow]warning:[/yellow] {_escape(warning)}", highlight=False)
    more = len(report.warnings) - _WARNINGS
    if more > 0:
        words = "warning stands" if more == 1 else "warnings stand"
        console.print(f"{more} more {words} in the report", highlight=False)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _table(title: str, *columns: str) -> RichTable:
    from rich.table import Table as RichTable

    table = RichTable(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _goals(report: Report, protocol: Protocol) -> RichTable:
    table = goals_table(report.goals, protocol)
    rows = [
        (*map(_escape, words), f"[{VERDICT_STYLE[verdict]}]{verdict}[/]")
        for *words, verdict in table.rows
    ]
    return _filled(table.title, table.headings, rows)


def _drawn(table: Table) -> RichTable:
    return _filled(table.title, table.headings, [tuple(map(_escape, row)) for row in table.rows])


def _filled(title: str, headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> RichTable:
    table = _table(title, *headings)
    table.show_header = any(headings)
    for row in rows:
        table.add_row(*row)
    return table
