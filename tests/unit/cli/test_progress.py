"""What the bar of a search says."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cryosim.cli.progress import search_progress


def outcome(margin_mm: float, healthy_ml: float) -> dict[str, Any]:
    verdict = "ok" if margin_mm >= 5 else "fail"
    goals = {
        "coverage": [0.995, 0.99, "at least", "", "ok", "lethal coverage"],
        "margin": [margin_mm, 5.0, "at least", "mm", verdict, "ice margin"],
    }
    return {"goals": goals, "healthy_frozen_ml": healthy_ml}


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([outcome(3.0, 20.0)], "1 simulated; best misses ice margin"),
        ([outcome(6.0, 30.0), outcome(5.5, 24.0)], "2 simulated; best: all goals met, 24 ml"),
        ([{"refused": "probes overlap"}], "1 simulated"),
    ],
)
def test_the_best_so_far_is_named(outcomes: list[dict[str, Any]], words: str) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    with search_progress(console) as (searching, _):
        for number, one in enumerate(outcomes):
            searching.on_evaluated(one, number + 1, len(outcomes))
    assert words in written.getvalue()
