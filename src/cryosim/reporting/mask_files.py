"""A comparison of two masks as a table, and as a file: compare.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evaluation import DISCLAIMER
from ..studies import MaskComparison
from .agreements import agreement_numbers, agreement_rows, percent_more

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["masks_document", "print_masks", "write_masks"]


def masks_document(comparison: MaskComparison) -> dict[str, Any]:
    """Return the content of compare.json."""
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "first": comparison.names[0],
        "second": comparison.names[1],
        "labels": list(comparison.labels),
        "first_ml": comparison.volumes_ml[0],
        "second_ml": comparison.volumes_ml[1],
        "relative_volume_difference": comparison.relative_volume_difference,
        **agreement_numbers(comparison.agreement),
        "notes": list(comparison.notes),
    }


def write_masks(comparison: MaskComparison, folder: str | Path) -> tuple[str, ...]:
    """Write compare.json into a folder that exists; return the files' names."""
    text = json.dumps(masks_document(comparison), indent=2, allow_nan=False)
    (Path(folder) / "compare.json").write_text(text + "\n", encoding="utf-8")
    return ("compare.json",)


def print_masks(comparison: MaskComparison, console: Console) -> None:
    """Print volumes, Dice, distances and notes."""
    from rich.markup import escape
    from rich.table import Table

    signed_mm = comparison.agreement.mean_signed_mm
    table = Table(title="Two masks", title_justify="left", title_style="bold", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for letter, name, volume in zip("AB", comparison.names, comparison.volumes_ml, strict=True):
        table.add_row(f"{letter}: {escape(name)}", f"{volume:.1f} ml")
    more = percent_more(comparison.relative_volume_difference)
    table.add_row("relative volume difference, (B - A) / A", more)
    for row in agreement_rows(comparison.agreement):
        table.add_row(*row)
    beyond = "within" if signed_mm > 0 else "beyond"
    table.add_row(f"B lies {beyond} A, mean", f"{abs(signed_mm):.2f} mm")
    console.print(table)
    for note in comparison.notes:
        console.print(note, highlight=False, markup=False)
    console.print(f"[dim]{DISCLAIMER}[/dim]", highlight=False)
