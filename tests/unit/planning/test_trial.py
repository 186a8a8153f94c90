"""What a worker does with a choice of probes: the same as a person would by hand."""

import dataclasses
import functools
import json
import pickle

import numpy as np
import pytest

from cases import REFERENCE_TISSUE, ball_share, box, plan, small_result
from cryosim.evaluation import TargetShape, evaluate
from cryosim.evaluation.goals import judge_metrics
from cryosim.plan import Goal, OrganAtRisk, Protocol, Search, Target, plan_from_dict
from cryosim.planning import Candidate, missing_of
from cryosim.planning.trial import Trial, carry_out, goal_row, lacking_mm, outcome_of
from cryosim.simulation import Settings, simulate
from cryosim.surfaces import sample, signed_distance_mm
from cryosim.tissue import Tissue, TissueGrid

POINTS = np.array([[0.0, 0.0, 14.0], [9.0, 0.0, 0.0], [0.0, -20.0, 3.0]])
OWN = {"active_length_mm": 14.0, "surface_c": -120.0}
TIPS = ((-4.0, 0.0, -8.0), (6.0, 1.0, -7.0))


def candidate(tips=TIPS, share=1.0):
    return Candidate("argon-17g", tuple(tips), tuple((x, y, 80.0) for x, y, _ in tips), share)


@functools.cache
def trial(spacing_mm=4.0):
    ranges = {"perfusion_1_s": (0.001, 0.009), "k_frozen_w_mk": (1.5, 2.5)}
    base = box(spacing_mm, (72, 72, 72), perfusion_1_s=0.003, ranges=ranges)
    tissue = TissueGrid(
        base.grid,
        base.index,
        base.tissues,
        {
            "target": ball_share(base.grid, (0, 0, 0), 8.0),
            "nerve": ball_share(base.grid, (18, 0, 0), 5.0),
        },
    )
    content = plan("freeze 4 min; thaw 1 min").model_copy(
        update={
            "target": Target(label=1, margin_mm=3.0),
            "organ_at_risk": (OrganAtRisk(name="nerve", label=2, min_temperature_c=10.0),),
            "probe": (),
            "optimize": Search(),
        }
    )
    return Trial(tissue, content, POINTS, TargetShape.of(tissue))


@functools.cache
def outcome(**variation):
    return carry_out(trial(), candidate().task(**variation))


def at_end(number, end):
    of = "ref" if number == "perfusion_1_s" else ""
    return carry_out(trial(), candidate().task(tissue=[number, end, of]))


# --- how far from the goals -----------------------------------------------------------------------


def test_millimeters_degrees_and_shares_are_made_comparable():
    goals = {
        "target.margin.ice.min_mm": [3.0, 5.0, "at least", "mm", "fail", "ice margin"],
        "organs_at_risk.nerve.coldest_c": [0.0, 5.0, "at least", "C", "fail", "nerve coldest"],
        "target.coverage.-40": [0.9, 0.95, "at least", "", "fail", "lethal coverage (-40 C)"],
        "organs_at_risk.nerve.volume_frozen_ml": [
            6.0,
            4.0,
            "at most",
            "",
            "fail",
            "organs_at_risk.nerve.volume_frozen_ml",
        ],
        "target.margin.ice.p05_mm": [7.0, 5.0, "at least", "", "ok", "target.margin.ice.p05_mm"],
    }
    assert missing_of(goals, {}) == pytest.approx(
        {
            "target.margin.ice.min_mm": 0.2,
            "organs_at_risk.nerve.coldest_c": 0.5,
            "target.coverage.-40": 0.5,
            "organs_at_risk.nerve.volume_frozen_ml": 0.5,
            "target.margin.ice.p05_mm": 0.0,
        }
    )


