"""From numbers that an optimizer moves to probes in place, and what is asked of places."""

import numpy as np
import pytest

from cryosim.geometry import Grid
from cryosim.plan import Search
from cryosim.planning.access import FREE, OUTSIDE, Access
from cryosim.planning.layout import Layout, detour_mm, even_directions, regular_grid

LENGTH = 20.0
CENTER = np.array([5.0, -40.0, 12.0])
DIRECTION = np.array([0.36, -0.48, 0.8])


def layout(count, direction=DIRECTION, center=CENTER, **search):
    return Layout(np.asarray(direction, float), np.asarray(center, float), count, LENGTH, 12.0,
                  (0.5, 1.0), Search(**search))  # fmt: skip


def vector(places, turns=((0.0, 0.0),), share=0.8):
    return np.concatenate([np.ravel(turns), np.ravel(places), [share]])[None]


def open_access(size_mm=300.0, **search):
    """A cube of one tissue with nothing in the way, whose faces are the skin."""
    grid = Grid.centered([size_mm] * 3, 10.0)
    kind = np.full(grid.shape, FREE, np.uint8)
    return Access(grid, kind, (), OUTSIDE, None, Search(**search).max_depth_mm, ())


def penalty_of(layout, tips, axes, access):
    return layout.penalty(tips, axes, access.paths(tips.reshape(-1, 3), axes.reshape(-1, 3)))


def middles(tips, axes):
    return tips + LENGTH / 2 * axes


def test_zero_puts_the_middle_of_the_active_part_on_the_target():
    tips, axes, shares = layout(1).place(vector([0, 0, 0]))
    assert tips.shape == axes.shape == (1, 1, 3)
    assert axes[0, 0] == pytest.approx(DIRECTION)
    assert middles(tips, axes)[0, 0] == pytest.approx(CENTER)
    assert shares.tolist() == [0.8]


@pytest.mark.parametrize("direction", [DIRECTION, [0, 0, 1], [0, -1, 0], [-1, 0, 0]])
def test_places_are_millimeters_across_and_along(direction):
    found = layout(3, direction)
    places = [[7.0, 0, 0], [0, 7.0, 0], [-3.0, 2.0, 6.0]]
    tips, axes, _ = found.place(vector(places))
    moved = middles(tips, axes)[0] - CENTER
    assert axes[0] @ np.asarray(direction, float) == pytest.approx(np.ones(3))
    assert np.linalg.norm(moved, axis=1) == pytest.approx([7.0, 7.0, 7.0])
    assert moved @ np.asarray(direction, float) == pytest.approx([0.0, 0.0, 6.0])
    assert moved[0] @ moved[1] == pytest.approx(0.0, abs=1e-9)


def test_a_turn_keeps_the_middle_and_turns_all_parallel_probes():
    found = layout(2)
    tips, axes, _ = found.place(vector([[0, 0, 0], [9, 0, 0]], [(0.3, -0.2)]))
    assert np.linalg.norm(axes, axis=-1) == pytest.approx(np.ones((1, 2)))
    assert axes[0, 0] == pytest.approx(axes[0, 1])
    assert np.degrees(np.arccos(axes[0, 0] @ DIRECTION)) == pytest.approx(
        np.degrees(np.arctan(np.hypot(0.3, 0.2)))
    )
    apart = middles(tips, axes)[0] - CENTER
    assert apart[0] == pytest.approx(np.zeros(3))
    assert np.linalg.norm(apart[1]) == pytest.approx(9.0)
    assert apart[1] @ axes[0, 1] == pytest.approx(0.0, abs=1e-9)


def test_a_tilt_out_of_the_axial_plane_counts_as_a_longer_way():
    tilts = np.radians([0.0, 10.0, 15.0, -45.0, 90.0])
    axes = np.stack([np.cos(tilts), 0 * tilts, np.sin(tilts)], axis=-1)
    assert detour_mm(axes) == pytest.approx([0, 0, 0, 30, 75])
    assert detour_mm(axes[None]).shape == (1, 5)


