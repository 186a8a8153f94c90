"""Three planes through the middle of the target, as radiologists hang them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..geometry import Grid
from ..probes import Warmer
from ..simulation import Result
from .charts import name_label
from .colors import ACTIVE_PART, SENSOR, SHAFT, WARMER, isotherm_color, structure_colors
from .labels import label_contours, needle_points
from .moment import FOOTER, Moment
from .panels import (
    PLANES,
    Plane,
    draw_contour,
    draw_needle,
    mark_panel,
    name_plane,
    place_panels,
    to_plane_mm,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

__all__ = ["SHOWN_C", "draw_planes", "plot_slices"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_FIGURE_INCHES = (15.0, 6.8)
_LEFT, _BOTTOM, _TOP = 0.01, 0.17, 0.87  # of all panels
_RIGHT, _RIGHT_BESIDE_BAR = 0.99, 0.925
_COLOR_BAR = (0.94, 0.25, 0.012, 0.55)
_SENSOR_LOOK: dict[str, Any] = {
    "color": SENSOR, "marker": "o", "markersize": 5, "markeredgecolor": "black", "linestyle": "none"
}  # fmt: skip
SHOWN_C = (-60.0, 40.0)  # black and white where the temperature is the background


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
    figure = Figure(figsize=_FIGURE_INCHES, facecolor="white")
    _fill_figure(figure, Moment.of(result, time_s))
    return figure


def plot_slices(
    result: Result, axes: Sequence[Axes] | None = None, *, time_s: float | None = None
) -> tuple[Axes, Axes, Axes]:
    """Draw the three planes of `draw_planes`, into axes of your own if you like.

    Parameters
    ----------
    axes : axial, coronal, sagittal; by default those of a new pyplot figure with a legend.
    time_s : time of a snapshot; the end of the last freeze by default.

    Returns
    -------
    The three axes, in mm along the grid's axes.

    Raises
    ------
    InputError
        When there is no snapshot at `time_s`.
    ValueError
        When `axes` are not three.
    """
    moment = Moment.of(result, time_s)
    if axes is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=_FIGURE_INCHES, facecolor="white")
        axial, coronal, sagittal = _fill_figure(figure, moment)
        return axial, coronal, sagittal
    if len(axes) != len(PLANES):
        raise ValueError(f"axes: found {len(axes)}, give three: axial, coronal, sagittal")
    axial, coronal, sagittal = axes
    for plane, panel in zip(PLANES, axes, strict=True):
        _draw_panel(panel, moment, plane)
    return axial, coronal, sagittal


def _fill_figure(figure: Figure, moment: Moment) -> list[Axes]:
    right = _RIGHT_BESIDE_BAR if moment.image is None else _RIGHT
    extents_mm = [_extent_mm(moment.grid, axis) for axis in range(3)]
    panels = place_panels(figure, extents_mm, (_LEFT, right, _BOTTOM, _TOP))
    drawn: set[str] = set()
    for plane, panel in zip(PLANES, panels, strict=True):
        drawn |= _draw_panel(panel, moment, plane)
    if moment.image is None:
        bar = figure.colorbar(panels[-1].images[0], cax=figure.add_axes(_COLOR_BAR))
        bar.set_label("temperature in °C")
    figure.suptitle(moment.title, fontsize=16, x=0.01, y=0.97, ha="left")
    figure.text(0.99, 0.015, FOOTER, fontsize=8, color="#8a9299", ha="right")
    _add_legend(figure, moment, drawn)
    return panels


def _draw_panel(panel: Axes, moment: Moment, plane: Plane) -> set[str]:
    """Draw one plane; return the names of the structures that it meets."""
    _draw_background(panel, moment, plane)
    met = _draw_structures(panel, moment, plane)
    _draw_isotherms(panel, moment, plane, moment.levels_c)
    _draw_needles(panel, moment, plane)
    _draw_sensors(panel, moment, plane)
    mark_panel(panel, plane, _extent_mm(moment.grid, plane.right))
    panel.set_title(name_plane(plane, moment.grid, moment.focus_mm), fontsize=12)
    return met


def _ticks_mm(grid: Grid, axis: int) -> F64:
    """Positions of voxel centers along a grid axis."""
    start = to_plane_mm(grid, grid.origin_mm)[axis]
    ticks: F64 = start + grid.spacing_mm[axis] * np.arange(grid.shape[2 - axis])
    return ticks


def _edges_mm(grid: Grid, axis: int) -> tuple[float, float]:
    ticks, half = _ticks_mm(grid, axis), grid.spacing_mm[axis] / 2
    return float(ticks[0] - half), float(ticks[-1] + half)


def _extent_mm(grid: Grid, axis: int) -> float:
    low, high = _edges_mm(grid, axis)
    return high - low


def _cut(moment: Moment, plane: Plane, values: F32) -> F32:
    """Values in the plane through the focus, rows along `up` and columns along `right`."""
    index = float(moment.grid.to_index(moment.focus_mm)[plane.across])
    last = values.shape[2 - plane.across] - 1
    index = min(max(index, 0.0), float(last))
    below = min(int(index), max(last - 1, 0))
    above = min(below + 1, last)
    first, second = (np.take(values, n, axis=2 - plane.across) for n in (below, above))
    between: F32 = first + (index - below) * (second - first)
    return between


def _draw_background(panel: Axes, moment: Moment, plane: Plane) -> None:
    low, high = _edges_mm(moment.grid, plane.up)
    extent = (*_edges_mm(moment.grid, plane.right), low, high)
    if moment.image is None:
        values, window = moment.temperature_c, SHOWN_C
    else:
        values, window = moment.image, moment.gray_window()
    panel.imshow(
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


def _draw_contour(
    panel: Axes, moment: Moment, plane: Plane, values: F32, level: float, **look: Any
) -> QuadContourSet | None:
    at_mm = _ticks_mm(moment.grid, plane.right), _ticks_mm(moment.grid, plane.up)
    return draw_contour(panel, at_mm, _cut(moment, plane, values), level, **look)


def _draw_isotherms(panel: Axes, moment: Moment, plane: Plane, levels: Sequence[float]) -> None:
    drawn: dict[str, QuadContourSet] = {}
    for level in levels:
        look = {"colors": isotherm_color(level), "linestyles": "solid"}
        lines = _draw_contour(panel, moment, plane, moment.temperature_c, level, **look)
        if lines is not None:
            drawn[f"{level:g} °C"] = lines
    needles = [needle_points(plane, moment.grid, one) for one in moment.result.plan.needles]
    label_contours(panel, drawn, needles, fontsize=9)


def _draw_structures(panel: Axes, moment: Moment, plane: Plane) -> set[str]:
    """Outline target and organs; return the names of those that the plane meets."""
    met = set()
    for name, color in structure_colors(moment.structures).items():
        look = {"colors": color, "linestyles": "dashed"}
        if _draw_contour(panel, moment, plane, moment.structures[name], 0.5, **look) is not None:
            met.add(name)
    return met


def _draw_needles(panel: Axes, moment: Moment, plane: Plane) -> None:
    for needle in moment.result.plan.needles:
        active = WARMER if isinstance(needle, Warmer) else ACTIVE_PART
        draw_needle(panel, plane, moment.grid, needle, active, SHAFT)


def _draw_sensors(panel: Axes, moment: Moment, plane: Plane) -> None:
    outlined = [withStroke(linewidth=2.5, foreground="black")]
    for sensor in moment.result.plan.sensor:
        at = to_plane_mm(moment.grid, np.asarray(sensor.at_mm))[[plane.right, plane.up]]
        x, y = (float(value) for value in at)
        panel.plot(x, y, **_SENSOR_LOOK)
        panel.annotate(
            name_label(sensor.name), (x, y), xytext=(5, 4), textcoords="offset points",
            color=SENSOR, fontsize=9, path_effects=outlined, annotation_clip=True,
        )  # fmt: skip


def _add_legend(figure: Figure, moment: Moment, drawn: set[str]) -> None:
    entries = [
        Line2D([], [], color=isotherm_color(level), linewidth=2.5, label=_name(moment, level))
        for level in moment.levels_c
    ]
    for name, color in structure_colors(moment.structures).items():
        label = name_label(name) + ("" if name in drawn else " (outside these planes)")
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
