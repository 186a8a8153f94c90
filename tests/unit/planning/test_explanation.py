"""Why this plan: the right goal, the right number, the right side of the patient."""

import dataclasses
import functools

import numpy as np
import pytest

from cases import ball_share, small_result
from cryosim.evaluation import evaluate
from cryosim.geometry import direction_words
from cryosim.plan import Target
from cryosim.plan.metrics import organ_temperature
from cryosim.planning import (
    Candidate,
    Robustness,
    Tried,
    WeakestPoint,
    explain,
    times_of,
    weakest_point,
)
from cryosim.tissue import TissueGrid


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        ((1, 0, 0), "left"),
        ((-2, 0, 0), "right"),
        ((0, 3, 0), "posterior"),
        ((0, -1, 0), "anterior"),
        ((0, 0, 1), "upper"),
        ((0, 0, -1), "lower"),
        ((0.5, 0.9, 0), "posterior left"),
        ((-0.8, 0.1, -0.6), "right lower"),
        ((1, -1.1, 1.2), "upper anterior left"),
        ((0.2, 0, 1), "upper"),
    ],
)
def test_words_of_directions_in_the_patient(vector, words):
    assert direction_words(np.array(vector, float)) == words


@functools.cache
def frozen():
    """A result whose fields the tests replace: a target at CENTER in a box."""
    base = small_result()
    grid = base.tissue.grid
    target = {"target": ball_share(grid, CENTER, 8.0)}
    tissue = TissueGrid(grid, base.tissue.index, base.tissue.tissues, target)
    content = base.plan.model_copy(
        update={"organ_at_risk": (), "target": Target(label=1, margin_mm=3.0)}
    )
    return dataclasses.replace(base, tissue=tissue, plan=content)


CENTER = np.array([4.0, -3.0, 2.0])


def ice_ball(center, radius_mm, slope_c_mm=4.0):
    grid = frozen().tissue.grid
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    points = grid.to_world(np.stack([i, j, k], axis=-1))
    distance = np.linalg.norm(points - center, axis=-1)
    return (slope_c_mm * (distance - radius_mm)).astype(np.float32).clip(-100, 37)


@pytest.mark.parametrize(
    ("shift", "side"),
    [((-3, 0, 0), "left"), ((3, 0, 0), "right"), ((0, 3, 0), "anterior"), ((0, 0, -3), "upper")],
)
def test_the_weakest_point_lies_where_the_ice_is_thinnest(shift, side):
    center = CENTER + shift
    found = weakest_point(dataclasses.replace(frozen(), coldest_c=ice_ball(center, 14.0)))
    assert found.side == side
    away = CENTER - 8.0 * np.array(shift) / 3.0
    assert np.linalg.norm(np.array(found.at_mm) - away) < 3.0
    assert found.margin_mm == pytest.approx(14.0 - 8.0 - 3.0, abs=0.7)


def test_ice_that_ends_within_the_target_has_a_negative_margin():
    found = weakest_point(dataclasses.replace(frozen(), coldest_c=ice_ball(CENTER, 5.0)))
    assert found.margin_mm == pytest.approx(-3.0, abs=0.7)


def test_no_weakest_point_without_ice_or_target():
    warm = np.full(frozen().tissue.grid.shape, 37.0, np.float32)
    assert weakest_point(dataclasses.replace(frozen(), coldest_c=warm)) is None
    bare = TissueGrid(frozen().tissue.grid, frozen().tissue.index, frozen().tissue.tissues)
    assert weakest_point(dataclasses.replace(frozen(), tissue=bare)) is None


def test_the_weakest_point_is_what_the_report_calls_the_smallest_margin():
    margin = evaluate(small_result()).target.margin.ice.min_mm
    assert weakest_point(small_result()).margin_mm == pytest.approx(margin, abs=0.02)


def test_times_at_which_limits_were_reached():
    report = evaluate(small_result())
    organ = organ_temperature("nerve")
    broken = [dataclasses.replace(goal, broken_s=150.0) if goal.key == organ else goal
              for goal in report.goals]  # fmt: skip
    target = dataclasses.replace(
        report.target, margin_reached_s=90.0, goals_met_s=120.0, freezing_after_s=60.0
    )
    report = dataclasses.replace(report, goals=tuple(broken), target=target)
    assert times_of(report) == {
        "ice margin reached": 90.0, "goals of the target met": 120.0, "freezing after that": 60.0,
        "nerve limit reached": 150.0,
    }  # fmt: skip
    assert times_of(dataclasses.replace(report, target=None)) == {}


