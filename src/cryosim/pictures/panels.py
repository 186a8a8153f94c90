"""Panels of anatomical planes: how they lie, their common scale, and what every one carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..geometry import Grid
from ..probes import Needle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

__all__ = [
    "MARKS",
    "PLANES",
    "Plane",
    "draw_contour",
    "draw_needle",
    "mark_panel",
    "name_plane",
    "place_panels",
    "to_plane_mm",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Letters at the left, right, top and bottom, and the middle of the scale bar, as shares of a panel.
MARKS = ((0.02, 0.5), (0.98, 0.5), (0.5, 0.98), (0.5, 0.02), (0.9, 0.06))

_SCALE_BAR_MM = 20.0
_GAP_INCHES = 0.25
_ALIGNED = 1 - 1e-6  # cosine between grid and world axes


@dataclass(frozen=True)
class Plane:
    """How a plane lies: axes count x, y, z of the grid.

    Attributes
    ----------
    across : the axis that it cuts.
    right, up : the grid axes that run to the picture's right and along its height.
    upward : True when the axis `up` increases towards the top.
    letters : orientation at the picture's left, right, top and bottom.
    """

    name: str
    across: int
    right: int
    up: int
    upward: bool
    letters: tuple[str, str, str, str]


# Radiological convention: seen from the patient's feet, from in front, and from the left side.
PLANES = (
    Plane("axial", across=2, right=0, up=1, upward=False, letters=("R", "L", "A", "P")),
    Plane("coronal", across=1, right=0, up=2, upward=True, letters=("R", "L", "S", "I")),
    Plane("sagittal", across=0, right=1, up=2, upward=True, letters=("A", "P", "S", "I")),
)


def place_panels(
    figure: Figure, extents_mm: Sequence[float], room: tuple[float, float, float, float]
) -> list[Axes]:
    """Put the three panels side by side, all at the same scale.

    Parameters
    ----------
    extents_mm : of what is shown, along x, y, z of the grid.
    room : left, right, bottom and top of all panels, as shares of the figure.
    """
    left, right, bottom, top = room
    widths = np.array([extents_mm[plane.right] for plane in PLANES])
    heights = np.array([extents_mm[plane.up] for plane in PLANES])
    inches_wide, inches_high = figure.get_size_inches()
    room_wide = (right - left) * inches_wide - 2 * _GAP_INCHES
    room_high = (top - bottom) * inches_high
    inches_per_mm = min(room_wide / widths.sum(), room_high / heights.max())
    used = widths.sum() * inches_per_mm + 2 * _GAP_INCHES
    start = (left + right) / 2 * inches_wide - used / 2
    panels = []
    for width, height in zip(widths * inches_per_mm, heights * inches_per_mm, strict=True):
        box = (start / inches_wide, top - height / inches_high)
        panels.append(figure.add_axes((*box, width / inches_wide, height / inches_high)))
        start += width + _GAP_INCHES
    return panels


def to_plane_mm(grid: Grid, world_mm: F64) -> F64:
    """World positions along the grid's axes; the same numbers when these are the world's."""
    turned: F64 = np.asarray(world_mm, dtype=float) @ grid.direction
    return turned


def draw_contour(
    panel: Axes, at_mm: tuple[F64, F64], values: F32, level: float, **look: Any
) -> QuadContourSet | None:
    """Draw where the values in a plane cross a level; None where they do not.

    Parameters
    ----------
    at_mm : positions of columns and rows. values : (rows, columns).
    """
    if not values.min() < level < values.max():
        return None
    lines = panel.contour(*at_mm, values, [level], **{"linewidths": 2.0, **look})
    lines.set_path_effects([withStroke(linewidth=3.4, foreground="white", alpha=0.75)])
    return lines


def draw_needle(
    panel: Axes, plane: Plane, grid: Grid, needle: Needle, active: str, shaft: str
) -> None:
    """Draw a needle projected onto a plane, its active part and shaft in these colors."""
    far = float(np.linalg.norm(grid.size_mm))
    tip, end = np.asarray(needle.tip_mm), needle.active_end_mm
    along = to_plane_mm(grid, np.array([tip, end, tip + far * needle.axis]))
    for part, color, width in ((along[1:], shaft, 1.6), (along[:2], active, 3.2)):
        (line,) = panel.plot(
            *part[:, [plane.right, plane.up]].T,
            color=color,
            linewidth=width,
            solid_capstyle="round",
        )
        line.set_path_effects([withStroke(linewidth=width + 1.2, foreground="black")])


def mark_panel(panel: Axes, plane: Plane, width_mm: float) -> None:
    """Write the orientation letters and draw a scale bar."""
    outlined = [withStroke(linewidth=2.5, foreground="black")]
    sides = (("left", "center"), ("right", "center"), ("center", "top"), ("center", "bottom"))
    for letter, (x, y), (across, along) in zip(plane.letters, MARKS, sides, strict=False):
        panel.text(
            x, y, letter, transform=panel.transAxes, ha=across, va=along,
            color="white", fontsize=15, fontweight="bold", path_effects=outlined,
        )  # fmt: skip
    share = _SCALE_BAR_MM / width_mm
    panel.plot(
        [0.96 - share, 0.96], [0.05, 0.05], transform=panel.transAxes, color="white",
        linewidth=3, path_effects=[withStroke(linewidth=5, foreground="black")],
    )  # fmt: skip
    panel.text(
        0.96 - share / 2, 0.07, f"{_SCALE_BAR_MM:g} mm", transform=panel.transAxes, ha="center",
        va="bottom", color="white", fontsize=10, path_effects=outlined,
    )  # fmt: skip


def name_plane(plane: Plane, grid: Grid, focus_mm: F64) -> str:
    """Name a plane and say where it lies, as far as one number can."""
    if grid.direction.diagonal().min() < _ALIGNED:
        return f"{plane.name} (along the image's oblique axes)"
    at_mm = round(float(focus_mm[plane.across]), 1) + 0.0  # no "-0.0"
    return f"{plane.name}, {'xyz'[plane.across]} = {at_mm:.1f} mm"
