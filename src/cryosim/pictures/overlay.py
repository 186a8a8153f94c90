"""Two results in one picture: the coldest isotherms and the needles of both, in three planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ..evaluation import isotherm_volume_ml
from ..geometry import Grid
from ..simulation import Result
from .colors import overlay_color, structure_colors
from .cuts import draw_image, fill_structures, points_on_plane, sample_at
from .labels import label_contours, needle_points
from .moment import FOOTER, Moment
from .panels import PLANES, draw_contour, draw_needle, mark_panel, name_plane, place_panels

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

__all__ = ["draw_overlay"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_FIGURE_INCHES = (15.0, 7.6)
_ROOM = (0.01, 0.99, 0.235, 0.865)  # left, right, bottom, top of all panels
_AROUND_ICE_MM = 15.0
_LETTERS = "AB"
_STYLES = ("solid", (0, (4, 1.5)))  # dashes let the first show where both coincide
_NEEDLE_C, _SHAFT_C = -20.0, 0.0  # whose shades needles have
_LEGEND_TOP, _LEGEND_COLUMNS = 0.225, (0.12, 0.42, 0.75)


def draw_overlay(first: Result, second: Result, names: tuple[str, str]) -> Figure:
    """Draw what two results differ in: isotherms of the coldest temperatures ever, and needles.

    The planes run along the first result's grid through the middle of its target, without a target
    between the active probe parts of both. The first is A, solid; the second is B, dashed. Image
    and structures are the first's.

    Parameters
    ----------
    names : what the results are called, for the title.
    """
    results = (first, second) if _meet(first, second) else (first,)
    frame, focus_mm = _frame(results)
    levels = sorted({level for r in results for level in r.plan.report.isotherms_c}, reverse=True)
    figure = Figure(figsize=_FIGURE_INCHES, facecolor="white")
    panels = place_panels(figure, frame.size_mm.tolist(), _ROOM)
    met: set[str] = set()
    for plane, panel in zip(PLANES, panels, strict=True):
        at_mm, world_mm = points_on_plane(frame, plane, focus_mm)
        draw_image(panel, results, plane, at_mm, world_mm)
        met |= fill_structures(panel, first, at_mm, world_mm)
        drawn: dict[str, QuadContourSet] = {}
        for number, result in enumerate(results):
            drawn |= _draw_isotherms(panel, result, number, levels, at_mm, world_mm)
        needles = [needle_points(plane, frame, n) for r in results for n in r.plan.needles]
        label_contours(panel, drawn, needles, fontsize=8)
        for number, result in enumerate(results):
            colors = overlay_color(number, _NEEDLE_C), overlay_color(number, _SHAFT_C)
            for needle in result.plan.needles:
                draw_needle(panel, plane, frame, needle, *colors)
        mark_panel(panel, plane, frame.size_mm[plane.right])
        panel.set_title(name_plane(plane, frame, focus_mm), fontsize=12)
    remark = "" if first.plan.anatomy == second.plan.anatomy else " (in another anatomy)"
    if len(results) == 1:
        remark = " (elsewhere in the world, not shown)"
    title = f"A: {names[0]}    B: {names[1]}{remark}    coldest temperatures of the whole protocol"
    figure.suptitle(title, fontsize=15, x=0.01, y=0.97, ha="left")
    figure.text(0.99, 0.015, FOOTER, fontsize=8, color="#8a9299", ha="right")
    _add_legend(figure, results, levels, met)
    return figure


def _meet(first: Result, second: Result) -> bool:
    """Tell whether two simulated boxes overlap, along the axes of the first."""
    corners = [_along(first, r.tissue.grid.corners_mm()) for r in (first, second)]
    (low, high), (other_low, other_high) = [(c.min(axis=0), c.max(axis=0)) for c in corners]
    return bool(np.all((low < other_high) & (other_low < high)))


def _along(result: Result, world_mm: F64) -> F64:
    """World positions along a result's axes, turned to run nearest x, y, z."""
    turned: F64 = np.asarray(world_mm, dtype=float) @ result.tissue.grid.canonical()[0].direction
    return turned


