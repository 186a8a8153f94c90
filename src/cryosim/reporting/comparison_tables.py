"""A comparison as one table on the terminal."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.markup import escape

from ..evaluation import DISCLAIMER, GoalVerdict
from ..studies import ComparedGoal, ComparedNumber, Comparison
from .terminal import VERDICT_STYLE
from .wording import difference_words, goal_value, number_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_comparison"]

_KEYS_SHOWN = 12


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print goals and numbers of both results and what their plans differ in."""
    console.print(_table(comparison))
    keys = [difference.key for difference in comparison.plan]
    if keys:
        more = len(keys) - _KEYS_SHOWN
        listed = ", ".join(keys[:_KEYS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        console.print(f"the plans differ in {listed}", highlight=False, markup=False)
    else:
        console.print("the plans are the same", highlight=False)
    for note in comparison.notes:
        console.print(note, highlight=False, markup=False)
    console.print(f"[dim]{DISCLAIMER}[/dim]", highlight=False)


def _table(comparison: Comparison) -> Table:
    from rich.table import Table

    first, second = (escape(name) for name in comparison.names)
    table = Table(title="Comparison", title_justify="left", title_style="bold")
    table.add_column("")
    for column in (f"A: {first}", f"B: {second}", "B - A"):
        table.add_column(column, justify="right")
    if comparison.goals:
        table.add_row("[bold]Goals[/bold]")
    for goal in comparison.goals:
        table.add_row(f"  {escape(goal.name)}", *_goal_cells(goal))
    for section, numbers in groupby(comparison.numbers, key=lambda number: number.section):
        table.add_section()
        table.add_row(f"[bold]{escape(section)}[/bold]")
        for number in numbers:
            table.add_row(f"  {escape(number.name)}", *_number_cells(number))
    return table


def _goal_cells(goal: ComparedGoal) -> tuple[str, str, str]:
    one, other = goal.first, goal.second
    changed = one is not None and other is not None and one.verdict != other.verdict
    return _goal_cell(one), _goal_cell(other), "changed" if changed else ""


def _goal_cell(goal: GoalVerdict | None) -> str:
    if goal is None:
        return ""
    return f"{goal_value(goal)} [{VERDICT_STYLE[goal.verdict]}]{goal.verdict}[/]"


def _number_cells(number: ComparedNumber) -> tuple[str, str, str]:
    found = tuple(number_words(value, number.quantity) for value in (number.first, number.second))
    if number.difference is None or found[0] == found[1]:
        return found[0], found[1], ""
    return found[0], found[1], difference_words(number.difference, number.quantity)
