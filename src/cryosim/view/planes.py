"""Three planes through the middle of the target, as radiologists hang them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..geometry import Grid
from ..probes import Warmer
from ..simulation import Result
from .colors import ACTIVE_PART, SENSOR, SHAFT, WARMER, isotherm_color, structure_colors
from .moment import FOOTER, Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet
    from matplotlib.image import AxesImage

__all__ = ["draw_planes"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_SCALE_BAR_MM = 20.0
_FIGURE_INCHES = (15.0, 6.8)
_LEFT, _BOTTOM, _TOP = 0.01, 0.17, 0.87  # of all panels
_RIGHT, _RIGHT_BESIDE_BAR = 0.99, 0.925
_COLOR_BAR = (0.94, 0.25, 0.012, 0.55)
_GAP_INCHES = 0.25
_ALIGNED = 1 - 1e-6  # cosine between grid and world axes
_SENSOR_LOOK: dict[str, Any] = {
    "color": SENSOR, "marker": "o", "markersize": 5, "markeredgecolor": "black", "linestyle": "none"
}  # fmt: skip
_COLDEST_SHOWN_C, _WARMEST_SHOWN_C = -60.0, 40.0


@dataclass(frozen=True)
class _Plane:
    """How a plane lies: axes count x, y, z of the grid.

    Attributes
    ----------
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
_PLANES = (
    _Plane("axial", across=2, right=0, up=1, upward=False, letters=("R", "L", "A", "P")),
    _Plane("coronal", across=1, right=0, up=2, upward=True, letters=("R", "L", "S", "I")),
    _Plane("sagittal", across=0, right=1, up=2, upward=True, letters=("A", "P", "S", "I")),
)


def draw_planes(result: Result, *, time_s: float | None = None) -> Figure:
    """Draw axial, coronal and sagittal planes with isotherms, structures, needles and sensors.

    The planes run along the grid's axes through the target's middle, without a target through the
    middle of the active probe parts. Behind is the image, without one the temperature.

    Parameters
    ----------
    time_s : time of a snapshot; the end of the last freeze by default.

    Raises
    ------
    InputError
        When there is no snapshot at `time_s`.
    """
    moment = Moment.of(result, time_s)
    levels = sorted(result.plan.report.isotherms_c, reverse=True)
    figure = Figure(figsize=_FIGURE_INCHES, facecolor="white")
    right = _RIGHT_BESIDE_BAR if moment.image is None else _RIGHT
    panels = _place_panels(figure, moment.grid, right)
    drawn: set[str] = set()
    for plane, panel in zip(_PLANES, panels, strict=True):
        background = _draw_background(panel, moment, plane)
        drawn |= _draw_structures(panel, moment, plane)
        _draw_isotherms(panel, moment, plane, levels)
        _draw_needles(panel, moment, plane)
        _draw_sensors(panel, moment, plane)
        _annotate(panel, moment, plane)
    if moment.image is None:
        bar = figure.colorbar(background, cax=figure.add_axes(_COLOR_BAR))
        bar.set_label("temperature in °C")
    figure.suptitle(moment.title, fontsize=16, x=0.01, y=0.97, ha="left")
    figure.text(0.99, 0.015, FOOTER, fontsize=8, color="#8a9299", ha="right")
    _add_legend(figure, moment, levels, drawn)
    return figure


def _place_panels(figure: Figure, grid: Grid, right: float) -> list[Axes]:
    """Put the three panels side by side, all at the same scale."""
    widths = np.array([_extent_mm(grid, plane.right) for plane in _PLANES])
    heights = np.array([_extent_mm(grid, plane.up) for plane in _PLANES])
    inches_wide, inches_high = _FIGURE_INCHES
    room_wide = (right - _LEFT) * inches_wide - 2 * _GAP_INCHES
    room_high = (_TOP - _BOTTOM) * inches_high
    inches_per_mm = min(room_wide / widths.sum(), room_high / heights.max())
    used = widths.sum() * inches_per_mm + 2 * _GAP_INCHES
    start = (_LEFT + right) / 2 * inches_wide - used / 2
    panels = []
    for width, height in zip(widths * inches_per_mm, heights * inches_per_mm, strict=True):
        box = (start / inches_wide, _TOP - height / inches_high)
        panels.append(figure.add_axes((*box, width / inches_wide, height / inches_high)))
        start += width + _GAP_INCHES
    return panels


