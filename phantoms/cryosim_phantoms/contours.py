"""Shapes drawn as outlines in axial planes, the way organs are contoured on CT.

Between two drawn planes the signed distances are interpolated (shape-based interpolation), below
the first and above the last plane the outline goes on unchanged. Distances are measured in the
plane: exact for shapes that run along z, a little too large where they slant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .shapes import (
    EVERYWHERE,
    Bounds,
    FloatArray,
    distance_to_path_mm,
    rounded_path,
)

__all__ = ["Cells", "Outline", "Plate", "oval"]

Points: TypeAlias = tuple[tuple[float, float], ...]

_PIECES = 6  # straight pieces between two points of an outline
_PLATE_STEP_MM = 3.0  # faces stay exact while a plate shifts by less than its thickness a step


@dataclass(frozen=True)
class Outline:
    """The inside of smooth closed outlines.

    Attributes
    ----------
    levels : height z and points (x, y) of each drawn plane, from low to high.
    """

    levels: tuple[tuple[float, Points], ...]

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the distance to the outline interpolated to the height of each point."""
        fields = [_distance_to_outline(x, y, points) for _, points in self.levels]
        return _between_levels(z, [height for height, _ in self.levels], fields)

    def bounds_mm(self) -> Bounds:
        """Return the box about all outlines, without limit along z."""
        drawn = [rounded_path(points, _PIECES, closed=True) for _, points in self.levels]
        return _tall_box(np.concatenate(drawn), 0.0)


@dataclass(frozen=True)
class Plate:
    """A curved plate that stands upright, such as the wing of the ilium.

    Between the drawn planes the middle line itself is interpolated: a thin plate that leans would
    break up if distances were.

    Attributes
    ----------
    levels : height z, points (x, y) of the middle line and half the thickness at each, of every
        drawn plane, from low to high; equally many points in all.
    """

    levels: tuple[tuple[float, Points, tuple[float, ...]], ...]

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the distance to the plate interpolated to the height of each point."""
        drawn = [level[0] for level in self.levels]
        lines = np.array([np.column_stack([points, half]) for _, points, half in self.levels])
        heights = np.arange(drawn[0], drawn[-1] + _PLATE_STEP_MM, _PLATE_STEP_MM)
        fields = []
        for height in heights:
            weights = [np.interp(height, drawn, unit) for unit in np.eye(len(drawn))]
            path = rounded_path(np.tensordot(weights, lines, axes=1), _PIECES)
            fields.append(distance_to_path_mm((x, y), path[:, :2], path[:, 2]))
        return _between_levels(z, list(heights), fields)

    def bounds_mm(self) -> Bounds:
        """Return the box about all middle lines, grown by half the thickness."""
        drawn = np.concatenate([np.asarray(points) for _, points, _ in self.levels])
        return _tall_box(drawn, max(max(level[2]) for level in self.levels) + 3.0)


@dataclass(frozen=True)
class Cells:
    """Muscles packed side by side: cells about centers, with a gap for the fat between them.

    A point belongs to the center it is nearest to, as in a Voronoi diagram; `round_mm` rounds the
    corners where three cells meet.

    Attributes
    ----------
    centers_mm : (x, y) of all cells.
    chosen : which of them this shape is made of.
    gap_mm : width of the gap between neighbors.
    drift_mm : how far the centers move in (x, y) from z = 0 to z = 100.
    """

    centers_mm: Points
    chosen: tuple[int, ...]
    gap_mm: float
    round_mm: float = 2.5
    drift_mm: tuple[float, float] = (0.0, 0.0)

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the distance to the planes halfway to the neighbors, rounded at the corners."""
        found = self._drifting_cell(self.chosen[0], x, y, z)
        for cell in self.chosen[1:]:
            found = np.minimum(found, self._drifting_cell(cell, x, y, z))
        return found

    def bounds_mm(self) -> Bounds:
        """Return no limit: outer cells are open."""
        return EVERYWHERE

    def _drifting_cell(self, own: int, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        fields = [
            self._cell(own, x - way * self.drift_mm[0], y - way * self.drift_mm[1])
            for way in (-1.0, 1.0)
        ]
        return _between_levels(z, (-100.0, 100.0), fields)

    def _cell(self, own: int, x: FloatArray, y: FloatArray) -> FloatArray:
        here = self.centers_mm[own]
        total: FloatArray = np.zeros(())
        for other, there in enumerate(self.centers_mm):
            if other == own:
                continue
            dx, dy = there[0] - here[0], there[1] - here[1]
            length = math.hypot(dx, dy)
            middle = ((here[0] + there[0]) / 2, (here[1] + there[1]) / 2)
            beyond = ((x - middle[0]) * dx + (y - middle[1]) * dy) / length
            total = total + np.exp(np.minimum(beyond / self.round_mm, 40.0))
        return self.round_mm * np.log(np.maximum(total, 1e-30)) + self.gap_mm / 2


def oval(center_mm: tuple[float, float], radii_mm: Sequence[float], scale: float = 1.0) -> Points:
    """Return outline points at equal angles, from +x (left) by way of +y (posterior).

    Parameters
    ----------
    radii_mm : distance from the center at each of the angles. scale : factor on all of them.
    """
    angles = 2 * np.pi * np.arange(len(radii_mm)) / len(radii_mm)
    return tuple(
        (
            round(center_mm[0] + scale * radius * math.cos(angle), 3),
            round(center_mm[1] + scale * radius * math.sin(angle), 3),
        )
        for radius, angle in zip(radii_mm, angles, strict=True)
    )


def _distance_to_outline(x: FloatArray, y: FloatArray, points: Points) -> FloatArray:
    path = rounded_path(points, _PIECES, closed=True)
    distance = distance_to_path_mm((x, y), path, np.zeros(len(path)))
    inside = np.zeros(distance.shape, dtype=bool)
    # A ray towards +x leaves the outline once more than it enters it.
    for (x0, y0), (x1, y1) in itertools.pairwise(path):
        if y0 != y1:
            crossing = (x1 - x0) / (y1 - y0) * (y - y0) + x0
            inside ^= ((y0 > y) != (y1 > y)) & (x < crossing)
    return np.where(inside, -distance, distance)


def _between_levels(
    z: FloatArray, heights: Sequence[float], fields: Sequence[FloatArray]
) -> FloatArray:
    found: FloatArray = np.zeros(np.broadcast_shapes(z.shape, fields[0].shape), dtype=z.dtype)
    for level, field in enumerate(fields):
        weight = np.interp(z, heights, np.eye(len(heights))[level]).astype(z.dtype)
        if z.shape == (len(z), 1, 1):  # an image: most slices lie far from this level
            near = np.flatnonzero(weight)
            found[near] += weight[near] * field
        else:
            found += weight * field
    return found


def _tall_box(points: FloatArray, reach: float) -> Bounds:
    lower, upper = (corner.copy() for corner in EVERYWHERE)
    lower[:2], upper[:2] = points.min(axis=0) - reach, points.max(axis=0) + reach
    return lower, upper