def test_a_goal_met_exactly_misses_nothing():
    assert missing_of({"x": [5.0, 5.0, "at least", "mm", "ok", "x"]}, {}) == {"x": 0.0}
    assert missing_of({"x": [0.0, 0.0, "at most", "", "ok", "x"]}, {}) == {"x": 0.0}


def test_slack_asks_for_more():
    goals = {
        "target.margin.ice.min_mm": [6.0, 5.0, "at least", "mm", "ok", "ice margin"],
        "frozen": [3.0, 4.0, "at most", "", "ok", "frozen"],
    }
    assert missing_of(goals, {"target.margin.ice.min_mm": 1.0}) == pytest.approx(
        {"target.margin.ice.min_mm": 0, "frozen": 0}
    )
    assert missing_of(goals, {"target.margin.ice.min_mm": 1.5})[
        "target.margin.ice.min_mm"
    ] == pytest.approx(0.05)
    assert missing_of(goals, {"frozen": 2.0})["frozen"] == pytest.approx(0.25)
    assert missing_of(goals, {"another": 9.0}) == pytest.approx(
        {"target.margin.ice.min_mm": 0, "frozen": 0}
    )


def test_a_number_that_does_not_exist_is_far_from_its_goal():
    none = {"target.margin.ice.min_mm": [None, 5.0, "at least", "mm", "fail", "ice margin"]}
    far = {"target.margin.ice.min_mm": [-20.0, 5.0, "at least", "mm", "fail", "ice margin"]}
    assert (
        missing_of(none, {})["target.margin.ice.min_mm"]
        > missing_of(far, {})["target.margin.ice.min_mm"]
    )
    assert missing_of(
        {
            "organs_at_risk.nerve.ice_distance_mm": [
                None,
                5.0,
                "at least",
                "mm",
                "ok",
                "nerve to ice",
            ]
        },
        {},
    ) == {"organs_at_risk.nerve.ice_distance_mm": 0.0}


def test_reserve_is_counted_in_millimeters_up_to_what_is_wanted():
    goals = {
        "target.margin.ice.min_mm": [6.0, 5.0, "at least", "mm", "ok", "ice margin"],
        "organs_at_risk.nerve.coldest_c": [11.0, 8.0, "at least", "C", "ok", "nerve coldest"],
        "target.coverage.-40": [1.0, 0.99, "at least", "", "ok", "lethal coverage (-40 C)"],
    }
    found = {"goals": goals, "lethal_margin_min_mm": 2.5}
    assert lacking_mm(found, 2.0) == pytest.approx(1.0 + 1.0 + 0.0)
    assert lacking_mm(found, 3.0) == pytest.approx(2.0 + 2.0 + 0.5)
    assert lacking_mm(found, 0.0) == 0.0
    goals["target.margin.ice.min_mm"][0], goals["organs_at_risk.nerve.coldest_c"][0] = -40.0, None
    assert lacking_mm(found, 2.0) == pytest.approx(2.0)
    assert lacking_mm({"refused": "no"}, 2.0) == 0.0


def test_frozen_skin_counts_as_reserve_that_lacks():
    assert lacking_mm({"goals": {}, "frozen_skin_cm2": 30.0}, 2.0) == pytest.approx(1.5)
    assert outcome()["frozen_skin_cm2"] == 0.0
    x = np.arange(trial().tissue.grid.shape[2])
    air = np.broadcast_to(x > 11, trial().tissue.grid.shape)
    beside = dataclasses.replace(
        trial(), tissue=dataclasses.replace(trial().tissue, outside_air=air)
    )
    skin_cm2 = carry_out(beside, candidate().task())["frozen_skin_cm2"]
    result = simulate(beside.tissue, candidate().plan(trial().plan), Settings(growth=0.1))
    assert skin_cm2 == pytest.approx(0.16 * (result.coldest_c[..., 11] <= 0).sum())
    assert skin_cm2 > 1.0


# --- candidates -----------------------------------------------------------------------------------