def _to_plane_mm(grid: Grid, world_mm: F64) -> F64:
    """World positions along the grid's axes; the same numbers when these are the world's."""
    turned: F64 = np.asarray(world_mm, dtype=float) @ grid.direction
    return turned


def _ticks_mm(grid: Grid, axis: int) -> F64:
    """Positions of voxel centers along a grid axis."""
    start = _to_plane_mm(grid, grid.origin_mm)[axis]
    ticks: F64 = start + grid.spacing_mm[axis] * np.arange(grid.shape[2 - axis])
    return ticks


def _edges_mm(grid: Grid, axis: int) -> tuple[float, float]:
    ticks, half = _ticks_mm(grid, axis), grid.spacing_mm[axis] / 2
    return float(ticks[0] - half), float(ticks[-1] + half)


def _extent_mm(grid: Grid, axis: int) -> float:
    low, high = _edges_mm(grid, axis)
    return high - low


def _cut(moment: Moment, plane: _Plane, values: F32) -> F32:
    """Values in the plane through the focus, rows along `up` and columns along `right`."""
    index = float(moment.grid.to_index(moment.focus_mm)[plane.across])
    last = values.shape[2 - plane.across] - 1
    index = min(max(index, 0.0), float(last))
    below = min(int(index), max(last - 1, 0))
    above = min(below + 1, last)
    first, second = (np.take(values, n, axis=2 - plane.across) for n in (below, above))
    between: F32 = first + (index - below) * (second - first)
    return between


def _draw_background(panel: Axes, moment: Moment, plane: _Plane) -> AxesImage:
    low, high = _edges_mm(moment.grid, plane.up)
    extent = (*_edges_mm(moment.grid, plane.right), low, high)
    if moment.image is None:
        values, window = moment.temperature_c, (_COLDEST_SHOWN_C, _WARMEST_SHOWN_C)
    else:
        values, window = moment.image, moment.gray_window
    picture = panel.imshow(
        _cut(moment, plane, values),
        cmap="gray",
        vmin=window[0],
        vmax=window[1],
        extent=extent,
        origin="lower",
        interpolation="bilinear",
        aspect="equal",
    )
    panel.set_xlim(extent[:2])
    panel.set_ylim((low, high) if plane.upward else (high, low))
    panel.set_axis_off()
    return picture


def _draw_contour(
    panel: Axes, moment: Moment, plane: _Plane, values: F32, level: float, **look: Any
) -> QuadContourSet | None:
    """Draw where the values in the plane cross a level; None where they do not."""
    flat = _cut(moment, plane, values)
    if not flat.min() < level < flat.max():
        return None
    x, y = _ticks_mm(moment.grid, plane.right), _ticks_mm(moment.grid, plane.up)
    lines = panel.contour(x, y, flat, [level], linewidths=2.0, **look)
    lines.set_path_effects([withStroke(linewidth=3.4, foreground="white", alpha=0.75)])
    return lines


def _draw_isotherms(panel: Axes, moment: Moment, plane: _Plane, levels: Sequence[float]) -> None:
    for level in levels:
        look = {"colors": isotherm_color(level), "linestyles": "solid"}
        lines = _draw_contour(panel, moment, plane, moment.temperature_c, level, **look)
        if lines is None:
            continue
        for text in panel.clabel(lines, fmt=f"{level:g} °C", fontsize=9, inline_spacing=2):
            text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _draw_structures(panel: Axes, moment: Moment, plane: _Plane) -> set[str]:
    """Outline target and organs; return the names of those that the plane meets."""
    met = set()
    for name, color in structure_colors(moment.structures).items():
        look = {"colors": color, "linestyles": "dashed"}
        if _draw_contour(panel, moment, plane, moment.structures[name], 0.5, **look) is not None:
            met.add(name)
    return met


