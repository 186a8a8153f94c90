"""The terminal says first whether goals are met, then what harms most."""

from __future__ import annotations

import dataclasses
from io import StringIO

import pytest
from rich.console import Console

from cases import small_result
from cryosim.evaluation import evaluate
from cryosim.evaluation.goals import judge_goals
from cryosim.plan import Target
from cryosim.quantities import MarginLimit
from cryosim.reporting import print_report
from cryosim.reporting.document import report_document
from cryosim.reporting.page import html_report
from cryosim.simulation import Varied


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


def test_a_goal_that_does_not_hold_within_the_ranges_is_nowhere_plainly_green() -> None:
    result = small_result()
    plan = result.plan.model_copy(update={"organ_at_risk": ()})
    base = dataclasses.replace(result, plan=plan)
    (margin,) = [one for one in evaluate(base).goals if one.name == "ice margin"]
    where = "at the upper end of liver's blood flow"
    easy = plan.target.model_copy(update={"margin_mm": 0.5, "lethal_coverage": 0.01})  # type: ignore[union-attr]
    varied = (Varied(where, "0.0155 1/s", {margin.key: -20.0}, -1.0),)
    found = dataclasses.replace(base, plan=plan.model_copy(update={"target": easy}), varied=varied)
    report = evaluate(found)
    assert report.passed
    page = Console(width=200, file=StringIO())
    print_report(report, found, page)
    text = page.file.getvalue()  # type: ignore[attr-defined]
    (noted,) = [line for line in text.splitlines() if line.startswith("ice margin: met, but not")]
    assert noted.startswith(f"ice margin: met, but not {where} (-")
    (row,) = [line for line in text.splitlines() if "│ ice margin" in line and "≥" in line]
    assert "warn" in row
    html = html_report(report, found)
    first = html[html.index('class="overall') :][:400]
    assert first.startswith('class="overall warn"')
    assert "1 not throughout the tissues&#x27; ranges" in first
    document = report_document(report, found)
    told = {one["name"]: one["within_ranges"] for one in document["goals"]}
    assert told["ice margin"] == noted.removeprefix("ice margin: ")
    assert document["varied"][0]["goals"] == {margin.key: -20.0}
    assert not document["ranges_unseen"]


def test_without_a_look_at_the_ranges_the_page_is_not_green() -> None:
    result = small_result()
    easy = result.plan.model_copy(
        update={"organ_at_risk": (), "target": Target(label=1, margin_mm=1, lethal_coverage=0.01)}
    )
    for ranges, look in (({}, "ok"), ({"k_frozen_w_mk": (1.5, 2.5)}, "warn")):
        known = dataclasses.replace(result.tissue.tissues[0], ranges=ranges, perfusion_1_s=0.0)
        tissue = dataclasses.replace(result.tissue, tissues=(known,))
        found = dataclasses.replace(result, plan=easy, tissue=tissue)
        html = html_report(evaluate(found), found)
        first = html[html.index('class="overall') :][:300]
        assert first.startswith(f'class="overall {look}"'), first
        assert ("nobody looked at the tissues" in first) == bool(ranges)
