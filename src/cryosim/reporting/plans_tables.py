"""What a search found, as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..planning import (
    ROBUSTNESS_COLUMNS,
    SKIN_HELP_COLUMNS,
    TRADE_OFF_COLUMNS,
    conditions_of_met,
    robustness_rows,
    skin_help_rows,
    trade_off_rows,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_plans"]


def print_plans(document: Mapping[str, Any], console: Console) -> None:
    """Print the trade-off between numbers of probes, what may go wrong, and why this plan."""
    for sentence in document["explanation"]:
        console.print(f"- {sentence}", highlight=False, markup=False)
    for warning in document["warnings"]:
        console.print(f"warning: {warning}", highlight=False, markup=False)
    console.print(_trade_off_table(document))
    console.print(_robustness_table(document))
    if skin_help_rows(document):
        console.print(_skin_help_table(document))
    for note in document["assumptions"]:
        console.print(f"assumption: {note}", highlight=False, markup=False)
    console.print(
        f"{document['simulations']} simulations while searching, {document['wall_s']:.0f} s in all",
        highlight=False,
    )


def _trade_off_table(document: Mapping[str, Any]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title="Plans, best first (on its own grid)", title_justify="left", title_style="bold"
    )
    for column in TRADE_OFF_COLUMNS:
        table.add_column(column, justify="left" if column in ("plan", "goals") else "right")
    for row, limits in zip(trade_off_rows(document), conditions_of_met(document), strict=True):
        met = f"[yellow]met{escape(limits)}[/]" if limits else "[green]met[/]"
        goals = met if row.missed is None else f"[red]missed[/]: {escape(row.missed)}"
        table.add_row(str(row.probes), *row[1:-1], goals)
    return table


def _robustness_table(document: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table(title="If not all is as planned", title_justify="left", title_style="bold")
    for column in ROBUSTNESS_COLUMNS:
        table.add_column(column, justify="left" if column == "goal" else "right")
    for row in robustness_rows(document):
        table.add_row(*row)
    return table


def _skin_help_table(document: Mapping[str, Any]) -> Table:
    from rich.table import Table

    title = "The best plan, without and with a warm pack on the skin"
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in SKIN_HELP_COLUMNS:
        table.add_column(column, justify="left")
    for row in skin_help_rows(document):
        table.add_row(*row)
    return table
