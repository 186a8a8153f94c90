"""Surfaces between voxels, and signed distances to them in millimeters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cryosim_kernels import surfaces
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..geometry import Grid

__all__ = ["Surface", "isosurface", "sample", "signed_distance_mm"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# The nearest triangle is among those whose centers are nearest: all triangles are smaller than a
# voxel. Measured on spheres: 24 candidates and all of them give the same distance to 1e-6 mm.
_CANDIDATES = 24


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles in the world.

    Attributes
    ----------
    triangles_mm : (n, 3, 3) corners in LPS millimeters.
    """

    triangles_mm: F64

    @property
    def empty(self) -> bool:
        """Whether there is no surface at all."""
        return len(self.triangles_mm) == 0

    @property
    def centers_mm(self) -> F64:
        """(n, 3) centers of the triangles."""
        centers: F64 = self.triangles_mm.mean(axis=1)
        return centers

    @property
    def areas_mm2(self) -> F64:
        """(n,) areas of the triangles."""
        a, b, c = np.moveaxis(self.triangles_mm, 1, 0)
        areas: F64 = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
        return areas

    def distance_mm(self, points_mm: F64) -> F64:
        """(n,) distance from each (n, 3) point to the nearest triangle; inf without triangles."""
        distance = np.full(len(points_mm), np.inf)
        if self.empty or len(points_mm) == 0:
            return distance
        count = min(_CANDIDATES, len(self.triangles_mm))
        _, nearest = cKDTree(self.centers_mm).query(points_mm, k=count, workers=-1)
        candidates = np.ascontiguousarray(nearest.reshape(len(points_mm), count), dtype=np.int64)
        surfaces.distance_to_triangles(
            np.ascontiguousarray(points_mm, dtype=float), self.triangles_mm, candidates, distance
        )
        return distance


def isosurface(grid: Grid, field: F32, level: float, outside: float | None = None) -> Surface:
    """Triangulate where a field of voxel centers crosses a level.

    Parameters
    ----------
    field : (k, j, i). level : the value on the surface; at or below is inside.
    outside : value taken beyond the grid, which closes the surface there; open when None.
    """
    values = np.ascontiguousarray(field, dtype=np.float32)
    shift = 0
    if outside is not None:
        values = np.pad(values, 1, constant_values=np.float32(outside))
        shift = 1
    counts = np.zeros(max(values.shape[0] - 1, 0), dtype=np.int64)
    surfaces.count_triangles(values, level, counts)
    offsets = np.cumsum(counts) - counts
    triangles = np.empty((int(counts.sum()), 3, 3))
    surfaces.fill_triangles(values, level, offsets, triangles)
    return Surface(grid.to_world(triangles - shift))


def sample(grid: Grid, field: F32, points_mm: F64) -> F64:
    """Trilinear values of a field at (n, 3) world points; the edge value outside the grid."""
    index = grid.to_index(points_mm)[:, ::-1].T
    values: F64 = ndimage.map_coordinates(field, index, order=1, mode="nearest", output=np.float64)
    return values


def signed_distance_mm(grid: Grid, field: F32, level: float, points_mm: F64) -> F64:
    """Signed distance from points to the isosurface: positive where the field is at or below it.

    Inf or -inf where the field has no such surface.
    """
    distance = isosurface(grid, field, level).distance_mm(points_mm)
    inside = sample(grid, field, points_mm) <= level
    return np.where(inside, distance, -distance)