def test_freezes_take_another_share_and_thaws_stay():
    protocol = Protocol(text="freeze 10 min; thaw 5 min active; freeze 6 min; thaw 1 min")
    found = protocol.with_freezes(0.55)
    assert found.describe() == "freeze 5.5 min; thaw 5 min active; freeze 3.3 min; thaw 1 min"
    assert protocol.with_freezes(1.0) is protocol
    assert protocol.with_freezes(1.5).stages[0].minutes == 15.0
    assert protocol.with_freezes(0.001).stages[0].minutes == 0.1


def test_a_candidate_takes_over_what_the_plan_says_of_its_model(tmp_path):
    content = plan_from_dict(
        {
            "anatomy": {"phantom": "uniform", "size_mm": [60, 60, 60]},
            "protocol": {"text": "freeze 4 min"},
            "probe": [
                {"model": "argon-17g", **OWN, "tip_mm": [0, 0, 0], "entry_mm": [0, 0, 90]},
                {"model": "icesphere-1.5", "tip_mm": [9, 0, 0], "entry_mm": [9, 0, 90]},
            ],
        },
        tmp_path,
    )
    found = candidate(share=0.5).plan(content)
    assert [probe.tip_mm for probe in found.probe] == list(TIPS)
    assert {probe.active_length_mm for probe in found.probe} == {14.0}
    assert {probe.surface_c for probe in found.probe} == {-120.0}
    assert found.protocol.stages[0].minutes == 2.0
    assert found.folder == tmp_path
    assert [probe.tip_mm for probe in content.probe] == [(0, 0, 0), (9, 0, 0)]
    other = Candidate("icerod-1.5", ((0, 0, 0),), ((0, 0, 90),)).plan(content)
    assert other.probe[0].active_length_mm == 30.0


def test_candidates_are_rounded_and_go_through_json():
    found = Candidate.placed(
        "argon-17g", np.array([[0.04, -0.04, 1.26]]), np.array([[0, 0, 90.0]]), 0.33333
    )
    assert found.tips_mm == ((0.0, 0.0, 1.3),)
    assert str(found.tips_mm[0][1]) == "0.0"
    assert found.freeze_share == 0.333
    task = found.task(weak_duty=0.5)
    assert json.loads(json.dumps(task)) == task
    assert task["weak_duty"] == 0.5


# --- simulations ----------------------------------------------------------------------------------


def test_an_outcome_is_what_simulate_and_evaluate_say():
    content = candidate().plan(trial().plan)
    result = simulate(trial().tissue, content, Settings(growth=0.1))
    report = evaluate(result, target_shape=trial().target)
    found = outcome()
    assert found["goals"] == {
        goal.key: [goal.value, goal.limit, goal.sense, goal.unit, goal.verdict, goal.name]
        for goal in report.goals
        if "compliance" not in goal.name
    }
    assert set(found["goals"]) == {
        "target.coverage.-40",
        "target.margin.ice.min_mm",
        "organs_at_risk.nerve.coldest_c",
    }
    assert found["coverage"] == report.target.coverage[-40.0]
    assert found["ice_margin_min_mm"] == report.target.margin.ice.min_mm
    assert found["lethal_margin_min_mm"] == report.target.margin.lethal.min_mm
    assert found["coldest_organs_c"] == {"nerve": report.organs_at_risk[0].coldest_c}
    points = sample(result.tissue.grid, result.coldest_c, POINTS)
    assert found["coldest_c"] == pytest.approx(points, abs=0.006)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    more = {key: found[key] for key in ("coldest_c", "otherwise")}
    assert {**outcome_of(report, result), **more} == found