def _draw_needles(panel: Axes, moment: Moment, plane: _Plane) -> None:
    length_mm = float(np.linalg.norm(moment.grid.size_mm))
    seen = [plane.right, plane.up]
    for needle in moment.result.plan.needles:
        tip, end = np.asarray(needle.tip_mm), needle.active_end_mm
        along = _to_plane_mm(moment.grid, np.array([tip, end, tip + length_mm * needle.axis]))
        active = WARMER if isinstance(needle, Warmer) else ACTIVE_PART
        for part, color, width in ((along[1:], SHAFT, 1.6), (along[:2], active, 3.2)):
            (line,) = panel.plot(
                *part[:, seen].T, color=color, linewidth=width, solid_capstyle="round"
            )
            line.set_path_effects([withStroke(linewidth=width + 1.2, foreground="black")])


def _draw_sensors(panel: Axes, moment: Moment, plane: _Plane) -> None:
    outlined = [withStroke(linewidth=2.5, foreground="black")]
    for sensor in moment.result.plan.sensor:
        at = _to_plane_mm(moment.grid, np.asarray(sensor.at_mm))[[plane.right, plane.up]]
        x, y = (float(value) for value in at)
        panel.plot(x, y, **_SENSOR_LOOK)
        panel.annotate(
            sensor.name, (x, y), xytext=(5, 4), textcoords="offset points", color=SENSOR,
            fontsize=9, path_effects=outlined, annotation_clip=True,
        )  # fmt: skip


def _annotate(panel: Axes, moment: Moment, plane: _Plane) -> None:
    """Orientation letters, a scale bar and the position of the plane."""
    outlined = [withStroke(linewidth=2.5, foreground="black")]
    places = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"),
              (0.5, 0.98, "center", "top"), (0.5, 0.02, "center", "bottom"))  # fmt: skip
    for letter, (x, y, across, along) in zip(plane.letters, places, strict=True):
        panel.text(
            x, y, letter, transform=panel.transAxes, ha=across, va=along,
            color="white", fontsize=15, fontweight="bold", path_effects=outlined,
        )  # fmt: skip
    width = _extent_mm(moment.grid, plane.right)
    share = _SCALE_BAR_MM / width
    panel.plot(
        [0.96 - share, 0.96], [0.05, 0.05], transform=panel.transAxes, color="white",
        linewidth=3, path_effects=[withStroke(linewidth=5, foreground="black")],
    )  # fmt: skip
    panel.text(
        0.96 - share / 2, 0.07, f"{_SCALE_BAR_MM:g} mm", transform=panel.transAxes, ha="center",
        va="bottom", color="white", fontsize=10, path_effects=outlined,
    )  # fmt: skip
    panel.set_title(_position(moment, plane), fontsize=12)


def _position(moment: Moment, plane: _Plane) -> str:
    """Name a plane and say where it lies, as far as one number can."""
    if moment.grid.direction.diagonal().min() < _ALIGNED:
        return f"{plane.name} (along the image's oblique axes)"
    return f"{plane.name}, {'xyz'[plane.across]} = {moment.focus_mm[plane.across]:.1f} mm"


def _add_legend(figure: Figure, moment: Moment, levels: Sequence[float], drawn: set[str]) -> None:
    entries = [
        Line2D([], [], color=isotherm_color(level), linewidth=2.5, label=_name(moment, level))
        for level in levels
    ]
    for name, color in structure_colors(moment.structures).items():
        label = name if name in drawn else f"{name} (outside these planes)"
        entries.append(Line2D([], [], color=color, linewidth=2.5, linestyle="--", label=label))
    needles = [("probe, active part (projected)", ACTIVE_PART, 4.0)]
    if moment.result.plan.warmer:
        needles.append(("warmer (projected)", WARMER, 4.0))
    needles.append(("shaft (projected)", SHAFT, 2.0))
    for label, color, width in needles:
        effects = [withStroke(linewidth=width + 1.2, foreground="black")]
        entries.append(
            Line2D([], [], color=color, linewidth=width, label=label, path_effects=effects)
        )
    if moment.result.plan.sensor:
        entries.append(Line2D([], [], label="sensor (projected)", **_SENSOR_LOOK))
    figure.legend(
        handles=entries, loc="lower center", ncols=4, frameon=False, fontsize=11,
        bbox_to_anchor=(0.5, 0.035),
    )  # fmt: skip


def _name(moment: Moment, level: float) -> str:
    volume = moment.volume_ml(level)
    return f"{level:g} °C: {volume:.1f} ml" if volume > 0 else f"{level:g} °C: not reached"
