"""Surfaces, distances and partial volumes against exact shapes."""

import numpy as np
import pytest

from cryosim.geometry import Grid
from cryosim.surfaces import isosurface, share_at_or_below, signed_distance_mm
from cryosim_kernels import surfaces as kernels


def ball_field(grid, center_mm, radius_mm):
    """Signed distance from a ball, negative inside, at voxel centers."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    points = grid.to_world(np.stack([i, j, k], axis=-1))
    distance = np.linalg.norm(points - np.asarray(center_mm), axis=-1) - radius_mm
    return distance.astype(np.float32)


def tilted_grid(size_mm, spacing_mm):
    angle = 0.4
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    tip = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
    count = np.ceil(size_mm / np.asarray(spacing_mm)).astype(int)
    direction = turn @ tip
    origin = -direction @ (np.asarray(spacing_mm) * (count - 1) / 2)
    return Grid.from_spacing(count[::-1], spacing_mm, origin, direction)


@pytest.mark.parametrize("spacing", [(2, 2, 2), (1.2, 0.9, 1.7)])
def test_volume_below_a_level_is_that_of_the_ball(spacing):
    grid = tilted_grid(60.0, spacing)
    share = share_at_or_below(ball_field(grid, (1.3, -0.7, 0.4), 21.0), 0.0)
    volume = share.sum(dtype=float) * grid.cell_volume_ml * 1e3
    assert volume == pytest.approx(4 / 3 * np.pi * 21**3, rel=3e-3)
    assert share.min() == 0.0
    assert share.max() == 1.0


def test_share_of_a_cut_voxel_is_exact_for_any_plane():
    rng = np.random.default_rng(4)
    ticks = (np.arange(60) + 0.5) / 60 - 0.5
    x, y, z = np.meshgrid(ticks, ticks, ticks, indexing="ij")
    k, j, i = np.meshgrid(*(np.arange(3) - 1,) * 3, indexing="ij")
    for _ in range(10):
        a, b, c = rng.normal(size=3)
        level = 0.4 * rng.normal()
        field = (a * i + b * j + c * k).astype(np.float32)
        counted = (a * x + b * y + c * z <= level).mean()
        assert share_at_or_below(field, level)[1, 1, 1] == pytest.approx(counted, abs=3e-3)


def test_surface_area_and_position_of_a_ball():
    grid = tilted_grid(60.0, (1.0, 1.0, 1.5))
    surface = isosurface(grid, ball_field(grid, (2.0, 1.0, -3.0), 20.0), 0.0)
    radius = np.linalg.norm(surface.centers_mm - [2.0, 1.0, -3.0], axis=1)
    assert np.abs(radius - 20.0).max() < 0.06
    assert surface.areas_mm2.sum() == pytest.approx(4 * np.pi * 20**2, rel=0.01)


@pytest.mark.parametrize(("spacing", "tolerance"), [(2.0, 0.15), (1.0, 0.04), (0.5, 0.012)])
def test_margin_between_two_spheres(spacing, tolerance):
    """A target ball inside an ice ball, off center: the margin runs from 4 to 16 mm, exactly."""
    grid = tilted_grid(70.0, (spacing,) * 3)
    target_center, ice_center = np.array([0.3, -0.4, 0.2]), np.array([6.3, -0.4, 0.2])
    target = isosurface(grid, ball_field(grid, target_center, 15.0), 0.0)
    ice = ball_field(grid, ice_center, 25.0)
    found = signed_distance_mm(grid, ice, 0.0, target.centers_mm)
    exact = 25.0 - np.linalg.norm(target.centers_mm - ice_center, axis=1)
    assert np.abs(found - exact).max() < tolerance
    assert target.areas_mm2.sum() == pytest.approx(4 * np.pi * 15**2, rel=0.01)
    assert found.min() == pytest.approx(4.0, abs=2 * tolerance)
    assert found.max() == pytest.approx(16.0, abs=2 * tolerance)


def test_margin_is_negative_where_the_ice_ends_inside():
    grid = tilted_grid(60.0, (1.0,) * 3)
    ice = ball_field(grid, (0, 0, 0), 10.0)
    points = np.array([[15.0, 0, 0], [0, 7.0, 0]])
    assert signed_distance_mm(grid, ice, 0.0, points) == pytest.approx([-5.0, 3.0], abs=0.05)


def test_few_candidates_find_the_nearest_triangle():
    """The search by triangle centers loses nothing against looking at every triangle."""
    grid = tilted_grid(30.0, (1.5,) * 3)
    surface = isosurface(grid, ball_field(grid, (0, 0, 0), 9.0), 0.0)
    points = np.random.default_rng(0).uniform(-14, 14, (200, 3))
    count = len(surface.triangles_mm)
    # As many patches as triangles, and all of them candidates.
    patches = np.arange(count)[None].repeat(len(points), axis=0)
    every = np.empty(len(points))
    kernels.distance_to_triangles(
        0, len(points), points, surface.triangles_mm, np.arange(count + 1), patches, every
    )
    assert surface.distance_mm(points) == pytest.approx(every, abs=1e-9)


def test_no_surface_is_infinitely_far():
    grid = tilted_grid(20.0, (2.0,) * 3)
    warm = np.full(grid.shape, 37.0, dtype=np.float32)
    assert signed_distance_mm(grid, warm, 0.0, np.zeros((1, 3)))[0] == -np.inf
