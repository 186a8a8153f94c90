"""Analytic shapes as signed distances: millimeters to the surface, negative inside.

Shapes take x, y, z in LPS millimeters as arrays that broadcast against each other, so that a whole
image costs one call and shapes that do not depend on z are computed once a slice. `bounds_mm` is a
box that holds the shape; it saves work far from small ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "EVERYWHERE",
    "Ball",
    "Bounds",
    "Cylinder",
    "Ellipsoid",
    "FloatArray",
    "Grown",
    "Inside",
    "Outside",
    "Shape",
    "Slab",
    "Tube",
    "distance_to_path_mm",
    "rounded_path",
]

FloatArray: TypeAlias = NDArray[np.floating]
Bounds: TypeAlias = tuple[FloatArray, FloatArray]
Point: TypeAlias = tuple[float, float, float]

EVERYWHERE: Bounds = (np.full(3, -np.inf), np.full(3, np.inf))


class Shape(Protocol):
    """Anything with a surface."""

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the signed distance of points to the surface, negative inside."""
        ...

    def bounds_mm(self) -> Bounds:
        """Return the lower and upper corner of a box that holds the shape."""
        ...


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, turned about z by `turn_deg` (from x towards y).

    The distance is exact in sign, and to first order near the surface.
    """

    center_mm: Point
    semi_axes_mm: Point
    turn_deg: float = 0.0

    @property
    def volume_ml(self) -> float:
        """Exact volume."""
        return 4.0 / 3.0 * math.pi * math.prod(self.semi_axes_mm) * 1e-3

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return |p/r| (|p/r| - 1) / |p/r²|, with the semi-axes r."""
        dx, dy, dz = (p - c for p, c in zip((x, y, z), self.center_mm, strict=True))
        cos, sin = math.cos(math.radians(self.turn_deg)), math.sin(math.radians(self.turn_deg))
        local = (cos * dx + sin * dy, cos * dy - sin * dx, dz)
        scaled = [p / r for p, r in zip(local, self.semi_axes_mm, strict=True)]
        once = np.sqrt(_sum_of_squares(scaled))
        twice = np.sqrt(
            _sum_of_squares([p / r for p, r in zip(scaled, self.semi_axes_mm, strict=True)])
        )
        # At the center the quotient is 0/0; its limit there is minus the shortest semi-axis.
        depth = once * (once - 1.0) / np.maximum(twice, 1e-9)
        return np.where(once < 1e-6, -min(self.semi_axes_mm), depth)

    def bounds_mm(self) -> Bounds:
        """Return a box that holds the ellipsoid however it is turned."""
        center, reach = np.asarray(self.center_mm), max(self.semi_axes_mm)
        return center - reach, center + reach


def Ball(center_mm: Point, radius_mm: float) -> Ellipsoid:  # noqa: N802 - reads as a shape
    """Return a ball; its distance is exact."""
    return Ellipsoid(center_mm, (radius_mm, radius_mm, radius_mm))


@dataclass(frozen=True)
class Cylinder:
    """A straight cylinder along z, with flat ends."""

    center_mm: Point
    radius_mm: float
    length_mm: float

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the larger of the distances to the side and to the ends."""
        side = np.hypot(x - self.center_mm[0], y - self.center_mm[1]) - self.radius_mm
        ends = np.abs(z - self.center_mm[2]) - self.length_mm / 2
        return np.maximum(side, ends)

    def bounds_mm(self) -> Bounds:
        """Return the box about the cylinder."""
        reach = np.array([self.radius_mm, self.radius_mm, self.length_mm / 2])
        return np.asarray(self.center_mm) - reach, np.asarray(self.center_mm) + reach


@dataclass(frozen=True)
class Slab:
    """What lies between two planes across one world axis (0, 1, 2 for x, y, z)."""

    axis: int
    lower_mm: float = -math.inf
    upper_mm: float = math.inf

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the distance to the nearer plane."""
        along = (x, y, z)[self.axis]
        return np.maximum(self.lower_mm - along, along - self.upper_mm)

    def bounds_mm(self) -> Bounds:
        """Return the slab itself."""
        lower, upper = (corner.copy() for corner in EVERYWHERE)
        lower[self.axis], upper[self.axis] = self.lower_mm, self.upper_mm
        return lower, upper


