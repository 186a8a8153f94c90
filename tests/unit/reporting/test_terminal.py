"""The terminal says first whether goals are met, then what harms most."""

from __future__ import annotations

import dataclasses
from io import StringIO

import pytest
from rich.console import Console

from cases import small_result
from cryosim.evaluation import evaluate
from cryosim.evaluation.goals import judge_goals
from cryosim.quantities import MarginLimit
from cryosim.reporting import print_report
from cryosim.reporting.document import report_document
from cryosim.reporting.page import html_report


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


def test_what_limits_the_margin_stands_under_the_verdicts_and_on_the_page() -> None:
    result = small_result()
    report = evaluate(result)
    limit = MarginLimit("skin", "posterior", 0.2, 4.0, 1.3, 1.3, 0.0)
    assert report.target is not None
    target = dataclasses.replace(report.target, limits=(limit,))
    half_voxel_mm = 1.0
    goals = judge_goals(result.plan.model_copy(update={"organ_at_risk": ()}), target, [],
                        half_voxel_mm)  # fmt: skip
    met = tuple(
        goal if goal.verdict != "fail" else dataclasses.replace(goal, verdict="warn")
        for goal in goals
    )
    limited = dataclasses.replace(report, target=target, goals=met)
    sentence = "limited to 4 mm by the skin, posterior side: 1.3 mm reached there at least"
    page = Console(width=80, file=StringIO())
    print_report(limited, result, page)
    text = page.file.getvalue()  # type: ignore[attr-defined]
    told = " ".join(text.split())  # the sentence is longer than a line
    assert told.count(f"margin {sentence}") == 1
    assert told.index("ice margin where it has room") < told.index(sentence)
    assert "margin limited by the skin, smallest ice margin" in text
    html = html_report(limited, result)
    first = html[html.index('class="overall') :][:400]
    assert first.startswith('class="overall warn"')
    assert "goals met where there is tissue" in first
    assert f"; margin {sentence}" in first
    noted = {one["name"]: one["note"] for one in report_document(limited, result)["goals"]}
    assert noted["ice margin where it has room"] == sentence
    (row,) = report_document(limited, result)["target"]["limits"]
    assert (row["by"], row["side"], row["room_mm"]) == ("skin", "posterior", 4.0)
