"""Grids: indices to the world and back, axes turned, bad grids refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cryosim.errors import InputError
from cryosim.geometry import Grid, lps_from_ras, read_only

SHAPE = (4, 5, 6)
SPACING_MM = (0.8, 1.1, 2.5)
ORIGIN_MM = (-31.0, 17.0, 240.0)
# All 48 ways of laying axes along x, y, z.
ORIENTATIONS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def oblique_grid() -> Grid:
    direction = Rotation.from_euler("xyz", [12, -20, 31], degrees=True).as_matrix()
    return Grid.from_spacing(SHAPE, SPACING_MM, ORIGIN_MM, direction)


def turned(grid: Grid, order: tuple[int, ...], signs: tuple[int, ...]) -> Grid:
    """The same voxels, index axis n running along axis order[n] of `grid`, backward for -1."""
    affine = np.eye(4)
    start = [grid.shape[2 - a] - 1 if s < 0 else 0 for a, s in zip(order, signs, strict=True)]
    index = np.zeros(3)
    for axis, first in zip(order, start, strict=True):
        index[axis] = first
    affine[:3, :3] = grid.affine[:3, order] * signs
    affine[:3, 3] = grid.to_world(index)
    shape = [grid.shape[2 - axis] for axis in order][::-1]
    return Grid((shape[0], shape[1], shape[2]), affine)


def world_of_voxels(grid: Grid) -> np.ndarray:
    k, j, i = np.indices(grid.shape)
    return grid.to_world(np.stack([i, j, k], axis=-1))


def test_index_to_world_and_back():
    grid = oblique_grid()
    index = np.random.default_rng(1).uniform(-3, 9, (100, 3))
    np.testing.assert_allclose(grid.to_index(grid.to_world(index)), index, atol=1e-12)
    np.testing.assert_allclose(grid.to_world((0, 0, 0)), ORIGIN_MM)
    np.testing.assert_allclose(grid.spacing_mm, SPACING_MM)
    np.testing.assert_allclose(grid.direction.T @ grid.direction, np.eye(3), atol=1e-12)
    assert grid.cell_count == 120
    assert grid.cell_volume_ml == pytest.approx(0.8 * 1.1 * 2.5 * 1e-3)


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_canonical_axes_are_the_same_for_all_48_orientations(order, signs):
    base = oblique_grid()
    other = turned(base, order, signs)
    canonical, reorientation = other.canonical()
    assert canonical.matches(base)
    # Each voxel's world position, carried along as its value, is still its position.
    world = world_of_voxels(other)
    for axis in range(3):
        moved = reorientation.apply(world[..., axis])
        np.testing.assert_allclose(moved, world_of_voxels(canonical)[..., axis], atol=1e-9)


def test_canonical_of_a_canonical_grid_changes_nothing():
    canonical, reorientation = oblique_grid().canonical()
    assert canonical.matches(oblique_grid())
    assert reorientation.order == (0, 1, 2)
    assert reorientation.flips == ()


def test_ras_and_lps():
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = (10, 20, 30)
    lps = lps_from_ras(affine)
    np.testing.assert_array_equal(lps @ [1, 1, 1, 1], [-12, -23, 34, 1])
    np.testing.assert_array_equal(lps_from_ras(lps), affine)


def test_outer_faces_belong_to_the_grid():
    grid = Grid.from_spacing((3, 3, 3), 2.0, (0, 0, 0))
    inside = grid.contains([[-1, -1, -1], [5, 5, 5], [-1.01, 0, 0], [0, 5.01, 0]])
    assert inside.tolist() == [True, True, False, False]
    corners = grid.corners_mm()
    assert corners.min() == -1
    assert corners.max() == 5
    np.testing.assert_array_equal(grid.size_mm, [6, 6, 6])


def test_matches_ignores_rounding_and_nothing_else():
    grid = oblique_grid()
    nudged = grid.affine.copy()
    nudged[0, 3] += 1e-4
    assert grid.matches(Grid(SHAPE, nudged))
    nudged[0, 3] += 0.1
    assert not grid.matches(Grid(SHAPE, nudged))
    assert not grid.matches(Grid((4, 5, 7), grid.affine))


def test_centered_box_has_its_faces_at_half_the_size():
    grid = Grid.centered((120, 100, 150), 1.3)
    np.testing.assert_allclose(grid.size_mm, (120, 100, 150))
    np.testing.assert_allclose(grid.corners_mm().max(axis=0), (60, 50, 75))
    np.testing.assert_allclose(grid.corners_mm().min(axis=0), (-60, -50, -75))


def test_box_around_points_stays_inside_the_grid_and_keeps_the_axes():
    grid = Grid.from_spacing((40, 40, 40), 2.0, ORIGIN_MM, oblique_grid().direction)
    points = grid.to_world([[20, 20, 20], [22, 24, 20]])
    box = grid.box_around(points, padding_mm=9.0, spacing_mm=1.0)
    np.testing.assert_allclose(box.direction, grid.direction, atol=1e-12)
    np.testing.assert_allclose(box.size_mm, [22, 26, 18])
    np.testing.assert_allclose(
        box.to_world((np.asarray(box.shape[::-1]) - 1) / 2), points.mean(axis=0), atol=1e-9
    )
    whole = grid.box_around(points, padding_mm=500.0, spacing_mm=1.0)
    corners = whole.corners_mm()
    assert grid.contains(corners + 1e-6 * (corners.mean(axis=0) - corners)).all()
    np.testing.assert_allclose(whole.size_mm, grid.size_mm)


def test_box_around_refuses_a_spacing_as_large_as_the_box():
    grid = Grid.from_spacing((10, 10, 10), 2.0, (0, 0, 0))
    with pytest.raises(InputError, match=r"fewer than three voxels of 15 mm"):
        grid.box_around([[8, 8, 8]], padding_mm=9.0, spacing_mm=15.0)


def sheared() -> np.ndarray:
    affine = np.eye(4)
    affine[0, 2] = 0.3
    return affine


@pytest.mark.parametrize(
    ("shape", "affine", "message"),
    [
        ((3, 3, 3), sheared(), r"sheared \(cosine 0\.2873"),
        ((3, 3, 3), np.diag([1e-3, 1e-3, 3e-3, 1]), "looks like meters"),
        ((3, 3, 3), np.diag([500.0, 500.0, 500.0, 1]), "too coarse"),
        ((3, 3, 3), np.diag([0.0, 1, 1, 1]), "must be positive"),
        ((3, 3, 3), np.full((4, 4), np.nan), "finite 4x4"),
        ((3, 3, 3), np.eye(3), "finite 4x4"),
        ((3, 0, 3), np.eye(4), r"\(3, 0, 3\)"),
    ],
)
def test_bad_grids_are_refused(shape, affine, message):
    with pytest.raises(InputError, match=message):
        Grid(shape, affine)


def test_a_grid_cannot_be_changed():
    grid = oblique_grid()
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 2
    source = np.eye(4)
    kept = Grid(SHAPE, source)
    source[0, 0] = 5
    assert kept.affine[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        read_only(np.zeros(3))[0] = 1


def test_describe_reads_x_y_z():
    assert oblique_grid().describe() == "6 x 5 x 4 voxels of 0.8 x 1.1 x 2.5 mm"