def test_free_directions_are_each_probes_own():
    found = layout(2, directions="free")
    assert (found.turns, layout(2).turns) == (2, 1)
    _, axes, _ = found.place(vector([[0, 0, 0], [15, 0, 0]], [(0.0, 0.0), (0.25, 0.0)]))
    assert axes[0, 0] == pytest.approx(DIRECTION)
    assert np.arccos(axes[0, 1] @ DIRECTION) == pytest.approx(np.arctan(0.25))


@pytest.mark.parametrize(("count", "directions"), [(1, "parallel"), (3, "parallel"), (3, "free")])
def test_bounds_have_a_row_for_each_number_and_hold_the_starts(count, directions):
    found = layout(count, directions=directions)
    bounds = found.bounds()
    target = np.random.default_rng(0).uniform(-10, 10, (200, 3)) + CENTER
    starts = found.starts(target, 9, np.random.default_rng(1))
    assert starts.shape == (9, len(bounds))
    assert np.all((starts >= bounds[:, 0]) & (starts <= bounds[:, 1]))
    assert bounds[-1].tolist() == [0.5, 1.0]
    tips, axes, _ = found.place(starts)
    assert tips.shape == axes.shape == (9, count, 3)
    again = found.starts(target, 9, np.random.default_rng(1))
    assert np.array_equal(starts, again)


def test_the_first_start_spreads_probes_over_the_target():
    """Over a rod across the direction: one probe in each half."""
    along = np.array([0.8, 0.6, 0.0])
    target = CENTER + np.linspace(-10, 10, 101)[:, None] * along
    found = layout(2)
    tips, axes, _ = found.place(found.starts(target, 5, np.random.default_rng(0))[:1])
    where = np.sort((middles(tips, axes)[0] - CENTER) @ along)
    assert where == pytest.approx(0.6 * np.array([-5.0, 5.0]), abs=0.5)


def test_more_probes_than_points_of_the_target():
    found = layout(4)
    starts = found.starts(np.array([CENTER, CENTER + 0.1]), 6, np.random.default_rng(0))
    tips = found.place(starts[:1])[0][0]
    apart = np.linalg.norm(tips[:, None] - tips, axis=-1) + 1e9 * np.eye(4)
    assert apart.min(axis=1) == pytest.approx([6.0] * 4)  # 60 % of the smallest spacing


@pytest.mark.parametrize(
    ("apart", "deeper", "missed"),
    [(10, 0, 0), (15, 0, 0), (20, 0, 0), (7, 0, 2 * 3), (24, 0, 2 * 4), (8, 6, 2 * 2),
     (12, 15, 0), (0, 24, 2 * 6)],
)  # fmt: skip
def test_spacing_is_the_distance_between_active_parts(apart, deeper, missed):
    """10 to 20 mm is asked for; too near and too far count for both probes."""
    found = layout(2, [0, 0, 1], [0, 0, 0])
    tips, axes, _ = found.place(vector([[0, 0, 0], [apart, 0, deeper]]))
    assert penalty_of(found, tips, axes, open_access()) == pytest.approx([missed], abs=1e-6)


def test_spacing_counts_for_the_nearest_neighbor_only():
    found = layout(3, [0, 0, 1], [0, 0, 0])
    tips, axes, _ = found.place(vector([[-15, 0, 0], [0, 0, 0], [15, 0, 0]]))
    assert penalty_of(found, tips, axes, open_access()).tolist() == [0.0]


def test_each_candidate_has_its_own_penalty():
    found = layout(2, [0, 0, 1], [0, 0, 0])
    good, bad = ([[0, 0, 0], [gap, 0, 0]] for gap in (15, 6))
    tips, axes, _ = found.place(np.concatenate([vector(good), vector(bad), vector(good)]))
    assert penalty_of(found, tips, axes, open_access()) == pytest.approx([0.0, 8.0, 0.0])


