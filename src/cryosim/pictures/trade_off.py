"""Charts of what a search found: margin, coverage and healthy ice over the number of probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..evaluation import DISCLAIMER
from ..plan.metrics import ICE_MARGIN
from ..planning import ranked_plans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TRADE_OFF_QUANTITIES", "draw_plans", "plot_trade_off"]

# Title, scale, and how the key of its goal begins.
TRADE_OFF_QUANTITIES = {
    "ice_margin_min_mm": ("smallest ice margin, mm", 1.0, ICE_MARGIN),
    "coverage": ("lethal coverage of the target, %", 100.0, "target.coverage."),
    "healthy_frozen_ml": ("healthy tissue frozen, ml", 1.0, ""),
}

_FOUND_COLOR, _GRID_COLOR = "#1f5a92", "#8a9299"


def draw_plans(document: Mapping[str, Any]) -> Figure:
    """Draw margin, coverage and frozen healthy tissue over the number of probes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    handles: dict[str, Any] = {}
    for quantity, axes in zip(TRADE_OFF_QUANTITIES, figure.subplots(1, 3), strict=True):
        plot_trade_off(document, quantity, axes)
        handles.update(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center",
                  ncols=3, frameon=False, fontsize="small")  # fmt: skip
    figure.supxlabel(DISCLAIMER, fontsize=6.5, color="#606060")
    return figure


def plot_trade_off(document: Mapping[str, Any], quantity: str, axes: Axes) -> Axes:
    """Draw one of `TRADE_OFF_QUANTITIES` over the number of probes."""
    title, scale, goal = TRADE_OFF_QUANTITIES[quantity]
    plans = ranked_plans(document)
    grids = [one for one in document["others"] if one["origin"] == "regular grid"]
    for shown, shift, marker, color, label in (
        (plans, -0.06, "o", _FOUND_COLOR, "searched"),
        (grids, 0.06, "s", _GRID_COLOR, "regular grid, full freezing time"),
    ):
        for met, fill in ((True, color), (False, "white")):
            rows = [(one["count"] + shift, scale * one[quantity]) for one in shown
                    if one["met"] == met and one[quantity] is not None]  # fmt: skip
            name = f"{label}: {'all goals met' if met else 'a goal missed'}"
            if rows:
                axes.plot(*zip(*rows, strict=True), linestyle="", marker=marker, color=color,
                          markerfacecolor=fill, label=name, markersize=8)  # fmt: skip
    # The target's own goals come before those that the plan states.
    limits = [one["limit"] for one in document["best"]["goals"] if one["key"].startswith(goal)]
    if goal and limits:
        axes.axhline(scale * limits[0], color="black", linewidth=1.0, linestyle="--", label="goal")
    counts = sorted({one["count"] for one in (*plans, *grids)})
    axes.set_xticks(counts)
    axes.set_xlim(counts[0] - 0.5, counts[-1] + 0.5)
    axes.set_xlabel("probes")
    axes.set_title(title, fontsize="medium")
    low, high = axes.get_ylim()
    # Room above, so that no mark is cut; from zero unless all values are high.
    room = 0.1 * (high - low)
    axes.set_ylim(0.0 if 0.0 <= low + room < 0.6 * high else low - room, high + room)
    axes.grid(axis="y", alpha=0.3)
    return axes