@dataclass(frozen=True)
class Tube:
    """A round tube along a smooth path: vessels, nerves, bowel, ribs.

    Attributes
    ----------
    points_mm : the path goes smoothly through them.
    radii_mm : radius at every point, or one for all.
    """

    points_mm: tuple[Point, ...]
    radii_mm: tuple[float, ...]

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the distance to a chain of short straight pieces."""
        path = self._path()
        return distance_to_path_mm((x, y, z), path[:, :3], path[:, 3])

    def bounds_mm(self) -> Bounds:
        """Return the box about the path, grown by the largest radius."""
        path = self._path()
        reach = path[:, 3].max()
        return path[:, :3].min(axis=0) - reach, path[:, :3].max(axis=0) + reach

    def _path(self) -> FloatArray:
        radii = np.broadcast_to(np.asarray(self.radii_mm, dtype=float), len(self.points_mm))
        return rounded_path(np.column_stack([np.asarray(self.points_mm), radii]), pieces=6)


@dataclass(frozen=True)
class Grown:
    """Another shape with its surface moved outward by `by_mm` (inward when negative)."""

    shape: Shape
    by_mm: float

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the shape's distance less the growth."""
        return self.shape.distance_mm(x, y, z) - self.by_mm

    def bounds_mm(self) -> Bounds:
        """Return the shape's box, grown."""
        lower, upper = self.shape.bounds_mm()
        return lower - self.by_mm, upper + self.by_mm


@dataclass(frozen=True)
class Inside:
    """What lies in all of several shapes."""

    shapes: tuple[Shape, ...]

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the largest distance."""
        found = self.shapes[0].distance_mm(x, y, z)
        for shape in self.shapes[1:]:
            found = np.maximum(found, shape.distance_mm(x, y, z))
        return found

    def bounds_mm(self) -> Bounds:
        """Return the common part of the boxes."""
        boxes = [shape.bounds_mm() for shape in self.shapes]
        return (
            np.max([lower for lower, _ in boxes], axis=0),
            np.min([upper for _, upper in boxes], axis=0),
        )


@dataclass(frozen=True)
class Outside:
    """Everything but a shape."""

    shape: Shape

    def distance_mm(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Return the shape's distance with the sign turned."""
        return -self.shape.distance_mm(x, y, z)

    def bounds_mm(self) -> Bounds:
        """Return no limit."""
        return EVERYWHERE


def rounded_path(points: ArrayLike, pieces: int, *, closed: bool = False) -> FloatArray:
    """Return a smooth path through points (Catmull-Rom splines), as straight pieces.

    Parameters
    ----------
    points : (n, d). pieces : straight pieces between two points.
    closed : the last point joins the first, which is repeated at the end.
    """
    known = np.asarray(points, dtype=float)
    if closed:
        known = np.concatenate([known[-1:], known, known[:2]])
    else:
        # The ends go straight on.
        first, last = 2 * known[:1] - known[1:2], 2 * known[-1:] - known[-2:-1]
        known = np.concatenate([first, known, last])
    t = (np.arange(pieces) / pieces)[:, None]
    smooth = []
    for before, start, end, after in zip(known, known[1:], known[2:], known[3:], strict=False):
        slope_start, slope_end = (end - before) / 2, (after - start) / 2
        smooth.append(
            (2 * t**3 - 3 * t**2 + 1) * start
            + (t**3 - 2 * t**2 + t) * slope_start
            + (3 * t**2 - 2 * t**3) * end
            + (t**3 - t**2) * slope_end
        )
    return np.concatenate([*smooth, known[-2:-1]])


def distance_to_path_mm(
    position: Sequence[FloatArray], path: FloatArray, radii: FloatArray
) -> FloatArray:
    """Return the distance to a chain of straight pieces with a radius, negative inside.

    Parameters
    ----------
    position : one array a dimension, broadcasting against each other.
    path : (n, d) ends of the pieces. radii : (n,).
    """
    nearest: FloatArray | None = None
    for start, end, r_start, r_end in zip(path, path[1:], radii, radii[1:], strict=False):
        piece = [float(b - a) for a, b in zip(start, end, strict=True)]
        offset = [p - float(a) for p, a in zip(position, start, strict=True)]
        length_squared = sum(s * s for s in piece) or 1.0
        along = sum((o * s for o, s in zip(offset, piece, strict=True)), np.float32(0))
        share = np.clip(along / length_squared, 0.0, 1.0)
        beside = [o - share * s for o, s in zip(offset, piece, strict=True)]
        gap = np.sqrt(_sum_of_squares(beside)) - (float(r_start) + share * float(r_end - r_start))
        nearest = gap if nearest is None else np.minimum(nearest, gap)
    if nearest is None:
        raise ValueError("a path needs at least two points")
    return nearest


def _sum_of_squares(parts: Sequence[FloatArray]) -> FloatArray:
    total = parts[0] * parts[0]
    for part in parts[1:]:
        total = total + part * part
    return total