def test_free_shafts_that_would_touch_are_penalized():
    found = layout(2, [0, 0, 1], [0, 0, 0], directions="free")
    places = [[-8.0, 0, 0], [8.0, 0, 0]]
    costs = []
    for lean in (0.0, 0.16, -0.16):
        # The first across is level, along which the first turn leans.
        tips, axes, _ = found.place(vector(places, [(lean, 0.0), (-lean, 0.0)]))
        ends = tips + 150.0 * axes
        costs.append((float(np.linalg.norm(ends[0, 0] - ends[0, 1])),
                      float(penalty_of(found, tips, axes, open_access())[0])))  # fmt: skip
    assert costs[0][1] == 0.0
    crossing, spreading = (costs[1], costs[2]) if costs[1][1] > 0 else (costs[2], costs[1])
    assert 0.0 < crossing[1] <= 5.0
    assert spreading[1] == 0.0


def test_active_parts_stay_under_the_skin():
    access = open_access(100.0)
    found = layout(1, [0, 0, 1], [0, 0, 0])
    heights = np.array([-12.0, 0.0, 12.0])
    tips, axes, _ = found.place(np.concatenate([vector([0, 0, z]) for z in heights]))
    assert penalty_of(found, tips, axes, access).tolist() == [0.0, 0.0, 0.0]
    near_skin = layout(1, [0, 0, 1], [0, 0, 42.0])
    tips, axes, _ = near_skin.place(np.concatenate([vector([0, 0, z]) for z in (-6.0, 0.0, 4.0)]))
    cost = penalty_of(near_skin, tips, axes, access)
    assert cost[0] == 0.0
    assert cost[1] == pytest.approx(5.0, abs=1.5)  # 3 mm under the skin is asked for
    assert cost[2] == pytest.approx(9.0, abs=1.5)


def test_a_shaft_outside_the_cone_is_penalized_by_degrees():
    cone = {"toward": (0, 0, 5), "half_angle_deg": 20}
    found = layout(1, [0, 0, 1], [0, 0, 0], entry_cone=cone)
    turns = np.tan(np.radians([10.0, 20.0, 21.5]))
    tips, axes, _ = found.place(np.concatenate([vector([0, 0, 0], [(t, 0)]) for t in turns]))
    assert penalty_of(found, tips, axes, open_access()) == pytest.approx([0.0, 0.0, 1.5], abs=1e-6)


@pytest.mark.parametrize("count", range(1, 10))
def test_a_regular_grid(count):
    spots = regular_grid(count, 15.0)
    assert spots.shape == (count, 2)
    assert spots.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)
    if count > 1:
        apart = np.linalg.norm(spots[:, None] - spots[None], axis=-1) + 1e9 * np.eye(count)
        assert apart.min() == pytest.approx(15.0)
        assert apart.min(axis=1).max() <= 15.0 * np.hypot(1.0, 0.5) + 1e-9
    rows = np.unique(spots[:, 1].round(6))
    assert np.diff(rows) == pytest.approx(np.full(len(rows) - 1, 15.0))
    assert abs(len(rows) - np.sqrt(count)) < 1.0


def test_grids_of_four_and_three():
    corners = {tuple(spot) for spot in regular_grid(4, 10.0).tolist()}
    assert corners == {(-5, -5), (-5, 5), (5, -5), (5, 5)}
    three = regular_grid(3, 10.0)
    assert three[2, 0] == pytest.approx(three[:2, 0].mean())


def test_even_directions_cover_the_sphere():
    found = even_directions()
    assert found.shape == (400, 3)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(400))
    assert np.abs(found.mean(axis=0)).max() < 0.01
    cosines = found @ found.T - 2 * np.eye(400)
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    even = np.degrees(np.sqrt(4 * np.pi / 400))
    assert nearest.min() > 0.6 * even
    assert nearest.max() < 1.2 * even
