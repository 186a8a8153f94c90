"""The image in three planes through a point, along the axes of its grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from ..pictures.moment import Moment
from ..pictures.panels import PLANES, Plane
from ..plan import ICE_C
from .standpoint import toward_viewer

__all__ = ["ImagePlane", "image_planes"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# In tissue, where ice is to be looked into, and between the viewer and the ice.
_OPACITY, _OPACITY_IN_ICE, _OPACITY_NEAR = 0.9, 0.05, 0.0
_EDGE_K = 8.0  # over which it fades at the edge of the ice: some two voxels
_AROUND_MM = 15.0  # what must be seen


class ImagePlane:
    """One plane, opaque but for the ice, and cut away where it would stand before the ice.

    Attributes
    ----------
    name : "axial", "coronal" or "sagittal".
    mesh : one point at each voxel that the plane meets; "color" is RGBA.
    """

    def __init__(self, moment: Moment, image: F32, plane: Plane, box: tuple[slice, ...]) -> None:
        import pyvista

        self.name = plane.name
        self._axis = 2 - plane.across  # of arrays
        self._in_plane = np.delete(moment.grid.direction, plane.across, axis=1).T
        at = float(moment.grid.to_index(moment.focus_mm)[plane.across])
        self._at = min(max(at, 0.0), moment.grid.shape[self._axis] - 1.0)
        self._box = tuple(slice(None) if n == self._axis else box[n] for n in range(3))
        self._values = self._cut(image)
        self._shown: F32 = np.ones_like(self._values)
        if moment.outside_air is not None:
            self._shown = np.float32(1) - self._cut(moment.outside_air)
        points = self._points(moment.grid)
        self._near = self._before(points - moment.focus_mm, toward_viewer(moment))
        x, y, z = np.moveaxis(points, -1, 0)
        self.mesh = pyvista.StructuredGrid(x, y, z)

    def color(self, window: tuple[float, float], temperature_c: F32) -> None:
        """Show values from black to white, faint in ice, and nothing outside the patient.

        Parameters
        ----------
        temperature_c : (k, j, i) on the grid of the image.
        """
        low, high = window
        gray = np.clip((self._values - low) / (high - low), 0.0, 1.0)
        ice = np.clip(0.5 - (self._cut(temperature_c) - ICE_C) / _EDGE_K, 0.0, 1.0)
        opacity = np.where(self._near, _OPACITY_NEAR, _OPACITY)
        opacity = (ice * _OPACITY_IN_ICE + (1.0 - ice) * opacity) * self._shown
        rgba = np.stack([gray, gray, gray, opacity], axis=-1)
        # A structured grid counts its first axis fastest.
        self.mesh["color"] = np.rint(255 * rgba).astype(np.uint8).reshape(-1, 4, order="F")

    def _before(self, offsets_mm: F64, toward: F64) -> NDArray[np.bool_]:
        """Tell which points lie in the quarter of the plane that is nearest to the viewer."""
        along = [offsets_mm @ axis * np.sign(toward @ axis) > 0 for axis in self._in_plane]
        return np.logical_and(*along)

    def _cut(self, values: NDArray[Any]) -> F32:
        """Values between two neighbor planes of voxels; (1, j, i), (k, 1, i) or (k, j, 1)."""
        low = int(self._at)
        high = min(low + 1, values.shape[self._axis] - 1)
        share = np.float32(self._at - low)
        first, second = (np.take(values[self._box], [n], axis=self._axis) for n in (low, high))
        mixed: F32 = ((1 - share) * first + share * second).astype(np.float32)
        return mixed

    def _points(self, grid: Grid) -> F64:
        counts = [
            np.arange(n, dtype=float)[part] for n, part in zip(grid.shape, self._box, strict=True)
        ]
        counts[self._axis] = np.array([self._at])
        k, j, i = np.meshgrid(*counts, indexing="ij")
        return grid.to_world(np.stack([i, j, k], axis=-1))


def image_planes(moment: Moment) -> list[ImagePlane]:
    """Cut the image in three planes through the focus; none where there is no image."""
    if moment.image is None:
        return []
    index = moment.grid.to_index(moment.points_of_interest_mm)[:, ::-1]
    room = _AROUND_MM / moment.grid.spacing_mm[::-1]
    low = np.maximum(np.floor(index.min(axis=0) - room), 0).astype(int)
    high = np.ceil(index.max(axis=0) + room).astype(int) + 1
    box = tuple(slice(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True))
    return [ImagePlane(moment, moment.image, plane, box) for plane in PLANES]
