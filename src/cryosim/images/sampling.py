"""Values of an array at the points of another grid: the nearest, or interpolated between eight.

An index map, matrix and offset, takes array indices (k, j, i) of the other grid to those of the
array. Grids that lie along the same axes, nearly all, need an index map of their own for each axis
only, and no general transform; SciPy is imported for the others.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["IndexMap", "linear_samples", "nearest_samples"]

FloatArray = NDArray[np.float64]
IndexMap = tuple[FloatArray, FloatArray]
Shape = tuple[int, int, int]
Element = TypeVar("Element", bound=np.generic)


def nearest_samples(
    values: NDArray[Element], index_map: IndexMap, shape: Shape
) -> NDArray[Element]:
    """Return the value of the nearest voxel at each point, 0 outside the array's voxels.

    Parameters
    ----------
    values : (k, j, i). shape : of what is returned.
    """
    if not _along_axes(index_map[0]):
        # "grid-constant": with "constant" the outer half of the edge voxels would count as outside.
        return _transformed(values, index_map, shape, order=0, mode="grid-constant")
    filled, taken = [], []
    for at, size in zip(_places(index_map, shape), values.shape, strict=True):
        nearest = np.floor(at + 0.5).astype(np.int64)
        inside = np.flatnonzero((nearest >= 0) & (nearest < size))
        first, last = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
        filled.append(slice(first, last))
        taken.append(nearest[first:last])
    picked = _picked(values, taken)
    if picked.shape == shape:
        return picked
    found = np.zeros(shape, dtype=values.dtype)
    found[tuple(filled)] = picked
    return found


def linear_samples(
    values: NDArray[np.float32], index_map: IndexMap, shape: Shape
) -> NDArray[np.float32]:
    """Interpolate linearly between the eight voxels around each point; edge values go on outside.

    Parameters
    ----------
    values : (k, j, i). shape : of what is returned.
    """
    if not _along_axes(index_map[0]):
        return _transformed(values, index_map, shape, order=1, mode="nearest")
    lower, upper, weights = [], [], []
    for at, size in zip(_places(index_map, shape), values.shape, strict=True):
        inside = np.clip(at, 0.0, size - 1.0)
        below = np.floor(inside).astype(np.int64)
        lower.append(below)
        upper.append(np.minimum(below + 1, size - 1))
        weights.append(inside - below)
    if not any(weight.any() for weight in weights):
        return _picked(values, lower)
    return _interpolated(values, lower, upper, weights)


def _interpolated(
    values: NDArray[np.float32],
    lower: list[NDArray[np.int64]],
    upper: list[NDArray[np.int64]],
    weights: list[FloatArray],
) -> NDArray[np.float32]:
    """Interpolate along k, then j, then i; plane by plane, which fits a processor's cache."""
    found = np.empty([len(weight) for weight in weights], dtype=np.float32)
    first, last = lower[2].min(), upper[2].max() + 1
    used = values[:, :, first:last]
    w_j, w_i = weights[1][:, None], weights[2]
    for k, w_k in enumerate(weights[0]):
        below, above = used[lower[0][k]], used[upper[0][k]]
        plane = below.astype(np.float64) * (1.0 - w_k) + above.astype(np.float64) * w_k
        rows = plane[lower[1]] * (1.0 - w_j) + plane[upper[1]] * w_j
        found[k] = (
            rows.take(lower[2] - first, axis=1) * (1.0 - w_i)
            + rows.take(upper[2] - first, axis=1) * w_i
        )
    return found


def _along_axes(matrix: FloatArray) -> bool:
    return not np.any(matrix[~np.eye(3, dtype=np.bool_)])


def _places(index_map: IndexMap, shape: Shape) -> list[FloatArray]:
    """Return where the points lie along each axis of the array, in voxels."""
    matrix, offset = index_map
    return [np.arange(n) * matrix[axis, axis] + offset[axis] for axis, n in enumerate(shape)]


def _picked(values: NDArray[Element], indices: list[NDArray[np.int64]]) -> NDArray[Element]:
    """Return `values[np.ix_(*indices)]`, axis by axis, which is faster; what shrinks goes first."""
    growth = [len(index) / size for index, size in zip(indices, values.shape, strict=True)]
    for axis in np.argsort(growth):
        values = values.take(indices[axis], axis=axis)
    return values


def _transformed(
    values: NDArray[Any], index_map: IndexMap, shape: Shape, **how: Any
) -> NDArray[Any]:
    from scipy import ndimage

    found = np.empty(shape, dtype=values.dtype)
    ndimage.affine_transform(values, *index_map, output=found, **how)
    return found
