"""The terminal says first whether goals are met, then what harms most."""

from __future__ import annotations

import dataclasses
from io import StringIO

import pytest
from rich.console import Console

from cases import small_result
from cryosim.evaluation import evaluate
from cryosim.reporting import print_report


@pytest.mark.parametrize(
    ("count", "last"),
    [(0, ""), (2, ""), (4, "1 more warning stands"), (7, "4 more warnings stand")],
)
def test_at_most_three_warnings_stand_behind_the_verdicts(count: int, last: str) -> None:
    result = small_result()
    warnings = tuple(f"number {number}" for number in range(count))
    report = dataclasses.replace(evaluate(result), warnings=warnings)
    page = Console(width=80, file=StringIO())
    print_report(report, result, page)
    text = page.file.getvalue()  # type: ignore[attr-defined]
    assert text.count("warning: number") == min(count, 3)
    assert ("in the report" in text) == bool(last)
    assert last in text
    if count:
        assert text.index("verdict") < text.index("number 0") < text.index("Isotherm volumes")
