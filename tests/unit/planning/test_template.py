"""The cheap estimate: one probe as its template, several as their sum."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cryosim.planning.template import Template, potential, temperature

BODY_C, LENGTH = 37.0, 20.0
HEIGHTS = np.arange(-48.0, LENGTH + 48.0, 1.5)
RADII = np.arange(0.0, 48.0, 1.5)
MIDDLE = np.array([0.0, 0.0, LENGTH / 2])


def coldest(across, along, deepest_c=-140.0):
    """Cold around an active part from 0 to LENGTH, gone 30 mm away."""
    beside = np.maximum(np.maximum(-along, along - LENGTH), 0.0)
    distance = np.hypot(across, beside)
    return BODY_C - (BODY_C - deepest_c) * np.clip(1.0 - distance / 30.0, 0.0, 1.0) ** 2


def template(shares=(1.0,), deepest_c=(-140.0,)):
    z, r = np.meshgrid(HEIGHTS, RADII, indexing="ij")
    fields = np.array([coldest(r, z, deepest) for deepest in deepest_c])
    return Template(fields, np.array(shares), HEIGHTS[0], 1.5, LENGTH, BODY_C)


def estimate(found, points, tips, axes, share=1.0):
    potentials = found.potentials(
        np.asarray(points, float),
        np.asarray(tips, float)[None],
        np.asarray(axes, float)[None],
        np.array([share]),
    )
    assert potentials.shape == (1, len(points))
    return temperature(potentials)[0]


def random_points(count=200):
    return np.random.default_rng(3).uniform(-25.0, 25.0, (count, 3)) + MIDDLE


def test_potential_and_temperature_undo_each_other():
    values = np.linspace(-196.0, 60.0, 513)
    assert temperature(potential(values)) == pytest.approx(values, abs=1e-9)
    assert np.all(np.diff(potential(values)) > 0)
    assert potential(np.array(-1.0)) == 0.0
    # Steeper in ice, which conducts better.
    assert -potential(np.array(-11.0)) > 2 * potential(np.array(9.0))


@pytest.mark.parametrize("seed", range(4))
def test_one_probe_is_its_template_in_any_pose(seed):
    random = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed)
    tip = random.normal(0.0, 100.0, 3)
    points = random_points()
    found = estimate(template(), turn.apply(points) + tip, [tip], [turn.apply([0, 0, 1])])
    exact = coldest(np.hypot(points[:, 0], points[:, 1]), points[:, 2])
    off_axis = np.hypot(points[:, 0], points[:, 1]) > 1.5
    # The template's cells are linear in between, and the freezing point is a corner.
    assert found[off_axis] == pytest.approx(exact[off_axis], abs=1.0)


def test_on_the_axis_it_says_what_lies_beside_the_probe():
    inside, beside = estimate(template(), [[0, 0, 10], [1.0, 0, 10]], [[0, 0, 0]], [[0, 0, 1]])
    assert inside == beside


def test_far_apart_probes_add_up():
    tips = [[0, 0, 0], [200, 0, 0]]
    points = np.concatenate([random_points(), random_points() + np.array(tips[1])])
    both = estimate(template(), points, tips, [[0, 0, 1]] * 2)
    first, second = (estimate(template(), points, [tip], [[0, 0, 1]]) for tip in tips)
    assert both == pytest.approx(np.minimum(first, second), abs=1e-6)


def test_probes_help_each_other_but_less_than_their_sum():
    tips, axes = [[-8, 0, 0], [8, 0, 0]], [[0, 0, 1]] * 2
    middle = [[0.0, 0.0, LENGTH / 2]]
    both = potential(estimate(template(), middle, tips, axes))
    alone = potential(estimate(template(), middle, tips[:1], axes[:1]))
    body = potential(np.array(BODY_C))
    assert alone > both > body - 2 * (body - alone)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_strengths_are_shares(count):
    random = np.random.default_rng(count)
    tips = random.uniform(-15, 15, (40, count, 3))
    axes = random.normal(size=(40, count, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    strengths = template()._strengths(tips, axes, np.ones(40))
    assert strengths.shape == (40, count)
    assert np.all((strengths > 0.0) & (strengths <= 1.0))
    assert np.all(strengths == 1.0) == (count == 1)


def test_nearer_probes_weaken_each_other_more():
    axes = np.array([[[0, 0, 1.0]] * 2] * 4)
    tips = np.array([[[0, 0, 0], [gap, 0, 0]] for gap in (5.0, 10.0, 20.0, 70.0)])
    strengths = template()._strengths(tips, axes, np.ones(4))
    assert strengths[:, 0] == pytest.approx(strengths[:, 1], abs=1e-9)
    assert np.all(np.diff(strengths[:, 0]) > 0)
    assert strengths[3, 0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("gap_mm", [0.0, 0.3])
def test_two_probes_in_one_place_are_about_one(gap_mm):
    tips, axes = [[0, 0, 0], [gap_mm, 0, 0]], [[0, 0, 1]] * 2
    one, two = (estimate(template(), random_points(), tips[:n], axes[:n]) for n in (1, 2))
    assert np.all(np.isfinite(two))
    assert np.all(two <= one + 0.5)


def test_a_turned_scene_is_the_same():
    turn, move = Rotation.from_euler("xyz", [40, -70, 15], degrees=True), [3.0, -80.0, 41.0]
    tips = np.array([[-8.0, 0, 0], [9.0, 1, 4], [0.0, 12, -3]])
    axes = np.array([[0, 0, 1.0], [0.1, 0, 1], [0, -0.2, 1]])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    points = random_points()
    usual = estimate(template(), points, tips, axes)
    turned = estimate(template(), turn.apply(points) + move, turn.apply(tips) + move,
                      turn.apply(axes))  # fmt: skip
    assert turned == pytest.approx(usual, abs=1e-6)


def test_freeze_shares_lie_between_their_templates():
    found = template((0.25, 0.5, 1.0), (-60.0, -100.0, -140.0))
    points, tip, axis = random_points(), [[0, 0, 0]], [[0, 0, 1]]
    at = {s: potential(estimate(found, points, tip, axis, s)) for s in (0.25, 0.5, 0.75, 1.0)}
    assert at[0.75] == pytest.approx((at[0.5] + at[1.0]) / 2, abs=1e-6)
    assert estimate(found, points, tip, axis, 1.0) == pytest.approx(
        estimate(template(), points, tip, axis), abs=1e-6
    )
    assert np.all(at[0.25] >= at[0.5])
    # Beyond what was simulated the nearest goes on.
    assert estimate(found, points, tip, axis, 2.0) == pytest.approx(
        estimate(found, points, tip, axis, 1.0), abs=1e-9
    )


def test_many_candidates_at_once_are_each_by_itself():
    random = np.random.default_rng(0)
    tips = random.uniform(-15, 15, (6, 2, 3))
    axes = np.broadcast_to([0.0, 0.0, 1.0], tips.shape)
    shares = np.linspace(0.5, 1.0, 6)
    found = template((0.5, 1.0), (-100.0, -140.0))
    together = found.potentials(random_points(), tips, axes, shares)
    for row in range(6):
        alone = found.potentials(random_points(), tips[[row]], axes[[row]], shares[[row]])
        assert together[row] == pytest.approx(alone[0], abs=1e-9)
