"""A goal that tissue within its range takes away is never plainly green."""

import dataclasses

import pytest

from cases import small_result
from cryosim.evaluation import evaluate, range_notes
from cryosim.evaluation.report import GoalVerdict
from cryosim.evaluation.within_ranges import judged_within_ranges
from cryosim.plan import Goal
from cryosim.plan.metrics import COMPLIANCE
from cryosim.simulation import Varied

MARGIN = GoalVerdict("ice margin", 7.9, 7.0, "at least", "mm", "ok", "target.margin.ice.min_mm")
NERVE = GoalVerdict(
    "nerve coldest", 12.0, 10.0, "at least", "C", "ok", "organs_at_risk.n.coldest_c"
)
UPPER, LOWER = "at the upper end of liver's blood flow", "at the lower end of liver's blood flow"


def varied(change, goal=MARGIN, where=UPPER, frozen_ml=0.0):
    return Varied(where, "0.0155 1/s", {goal.key: change}, frozen_ml)


def judged(goal, *found):
    (one,) = judged_within_ranges([goal], found)
    return one.verdict, one.within_ranges


def test_the_worst_end_is_named_with_the_value_there():
    found = judged(MARGIN, varied(0.8, where=LOWER), varied(-2.6), varied(-1.9, where="elsewhere"))
    assert found == ("warn", "met, but not at the upper end of liver's blood flow (5.3 mm)")


@pytest.mark.parametrize(
    ("change", "verdict"), [(1.0, "ok"), (-0.89, "ok"), (-0.91, "warn"), (-1.3, "warn")]
)
def test_what_passes_within_half_a_voxel_elsewhere_does_not_here(change, verdict):
    assert judged(MARGIN, varied(change))[0] == verdict


@pytest.mark.parametrize(("change", "told"), [(-2.0, ""), (-2.004, "(9.996 C)")])
def test_temperatures_have_no_tolerance_and_show_that_they_miss(change, told):
    verdict, words = judged(NERVE, varied(change, NERVE))
    assert verdict == ("warn" if told else "ok")
    assert words.endswith(told)


@pytest.mark.parametrize(("change", "verdict"), [(-50.0, "ok"), (9.0, "ok"), (11.0, "warn")])
def test_a_ceiling_is_broken_by_more(change, verdict):
    goal = GoalVerdict("healthy", 90.0, 100.0, "at most", "ml", "ok", "target.healthy_ml", True)
    assert judged(goal, varied(change, goal))[0] == verdict


def test_shares_are_in_percent():
    goal = GoalVerdict("lethal coverage", 1.0, 0.95, "at least", "", "ok", "target.coverage.-40")
    assert judged(goal, varied(-0.08, goal))[1].endswith("(92.0 %)")


def test_what_is_missed_anyway_stays_missed():
    missed = dataclasses.replace(MARGIN, value=5.0, verdict="fail")
    assert judged(missed, varied(-1.0)) == ("fail", "")


def test_what_is_met_within_half_a_voxel_says_so_too():
    near = dataclasses.replace(MARGIN, value=6.8, verdict="warn")
    assert judged(near, varied(-1.0))[1].endswith("(5.8 mm)")


def test_a_number_that_is_gone_with_its_goal_is_the_worst():
    assert judged(MARGIN, varied(-2.0), varied(None, where=LOWER))[1].endswith("flow (none)")
    # Far from ice that is not there: only ice that comes too near says something.
    away = GoalVerdict("n to ice", None, 5.0, "at least", "mm", "ok", "organs_at_risk.n.ice")
    assert judged(away, varied(-2.0, away))[0] == "ok"
    assert judged(away, varied(None, away))[0] == "warn"


def test_other_goals_are_left_alone():
    assert judged(NERVE, varied(-9.0)) == ("ok", "")


def test_compliance_goes_with_the_ice_margin():
    share = GoalVerdict("10 mm compliance", 1.0, 1.0, "at least", "", "ok", COMPLIANCE)
    margin, compliance = judged_within_ranges([MARGIN, share], [varied(-2.6)])
    assert (margin.verdict, compliance.verdict) == ("warn", "warn")
    assert compliance.within_ranges == f"ice margin {margin.within_ranges}"
    assert range_notes([margin, compliance]) == [f"ice margin: {margin.within_ranges}"]
    assert judged_within_ranges([MARGIN, share], [varied(-0.5)])[1].verdict == "ok"


def test_a_result_that_was_varied_is_judged_by_it():
    result = small_result()
    goal = Goal(metric="target.healthy_ml", at_most=1000.0)
    plan = result.plan.model_copy(update={"goal": (goal,), "organ_at_risk": ()})
    result = dataclasses.replace(result, plan=plan)
    (plain,) = [one for one in evaluate(result).goals if one.stated]
    assert (plain.verdict, plain.within_ranges) == ("ok", "")
    found = evaluate(dataclasses.replace(result, varied=(varied(2000.0, plain),)))
    (told,) = [one for one in found.goals if one.stated]
    assert told.verdict == "warn"
    assert told.met_s == plain.met_s
    assert range_notes(found.goals) == [f"{plain.name}: {told.within_ranges}"]
    assert found.passed == evaluate(result).passed
