"""When goals were met, and limits broken."""

import dataclasses

import numpy as np
import pytest

import cases
from cryosim.evaluation import evaluate
from cryosim.evaluation.when import first_time_s
from cryosim.plan import Protocol
from cryosim.reporting.wording import goal_time, time_to_goals
from cryosim.simulation import Course

TIMES = np.array([0.0, 60.0, 120.0, 180.0, 240.0])


@pytest.mark.parametrize(
    ("values", "level", "time_s"),
    [
        ([0, 2, 4, 8, 9], 5.0, 135.0),
        ([0, 2, 4, 8, 9], 9.5, None),
        ([6, 6, 7, 8, 9], 5.0, 0.0),
        ([37, 30, 20, 10, 8], 15.0, 150.0),
        ([-3, 2, 4, np.inf, np.inf], 5.0, 180.0),
    ],
)
def test_the_first_time_lies_between_samples(values, level, time_s):
    assert first_time_s(TIMES, np.array(values, dtype=float), level) == time_s


def judged(*, margin=(-6, 0, 2, 4, 5), healthy=(0, 10, 20, 30, 40), nerve=(37, 20, 12, 8, 8)):
    """A short run with the course of another: freeze 3 min, thaw 1 min."""
    result = cases.small_result()
    whole = np.ones(5)
    course = Course(
        times_s=TIMES,
        volume_ml={0.0: np.array(healthy, dtype=float)},
        healthy_ml=np.array(healthy, dtype=float),
        coverage={0.0: whole, -40.0: np.array([0, 0, 0.1, 0.35, 0.4])},
        margin_mm={0.0: np.array(margin, dtype=float), -40.0: np.array([-6.0, -6, -3, 0, 0])},
        organs_c={"nerve": np.array(nerve, dtype=float)},
    )
    plan = cases.plan(
        target={"label": 1, "margin_mm": 3.0, "lethal_coverage": 0.3},
        organ_at_risk=[{"name": "nerve", "label": 2, "min_temperature_c": 10.0}],
        goal=[{"metric": "healthy_ml", "at_most": 2.5}],
    )
    return dataclasses.replace(result, plan=plan, course=course)


def test_goals_say_when_they_were_met_and_limits_when_they_were_broken():
    report = evaluate(judged())
    goals = {goal.metric: goal for goal in report.goals}
    assert goals["target.margin.ice.min_mm"].met_s == pytest.approx(150.0)
    assert goals["target.coverage.-40"].met_s == pytest.approx(120.0 + 60.0 * 0.8)
    nerve = goals["organs_at_risk.nerve.coldest_c"]
    expected = pytest.approx(150.0) if nerve.verdict == "fail" else None
    assert (nerve.met_s, nerve.broken_s) == (None, expected)
    healthy = goals["target.healthy_ml"]
    assert healthy.stated
    assert healthy.value == pytest.approx(report.target.healthy_ml)
    assert (healthy.verdict, healthy.broken_s) == ("fail", pytest.approx(15.0))


def test_the_report_says_for_how_long_freezing_goes_on():
    result = judged()
    report = evaluate(result)
    assert report.target.margin_reached_s == pytest.approx(150.0)
    assert report.target.goals_met_s == pytest.approx(168.0)
    assert report.target.freezing_after_s == pytest.approx(12.0)
    protocol = result.plan.protocol
    assert "2.8 min of freeze 1, as the freezing ends" in time_to_goals(report, protocol)
    longer = Protocol(text="freeze 10 min; thaw 2 min; freeze 5 min")
    target = dataclasses.replace(report.target, freezing_after_s=longer.freezing_after_s(168.0))
    told = time_to_goals(dataclasses.replace(report, target=target), longer)
    assert told.endswith("2.8 min of freeze 1; the protocol goes on for 12 more min of freezing")
    broken = next(goal for goal in report.goals if goal.metric == "target.healthy_ml")
    assert goal_time(broken, protocol) == "broken at 0.2 min of freeze 1"


def test_a_goal_that_is_missed_was_never_met():
    missed = dataclasses.replace(judged(), plan=cases.plan(target={"label": 1, "margin_mm": 30.0}))
    report = evaluate(missed)
    assert report.target.goals_met_s is None
    assert report.target.margin_reached_s is None
    assert time_to_goals(report, missed.plan.protocol) == ""


def test_a_result_without_a_course_says_nothing_of_times():
    report = evaluate(dataclasses.replace(cases.small_result(), course=None))
    assert report.target.margin_reached_s is None
    assert all(goal.met_s is None and goal.broken_s is None for goal in report.goals)


@pytest.mark.parametrize(
    ("time_s", "words", "left_s"),
    [(0.0, "0 min of freeze 1", 900.0), (600.0, "10 min of freeze 1", 300.0),
     (660.0, "1 min of thaw 1", 300.0), (810.0, "1.5 min of freeze 2", 210.0)],
)  # fmt: skip
def test_moments_of_a_protocol(time_s, words, left_s):
    protocol = Protocol(text="freeze 10 min; thaw 2 min; freeze 5 min")
    assert protocol.when(time_s) == words
    assert protocol.freezing_after_s(time_s) == pytest.approx(left_s)
