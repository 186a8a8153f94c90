"""Verdicts at their limits: a radiologist reads these words first."""

import dataclasses

import pytest

from cases import plan
from cryosim.evaluation.goals import judge_goals, judge_metrics
from cryosim.plan import Goal
from cryosim.quantities import (
    Compliance,
    Margin,
    Margins,
    OrganReport,
    TargetKill,
    TargetReport,
)

HALF_VOXEL_MM = 0.5
ORGAN = OrganReport("nerve", 1.0, 20.0, 10.0, 0.0, 0.0, 0.0, 5.0)


def target(ice_mm=10.0, coverage=1.0, surface=1.0, shell=1.0, passed=True):
    ice, lethal = Margin(0.0, ice_mm, ice_mm, 1.0), Margin(-40.0, 1.0, 1.0, 0.0)
    compliance = Compliance(10.0, surface, shell, passed)
    return TargetReport(
        5.0, {-40.0: coverage}, Margins(ice, lethal), compliance, TargetKill(1.0), 20.0, 600.0
    )


def verdicts(found, organ=None, **limits):
    organs = [{"name": "nerve", "label": 2, **limits}] if organ is not None else []
    content = plan(target={"label": 1, "margin_mm": 10.0, "lethal_coverage": 0.99},
                   organ_at_risk=organs)  # fmt: skip
    judged = judge_goals(content, found, [organ] if organ else [], HALF_VOXEL_MM)
    return {goal.name: goal.verdict for goal in judged}


@pytest.mark.parametrize(
    ("ice_mm", "verdict"),
    [(10.0, "ok"), (9.99, "warn"), (9.5, "warn"), (9.49, "fail"), (-1.0, "fail"), (None, "fail")],
)
def test_ice_margin_passes_within_half_a_voxel_with_a_warning(ice_mm, verdict):
    assert verdicts(target(ice_mm=ice_mm))["ice margin"] == verdict


@pytest.mark.parametrize(("share", "verdict"), [(0.99, "ok"), (0.9899, "fail"), (0.0, "fail")])
def test_coverage_has_no_tolerance(share, verdict):
    assert verdicts(target(coverage=share))["lethal coverage (-40 C)"] == verdict


@pytest.mark.parametrize(
    ("surface", "shell", "passed", "verdict"),
    [
        (1.0, 1.0, True, "ok"),
        (0.98, 1.0, True, "warn"),
        (1.0, 0.98, True, "warn"),
        (0.98, 1.0, False, "fail"),
        (1.0, 0.98, False, "fail"),
    ],
)
def test_compliance_is_ok_only_where_nothing_is_missing(surface, shell, passed, verdict):
    found = verdicts(target(surface=surface, shell=shell, passed=passed))
    assert found["10 mm compliance"] == verdict


@pytest.mark.parametrize(("coldest_c", "verdict"), [(10.0, "ok"), (9.99, "fail")])
def test_an_organs_temperature_has_no_tolerance(coldest_c, verdict):
    organ = dataclasses.replace(ORGAN, coldest_c=coldest_c)
    assert verdicts(target(), organ, min_temperature_c=10.0)["nerve coldest"] == verdict


@pytest.mark.parametrize(
    ("away_mm", "coldest_c", "verdict"),
    [
        (5.0, 20.0, "ok"),
        (4.6, 20.0, "warn"),
        (4.4, 20.0, "fail"),
        (None, 20.0, "ok"),  # nothing froze
        (None, -20.0, "fail"),  # everything did
    ],
)
def test_ice_keeps_away_from_an_organ(away_mm, coldest_c, verdict):
    organ = dataclasses.replace(ORGAN, ice_distance_mm=away_mm, coldest_c=coldest_c)
    assert verdicts(target(), organ, min_ice_distance_mm=5.0)["nerve to ice"] == verdict


@pytest.mark.parametrize(
    ("limit", "value", "verdict"),
    [
        ({"at_least": 5.0}, 5.0, "ok"),
        ({"at_least": 5.0}, 4.99, "fail"),
        ({"at_most": 5.0}, 5.0, "ok"),
        ({"at_most": 5.0}, 5.01, "fail"),
        ({"at_most": 0.0}, 0.0, "ok"),
        ({"at_least": 5.0}, None, "fail"),
        ({"at_most": 5.0}, None, "fail"),
    ],
)
def test_stated_goals_have_no_tolerance(limit, value, verdict):
    goal = Goal(metric="target.volume_ml", **limit)
    (judged,) = judge_metrics([goal], {"target.volume_ml": value})
    assert judged.verdict == verdict
    assert judged.limit == next(iter(limit.values()))


def test_two_goals_on_one_number_stay_two():
    """Between 5 and 15 ml: a search that keeps one of them would be content with too much."""
    goals = [Goal(metric="target.volume_ml", at_least=5.0),
             Goal(metric="target.volume_ml", at_most=15.0)]  # fmt: skip
    judged = judge_metrics(goals, {"target.volume_ml": 20.0})
    assert [one.verdict for one in judged] == ["ok", "fail"]
    assert len({one.key for one in judged}) == 2


def test_a_stated_goal_on_the_number_of_another_goal_is_not_that_goal():
    (stated,) = judge_metrics(
        [Goal(metric="target.margin.ice.min_mm", at_least=5.0)], {"target.margin.ice.min_mm": 7.0}
    )
    content = plan(target={"label": 1, "margin_mm": 10.0})
    own = judge_goals(content, target(ice_mm=7.0), [], HALF_VOXEL_MM)
    assert stated.key not in {one.key for one in own}
    assert {one.key for one in own} >= {stated.metric}


def test_every_number_has_its_unit_wherever_the_goal_comes_from():
    content = plan(
        target={"label": 1},
        organ_at_risk=[{"name": "nerve", "label": 2, "min_temperature_c": 5.0}],
        sensor=[{"name": "tip", "at_mm": [0, 0, 0]}],
    )
    endings = {"_mm": "mm", "_c": "C", "_ml": "ml", "_s": "s"}
    for metric in content.metrics():
        (judged,) = judge_metrics([Goal(metric=metric, at_least=0.5)], {metric: 0.1})
        ending = "_" + metric.rsplit("_", 1)[-1]
        assert judged.unit == ("" if "fraction" in metric else endings.get(ending, "")), metric