def test_the_target_is_judged_as_the_finer_grid_shows_it():
    fine = box(1.0, (40, 40, 40))
    bump = ball_share(fine.grid, (0, 0, 0), 8.0) + ball_share(fine.grid, (0, 6, -10), 3.0)
    shape = TargetShape.of(
        dataclasses.replace(fine, structures={"target": np.minimum(bump, 1.0).astype(np.float32)})
    )
    found = carry_out(dataclasses.replace(trial(), target=shape), candidate().task())
    result = simulate(trial().tissue, candidate().plan(trial().plan), Settings(growth=0.1))
    grid, points = result.tissue.grid, shape.surface.centers_mm
    margin = signed_distance_mm(grid, result.coldest_c, 0.0, points)
    assert (
        found["ice_margin_min_mm"] == found["goals"]["target.margin.ice.min_mm"][0] == margin.min()
    )
    assert found["ice_margin_min_mm"] < outcome()["ice_margin_min_mm"] - 1.0
    at = fine.grid.to_world(np.argwhere(bump > 0.5)[:, ::-1])
    middle = np.average(shape.points_mm, axis=0, weights=shape.shares)
    assert middle == pytest.approx(at.mean(axis=0), abs=0.1)
    dead = sample(grid, result.coldest_c, at) <= -40.0
    dead &= sample(grid, result.time_below_s[-40.0], at) >= 60.0
    assert found["coverage"] == pytest.approx(dead.mean(), abs=0.02)


def test_a_finer_target_counts_by_shares_and_for_a_minute():
    """Three quarters of it long cold enough, a quarter as cold for half a minute."""
    result = small_result()
    grid = result.tissue.grid
    middle = grid.shape[2] // 2
    seconds = np.full(grid.shape, 120.0, np.float32)
    seconds[..., middle:] = 30.0
    cold = np.full(grid.shape, -60.0, np.float32)
    result = dataclasses.replace(
        result, coldest_c=cold, time_below_s={**result.time_below_s, -40.0: seconds}
    )
    points = grid.to_world(np.array([[1, 5, 5], [grid.shape[2] - 2, 5, 5]]))
    whole = TargetShape.of(result.tissue)
    shape = dataclasses.replace(whole, points_mm=points, shares=np.array([0.75, 0.25]))
    coverage = evaluate(result, target_shape=shape).target.coverage
    assert coverage[-40.0] == pytest.approx(0.75)
    assert coverage[-20.0] == 1.0


def test_frozen_volumes_are_those_of_the_ice():
    found = outcome()
    frozen = simulate(trial().tissue, candidate().plan(trial().plan), Settings(growth=0.1))
    colder = np.count_nonzero(frozen.coldest_c < 0) * trial().tissue.grid.cell_volume_ml
    assert found["frozen_ml"] == pytest.approx(colder, rel=0.25)
    target_ml = trial().tissue.structures["target"].sum() * trial().tissue.grid.cell_volume_ml
    assert 0 < found["frozen_ml"] - found["healthy_frozen_ml"] <= target_ml


def test_longer_freezes_freeze_more():
    shorter = carry_out(trial(), candidate(share=0.5).task())
    assert shorter["frozen_ml"] < 0.8 * outcome()["frozen_ml"]
    assert shorter["coldest_organs_c"]["nerve"] > outcome()["coldest_organs_c"]["nerve"]


def test_variations_change_what_they_say():
    usual = outcome()["frozen_ml"]
    less, more = (at_end("perfusion_1_s", end)["frozen_ml"] for end in ("upper", "lower"))
    assert less < usual < more
    less, more = (at_end("k_frozen_w_mk", end)["frozen_ml"] for end in ("lower", "upper"))
    assert less < usual < more
    weak = outcome(weak_probe=0, weak_duty=0.5), outcome(weak_probe=1, weak_duty=0.5)
    for found in weak:
        assert found["frozen_ml"] < usual
    # The nerve lies beside the second probe. What a weak first one does to it is lost in the time
    # steps of a search, some 2 K in voxels of 4 mm.
    nerve = [found["coldest_organs_c"]["nerve"] for found in (outcome(), *weak)]
    assert nerve[2] > max(nerve[:2]) + 3.0


