"""A comparison with seen ice as a table, and as files: seen.json and seen.png."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evaluation import DISCLAIMER
from ..pictures import draw_seen
from ..studies import SeenComparison
from .agreements import agreement_numbers, agreement_rows, percent_more

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_seen", "seen_document", "write_seen"]

_DOTS_PER_INCH = 150


def seen_document(comparison: SeenComparison) -> dict[str, Any]:
    """Return the content of seen.json."""
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "seen": Path(comparison.seen.source).name,
        "label": comparison.label,
        "t_s": comparison.time_s,
        "isotherm_c": comparison.isotherm_c,
        "predicted_ml": comparison.predicted_ml,
        "seen_ml": comparison.seen_ml,
        "relative_volume_difference": comparison.relative_volume_difference,
        **agreement_numbers(comparison.agreement),
        "notes": list(comparison.notes),
    }


def write_seen(comparison: SeenComparison, folder: str | Path) -> tuple[str, ...]:
    """Write seen.json and seen.png into a folder that exists; return the files' names."""
    folder = Path(folder)
    text = json.dumps(seen_document(comparison), indent=2, allow_nan=False)
    (folder / "seen.json").write_text(text + "\n", encoding="utf-8")
    found = comparison.agreement
    lines = (
        f"Dice {found.dice:.3f}; predicted {comparison.predicted_ml:.1f} ml, "
        f"seen {comparison.seen_ml:.1f} ml",
        f"surfaces apart: mean {found.mean_mm:.1f} mm, 95 % {found.p95_mm:.1f} mm, "
        f"at most {found.max_mm:.1f} mm",
    )
    picture = draw_seen(
        comparison.result, comparison.time_s, comparison.predicted, comparison.ice, lines
    )
    picture.savefig(folder / "seen.png", dpi=_DOTS_PER_INCH)
    return "seen.json", "seen.png"


def print_seen(comparison: SeenComparison, console: Console) -> None:
    """Print volumes, Dice, distances and notes."""
    from rich.table import Table

    found = comparison.agreement
    beyond = "beyond" if found.mean_signed_mm >= 0 else "short of"
    title = f"Predicted and seen ice at {comparison.time_s / 60:.4g} min"
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    rows = (
        (
            f"predicted, at or below {comparison.isotherm_c:g} C",
            f"{comparison.predicted_ml:.1f} ml",
        ),
        ("seen", f"{comparison.seen_ml:.1f} ml"),
        (
            "relative volume difference, (predicted - seen) / seen",
            percent_more(comparison.relative_volume_difference),
        ),
        *agreement_rows(found),
        (f"prediction {beyond} the seen ice, mean", f"{abs(found.mean_signed_mm):.2f} mm"),
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for note in comparison.notes:
        console.print(note, highlight=False, markup=False)
    console.print(f"[dim]{DISCLAIMER}[/dim]", highlight=False)
