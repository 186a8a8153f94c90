"""Seen and predicted ice in one picture: their contours in three planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..evaluation import Shape
from ..geometry import Grid
from ..simulation import Result
from .colors import ACTIVE_PART, SHAFT, structure_colors
from .cuts import draw_image, fill_structures, points_on_plane, sample_at
from .moment import FOOTER, Moment
from .panels import PLANES, draw_contour, draw_needle, mark_panel, name_plane, place_panels

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["draw_seen"]

F64 = NDArray[np.float64]

_FIGURE_INCHES = (15.0, 7.2)
_ROOM = (0.01, 0.99, 0.16, 0.83)  # left, right, bottom, top of all panels
_AROUND_ICE_MM = 12.0
# Apart in hue and in lightness; dashes let the prediction show where both coincide.
PREDICTED_COLOR, SEEN_COLOR = "#1f6fe0", "#e6206a"
_DASHES = (0, (4, 1.5))


def draw_seen(
    result: Result, time_s: float, predicted: Shape, seen: Shape, lines: Sequence[str]
) -> Figure:
    """Draw contours of predicted and seen ice over the plan's image, with target and probes.

    The planes run along the result's grid through the middle of the seen ice.

    Parameters
    ----------
    time_s : of the snapshot that `predicted` comes from.
    lines : sentences under the title.
    """
    frame, focus_mm = _frame(result, predicted, seen)
    figure = Figure(figsize=_FIGURE_INCHES, facecolor="white")
    panels = place_panels(figure, frame.size_mm.tolist(), _ROOM)
    met: set[str] = set()
    for plane, panel in zip(PLANES, panels, strict=True):
        at_mm, world_mm = points_on_plane(frame, plane, focus_mm)
        draw_image(panel, (result,), plane, at_mm, world_mm)
        met |= fill_structures(panel, result, at_mm, world_mm)
        for shape, color, style in (
            (predicted, PREDICTED_COLOR, "solid"),
            (seen, SEEN_COLOR, _DASHES),
        ):
            outside = float(shape.field.max())
            values = sample_at(shape.grid, shape.field, world_mm, outside)
            draw_contour(panel, at_mm, values, shape.level, colors=color, linestyles=[style])
        for needle in result.plan.needles:
            draw_needle(panel, plane, frame, needle, ACTIVE_PART, SHAFT)
        mark_panel(panel, plane, frame.size_mm[plane.right])
        panel.set_title(name_plane(plane, frame, focus_mm), fontsize=12)
    title = f"predicted and seen ice, {Moment.of(result, time_s).title}"
    figure.suptitle(title, fontsize=16, x=0.01, y=0.975, ha="left")
    figure.text(0.01, 0.915, "\n".join(lines), fontsize=11, va="top", color="#30363c")
    figure.text(0.99, 0.015, FOOTER, fontsize=8, color="#8a9299", ha="right")
    _add_legend(figure, result, met)
    return figure


def _frame(result: Result, predicted: Shape, seen: Shape) -> tuple[Grid, F64]:
    """Return the box that is shown as a grid, and the world position its planes run through."""
    axes = result.tissue.grid.canonical()[0]
    surfaces = [shape.surface for shape in (predicted, seen)]
    ends = [end for probe in result.plan.probe for end in probe.active_points_mm(2)]
    points = [*(surface.triangles_mm.reshape(-1, 3) for surface in surfaces), np.array(ends)]
    along = np.concatenate(points) @ axes.direction
    low, high = along.min(axis=0) - _AROUND_ICE_MM, along.max(axis=0) + _AROUND_ICE_MM
    spacing = float(min(axes.spacing_mm.min(), seen.grid.spacing_mm.min())) / 2
    count = np.maximum(2, np.ceil((high - low) / spacing).astype(int))
    start = axes.direction @ (low + spacing / 2)
    middle = np.average(surfaces[1].centers_mm, axis=0, weights=surfaces[1].areas_mm2)
    return Grid.from_spacing(count[::-1].tolist(), spacing, start, axes.direction), middle


def _add_legend(figure: Figure, result: Result, met: set[str]) -> None:
    entries: list[Artist] = [
        Line2D([], [], color=PREDICTED_COLOR, linewidth=2.5, label="predicted, 0 °C"),
        Line2D([], [], color=SEEN_COLOR, linewidth=2.5, linestyle=_DASHES, label="seen"),
    ]
    for name, color in structure_colors(result.tissue.structures).items():
        if name in met:
            entries.append(Patch(facecolor=color, alpha=0.6, label=name))
    for label, color, width in (
        ("probe, active part (projected)", ACTIVE_PART, 4.0),
        ("shaft (projected)", SHAFT, 2.0),
    ):
        effects = [withStroke(linewidth=width + 1.2, foreground="black")]
        entries.append(
            Line2D([], [], color=color, linewidth=width, label=label, path_effects=effects)
        )
    figure.legend(
        handles=entries, loc="lower center", ncols=5, frameon=False, fontsize=11,
        bbox_to_anchor=(0.5, 0.035),
    )  # fmt: skip