def test_what_may_be_otherwise_is_in_the_outcome_and_each_of_it_can_be_carried_out():
    found = outcome()["otherwise"]
    assert list(found) == [
        "at the lower end of ref's blood flow",
        "at the upper end of ref's blood flow",
        "at the lower end of frozen tissue's conduction",
        "at the upper end of frozen tissue's conduction",
    ]
    task = found["at the upper end of ref's blood flow"]
    again = carry_out(trial(), candidate().task(**task))
    assert again == at_end("perfusion_1_s", "upper")
    assert "otherwise" not in again


def test_overlapping_probes_are_refused():
    found = carry_out(trial(), candidate(((0, 0, 0), (0.5, 0, 0))).task())
    assert set(found) == {"refused"}
    assert "in one place" in found["refused"]


def test_a_template_is_one_probe_alone():
    own = trial().plan.model_copy(update={"probe": candidate().plan(trial().plan).probe[:1]})
    own = own.model_copy(
        update={"probe": (own.probe[0].model_copy(update={"active_length_mm": 14.0}),)}
    )
    task = {"template": "argon-17g", "tissue": 0, "freeze_share": 1.0}
    found = carry_out(dataclasses.replace(trial(), plan=own), task)
    assert found["active_length_mm"] == 14.0
    field = np.array(found["coldest_c"])
    heights = found["first_z_mm"] + found["step_mm"] * np.arange(field.shape[0])
    radii = found["step_mm"] * np.arange(field.shape[1])
    coldest = np.unravel_index(field.argmin(), field.shape)
    assert radii[coldest[1]] <= 3.0
    assert 0.0 <= heights[coldest[0]] <= 14.0
    assert field[:, -1].max() == pytest.approx(37.0, abs=0.6)
    frozen = heights[field[:, 2] < -1.0]
    assert frozen.mean() == pytest.approx(7.0, abs=2.0)


# --- on its way to workers ------------------------------------------------------------------------


def test_tissues_and_their_grids_survive_pickle():
    tissue = Tissue(**REFERENCE_TISSUE, sources={"k_unfrozen_w_mk": "assumption"})
    again = pickle.loads(pickle.dumps(tissue))
    assert again == tissue
    assert dict(again.sources) == {"k_unfrozen_w_mk": "assumption"}
    grid = trial().tissue
    again = pickle.loads(pickle.dumps(grid))
    assert again.grid.matches(grid.grid)
    assert again.tissues == grid.tissues
    assert np.array_equal(again.index, grid.index)
    assert set(again.structures) == {"target", "nerve"}
    for name, share in grid.structures.items():
        assert np.array_equal(again.structures[name], share)
        assert not again.structures[name].flags.writeable


def test_a_trial_from_a_pickle_finds_the_same():
    again = pickle.loads(pickle.dumps(trial()))
    assert carry_out(again, json.loads(json.dumps(candidate().task()))) == outcome()


def test_missing_half_a_millimeter_counts_the_same_wherever_the_goal_comes_from():
    own = {"target.margin.ice.min_mm": [0.5, 1.0, "at least", "mm", "fail", "ice margin"]}
    (stated,) = judge_metrics(
        [Goal(metric="target.margin.ice.min_mm", at_least=1.0)], {"target.margin.ice.min_mm": 0.5}
    )
    found = missing_of({stated.key: goal_row(stated)}, {})
    assert list(found.values()) == list(missing_of(own, {}).values()) == [pytest.approx(0.05)]


def test_two_goals_on_one_number_both_count():
    goals = judge_metrics(
        [
            Goal(metric="target.volume_ml", at_least=5.0),
            Goal(metric="target.volume_ml", at_most=15),
        ],
        {"target.volume_ml": 3.0},
    )
    found = missing_of({goal.key: goal_row(goal) for goal in goals}, {})
    assert sorted(found.values()) == [0.0, pytest.approx(0.4)]
