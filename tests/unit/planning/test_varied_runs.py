"""Results that were varied: what changes, on which side, and how little it costs."""

import dataclasses
import functools

import numpy as np
import pytest

import cases
from cryosim.evaluation import evaluate
from cryosim.plan import Goal, OrganAtRisk, Target
from cryosim.planning import vary_tissues
from cryosim.planning.otherwise import Otherwise, applied, otherwise
from cryosim.planning.varied_runs import _factors, effect_of
from cryosim.simulation import simulate
from cryosim.tissue import TissueGrid

FLOW = "perfusion_1_s"
RANGES = {FLOW: (0.001, 0.02), "k_frozen_w_mk": (1.5, 2.5)}
LOWER, UPPER = (f"at the {end} end of liver's blood flow" for end in ("lower", "upper"))
LESS_K, MORE_K = (f"at the {end} end of frozen tissue's conduction" for end in ("lower", "upper"))


def plan(text="freeze 4 min", target=True, organ=True, goals=()):
    """A plan with a target, an organ at risk, or neither."""
    content = cases.plan(text)
    return content.model_copy(
        update={
            "target": Target(label=1, margin_mm=3.0, lethal_coverage=0.1) if target else None,
            "organ_at_risk": (OrganAtRisk(name="nerve", label=2, min_temperature_c=5.0),) * organ,
            "goal": tuple(goals),
        }
    )


@functools.cache
def result(ranged=True, **what):
    """One probe in liver that is well perfused."""
    numbers = {"perfusion_1_s": 0.008, "name": "liver", "ranges": RANGES if ranged else {}}
    base = cases.box(2.5, (50, 50, 50), **numbers)
    structures = {
        "target": cases.ball_share(base.grid, (0, 0, 0), 5.0),
        "nerve": cases.ball_share(base.grid, (18, 0, 0), 3.0),
    }
    return simulate(TissueGrid(base.grid, base.index, base.tissues, structures), plan(**what))


@functools.cache
def varied(**what):
    return vary_tissues(result(**what))


def ends(**what):
    return [one.where for one in otherwise(result(**what), evaluate(result(**what)))]


def test_only_what_may_harm_a_goal_is_looked_at():
    """Less ice harms a margin, more ice an organ; a goal of the plan's own either."""
    assert ends(organ=False) == [UPPER, LESS_K]
    assert ends(target=False) == [LOWER, MORE_K]
    assert ends() == [LOWER, UPPER, LESS_K, MORE_K]
    assert ends(target=False, organ=False) == [LOWER, UPPER, LESS_K, MORE_K]
    stated = plan(goals=[Goal(metric="target.healthy_ml", at_most=30.0)], organ=False)
    changed = dataclasses.replace(result(organ=False), plan=stated)
    assert len(otherwise(changed, evaluate(changed))) == 4


def test_blood_may_be_back_where_there_is_more_than_one_freeze():
    twice = "freeze 2 min; thaw 2 min; freeze 2 min"
    assert ends(text=twice)[-1] == "with blood back in thawed tissue"
    assert ends(text=twice, target=False)[-1] == MORE_K
    changed, tissue = applied(result().plan, result().tissue, {"blood_is_back": True})
    assert tissue is result().tissue
    assert not changed.perfusion.stays_off_after_freezing
    assert changed.model_copy(update={"perfusion": plan().perfusion}) == plan()


def test_a_variation_is_simulated_as_it_is_named():
    found = {one.where: one for one in varied().varied}
    margin, nerve = "target.margin.ice.min_mm", "organs_at_risk.nerve.coldest_c"
    for where, sign in ((UPPER, -1), (LOWER, 1), (LESS_K, -1), (MORE_K, 1)):
        one = found[where]
        assert np.sign(one.goals[margin]) == sign, where
        assert np.sign(one.goals[nerve]) == -sign, where
        assert np.sign(one.frozen_ml) == sign, where
    assert (found[UPPER].amount, found[LESS_K].amount) == ("0.02 1/s", "")