# --- sentences ------------------------------------------------------------------------------------


def goals(margin_mm, coverage=0.97, verdict=None):
    verdicts = ["ok" if margin_mm >= 5 else "fail", "ok" if coverage >= 0.95 else "fail"]
    return {
        "target.margin.ice.min_mm": [
            margin_mm,
            5.0,
            "at least",
            "mm",
            verdict or verdicts[0],
            "ice margin",
        ],
        "target.coverage.-40": [
            coverage,
            0.95,
            "at least",
            "",
            verdicts[1],
            "lethal coverage (-40 C)",
        ],
    }


def tried(count, found, healthy_ml=20.0, share=1.0, tilt_deg=0.0):
    places = tuple((15.0 * n, 0.0, 0.0) for n in range(count))
    across, along = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    entries = tuple((x, -90.0 * across, 90.0 * along) for x, _, _ in places)
    outcome = {"goals": found, "healthy_frozen_ml": healthy_ml}
    return Tried(Candidate("argon-17g", places, entries, share), outcome, "search")


def sentences(best, ranked, final=None, passed=True, weakest=None, ways=None, met=(), frugal=None):
    final = best.outcome if final is None else final
    robustness = Robustness({}, {}, {f"variation {n}": one for n, one in enumerate(met)})
    return explain(best, [best, *ranked], frugal, final, passed, weakest, ways or {}, robustness)


def test_what_freezes_less_and_was_passed_over_is_named():
    best = dataclasses.replace(tried(1, goals(8.0), healthy_ml=40.0), reserve_mm=2.5)
    near = tried(2, goals(5.5), healthy_ml=30.0, share=0.4)
    (told,) = [one for one in sentences(best, [], frugal=near) if "passed over" in one]
    assert told == (
        "2 probes (argon-17g), freezing 40 % of the time, would freeze 30 instead of 40 ml: passed "
        "over, as its limits are 2.0 mm nearer, all together and a probe more has to spare a tenth "
        "of it"
    )
    assert not any("passed over" in one for one in sentences(best, []))
    # The best of another number of probes has its reason beside it, once.
    (told,) = [one for one in sentences(best, [near], frugal=near) if "passed over" in one]
    assert told.startswith("with 2 probes (argon-17g) all goals are met, and 30 instead of 40 ml")


def test_what_is_met_and_what_one_probe_less_would_miss():
    found = sentences(
        tried(2, goals(6.0)), [tried(1, goals(2.25)), tried(3, goals(9.0), healthy_ml=44.4)]
    )
    assert found == (
        "2 probes (argon-17g) meet all goals",
        "with 1 probe (argon-17g): ice margin is 2.25 mm (at least 5 mm)",
        "with 3 probes (argon-17g) all goals are met, and 44 instead of 20 ml of healthy tissue "
        "freeze",
        "the goal with the least room: ice margin is 6 mm (at least 5 mm)",
    )


def test_one_probe_meets():
    assert sentences(tried(1, goals(6.0)), [])[0] == "1 probe (argon-17g) meets all goals"


def test_the_goal_with_the_least_room_is_compared_in_tenths_and_centimeters():
    found = sentences(tried(1, goals(15.0, 0.951)), [])
    assert "least room: lethal coverage (-40 C) is 0.951 (at least 0.95)" in found[1]


def test_the_room_of_a_plans_own_goal_is_a_share_of_its_limit():
    own = {
        **goals(9.0),
        "target.margin.ice.min_mm": [7.1, 7.8, "at most", "", "ok", "target.margin.ice.min_mm"],
    }
    found = sentences(tried(1, own), [])
    assert "least room: target.margin.ice.min_mm is 7.100 (at most 7.8)" in found[1]


def test_what_cannot_be_met_is_named_with_its_number():
    found = sentences(tried(2, goals(1.5, 0.94)), [], passed=False)
    assert found[0] == (
        "no plan of up to 2 probes meets the goals: with 2 probes (argon-17g), the best found, "
        "ice margin is 1.5 mm (at least 5 mm)"
    )
    assert not any("least room" in sentence for sentence in found)


