"""Isosurfaces between voxels: triangles, distances to them, the share of a voxel below them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from cryosim_kernels import in_threads, partial_volume, surfaces

from .geometry import Grid, read_only

__all__ = [
    "Surface",
    "filled_voxels",
    "isosurface",
    "sample",
    "share_at_or_below",
    "signed_distance_mm",
    "structure_points_mm",
    "structure_surface",
]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# The nearest triangle is in one of the patches whose centers are nearest: a patch is at most a
# voxel wide. Checked against all triangles in the tests.
_NEAREST_PATCHES = 12


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles in the world, those of one cube between voxel centers together as a patch.

    Attributes
    ----------
    triangles_mm : (n, 3, 3) corners in LPS millimeters.
    starts : (p + 1,) first triangle of each patch, and n.
    """

    triangles_mm: F64
    starts: NDArray[np.int64]

    @property
    def empty(self) -> bool:
        """Whether there is no surface at all."""
        return len(self.triangles_mm) == 0

    @cached_property
    def areas_mm2(self) -> F64:
        """(p,) areas of the patches."""
        return self._of_patches(self._triangle_areas)

    @cached_property
    def centers_mm(self) -> F64:
        """(p, 3) centers of gravity of the patches."""
        weights = np.maximum(self._triangle_areas, 1e-12)[:, None]
        moments = self._of_patches(weights * self.triangles_mm.mean(axis=1))
        return moments / self._of_patches(weights)

    @cached_property
    def _triangle_areas(self) -> F64:
        a, b, c = np.moveaxis(self.triangles_mm, 1, 0)
        areas: F64 = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
        return areas

    def part(self, which: NDArray[np.bool_]) -> Surface:
        """Return some of the patches, (p,), as a surface."""
        if which.all():
            return self
        counts = np.diff(self.starts)
        triangles = self.triangles_mm[np.repeat(which, counts)]
        return Surface(triangles, np.concatenate([[0], np.cumsum(counts[which])]))

    def _of_patches(self, values: F64) -> F64:
        """Sum values of triangles over each patch."""
        if self.empty:
            return values
        sums: F64 = np.add.reduceat(values, self.starts[:-1], axis=0)
        return sums

    def distance_mm(self, points_mm: F64) -> F64:
        """(n,) distance from each (n, 3) point to the nearest triangle; inf without triangles."""
        distance = np.full(len(points_mm), np.inf)
        if self.empty or len(points_mm) == 0:
            return distance
        count = min(_NEAREST_PATCHES, len(self.starts) - 1)
        _, nearest = cKDTree(self.centers_mm).query(points_mm, k=count, workers=-1)
        candidates = np.ascontiguousarray(nearest.reshape(len(points_mm), count), dtype=np.int64)
        in_threads(
            surfaces.distance_to_triangles,
            len(points_mm),
            np.ascontiguousarray(points_mm, dtype=float),
            self.triangles_mm,
            self.starts,
            candidates,
            distance,
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
    # Read-only like the fields of a result: one type, and kernels are compiled for it once.
    values = read_only(values)
    counts = np.zeros(max(values.shape[0] - 1, 0), dtype=np.int64)
    in_threads(surfaces.count_triangles, len(counts), values, level, counts)
    offsets = np.cumsum(counts) - counts
    triangles = np.empty((int(counts.sum()), 3, 3))
    in_threads(surfaces.fill_triangles, len(counts), values, level, offsets, triangles)
    cubes = np.floor(triangles.mean(axis=1))
    new_patch = np.any(np.diff(cubes, axis=0) != 0, axis=1)
    starts = np.flatnonzero(np.concatenate([[True], new_patch, [True]]))
    return Surface(grid.to_world(triangles - shift), starts if len(triangles) else starts[:1])


def structure_surface(grid: Grid, share: F32) -> Surface:
    """Triangulate the surface of a structure given by the share of each voxel that it fills."""
    return isosurface(grid, -share, -0.5, outside=0.0)


def filled_voxels(share: F32) -> NDArray[np.bool_]:
    """Return the voxels of a structure, by the share of each that it fills.

    One thinner than a voxel fills none by half; then the fullest ones stand for it.
    """
    filled: NDArray[np.bool_] = share >= min(0.5, float(share.max()) / 2 or 1.0)
    return filled


def structure_points_mm(grid: Grid, share: F32) -> F64:
    """(n, 3) world points on the surface of a structure and at the voxels that it fills."""
    filled = np.argwhere(filled_voxels(share))[:, ::-1]
    if len(filled) == 0:
        return np.zeros((0, 3))
    return np.concatenate([grid.to_world(filled), structure_surface(grid, share).centers_mm])


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


def share_at_or_below(field: F32, level: float) -> F32:
    """Share of each voxel, (k, j, i) in 0..1, where a field is at or below a level."""
    share = np.empty(field.shape, dtype=np.float32)
    in_threads(partial_volume.share_below, len(share), read_only(field), level, share)
    return share
