"""Numbers as people read them: no gap is hidden, and differences have a sign."""

from __future__ import annotations

import pytest

from cryosim.evaluation import GoalVerdict
from cryosim.quantities import Quantity
from cryosim.reporting.wording import (
    celsius,
    difference_words,
    goal_limit,
    goal_value,
    number_words,
    percent,
)


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.0 %"), (0.99996, "99.996 %"), (0.9999999, "100.0 %"), (0.5, "50.0 %"),
     (None, "none")],
)  # fmt: skip
def test_percent_hides_no_gap(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("goal", "value", "limit"),
    [
        (GoalVerdict("ice margin", 9.98, 10.0, "at least", "mm", "warn", "x"), "9.98 mm",
         "≥ 10 mm"),
        (GoalVerdict("ice margin", 12.0, 10.0, "at least", "mm", "ok", "x"), "12.0 mm", "≥ 10 mm"),
        (GoalVerdict("nerve coldest", -3.0, 5, "at least", "C", "fail", "x"), "-3.0 °C", "≥ 5 °C"),
        (GoalVerdict("lethal coverage (-40 C)", 0.97, 0.99, "at least", "", "fail", "x"), "97.0 %",
         "≥ 99 %"),
        (GoalVerdict("target.margin.ice.min_mm", 0.5, 1.0, "at least", "mm", "fail", "x"), "0.5 mm",
         "≥ 1 mm"),
        (GoalVerdict("ice margin", None, 10.0, "at least", "mm", "fail", "x"), "none", "≥ 10 mm"),
    ],
)  # fmt: skip
def test_goals_in_words(goal: GoalVerdict, value: str, limit: str) -> None:
    assert (celsius(goal_value(goal)), celsius(goal_limit(goal))) == (value, limit)


@pytest.mark.parametrize(
    ("quantity", "value", "words"),
    [
        (Quantity("margin", "mm"), 12.04, "12.0 mm"),
        (Quantity("coldest", "C"), -0.01, "0.0 C"),
        (Quantity("volume", "ml", 2), 1234.5, "1,234.50 ml"),
        (Quantity("coverage", "share"), 0.9996, "99.96 %"),
        (Quantity("heat", "J"), 12345.0, "12.3 kJ"),
        (Quantity("longest", "s"), 45.0, "45 s"),
        (Quantity("longest", "s"), 90.0, "1.5 min"),
        (Quantity("number", "", 0), 3.0, "3"),
        (Quantity("reached after", "s", absent="not seen"), None, "not seen"),
    ],
)
def test_numbers_in_words(quantity: Quantity, value: float | None, words: str) -> None:
    assert number_words(value, quantity) == words


@pytest.mark.parametrize(
    ("quantity", "value", "words"),
    [
        (Quantity("margin", "mm"), 0.5, "+0.5 mm"),
        (Quantity("coldest", "C"), -2.0, "-2.0 C"),
        (Quantity("coverage", "share"), -0.004, "-0.4 points"),
        (Quantity("longest", "s"), -120.0, "-2 min"),
    ],
)
def test_differences_in_words(quantity: Quantity, value: float, words: str) -> None:
    assert difference_words(value, quantity) == words