def _frame(results: tuple[Result, ...]) -> tuple[Grid, F64]:
    """Return the box that is shown as a grid, and the world position its planes run through."""
    first = results[0]
    moments = [Moment.of(result) for result in results]
    about = moments[:1] if "target" in moments[0].structures else moments
    focus_mm: F64 = np.mean([moment.focus_mm for moment in about], axis=0)
    shown = np.concatenate([_along(first, _points_of_interest(result)) for result in results])
    boxes = np.concatenate([_along(first, r.tissue.grid.corners_mm()) for r in results])
    low = np.maximum(shown.min(axis=0) - _AROUND_ICE_MM, boxes.min(axis=0))
    high = np.minimum(shown.max(axis=0) + _AROUND_ICE_MM, boxes.max(axis=0))
    spacing = min(float(result.tissue.grid.spacing_mm.min()) for result in results) / 2
    count = np.maximum(2, np.floor((high - low) / spacing).astype(int))
    direction = moments[0].grid.direction
    start = direction @ (low + spacing / 2)
    return Grid.from_spacing(count[::-1].tolist(), spacing, start, direction), focus_mm


def _points_of_interest(result: Result) -> F64:
    """World positions of what must be seen: frozen voxels, target and active parts."""
    seen = result.coldest_c <= max(result.plan.report.isotherms_c)
    if "target" in result.tissue.structures:
        seen = seen | (result.tissue.structures["target"] > 0)
    voxels = result.tissue.grid.to_world(np.argwhere(seen)[:, ::-1])
    ends = [end for probe in result.plan.probe for end in probe.active_points_mm(2)]
    return np.concatenate([voxels, np.array(ends)])


def _draw_isotherms(
    panel: Axes,
    result: Result,
    number: int,
    levels: list[float],
    at_mm: tuple[F64, F64],
    world_mm: F64,
) -> dict[str, QuadContourSet]:
    """Draw a result's isotherms; return them by what is to be written on them."""
    body_c = result.plan.body.temperature_c
    coldest = sample_at(result.tissue.grid, result.coldest_c, world_mm, body_c)
    drawn = {}
    for level in levels:
        look = {"colors": overlay_color(number, level), "linestyles": [_STYLES[number]]}
        lines = draw_contour(panel, at_mm, coldest, level, **look)
        if lines is not None:
            drawn[f"{_LETTERS[number]} {level:g} °C"] = lines
    return drawn


def _add_legend(
    figure: Figure, results: tuple[Result, ...], levels: list[float], met: set[str]
) -> None:
    """One column for each result, with volumes, and one for the structures that are seen."""
    columns: list[list[Artist]] = [
        _result_entries(result, number, levels) for number, result in enumerate(results)
    ]
    named = structure_colors(results[0].tissue.structures).items()
    columns.append(
        [Patch(facecolor=color, alpha=0.6, label=name) for name, color in named if name in met]
    )
    look: dict[str, Any] = {"loc": "upper left", "frameon": False, "fontsize": 11}
    for entries, left in zip(columns, _LEGEND_COLUMNS, strict=False):
        labels = [str(entry.get_label()) for entry in entries]
        legend = Legend(figure, entries, labels, bbox_to_anchor=(left, _LEGEND_TOP), **look)
        figure.add_artist(legend)


def _result_entries(result: Result, number: int, levels: list[float]) -> list[Artist]:
    letter = _LETTERS[number]
    entries: list[Artist] = []
    for level in levels:
        volume = isotherm_volume_ml(result, result.coldest_c, level)
        reached = f"{volume:.1f} ml" if volume > 0 else "not reached"
        look: dict[str, Any] = {"color": overlay_color(number, level), "linestyle": _STYLES[number]}
        label = f"{letter}  {level:g} °C: {reached}"
        entries.append(Line2D([], [], linewidth=2.5, label=label, **look))
    count = len(result.plan.probe)
    label = f"{letter}  {count} probe{'s' * (count > 1)}, active part (projected)"
    effects = [withStroke(linewidth=5.2, foreground="black")]
    color = overlay_color(number, _NEEDLE_C)
    entries.append(Line2D([], [], color=color, linewidth=4, label=label, path_effects=effects))
    return entries
