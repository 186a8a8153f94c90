"""Which blood vessels are wide enough to stay warm beside an iceball."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["wide_vessels"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

# Distances that differ by less are equal.
_TIE_MM = 1e-9

# The 27 points of the half-voxel lattice around a voxel center: vessels of an even number of voxels
# have their axis between voxels.
_HALF_STEPS = 0.5 * (np.indices((3, 3, 3)).reshape(3, 27).T - 1.0)


def wide_vessels(
    blood_mask: BoolArray, spacing_mm: ArrayLike, diameter_mm: float = 3.0
) -> BoolArray:
    """Return the part of a blood mask that lies in vessels wider than `diameter_mm`.

    A morphological opening: a ball of that diameter is moved wherever it fits, and what it sweeps
    is wide. A mask knows its surface to half a voxel only: the surface is taken half a voxel before
    the nearest voxel outside, and the ball may overlap it by a quarter of a voxel. With voxels of
    1 mm that keeps vessels of 3.5 mm and drops those of 2.5 mm, whatever their direction; voxels of
    2 mm and more cannot tell, and every blood voxel counts as wide. Vessels that leave the array
    are taken to go on.

    Parameters
    ----------
    blood_mask : (k, j, i) bool.
    spacing_mm : along i, j, k as in `Grid.spacing_mm`, or one number.
    diameter_mm : vessels must be wider than this.

    Returns
    -------
    (k, j, i) bool, a subset of `blood_mask`.
    """
    step = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)[::-1]
    blood = np.asarray(blood_mask, dtype=bool)
    parts = np.rint(step / step.min()).astype(int)
    if parts.max() > 1:  # flat voxels: cut them into nearly cubic ones
        fine = _cut(blood, parts)
        return blood & _joined(wide_vessels(fine, (step / parts)[::-1], diameter_mm), parts)
    outside = _shell(blood)
    if not outside.any():
        return blood.copy()  # nothing at all, or nothing but blood
    half_voxel = float(step.mean()) / 2
    needed = diameter_mm / 2 - half_voxel / 2 + half_voxel  # to the nearest voxel center outside
    reach = diameter_mm / 2 + half_voxel
    # Room for balls around all voxels; flat indices from here on.
    margin = [(n, n) for n in np.ceil(max(needed, reach) / step).astype(int) + 2]
    walls = np.pad(outside, margin)
    strides = np.array([walls.shape[1] * walls.shape[2], walls.shape[2], 1])
    walls = walls.reshape(-1)
    voxels = np.flatnonzero(np.pad(blood, margin))
    swept = np.zeros(walls.size, dtype=bool)

    def sweep(cells: IndexArray, point: FloatArray) -> None:
        """Move the ball to a point of each cell, where it fits, and mark what it covers."""
        fits = np.ones(len(cells), dtype=bool)
        for away in _ball(needed - _TIE_MM, point, step) @ strides:
            fits &= ~walls[cells + away]
        for away in _ball(reach + _TIE_MM, point, step) @ strides:
            swept[cells[fits] + away] = True

    sweep(voxels, np.zeros(3))
    # Only where no ball fits about a voxel's own center, try the points between voxels.
    rest = voxels[~swept[voxels]]
    for half in _HALF_STEPS:
        before = np.floor(half)
        sweep(rest + before.astype(int) @ strides, half - before)
    result = np.zeros_like(blood)
    result[blood] = swept[voxels]
    return result


def _ball(radius: float, point: FloatArray, step: FloatArray) -> IndexArray:
    """Return (n, 3) steps from a voxel to those whose center is nearer than `radius` to a point.

    Parameters
    ----------
    point : (k, j, i) from the center of that voxel, in voxels, 0 to 1.
    """
    ends = np.ceil(radius / step).astype(int) + 1
    steps = np.argwhere(np.ones(2 * ends + 1, dtype=bool)) - ends
    return steps[np.linalg.norm((steps - point) * step, axis=1) < radius]


def _cut(mask: BoolArray, parts: NDArray[np.int_]) -> BoolArray:
    """Return a mask whose voxels are cut into `parts` along each axis."""
    fine = mask
    for axis, count in enumerate(parts):
        fine = np.repeat(fine, int(count), axis=axis)
    return fine


def _joined(mask: BoolArray, parts: NDArray[np.int_]) -> BoolArray:
    """Undo `_cut`: a voxel is what any of its parts is."""
    blocks = [
        size for n, count in zip(mask.shape, parts, strict=True) for size in (n // count, count)
    ]
    joined: BoolArray = np.asarray(mask.reshape(blocks).any(axis=(1, 3, 5)))
    return joined


def _shell(mask: BoolArray) -> BoolArray:
    """Return the voxels outside `mask` that touch it, by a face, an edge or a corner."""
    grown = mask.copy()
    for axis in range(3):
        before = grown.copy()
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        grown[tuple(high)] |= before[tuple(low)]
        grown[tuple(low)] |= before[tuple(high)]
    return grown & ~mask
