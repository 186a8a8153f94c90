"""Planes cut through results on any grids, sampled where the picture's points are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import Grid
from ..simulation import Result
from .colors import structure_colors
from .moment import Moment
from .panels import Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_image", "fill_structures", "points_on_plane", "sample_at"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_NO_IMAGE = "#d5d9dc"
_FILLED = 0.3


def points_on_plane(frame: Grid, plane: Plane, focus_mm: F64) -> tuple[tuple[F64, F64], F64]:
    """Positions of columns and rows along the axes, and of all points in the world."""
    start = frame.origin_mm @ frame.direction
    columns, rows = (
        start[axis] + frame.spacing_mm[axis] * np.arange(frame.shape[2 - axis])
        for axis in (plane.right, plane.up)
    )
    along = np.empty((len(rows), len(columns), 3))
    along[..., plane.across] = (focus_mm @ frame.direction)[plane.across]
    along[..., plane.right] = columns
    along[..., plane.up] = rows[:, None]
    return (columns, rows), along @ frame.direction.T


def sample_at(grid: Grid, values: F32, world_mm: F64, outside: float) -> F32:
    """Values of a field at world positions, linear between voxel centers."""
    index = np.moveaxis(grid.to_index(world_mm)[..., ::-1], -1, 0)
    # Outer faces lie half a voxel beyond the outermost centers.
    limits = np.array(values.shape).reshape(3, 1, 1)
    inside = np.all((index >= -0.5) & (index <= limits - 0.5), axis=0)
    found = ndimage.map_coordinates(values, index, order=1, mode="nearest", output=np.float32)
    sampled: F32 = np.where(inside, found, np.float32(outside))
    return sampled


def draw_image(
    panel: Axes, results: tuple[Result, ...], plane: Plane, at_mm: tuple[F64, F64], world_mm: F64
) -> None:
    """Give a panel its limits, and the images of results of one anatomy as a background."""
    columns, rows = at_mm
    half = (columns[1] - columns[0]) / 2
    low, high = rows[0] - half, rows[-1] + half
    panel.set_xlim(columns[0] - half, columns[-1] + half)
    panel.set_ylim((low, high) if plane.upward else (high, low))
    panel.set_aspect("equal")
    panel.set_axis_off()
    panel.add_patch(Rectangle((0, 0), 1, 1, transform=panel.transAxes, color=_NO_IMAGE, zorder=-1))
    # The second box may reach farther, and shows the same patient only in the same image.
    same = [r for r in results if r.plan.anatomy == results[0].plan.anatomy]
    for result in reversed(same):
        if result.tissue.image is not None:
            window = Moment.of(results[0]).gray_window()
            panel.imshow(
                sample_at(result.tissue.grid, result.tissue.image, world_mm, np.nan), cmap="gray",
                vmin=window[0], vmax=window[1],
                extent=(columns[0] - half, columns[-1] + half, low, high),
                origin="lower", aspect="equal", interpolation="bilinear",
            )  # fmt: skip


def fill_structures(panel: Axes, result: Result, at_mm: tuple[F64, F64], world_mm: F64) -> set[str]:
    """Fill target and organs; return the names of those that the plane meets."""
    met = set()
    for name, color in structure_colors(result.tissue.structures).items():
        share = sample_at(result.tissue.grid, result.tissue.structures[name], world_mm, 0.0)
        if share.max() > 0.5:
            panel.contourf(*at_mm, share, [0.5, 1.5], colors=[color], alpha=_FILLED)
            panel.contour(*at_mm, share, [0.5], colors=[color], linewidths=1.0)
            met.add(name)
    return met
