"""Carry images, labels and masks from one grid to another through the world.

All of them compose the two affines into one index map, so oblique and flipped grids need no
special case.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid
from .sampling import IndexMap, linear_samples, nearest_samples
from .volume import Labels, Volume

__all__ = ["check_overlap", "occupancy", "resample_field", "resample_labels", "resample_volume"]

FloatArray = NDArray[np.float64]


def resample_volume(volume: Volume, grid: Grid) -> NDArray[np.float32]:
    """Interpolate an image at the voxel centers of another grid.

    Trilinear; where the new voxels are coarser, the mean over them. Outside the image the values
    of its edge go on.

    Returns
    -------
    (k, j, i) float32 on `grid`, in the image's unit.
    """
    matrix, offset = _index_map(grid, volume.grid)
    return _mean_of_samples(volume.values, (matrix, offset), grid.shape, _samples(matrix))


def resample_field(
    source: Grid, values: NDArray[np.float32], grid: Grid, outside: float
) -> NDArray[np.float32]:
    """Interpolate a field at the voxel centers of another grid, one that may be far larger.

    Trilinear; where the new voxels are coarser, the mean over them. Voxels whose center lies
    outside the outer faces of `source` are `outside`.

    Parameters
    ----------
    values : (k, j, i) on `source`.

    Returns
    -------
    (k, j, i) float32 on `grid`.
    """
    matrix, offset = _index_map(grid, source)
    found = np.full(grid.shape, outside, dtype=np.float32)
    last = np.asarray(source.shape) - 0.5
    lower, upper = _reached((matrix, offset), np.full(3, -0.5), last, grid.shape)
    if np.any(upper <= lower):
        return found
    box = _box(lower, upper)
    start = offset + matrix @ lower
    shape = found[box].shape
    part = _mean_of_samples(
        np.ascontiguousarray(values, dtype=np.float32),
        (matrix, start),
        (shape[0], shape[1], shape[2]),
        _samples(matrix),
    )
    inside = nearest_samples(np.ones(source.shape, dtype=np.bool_), (matrix, start), part.shape)
    found[box] = np.where(inside, part, np.float32(outside))
    return found


def resample_labels(labels: Labels, grid: Grid) -> NDArray[np.int32]:
    """Return the nearest label at each voxel center of another grid, 0 outside.

    Returns
    -------
    (k, j, i) int32 on `grid`.
    """
    return nearest_samples(labels.values, _index_map(grid, labels.grid), grid.shape)


def occupancy(mask_grid: Grid, mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.float32]:
    """Return the share of each voxel of `grid` that a mask fills.

    The mask's trilinear interpolation, averaged over at least two samples along each axis of a
    voxel: its surface lies between voxels, and the volume stays the same within 1 % for masks of
    a few target voxels across.

    Parameters
    ----------
    mask_grid : the voxels of the mask.
    mask : (k, j, i) on `mask_grid`.

    Returns
    -------
    (k, j, i) float32 on `grid`, 0 to 1.
    """
    shares = np.zeros(grid.shape, dtype=np.float32)
    if not mask.any():
        return shares
    lower, upper = _bounding_box(mask)
    matrix, offset = _index_map(grid, mask_grid)
    target_lower, target_upper = _reached((matrix, offset), lower - 1.5, upper + 0.5, grid.shape)
    if np.any(target_upper <= target_lower):
        return shares
    samples = tuple(max(2, n) for n in _samples(matrix))
    reach = _reach(matrix, samples)
    # Of the mask only what those voxels reach, with background about it where it ends.
    first, last = _span((matrix, offset), target_lower, target_upper - 1)
    lower = np.maximum(lower, np.rint(first).astype(np.int64) - reach - 1)
    upper = np.minimum(upper, np.rint(last).astype(np.int64) + reach + 2)
    if np.any(upper <= lower):
        return shares
    padded = np.pad(mask[_box(lower, upper)], [(n, n) for n in reach])
    count = target_upper - target_lower
    shares[_box(target_lower, target_upper)] = _share_filled(
        padded,
        (matrix, offset + matrix @ target_lower - (lower - reach)),
        (int(count[0]), int(count[1]), int(count[2])),
        samples,
    )
    return shares


def check_overlap(name: str, grid_a: Grid, grid_b: Grid) -> None:
    """Refuse two grids that share no place in the world.

    Parameters
    ----------
    name : what the grids belong to, for the message.

    Raises
    ------
    InputError
        When the boxes of both grids, voxel faces included, do not overlap.
    """
    corners_a, corners_b = grid_a.corners_mm(), grid_b.corners_mm()
    # Separating axes: boxes are apart when their shadows on one of these lines are.
    edges = [np.cross(a, b) for a in grid_a.direction.T for b in grid_b.direction.T]
    for axis in (*grid_a.direction.T, *grid_b.direction.T, *edges):
        shadow_a, shadow_b = corners_a @ axis, corners_b @ axis
        # Edges that run in parallel have no cross product.
        usable = float(axis @ axis) > 1e-6
        if usable and (shadow_a.max() <= shadow_b.min() or shadow_b.max() <= shadow_a.min()):
            raise InputError(
                f"{name}: the grids do not overlap; one covers {_extent(corners_a)}, the other "
                f"{_extent(corners_b)} (x, y, z in LPS mm); check that both belong to the same scan"
            )


def _extent(corners_mm: FloatArray) -> str:
    ends = zip(corners_mm.min(axis=0), corners_mm.max(axis=0), strict=True)
    return ", ".join(f"{low:.0f} to {high:.0f}" for low, high in ends)


def _index_map(target: Grid, source: Grid) -> IndexMap:
    """Return matrix and offset from array indices (k, j, i) of `target` to those of `source`."""
    composed = np.linalg.inv(source.affine) @ target.affine
    return composed[2::-1, 2::-1], composed[2::-1, 3]


def _samples(matrix: FloatArray) -> tuple[int, ...]:
    """Return how many source voxels each target axis steps over, rounded up."""
    return tuple(max(1, math.ceil(step - 1e-3)) for step in np.linalg.norm(matrix, axis=0))


def _mean_of_samples(
    values: NDArray[np.float32],
    index_map: IndexMap,
    shape: tuple[int, int, int],
    samples: tuple[int, ...],
) -> NDArray[np.float32]:
    """Average trilinear samples spread evenly over each target voxel; edge values go on outside."""
    matrix, offset = index_map
    total = np.zeros(shape, dtype=np.float32)
    for shift in _shifts(samples):
        total += linear_samples(values, (matrix, offset + matrix @ shift), shape)
    total /= math.prod(samples)
    return total


def _shifts(samples: tuple[int, ...]) -> Iterator[FloatArray]:
    """Where the samples of a voxel lie, from its center, in voxels."""
    along = [(np.arange(n) + 0.5) / n - 0.5 for n in samples]
    return map(np.array, itertools.product(*along))


def _share_filled(
    mask: NDArray[np.bool_],
    index_map: IndexMap,
    shape: tuple[int, int, int],
    samples: tuple[int, ...],
) -> NDArray[np.float32]:
    """Average trilinear samples of a mask, 0 outside, over each target voxel.

    Only those near its surface need samples.
    """
    from scipy import ndimage

    matrix, offset = index_map
    reach = _reach(matrix, samples)
    # 0 where samples meet nothing of the mask, 2 where nothing else.
    met = _any_within(mask, reach).astype(np.uint8) + ~_any_within(~mask, reach)
    met = nearest_samples(met, index_map, shape)
    share = (met == 2).astype(np.float32)
    near = np.nonzero(met == 1)
    centers = sum(matrix[:, axis, None] * near[axis] for axis in range(3))
    total = np.zeros(len(near[0]), dtype=np.float32)
    values = mask.astype(np.float32)
    for shift in _shifts(samples):
        at = centers + (offset + matrix @ shift)[:, None]
        total += ndimage.map_coordinates(
            values, at, order=1, mode="grid-constant", output=np.float32
        )
    share[near] = total / np.float32(math.prod(samples))
    return share


def _any_within(mask: NDArray[np.bool_], reach: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each voxel whether a mask has one in the box around it, `reach` to each side."""
    for axis, steps in enumerate(reach):
        spread = mask.copy()
        for step in range(1, min(int(steps), mask.shape[axis] - 1) + 1):
            behind, ahead = [slice(None)] * 3, [slice(None)] * 3
            behind[axis], ahead[axis] = slice(None, -step), slice(step, None)
            spread[tuple(ahead)] |= mask[tuple(behind)]
            spread[tuple(behind)] |= mask[tuple(ahead)]
        mask = spread
    return mask


