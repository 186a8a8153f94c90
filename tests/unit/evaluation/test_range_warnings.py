"""Warnings follow what tissue does to the goals, not how much heat blood gave."""

import dataclasses

import pytest

from cases import small_result
from cryosim.evaluation import evaluate
from cryosim.evaluation.range_warnings import range_warnings
from cryosim.evaluation.report import GoalVerdict
from cryosim.simulation import Varied

MARGIN = GoalVerdict("ice margin", 7.9, 5.0, "at least", "mm", "ok", "target.margin.ice.min_mm")
NERVE = GoalVerdict(
    "nerve coldest", 12.0, 10.0, "at least", "C", "ok", "organs_at_risk.n.coldest_c"
)
UPPER = "at the upper end of liver's blood flow"


def small(ranges=None, varied=(), flow=0.0007):
    """A small result whose tissue, of known or unknown range, is cooled; voxels of 2 mm."""
    result = small_result()
    known = dataclasses.replace(
        result.tissue.tissues[0], name="liver", perfusion_1_s=flow, ranges=ranges or {}
    )
    tissue = dataclasses.replace(result.tissue, tissues=(known,))
    return dataclasses.replace(result, tissue=tissue, varied=varied)


def told(goals, *varied):
    ranged = small({"perfusion_1_s": (0.0005, 0.001)}, varied)
    return list(range_warnings(ranged, goals))


@pytest.mark.parametrize(
    ("margin_mm", "words"),
    [
        (-2.6, f"{UPPER} (0.0155 1/s) ice margin is 5.3 mm instead of 7.9 mm"),
        (-4.9, f"{UPPER} (0.0155 1/s) ice margin is 3.0 mm instead of 7.9 mm"),
        (-1.9, ""),  # half of the room, half a voxel counted, is left
        (3.0, ""),
    ],
)
def test_what_takes_a_goal_or_most_of_its_room_is_named(margin_mm, words):
    found = told([MARGIN], Varied(UPPER, "0.0155 1/s", {MARGIN.key: margin_mm}, -1.0))
    assert found == ([f"tissue decides this result: {words}"] if words else [])


def test_muscle_that_only_a_ct_shows_may_be_an_organ():
    where = "at the upper end of muscle-by-ct's blood flow"
    first, second = told([MARGIN], Varied(where, "0.0155 1/s", {MARGIN.key: -6.0}, 0.0))
    assert "may be an organ" in first
    assert where in second


def test_a_factor_that_leaves_the_range_is_named():
    ranged = small({"perfusion_1_s": (0.0005, 0.001)}, [Varied("at A", "", {}, 0.0)])
    for scale, words in ((1.0, None), (1.2, None), (30.0, "blood flow of liver 0.021 1/s")):
        perfusion = ranged.plan.perfusion.model_copy(update={"scale": scale})
        plan = ranged.plan.model_copy(update={"perfusion": perfusion})
        found = list(range_warnings(dataclasses.replace(ranged, plan=plan), []))
        assert [line for line in found if line.startswith("perfusion.scale")] == (
            [line for line in found if words in line] if words else []
        )
        assert len(found) == (1 if words else 0)


def test_each_variation_is_named_once_the_worst_first():
    (found,) = told(
        [MARGIN, NERVE],
        Varied("at A", "", {MARGIN.key: -2.5, NERVE.key: -1.2}, 0.0),
        Varied("at B", "", {MARGIN.key: -2.1, NERVE.key: -5.0}, 0.0),
        Varied("at C", "", {MARGIN.key: -0.1, NERVE.key: -0.1}, 0.0),
    )
    assert found == (
        "tissue decides this result: at B nerve coldest is 7.0 C instead of 12.0 C; "
        "at A ice margin is 5.4 mm instead of 7.9 mm"
    )


def test_a_goal_that_is_missed_anyway_has_nothing_to_lose():
    missed = dataclasses.replace(MARGIN, value=3.0, verdict="fail")
    assert told([missed], Varied(UPPER, "", {MARGIN.key: -2.6}, -1.0)) == []


@pytest.mark.parametrize(("share", "named"), [(-0.3, True), (0.2, True), (0.05, False)])
def test_without_goals_the_volume_of_ice_counts(share, named):
    frozen_ml = dict(evaluate(small()).timeline[-1].volume_ml)[0.0]
    coldest_ml = evaluate(small()).target.healthy_ml + 4.0 / 3.0 * 3.14159 * 0.6**3
    found = told([], Varied(UPPER, "0.0155 1/s", {}, share * coldest_ml))
    assert bool(found) == named
    assert frozen_ml > 0.0
    if named:
        (words,) = found
        assert words.startswith(f"tissue decides this result: {UPPER} (0.0155 1/s) ")
        then, now = (float(part.split(" ml")[0].split()[-1]) for part in words.split("freeze"))
        assert now == pytest.approx(coldest_ml, rel=0.1)
        assert then - now == pytest.approx(share * coldest_ml, abs=0.11)


def test_a_result_that_nobody_varied_says_so():
    (unseen,) = told([MARGIN])
    assert "was not looked at" in unseen
    report = evaluate(small({"perfusion_1_s": (0.0005, 0.001)}))
    assert report.ranges_unseen
    assert any(unseen == warning for warning in report.warnings)
    assert told([MARGIN], Varied(UPPER, "", {MARGIN.key: 0.0}, 0.0)) == []


@pytest.mark.parametrize(("flow", "named"), [(0.0007, True), (0.0, False)])
def test_a_flow_without_a_range_is_named(flow, named):
    result = small(flow=flow)
    found = list(range_warnings(result, [MARGIN]))
    words = "another blood flow of liver than 0.0007 1/s was not looked at: no range of it is known"
    assert found == [words] * named
    assert not evaluate(result).ranges_unseen
