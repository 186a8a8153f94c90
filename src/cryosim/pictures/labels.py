"""Labels of contours, put where there is room for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..geometry import Grid
from ..probes import Needle
from .panels import MARKS, Plane, to_plane_mm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

__all__ = ["label_contours", "needle_points"]

F64 = NDArray[np.float64]

_NEEDLE_STEP_MM = 2.0
_TEXT_ROOM = 3.0  # labels stay so many times farther from texts than from lines


def label_contours(
    panel: Axes,
    contours: Mapping[str, QuadContourSet],
    needles: Sequence[F64],
    fontsize: float,
) -> None:
    """Write on each contour what it is, away from other contours, needles and texts.

    Parameters
    ----------
    contours : text to lines.
    needles : points along each needle, (n, 2), in the panel's coordinates.
    """
    points = {
        text: np.concatenate([path.vertices for path in lines.get_paths()])
        for text, lines in contours.items()
    }
    texts_mm = _marks_mm(panel)
    for text, lines in contours.items():
        others = [points[other] for other in points if other != text]
        place = _roomiest(panel, points[text], [*needles, *others], texts_mm)
        texts_mm = np.vstack([texts_mm, place])
        for label in panel.clabel(
            lines, fmt=text, fontsize=fontsize, inline_spacing=2, manual=[tuple(place)]
        ):
            label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def needle_points(plane: Plane, grid: Grid, needle: Needle) -> F64:
    """Points along a needle from its tip on, projected onto a plane, (n, 2)."""
    along_mm = np.arange(0.0, float(np.linalg.norm(grid.size_mm)), _NEEDLE_STEP_MM)
    world_mm = np.asarray(needle.tip_mm) + along_mm[:, None] * needle.axis
    return to_plane_mm(grid, world_mm)[:, [plane.right, plane.up]]


def _marks_mm(panel: Axes) -> F64:
    """Where letters and scale bar of a panel are."""
    (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()
    corner = np.array([left, bottom])
    return corner + np.array(MARKS) * (np.array([right, top]) - corner)


def _roomiest(panel: Axes, points: F64, lines: Sequence[F64], texts: F64) -> F64:
    """Choose the point of a line that keeps off other lines, texts and the panel's edges."""
    away = np.asarray(cKDTree(texts).query(points)[0]) / _TEXT_ROOM
    if lines:
        away = np.minimum(away, cKDTree(np.concatenate(lines)).query(points)[0])
    for axis, limits in enumerate((panel.get_xlim(), panel.get_ylim())):
        for limit in limits:
            away = np.minimum(away, np.abs(points[:, axis] - limit))
    best: F64 = points[away.argmax()]
    return best