def _reach(matrix: FloatArray, samples: tuple[int, ...]) -> NDArray[np.int64]:
    """How far from the source voxel nearest to a voxel's center those lie that its samples use."""
    # Up to half a voxel to that center, from there to the outermost sample, to its neighbor.
    outermost = np.abs(matrix) @ [(n - 1) / (2 * n) for n in samples]
    reach: NDArray[np.int64] = np.floor(0.5 + outermost + 1.0 + 1e-6).astype(np.int64)
    return reach


def _span(
    index_map: IndexMap, lower: NDArray[np.int64], upper: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest source index that the corners of a target box have."""
    matrix, offset = index_map
    corners = np.array(list(itertools.product(*zip(lower, upper, strict=True))))
    at = corners @ matrix.T + offset
    return at.min(axis=0), at.max(axis=0)


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first index of a mask and the one after its last, along (k, j, i)."""
    spans = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    lower = np.array([span[0] for span in spans], dtype=np.int64)
    upper = np.array([span[-1] + 1 for span in spans], dtype=np.int64)
    return lower, upper


def _box(lower: NDArray[np.int64], upper: NDArray[np.int64]) -> tuple[slice, slice, slice]:
    return (
        slice(int(lower[0]), int(upper[0])),
        slice(int(lower[1]), int(upper[1])),
        slice(int(lower[2]), int(upper[2])),
    )


def _reached(
    index_map: IndexMap,
    source_lower: NDArray[np.floating],
    source_upper: NDArray[np.floating],
    shape: tuple[int, int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the box of target voxels that reach into a box of source indices."""
    matrix, offset = index_map
    corners = np.array(list(itertools.product(*zip(source_lower, source_upper, strict=True))))
    reached = (corners - offset) @ np.linalg.inv(matrix).T
    lower = np.floor(reached.min(axis=0) - 0.5).astype(np.int64)
    upper = np.ceil(reached.max(axis=0) + 1.5).astype(np.int64)
    return np.maximum(lower, 0), np.minimum(upper, np.asarray(shape))
