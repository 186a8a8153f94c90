"""How cold was how much, and how far does the ice reach: histograms of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..errors import InputError
from ..evaluation import SurfaceMargin, share_by_temperature, surface_margin
from ..plan import ICE_C, Plan, Target
from ..simulation import Result
from .charts import GOAL, below_axes, finish_chart, line_style, name_label, new_axes
from .colors import MARGIN_MAP, isotherm_color, structure_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_histogram", "plot_margin", "plot_margin_map"]

F64 = NDArray[np.float64]

_STEP_C = 2.0
_SMALLEST_LOOK: dict[str, Any] = {"marker": "v", "markersize": 8, "clip_on": False, "zorder": 4}
_WIDEST_MM = 60.0  # of the margins that get bins of their own
_MAP_CELLS = (180, 90)
_MAP_STEPS = 10
# On the map, by angle from the left: where the sides of the patient lie, seen from the target.
_SIDES = {-180.0: "R", -90.0: "A", 0.0: "L", 90.0: "P", 180.0: "R"}


def plot_histogram(result: Result, ax: Axes | None = None) -> Axes:
    """Plot how much of the target and of each organ at risk has ever been how cold.

    Parameters
    ----------
    ax : draw into these axes; by default into a new pyplot figure.

    Returns
    -------
    The axes; temperature in C, share of the structure's volume at or below it in percent. Triangles
    are the plan's goals: the curve shall pass above those that point up and below those that point
    down.

    Raises
    ------
    InputError
        When no structure lies in the simulated box.
    """
    names = ["target", *(organ.name for organ in result.plan.organ_at_risk)]
    structures = result.tissue.structures
    inside = {
        name: structures[name] > 0
        for name in names
        if name in structures and structures[name].any()
    }
    if not inside:
        raise InputError("the plan has neither a target nor organs at risk to count volumes of")
    ax = new_axes(ax)
    coldest = result.tissue.continued_through_gas(result.coldest_c)
    marked = [*result.plan.exposure_thresholds_c, result.plan.body.temperature_c]
    lowest = min(*marked, *(float(coldest[mask].min()) for mask in inside.values()))
    warmest = max(marked)
    levels = np.arange(_STEP_C * np.floor(lowest / _STEP_C), warmest + _STEP_C, _STEP_C)
    colors = structure_colors(result.tissue.structures)
    for number, name in enumerate(inside):
        ax.plot(
            levels, 100 * share_by_temperature(result, name, levels.tolist()), color=colors[name],
            linestyle=line_style(number), linewidth=2, label=name_label(name),
        )  # fmt: skip
    goals = _draw_goals(ax, result.plan, colors)
    for level in result.plan.report.isotherms_c:
        ax.axvline(level, color=isotherm_color(level), linewidth=1.0, zorder=1)
        ax.text(
            level, 50, f"{level:g} °C", color="#5b636a", fontsize="x-small", rotation=90,
            ha="right", va="center",
        )  # fmt: skip
    ax.set_xlim(float(levels[0]), float(levels[-1]))
    ax.set_ylim(0, 103)
    ax.set_xlabel("coldest temperature ever in °C")
    ax.set_ylabel("share of the volume at or below it in %")
    finish_chart(ax)
    handles = [*ax.get_legend_handles_labels()[0], *goals]
    below_axes(ax, min(len(handles), 3), handles=handles)
    return ax


def plot_margin(result: Result, ax: Axes | None = None) -> Axes:
    """Plot how far ice and lethal isotherm reach beyond the target, over its surface.

    Parameters
    ----------
    ax : draw into these axes; by default into a new pyplot figure.

    Returns
    -------
    The axes; margin in mm, share of the target's surface in percent, bars 1 mm wide. A dashed line
    is the margin that the plan wants of the ice, triangles are the smallest margins.

    Raises
    ------
    InputError
        When the plan has no target.
    """
    ax = new_axes(ax)
    target = _target(result)
    ice = surface_margin(result, ICE_C)
    lethal = surface_margin(result, target.lethal_c)
    for margin, name, look in (
        (ice, "ice", {"alpha": 0.75, "histtype": "stepfilled"}),
        (lethal, "lethal", {"linewidth": 2, "histtype": "step"}),
    ):
        _draw_margins(ax, margin, name, look)
    ax.axvline(target.margin_mm, color=GOAL, linestyle="--", linewidth=1.5,
               label=f"goal for the ice: {target.margin_mm:g} mm")  # fmt: skip
    ax.axvline(0, color="#9aa1a7", linewidth=1.0, zorder=1)
    ax.text(0, 0.99, " target\u2019s surface", transform=ax.get_xaxis_transform(), va="top",
            fontsize="x-small", color="#5b636a", rotation=90, ha="right")  # fmt: skip
    ax.set_ylim(0, 1.12 * max(ax.get_ylim()[1], 1.0))
    ax.set_xlabel("distance of the isotherm from the target\u2019s surface in mm")
    ax.set_ylabel("share of the surface in %")
    finish_chart(ax)
    below_axes(ax, 1)
    return ax


def plot_margin_map(result: Result, ax: Axes | None = None, *, isotherm_c: float = ICE_C) -> Axes:
    """Map the margin over the target's surface, as seen from the target's middle.

    Equal areas of the map are equal shares of all directions. Letters name the sides of the
    patient; a cross is the smallest margin, hatches are where skin or a barrier leaves the wanted
    one no room. Where the surface is folded, the patch nearest to the direction counts.

    Parameters
    ----------
    ax : draw into these axes; by default into a new pyplot figure.
    isotherm_c : of the coldest temperatures ever.

    Raises
    ------
    InputError
        When the plan has no target, or no margin because nothing got so cold.
    """
    target = _target(result)
    margin = surface_margin(result, isotherm_c)
    if not margin.has_edge:
        raise InputError(f"no edge at {isotherm_c:g} C in the simulated box: there is no margin")
    ax = new_axes(ax)
    middle = np.average(margin.points_mm, axis=0, weights=np.maximum(margin.areas_mm2, 1e-9))
    away = margin.points_mm - middle
    away /= np.maximum(np.linalg.norm(away, axis=1), 1e-9)[:, None]
    angles, heights = _edges(_MAP_CELLS[0], 180.0), _edges(_MAP_CELLS[1], 1.0)
    toward = np.stack(_direction(*np.meshgrid(_middles(angles), _middles(heights))), axis=-1)
    nearest = cKDTree(away).query(toward)[1]
    values = margin.margin_mm[nearest]
    goal = target.margin_mm if isotherm_c == ICE_C else 0.0
    step = max(1.0, float(np.ceil(2 * np.abs(margin.margin_mm - goal).max() / _MAP_STEPS)))
    bounds = goal + step * (np.arange(_MAP_STEPS + 1) - _MAP_STEPS // 2)
    norm = BoundaryNorm(bounds, 256, extend="both")
    mesh = ax.pcolormesh(angles, heights, values, cmap=MARGIN_MAP, norm=norm, rasterized=True)
    if margin.room.ends:
        limited = ~margin.room.whole[nearest]
        ax.contourf(_middles(angles), _middles(heights), limited, [0.5, 1.5], colors="none",
                    hatches=["//"])  # fmt: skip
        ax.fill_between([], [], [], facecolor="none", edgecolor="#1f2328", hatch="//",
                        label="no room for the goal: skin or barrier")  # fmt: skip
    smallest = margin.smallest
    x, y, z = away[smallest]
    ax.plot(
        np.degrees(np.arctan2(y, x)), z, "X", color=GOAL, markersize=11, markeredgecolor="white",
        label=f"smallest{margin.where}: {margin.margin_mm[smallest]:.1f} mm",
    )  # fmt: skip
    ax.set_xticks(list(_SIDES), list(_SIDES.values()))
    ax.set_yticks([-1, 0, 1], ["I", "", "S"])
    ax.set_xlabel("side of the target (R right, A front, L left, P back; S head, I feet)")
    bar = ax.figure.colorbar(mesh, ax=ax, ticks=bounds[1::2])
    wanted = f", goal {goal:g} mm" if isotherm_c == ICE_C else ""
    bar.set_label(f"margin of the {isotherm_c:g} °C isotherm in mm{wanted}")
    ax.spines[:].set_visible(False)
    below_axes(ax, 1)
    return ax


def _target(result: Result) -> Target:
    if result.plan.target is None:
        raise InputError("the plan has no target, and so no margin; add [target] and run again")
    return result.plan.target


def _draw_goals(ax: Axes, plan: Plan, colors: dict[str, str]) -> list[Line2D]:
    """Mark the goals that are points of this diagram; return what explains the marks."""
    look: dict[str, Any] = {
        "markersize": 9, "markeredgecolor": "white", "linestyle": "none", "clip_on": False,
        "zorder": 4,
    }  # fmt: skip
    explained = []
    if plan.target is not None and "target" in colors:
        at = plan.target.lethal_c, 100 * plan.target.lethal_coverage
        ax.plot(*at, "^", color=colors["target"], **look)
        label = f"goal: at least {at[1]:g} % at {at[0]:g} °C"
        explained.append(Line2D([], [], marker="^", color=colors["target"], ls="none", label=label))
    limits = {
        organ.name: organ.min_temperature_c
        for organ in plan.organ_at_risk
        if organ.min_temperature_c is not None and organ.name in colors
    }
    for name, limit_c in limits.items():
        ax.plot(limit_c, 0, "v", color=colors[name], **look)
    if limits:
        label = "goal: nothing at or below"
        explained.append(Line2D([], [], marker="v", color=GOAL, ls="none", label=label))
    return explained


def _draw_margins(ax: Axes, margin: SurfaceMargin, name: str, look: dict[str, Any]) -> None:
    color = isotherm_color(margin.isotherm_c)
    what = f"{name} ({margin.isotherm_c:g} °C)"
    values = margin.margin_mm
    if not margin.has_edge:
        reached = "beyond the simulated box" if np.any(values > 0) else "not reached"
        ax.plot([], [], color=color, label=f"{what}: {reached}")
        return
    low = np.floor(values.min())
    high = min(np.ceil(values.max()), low + _WIDEST_MM)
    shares = 100 * margin.areas_mm2 / margin.areas_mm2.sum()
    smallest = float(values[margin.smallest])
    label = f"{what}: smallest{margin.where} {smallest:.1f} mm"
    bins = np.arange(low, high + 1.5).tolist()
    ax.hist(np.minimum(values, high), bins, weights=shares, color=color, label=label, **look)
    ax.plot(smallest, 0, color=color, markeredgecolor=GOAL, **_SMALLEST_LOOK)


def _edges(count: int, half: float) -> F64:
    return np.linspace(-half, half, count + 1)


def _middles(edges: F64) -> F64:
    return (edges[1:] + edges[:-1]) / 2


def _direction(angle_deg: F64, height: F64) -> tuple[F64, F64, F64]:
    """Unit vectors, LPS, by angle from the left toward the back and by height."""
    across = np.sqrt(1 - height**2)
    return across * np.cos(np.radians(angle_deg)), across * np.sin(np.radians(angle_deg)), height