def test_the_change_is_that_of_the_whole_simulation():
    """Done again on the result's own grid, with the flow in question."""
    tissue = dataclasses.replace(result().tissue.tissues[0], perfusion_1_s=0.02)
    changed = dataclasses.replace(result().tissue, tissues=(tissue,))
    again = evaluate(simulate(changed, result().plan)).target.margin.ice.min_mm
    (one,) = [one for one in varied().varied if one.where == UPPER]
    whole_mm = again - evaluate(result()).target.margin.ice.min_mm
    assert one.goals["target.margin.ice.min_mm"] == pytest.approx(whole_mm, abs=0.3)


def test_only_the_verdict_changes():
    before, after = result(), varied()
    names = {field.name for field in dataclasses.fields(before)} - {"varied"}
    assert all(getattr(after, name) is getattr(before, name) for name in names)
    assert evaluate(before).ranges_unseen
    assert not evaluate(after).ranges_unseen


def test_tissue_without_ranges_is_not_varied():
    assert vary_tissues(result(ranged=False)).varied == ()


def test_a_small_target_keeps_voxels_of_its_own():
    grid = cases.box(1.0, (60, 60, 60))

    def of(radius_mm):
        share = cases.ball_share(grid.grid, (0, 0, 0), radius_mm)
        return dataclasses.replace(grid, structures={"target": share})

    assert _factors(of(14.0), organs=False) == (4, 4, 4)
    assert _factors(of(10.6), organs=False) == (3, 3, 3)
    assert _factors(of(4.0), organs=False) == (2, 2, 2)
    assert _factors(grid, organs=False) == (4, 4, 4)
    # Ice against the flow of an organ comes to rest anywhere within a voxel.
    assert _factors(of(14.0), organs=True) == (2, 2, 2)
    # Never beyond what is wanted.
    assert _factors(cases.box(2.5, (20, 20, 20)), organs=False) == (1, 1, 1)


def test_what_a_coarse_voxel_may_hide_is_taken_off_lengths_that_get_worse():
    one = Otherwise("at A", "", {})

    def changed(now, usual):
        goals = ({"goals": {"a": found}, "frozen_ml": 1.0} for found in (now, usual))
        return effect_of(one, *goals, 0.5).goals["a"]

    assert changed(row(4.0), row(6.5)) == pytest.approx(-3.0)
    assert changed(row(6.5), row(4.0)) == pytest.approx(2.5)
    warm, cold = ([value, 5.0, "at least", "C", "ok", "n"] for value in (12.0, 9.0))
    assert changed(cold, warm) == pytest.approx(-3.0)


def row(value, limit=5.0, sense="at least", verdict="ok"):
    return [value, limit, sense, "mm", verdict, "a goal"]


@pytest.mark.parametrize(
    ("now", "usual", "change"),
    [
        (row(4.0), row(6.5), {"a": -2.5}),
        (row(4.0, sense="at most"), row(6.5, sense="at most"), {"a": -2.5}),
        # Where it has little room the margin that is asked for depends on the ice.
        (row(4.0, 6.0), row(6.5, 5.0), {"a": -3.5}),
        (row(None, verdict="fail"), row(6.5), {"a": None}),
        (row(None), row(6.5), {}),
        (row(4.0), row(None), {}),
        (row(4.0, verdict="fail"), row(None), {"a": None}),
    ],
)
def test_changes_are_those_of_the_room_of_a_goal(now, usual, change):
    one = otherwise(result(), evaluate(result()))[0]
    found = effect_of(
        one, {"goals": {"a": now}, "frozen_ml": 9.0}, {"goals": {"a": usual, "b": row(1.0)},
                                                        "frozen_ml": 11.0}
    )  # fmt: skip
    assert found.goals == change
    assert found.frozen_ml == -2.0