def test_a_goal_that_passed_with_a_warning_is_not_blamed():
    """A length passes within half a voxel; the coverage that failed is nearer to its limit."""
    found = sentences(tried(2, goals(4.6, 0.948, verdict="warn")), [], passed=False)
    assert "lethal coverage (-40 C) is 0.948 (at least 0.95)" in found[0]


def test_a_goal_that_only_the_finer_grid_misses_is_not_called_missed_by_the_coarse_one():
    asked = dataclasses.replace(
        tried(1, goals(6.0)),
        slack={"target.margin.ice.min_mm": 1.5},
        goals_on_own_grid=goals(4.5),
    )
    assert not asked.met
    found = sentences(tried(2, goals(9.0)), [asked])
    assert found[1] == (
        "with 1 probe (argon-17g): ice margin is 4.5 mm (at least 5 mm) on the plan's own grid"
    )


def test_no_ice_at_all():
    none = goals(6.0)
    none["target.margin.ice.min_mm"] = [None, 5.0, "at least", "mm", "fail", "ice margin"]
    assert "ice margin is none mm (at least 5 mm)" in sentences(tried(1, none), [], passed=False)[0]


def test_a_number_of_probes_that_could_not_be_simulated():
    refused = tried(3, {})
    refused = dataclasses.replace(refused, outcome={"refused": "probe.0 and probe.1 overlap"})
    found = sentences(tried(1, goals(6.0)), [refused])
    assert found[1] == "with 3 probes (argon-17g): probe.0 and probe.1 overlap"


def test_weakest_point_shorter_freezes_and_directions_that_may_not_be():
    found = sentences(
        tried(1, goals(6.0), share=0.725),
        [],
        weakest=WeakestPoint((1.5, -20.0, 3.0), 5.8, "posterior left", 8.2),
        ways={"are free": 280, "cross bone": 120, "lie outside entry_cone": 7},
    )
    assert found[2:] == (
        "the smallest ice margin, 5.8 mm, is on the posterior left side of the target, "
        "at [1.5, -20, 3], 8 mm from a wide vessel, whose blood stays warm",
        "freezes take 72 % of the time that the protocol says",
        "of 400 directions from the target's middle 280 are free, 120 cross bone, 7 lie outside "
        "entry_cone",
    )


@pytest.mark.parametrize(("tilt_deg", "said"), [(-34.0, True), (18.0, False)])
def test_needles_far_out_of_the_axial_plane_are_said_to_be_so(tilt_deg, said):
    found = sentences(tried(1, goals(6.0), tilt_deg=tilt_deg), [])
    assert any("up to 34° out of the axial plane" in one for one in found) == said
    assert any("axial plane" in one for one in found) == said


def test_how_sure_a_plan_is():
    (found,) = sentences(tried(1, goals(6.0)), [], met=(True, False, True))[1:2]
    assert found.startswith("all goals are still met in 2 of 3 variations of placement and tissue;")
    assert "worst_case = true" in found
    (found,) = sentences(tried(1, goals(6.0)), [], met=(True, True))[1:2]
    assert found == "all goals are still met in 2 of 2 variations of placement and tissue"
    assert len(sentences(tried(1, goals(1.0)), [], met=(False,), passed=False)) == 1


LIMITED = "limited to 4 mm by the skin, posterior side: 1.3 mm reached there"


@pytest.mark.parametrize("passed", [True, False])
def test_a_plan_says_where_the_margin_has_no_room(passed):
    best = tried(2, goals(6.0 if passed else 4.0))
    final = {"goals": best.outcome["goals"], "healthy_frozen_ml": 30.0, "limits": [LIMITED]}
    robust = Robustness({}, {}, {})
    found = explain(best, [best], None, final, passed, None, {}, robust)
    if passed:
        assert found[0].endswith(f"meet all goals where there is tissue: the margin is {LIMITED}")
    else:
        assert f"the margin is {LIMITED}" in found


def test_a_plan_that_holds_only_as_planned_does_not_plainly_meet_its_goals():
    best = tried(2, goals(6.0))
    note = "ice margin: met, but not at the upper end of liver's blood flow (4.1 mm)"
    final = {"goals": best.outcome["goals"], "healthy_frozen_ml": 30.0, "within_ranges": [note]}
    found = explain(best, [best], None, final, True, None, {}, Robustness({}, {}, {}))
    assert found[0] == (
        f"2 probes (argon-17g) meet all goals, but not throughout the tissues' ranges: {note}"
    )
