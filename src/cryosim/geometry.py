"""Voxel grids in world coordinates: the only place where axes are turned.

The world is LPS millimeters (x to the patient's Left, y to Posterior, z to Superior), as in DICOM.
Arrays are C-ordered ``[k, j, i]``; an affine maps the index ``(i, j, k)`` of a voxel's *center* to
the world. Nothing else carries position, so oblique and flipped volumes need no special case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError

__all__ = [
    "Grid",
    "Reorientation",
    "approach_words",
    "direction_words",
    "lps_from_ras",
    "read_only",
    "tilt_deg",
]

FloatArray = NDArray[np.float64]

# Flipping x and y turns RAS into LPS and back.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_FROM = ("from the front", "from the left", "from behind", "from the right")
_TO = ("front", "left", "back", "right")
_ALONG_THE_BODY_DEG = 80.0
# Of LPS axes, towards lower and higher values.
_SIDES = (("right", "left"), ("anterior", "posterior"), ("lower", "upper"))
# A component counts when it is this share of the direction.
_COUNTS = 0.35


def lps_from_ras(ras: ArrayLike) -> FloatArray:
    """Turn RAS into LPS, or the reverse.

    Parameters
    ----------
    ras : a (4, 4) voxel-to-RAS affine (NIfTI), or a position (x, y, z, 1).
    """
    turned: FloatArray = _RAS_TO_LPS @ np.asarray(ras, dtype=float)
    return turned


def approach_words(axis: FloatArray) -> str:
    """Say where a needle comes from: "from behind, 27° to the left, 8° to the head".

    Parameters
    ----------
    axis : unit vector from the tip up the shaft, LPS.
    """
    tilt = np.sign(axis[2]) * tilt_deg(axis)
    end = "head" if tilt > 0 else "feet"
    if abs(tilt) > _ALONG_THE_BODY_DEG:
        lean = round(90 - abs(tilt))
        return f"from the {end}, " + (f"{lean}° off" if lean else "along") + " the long axis"
    # From the front toward the left; the patient's left is +x, the front -y.
    turn = float(np.degrees(np.arctan2(axis[0], -axis[1]))) % 360.0
    nearest = round(turn / 90.0)
    off = turn - 90.0 * nearest
    words = [_FROM[nearest % 4]]
    if round(off):
        words.append(f"{abs(off):.0f}° to the {_TO[(nearest + (1 if off > 0 else -1)) % 4]}")
    if round(tilt):
        words.append(f"{abs(tilt):.0f}° to the {end}")
    return ", ".join(words)


def tilt_deg(axis: FloatArray) -> float:
    """Return the angle of a unit vector (LPS) to the axial plane, 0 to 90."""
    return float(np.degrees(np.arcsin(min(abs(float(axis[2])), 1.0))))


def direction_words(vector: FloatArray) -> str:
    """Say a direction in the patient: "posterior left upper"; the strongest component first."""
    unit = np.asarray(vector, dtype=float) / max(float(np.linalg.norm(vector)), 1e-9)
    order = np.argsort(-np.abs(unit))
    return " ".join(_SIDES[n][int(unit[n] > 0)] for n in order if abs(unit[n]) >= _COUNTS)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a C-ordered view (a copy where needed) of `array` that cannot be written to."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Reorientation:
    """How array axes are permuted and flipped to run closest to world x, y, z.

    Attributes
    ----------
    order : for each new array axis (k, j, i), the old one.
    flips : the new array axes to be reversed after the permutation.
    """

    order: tuple[int, int, int]
    flips: tuple[int, ...]

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return `values` (indexed [k, j, i] on the old grid) on the new grid."""
        return np.ascontiguousarray(np.flip(values.transpose(self.order), self.flips))


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular grid of voxels.

    Parameters
    ----------
    shape : voxels along (k, j, i).
    affine : (4, 4); maps (i, j, k) of a voxel center to LPS millimeters.

    Raises
    ------
    InputError
        When the axes are not at right angles (sheared), a spacing is not positive, or the numbers
        cannot be millimeters.
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise InputError(f"grid: shape {shape} must be three positive numbers of voxels")
        affine = np.array(self.affine, dtype=float)
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            raise InputError(
                "grid: the affine must be a finite 4x4 matrix; repair the image header"
            )
        columns = affine[:3, :3]
        spacing = np.linalg.norm(columns, axis=0)
        if np.any(spacing <= 0):
            raise InputError(f"grid: voxel spacing {_text(spacing)} mm must be positive")
        if spacing.max() < 0.02:
            raise InputError(
                f"grid: voxel spacing {_text(spacing)} mm looks like meters; "
                "convert the image header to millimeters"
            )
        if spacing.max() > 100.0:
            raise InputError(
                f"grid: voxel spacing {_text(spacing)} mm is too coarse to be an image in "
                "millimeters; check the unit of the image header"
            )
        directions = columns / spacing
        skew = np.abs(directions.T @ directions - np.eye(3)).max()
        if skew > 2e-3:
            raise InputError(
                f"grid: the image axes are sheared (cosine {skew:.4f} between two of them, "
                "0 expected); resample the image onto a rectangular grid"
            )
        affine.flags.writeable = False
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", affine)

    @classmethod
    def from_spacing(
        cls,
        shape: Sequence[int],
        spacing_mm: ArrayLike,
        origin_mm: ArrayLike,
        direction: ArrayLike | None = None,
    ) -> Grid:
        """Build a grid from spacing along (x, y, z), the first voxel's center and unit axes.

        Parameters
        ----------
        direction : (3, 3), columns are the unit vectors of i, j, k; the world axes by default.
        """
        unit = np.eye(3) if direction is None else np.asarray(direction, dtype=float)
        affine = np.eye(4)
        affine[:3, :3] = unit * np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
        affine[:3, 3] = origin_mm
        return cls((int(shape[0]), int(shape[1]), int(shape[2])), affine)

    @classmethod
    def centered(cls, size_mm: ArrayLike, spacing_mm: float) -> Grid:
        """Build a box of `size_mm` (x, y, z) about the world origin, edges on the voxel faces.

        The spacing is stretched by less than half a voxel over the box so that voxels fill it.
        """
        size = np.asarray(size_mm, dtype=float)
        count = np.maximum(1, np.rint(size / spacing_mm)).astype(int)
        spacing = size / count
        return cls.from_spacing(count[::-1].tolist(), spacing, -size / 2 + spacing / 2)

    @property
    def spacing_mm(self) -> FloatArray:
        """Spacing along i, j, k (x, y, z of the grid's own axes)."""
        spacing: FloatArray = np.linalg.norm(self.affine[:3, :3], axis=0)
        return spacing

    @property
    def direction(self) -> FloatArray:
        """(3, 3); columns are the unit vectors of i, j, k in the world."""
        return self.affine[:3, :3] / self.spacing_mm

    @property
    def origin_mm(self) -> FloatArray:
        """World position of the center of voxel (0, 0, 0)."""
        return self.affine[:3, 3]

    @property
    def size_mm(self) -> FloatArray:
        """Edge lengths along i, j, k, voxel faces included."""
        return self.spacing_mm * np.asarray(self.shape[::-1])

    @property
    def cell_volume_ml(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm)) * 1e-3

    @property
    def cell_face_mm2(self) -> float:
        """Area of a face of a voxel; of one that is no cube, of the cube of its volume."""
        return float(np.prod(self.spacing_mm)) ** (2 / 3)

    @property
    def cell_count(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    def to_world(self, index: ArrayLike) -> FloatArray:
        """Map (..., 3) indices (i, j, k), fractions allowed, to LPS millimeters."""
        world: FloatArray = np.asarray(index, dtype=float) @ self.affine[:3, :3].T + self.origin_mm
        return world

    def to_index(self, world_mm: ArrayLike) -> FloatArray:
        """Map (..., 3) LPS millimeters to fractional indices (i, j, k)."""
        inverse = np.linalg.inv(self.affine[:3, :3])
        index: FloatArray = (np.asarray(world_mm, dtype=float) - self.origin_mm) @ inverse.T
        return index

    def nearest(self, world_mm: ArrayLike) -> tuple[NDArray[np.intp], ...]:
        """Return k, j, i of the voxels nearest to (..., 3) LPS points, clipped to the grid."""
        index = np.rint(self.to_index(world_mm)).astype(np.intp)
        i, j, k = np.moveaxis(np.clip(index, 0, np.array(self.shape[::-1]) - 1), -1, 0)
        return k, j, i

    def contains(self, world_mm: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of the (..., 3) points lie inside the voxels, faces included."""
        index = self.to_index(world_mm)
        upper = np.asarray(self.shape[::-1]) - 0.5
        inside: NDArray[np.bool_] = np.all((index >= -0.5) & (index <= upper), axis=-1)
        return inside

    def corners_mm(self) -> FloatArray:
        """(8, 3) world positions of the outer corners of the grid."""
        upper = np.asarray(self.shape[::-1]) - 0.5
        unit = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij")).reshape(3, 8).T
        return self.to_world(-0.5 + unit * (upper + 0.5))

    def matches(self, other: Grid) -> bool:
        """Tell whether both grids have the same voxels, to a hundredth of a voxel."""
        if self.shape != other.shape:
            return False
        drift = np.abs(self.to_index(other.corners_mm()) - self.to_index(self.corners_mm()))
        return bool(drift.max() < 0.01)

    def canonical(self) -> tuple[Grid, Reorientation]:
        """Return the same voxels with axes running closest to world x, y, z, and how to get there.

        The NIfTI, LPS and DICOM versions of one volume have the same canonical grid.
        """
        unit = self.direction
        # Greedy assignment: the index axis that is most aligned with a world axis takes it.
        axis_of_world = [-1, -1, -1]
        strength = np.abs(unit)
        for _ in range(3):
            world_axis, index_axis = divmod(int(np.argmax(strength)), 3)
            axis_of_world[world_axis] = index_axis
            strength[world_axis, :] = -1
            strength[:, index_axis] = -1
        affine = np.eye(4)
        affine[:3, 3] = self.origin_mm
        flips: list[int] = []
        for world_axis, index_axis in enumerate(axis_of_world):
            column = self.affine[:3, index_axis]
            if column[world_axis] < 0:
                affine[:3, 3] += column * (self.shape[2 - index_axis] - 1)
                column = -column
                flips.append(2 - world_axis)
            affine[:3, world_axis] = column
        # Array axes run (k, j, i): the reverse of index axes (i, j, k).
        order = tuple(2 - axis_of_world[2 - new_axis] for new_axis in range(3))
        shape = tuple(self.shape[old_axis] for old_axis in order)
        turned = Reorientation((order[0], order[1], order[2]), tuple(sorted(flips)))
        return Grid((shape[0], shape[1], shape[2]), affine), turned

    def box_around(self, points_mm: ArrayLike, padding_mm: float, spacing_mm: float) -> Grid:
        """Return a new grid along the same axes around points, clipped to this grid's outer faces.

        Parameters
        ----------
        points_mm : (n, 3) world points that the box holds.
        padding_mm : room beyond the points on every side.
        spacing_mm : spacing of the new grid, isotropic; its voxels fill whole multiples of it.
        """
        step = self.spacing_mm
        local = self.to_index(points_mm) * step
        lower = np.maximum(local.min(axis=0) - padding_mm, -0.5 * step)
        upper = np.minimum(
            local.max(axis=0) + padding_mm, (np.asarray(self.shape[::-1]) - 0.5) * step
        )
        count = np.floor((upper - lower) / spacing_mm + 1e-6).astype(int)
        if np.any(count < 3):
            raise InputError(
                f"grid: a box of {_text(upper - lower)} mm holds fewer than three voxels of "
                f"{spacing_mm:g} mm on a side; use a smaller grid.spacing_mm"
            )
        start = (lower + upper - count * spacing_mm) / 2 + spacing_mm / 2
        return Grid.from_spacing(
            count[::-1].tolist(), spacing_mm, self.to_world(start / step), self.direction
        )

    def describe(self) -> str:
        """One line for people: voxels and spacing along x, y, z."""
        count = " x ".join(str(n) for n in self.shape[::-1])
        return f"{count} voxels of {_text(self.spacing_mm)} mm"

    def extent(self) -> str:
        """What the voxels cover in the world, for messages."""
        corners = self.corners_mm()
        ends = zip("xyz", corners.min(axis=0), corners.max(axis=0), strict=True)
        along = ", ".join(f"{axis} {low:.0f} to {high:.0f}" for axis, low, high in ends)
        return f"{along} mm (LPS)"


def _text(values: ArrayLike) -> str:
    return " x ".join(f"{value:.4g}" for value in np.atleast_1d(np.asarray(values, dtype=float)))
