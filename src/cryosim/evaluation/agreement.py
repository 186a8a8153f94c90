"""How well two shapes agree: Dice, and the distances between their surfaces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import Grid
from ..images import resample_field
from ..surfaces import Surface, isosurface, signed_distance_mm

__all__ = ["Agreement", "Shape", "compare_shapes", "shape_of_mask"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Smoothing that takes the steps off a mask: the surface of a ball then has its true area within a
# few percent, and shrinks by less than a tenth of a voxel.
_SMOOTHING_VOXELS = 0.7
_ROOM_VOXELS = 4
_MOST_SAMPLES = 20_000_000
_PERCENTILE = 0.95


@dataclass(frozen=True, eq=False)
class Shape:
    """What lies where a field is at or below a level, to a fraction of a voxel.

    Attributes
    ----------
    grid : voxels of the field. field : (k, j, i). level : the value on the surface.
    """

    grid: Grid
    field: F32
    level: float

    @property
    def empty(self) -> bool:
        """Whether no voxel center lies inside."""
        return not bool((self.field <= self.level).any())

    @cached_property
    def surface(self) -> Surface:
        """The surface, closed where the grid ends."""
        return isosurface(self.grid, self.field, self.level, outside=self._outside)

    @property
    def _outside(self) -> float:
        return self.level + max(float(self.field.max()) - self.level, 1.0)

    def fills(self, grid: Grid) -> NDArray[np.bool_]:
        """Tell which voxel centers of another grid lie inside."""
        filled: NDArray[np.bool_] = (
            resample_field(self.grid, self.field, grid, self._outside) <= self.level
        )
        return filled


@dataclass(frozen=True)
class Agreement:
    """How two shapes agree.

    Attributes
    ----------
    first_ml, second_ml : their volumes.
    dice : twice the common volume over the sum of both; 1 for the same shape, 0 for none in common.
    mean_mm : mean distance to the other surface, over the areas of both.
    p95_mm : 95 % of each surface are at most so far from the other; the larger of both.
    max_mm : largest distance from a point of one surface to the other (Hausdorff).
    mean_signed_mm : mean over the second surface of the distance to the first, positive where the
        first reaches beyond the second.
    """

    first_ml: float
    second_ml: float
    dice: float
    mean_mm: float
    p95_mm: float
    max_mm: float
    mean_signed_mm: float


def shape_of_mask(grid: Grid, mask: NDArray[np.bool_]) -> Shape:
    """Take the steps of voxels off a mask that is not empty.

    Parameters
    ----------
    mask : (k, j, i) on `grid`.
    """
    low, high = (reach(np.argwhere(mask), axis=0) for reach in (np.min, np.max))
    part = mask[tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))]
    padded = np.pad(part, _ROOM_VOXELS).astype(np.float32)
    start = grid.to_world((low - _ROOM_VOXELS)[::-1])
    around = Grid.from_spacing(padded.shape, grid.spacing_mm, start, grid.direction)
    smooth = ndimage.gaussian_filter(padded, _SMOOTHING_VOXELS)
    # Single voxels would vanish.
    return Shape(around, -(smooth if smooth.max() > 0.5 else padded), -0.5)


def compare_shapes(first: Shape, second: Shape) -> Agreement:
    """Compare two shapes, on any grids, of which none may be empty."""
    common = _common_grid(first, second)
    fills = [shape.fills(common) for shape in (first, second)]
    counts = [float(np.count_nonzero(filled)) for filled in fills]
    both = float(np.count_nonzero(fills[0] & fills[1]))
    there = second.surface.distance_mm(first.surface.centers_mm)
    back = first.surface.distance_mm(second.surface.centers_mm)
    areas = first.surface.areas_mm2, second.surface.areas_mm2
    signed = _signed_mm(first, second)
    return Agreement(
        first_ml=counts[0] * common.cell_volume_ml,
        second_ml=counts[1] * common.cell_volume_ml,
        dice=2 * both / sum(counts) if sum(counts) > 0 else 0.0,
        mean_mm=float((there @ areas[0] + back @ areas[1]) / (areas[0].sum() + areas[1].sum())),
        p95_mm=max(_percentile(there, areas[0]), _percentile(back, areas[1])),
        max_mm=float(max(there.max(), back.max())),
        mean_signed_mm=float(signed @ areas[1] / areas[1].sum()),
    )


def _signed_mm(first: Shape, second: Shape) -> F64:
    """Signed distance from the second surface to the first."""
    padded = np.pad(first.field, 1, constant_values=np.float32(first._outside))
    start = first.grid.to_world((-1, -1, -1))
    grid = Grid.from_spacing(padded.shape, first.grid.spacing_mm, start, first.grid.direction)
    return signed_distance_mm(grid, padded, first.level, second.surface.centers_mm)


def _common_grid(first: Shape, second: Shape) -> Grid:
    """Return samples of half a voxel, along the axes of the second, around both shapes."""
    direction = second.grid.direction
    points = [shape.surface.triangles_mm.reshape(-1, 3) for shape in (first, second)]
    along = np.concatenate(points) @ direction
    low, high = along.min(axis=0), along.max(axis=0)
    size = np.maximum(high - low, 1e-3)
    finest = min(float(shape.grid.spacing_mm.min()) for shape in (first, second)) / 2
    step = max(finest, float(math.prod(size) / _MOST_SAMPLES) ** (1 / 3))
    count = np.ceil(size / step).astype(int) + 2
    start = direction @ ((low + high) / 2 - step * (count - 1) / 2)
    return Grid.from_spacing(count[::-1].tolist(), step, start, direction)


def _percentile(distance_mm: F64, areas_mm2: F64) -> float:
    """Distance that is exceeded on a twentieth of the area."""
    order = np.argsort(distance_mm)
    below = np.cumsum(areas_mm2[order]) / areas_mm2.sum()
    return float(distance_mm[order][min(int(np.searchsorted(below, _PERCENTILE)), len(order) - 1)])
