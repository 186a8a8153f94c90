"""A comparison as files: compare.json and compare.png."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .. import __version__
from ..evaluation import DISCLAIMER
from ..pictures import draw_overlay
from ..studies import Comparison

__all__ = ["comparison_document", "write_comparison"]

_DOTS_PER_INCH = 150


def write_comparison(comparison: Comparison, folder: str | Path) -> tuple[str, ...]:
    """Write compare.json and compare.png into a folder that exists; return the files' names."""
    folder = Path(folder)
    text = json.dumps(comparison_document(comparison), indent=2, allow_nan=False)
    (folder / "compare.json").write_text(text + "\n", encoding="utf-8")
    picture = draw_overlay(*comparison.results, comparison.names)
    picture.savefig(folder / "compare.png", dpi=_DOTS_PER_INCH)
    return "compare.json", "compare.png"


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return the content of compare.json."""
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "first": comparison.names[0],
        "second": comparison.names[1],
        "goals": [dataclasses.asdict(goal) for goal in comparison.goals],
        "numbers": [
            {
                "section": number.section,
                "name": number.name,
                "unit": number.quantity.unit,
                "first": number.first,
                "second": number.second,
                "difference": number.difference,
            }
            for number in comparison.numbers
        ],
        "plan_differences": [dataclasses.asdict(difference) for difference in comparison.plan],
        "notes": list(comparison.notes),
    }
