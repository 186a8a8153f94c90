"""Resampling through the world: exact on linear images, volumes kept, nothing outside."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import (
    Labels,
    Volume,
    check_overlap,
    occupancy,
    resample_labels,
    resample_volume,
)

OBLIQUE = Rotation.from_euler("xyz", [12, -20, 31], degrees=True).as_matrix()
FLIPPED = np.diag([-1.0, -1.0, 1.0])
CENTER_MM = np.array([10.0, -20.0, 30.0])


def grid_about_center(size_mm, spacing_mm, direction=None, offset_mm=(0, 0, 0)) -> Grid:
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    count = np.rint(np.asarray(size_mm) / spacing).astype(int)
    unit = np.eye(3) if direction is None else direction
    origin = CENTER_MM + offset_mm - unit @ (spacing * (count - 1) / 2)
    return Grid.from_spacing(count[::-1].tolist(), spacing, origin, unit)


def world_of_voxels(grid: Grid) -> np.ndarray:
    k, j, i = np.indices(grid.shape)
    return grid.to_world(np.stack([i, j, k], axis=-1))


def ball(grid: Grid, radius_mm: float) -> np.ndarray:
    return np.linalg.norm(world_of_voxels(grid) - CENTER_MM, axis=-1) < radius_mm


def linear(grid: Grid) -> np.ndarray:
    return (world_of_voxels(grid) @ [1.0, 3.0, -7.0]).astype(np.float32)


@pytest.mark.parametrize("spacing_mm", [1.0, (0.7, 1.3, 4.0), 6.0])
@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, OBLIQUE @ FLIPPED])
def test_a_linear_image_stays_linear(direction, spacing_mm):
    """Trilinear interpolation and averages over voxels are exact for it."""
    source = grid_about_center((60, 60, 60), (1.0, 1.5, 2.5), OBLIQUE @ FLIPPED)
    target = grid_about_center((24, 24, 24), spacing_mm, direction)
    values = resample_volume(Volume(source, linear(source), "ct"), target)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, linear(target), atol=2e-3)


def test_coarser_voxels_take_the_mean_and_not_a_sample():
    source = grid_about_center((24, 24, 24), 1.0)
    stripes = np.indices(source.shape).sum(axis=0) % 2 * 100.0
    target = grid_about_center((12, 12, 12), 4.0)
    values = resample_volume(Volume(source, stripes.astype(np.float32), "ct"), target)
    np.testing.assert_allclose(values, 50, atol=1e-4)


def test_outside_the_image_its_edge_goes_on():
    source = grid_about_center((10, 10, 10), 1.0)
    values = np.broadcast_to(np.arange(10, dtype=np.float32), source.shape)
    target = grid_about_center((20, 4, 4), 1.0)
    row = resample_volume(Volume(source, values, "ct"), target)[2, 2]
    np.testing.assert_allclose(row, np.clip(np.arange(20) - 5, 0, 9))


def test_labels_take_the_nearest_voxel_and_zero_outside():
    source = grid_about_center((4, 4, 4), 1.0)
    values = np.broadcast_to(np.array([5, 6, 7, 100_000], dtype=np.int32), source.shape)
    found = resample_labels(Labels(source, values), grid_about_center((8, 1, 1), 0.5))
    assert found.dtype == np.int32
    # The outer half of the edge voxels is inside, what follows is outside.
    assert found[0, 0].tolist() == [0] * 4 + [5, 5, 6, 6, 7, 7, 100_000, 100_000] + [0] * 4


def test_labels_through_an_oblique_flipped_grid():
    source = grid_about_center((60, 60, 60), 1.0, OBLIQUE @ FLIPPED)
    mask = ball(source, 12.0)
    target = grid_about_center((40, 40, 40), 1.0)
    found = resample_labels(Labels(source, mask.astype(np.int32)), target) == 1
    distance_mm = np.linalg.norm(world_of_voxels(target) - CENTER_MM, axis=-1)
    # A voxel's nearest neighbor is at most half a diagonal away.
    assert found[distance_mm < 12 - 0.87].all()
    assert not found[distance_mm > 12 + 0.87].any()


@pytest.mark.parametrize(
    ("radius_mm", "target_mm"),
    [(3.0, 0.7), (3.0, 1.0), (3.0, 1.9), (12.0, 0.7), (12.0, 1.0), (12.0, 2.3), (12.0, 5.0)],
)
@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE])
@pytest.mark.parametrize("source_mm", [1.0, (0.98, 0.98, 3.27), 2.0])
def test_occupancy_keeps_the_volume(source_mm, target_mm, direction, radius_mm):
    source = grid_about_center((60, 60, 60), source_mm)
    target = grid_about_center((45, 45, 45), target_mm, direction, offset_mm=(0.3, -0.2, 0.4))
    mask = ball(source, radius_mm)
    shares = occupancy(source, mask, target)
    assert shares.dtype == np.float32
    assert shares.min() >= 0
    assert shares.max() <= 1 + 1e-6
    expected_ml = mask.sum() * source.cell_volume_ml
    assert shares.sum(dtype=float) * target.cell_volume_ml == pytest.approx(expected_ml, rel=0.01)
    center = (world_of_voxels(target) * shares[..., np.newaxis]).sum(axis=(0, 1, 2)) / shares.sum()
    np.testing.assert_allclose(center, world_of_voxels(source)[mask].mean(axis=0), atol=0.05)


@pytest.mark.parametrize("target_mm", [0.3, 0.6, 1.7, 4.0, 7.0])
@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE])
def test_occupancy_is_the_mean_of_all_samples(target_mm, direction):
    """Voxels that are not sampled, away from the surface, would give 0 or 1 exactly."""
    source = grid_about_center((30, 30, 30), (1.0, 1.5, 2.0))
    target = grid_about_center((33, 33, 33), target_mm, direction, offset_mm=(0.3, -0.2, 0.4))
    mask = ball(source, 12.0) & ~ball(source, 5.0)
    # Noise, so that some voxels have surface on every side.
    mask ^= np.random.default_rng(0).random(mask.shape) < 0.01
    affine = np.linalg.inv(source.affine) @ target.affine
    matrix, offset = affine[2::-1, 2::-1], affine[2::-1, 3]
    counts = [max(2, int(np.ceil(step - 1e-3))) for step in np.linalg.norm(matrix, axis=0)]
    shifts = list(itertools.product(*((np.arange(n) + 0.5) / n - 0.5 for n in counts)))
    padded = np.pad(mask.astype(float), 8)
    total = np.zeros(target.shape)
    for shift in shifts:
        start = offset + matrix @ np.array(shift) + 8
        total += ndimage.affine_transform(padded, matrix, start, output_shape=target.shape, order=1)
    found = occupancy(source, mask, target)
    np.testing.assert_allclose(found, total / len(shifts), atol=1e-6)
    assert np.all(found[total == 0] == 0)


def test_occupancy_of_a_mask_at_the_edge_of_its_grid():
    source = grid_about_center((20, 20, 20), 2.0)
    target = grid_about_center((40, 40, 40), 1.0)
    shares = occupancy(source, np.ones(source.shape, dtype=bool), target)
    assert shares.sum(dtype=float) == pytest.approx(20**3, rel=0.01)
    # One voxel inside the source's faces everything is full, one outside everything is empty.
    assert shares[12:28, 12:28, 12:28].min() == pytest.approx(1, abs=1e-6)
    assert shares[:8].max() == 0


def test_occupancy_of_a_mask_cut_by_the_target_grid():
    source = grid_about_center((40, 40, 40), 1.0)
    mask = ball(source, 15.0)
    whole = grid_about_center((40, 40, 40), 1.0)
    half = Grid.from_spacing((40, 40, 20), 1.0, whole.origin_mm)
    np.testing.assert_allclose(
        occupancy(source, mask, half), occupancy(source, mask, whole)[:, :, :20], atol=1e-6
    )


def test_occupancy_of_nothing():
    source = grid_about_center((10, 10, 10), 1.0)
    far = grid_about_center((10, 10, 10), 1.0, offset_mm=(100, 0, 0))
    assert occupancy(source, np.zeros(source.shape, dtype=bool), source).max() == 0
    assert occupancy(source, np.ones(source.shape, dtype=bool), far).max() == 0


def test_grids_apart_are_refused():
    here = grid_about_center((20, 20, 20), 1.0)
    check_overlap("labels", here, grid_about_center((20, 20, 20), 1.0, OBLIQUE, (15, 0, 0)))
    message = r"labels: the grids do not overlap; one covers 0 to 20, -30 to -10, 20 to 40"
    with pytest.raises(InputError, match=message):
        check_overlap("labels", here, grid_about_center((20, 20, 20), 1.0, offset_mm=(21, 0, 0)))


def test_the_gap_between_turned_boxes_is_found():
    """Their axis-aligned extents overlap; the boxes do not."""
    diagonal = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    long = grid_about_center((60, 4, 4), 1.0, diagonal)
    with pytest.raises(InputError, match="do not overlap"):
        check_overlap("labels", long, grid_about_center((10, 10, 10), 1.0, offset_mm=(14, -14, 0)))
    check_overlap("labels", long, grid_about_center((10, 10, 10), 1.0, offset_mm=(14, 14, 0)))
