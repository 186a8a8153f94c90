"""Curves over the procedure, on bands that say when it freezes and when it thaws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Patch

from ..errors import InputError
from ..evaluation import isotherm_volume_ml
from ..plan import ICE_C, Protocol, Stage
from ..simulation import Result
from .charts import GOAL, below_axes, finish_chart, line_style, name_label, new_axes
from .colors import CURVES, isotherm_color, stage_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_course", "plot_growth", "plot_sensors", "stage_name"]

_MARKERS = "os^Dv<>P"
_TEXT = "#5b636a"
_ROOM_ABOVE = 1.14  # of the highest value, for the names of the bands
_NARROWEST = 0.09  # share of the protocol that a band with a name has


def plot_growth(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the volume within each isotherm over time, with the protocol as bands.

    Parameters
    ----------
    ax : draw into these axes; by default into a new pyplot figure.

    Returns
    -------
    The axes; time in minutes, volumes in ml, one point at each snapshot of the result. Colors are
    those of the isotherms in every picture.
    """
    ax = new_axes(ax)
    minutes = [time_s / 60 for time_s in result.times_s]
    levels = sorted(set(result.plan.report.isotherms_c), reverse=True)
    for number, level in enumerate(levels):
        volumes = [isotherm_volume_ml(result, field, level) for field in result.temperatures_c]
        ax.plot(
            minutes, volumes, color=isotherm_color(level), marker=_MARKERS[number % len(_MARKERS)],
            markersize=4, linewidth=2, label=f"{level:g} °C",
        )  # fmt: skip
    high = ax.get_ylim()[1]
    ax.set_ylim(0, _ROOM_ABOVE * high)
    ax.set_ylabel("tissue at or below the isotherm in ml")
    _finish(ax, result.plan.protocol, len(levels))
    return ax


def plot_course(result: Result, ax: Axes | None = None) -> Axes:
    """Plot how far beyond the target tissue had been frozen by when, and how far lethally.

    Parameters
    ----------
    ax : draw into these axes; by default into a new pyplot figure.

    Returns
    -------
    The axes; time in minutes, smallest margins in mm, the wanted one as a line.

    Raises
    ------
    InputError
        When the plan has no target, or the result is of a version that did not record it.
    """
    target, course = result.plan.target, result.course
    if target is None or course is None or not course.margin_mm:
        raise InputError(
            "the result does not say how margins grew; the plan needs [target], run it again"
        )
    ax = new_axes(ax)
    for number, (level, name) in enumerate(((ICE_C, "ice"), (target.lethal_c, "lethal"))):
        if level not in course.margin_mm:  # of ice, where the margin has room nowhere
            continue
        margin_mm = course.margin_mm[level]
        shown = np.where(np.isfinite(margin_mm), margin_mm, np.nan)
        ax.plot(
            course.times_s / 60, shown, color=isotherm_color(level), linestyle=line_style(number),
            linewidth=2, label=f"{name} margin, {level:g} °C",
        )  # fmt: skip
    low, high = ax.get_ylim()
    high = max(high, target.margin_mm)
    ax.set_ylim(low, low + _ROOM_ABOVE * (high - low))
    ax.axhline(target.margin_mm, color=GOAL, linewidth=1.2, zorder=1, label="wanted")
    ax.set_ylabel("smallest margin so far in mm")
    _finish(ax, result.plan.protocol, 3)
    return ax


def plot_sensors(result: Result, ax: Axes | None = None) -> Axes:
    """Plot the temperature of each sensor over time, with the protocol as bands.

    Parameters
    ----------
    ax : draw into these axes; by default into a new pyplot figure.

    Returns
    -------
    The axes; time in minutes, temperatures in C.

    Raises
    ------
    InputError
        When the plan has no sensor.
    """
    sensors = result.curves.sensors_c
    if not sensors:
        raise InputError("the plan has no sensor, and so no curve; add [[sensor]] and run again")
    ax = new_axes(ax)
    minutes = result.curves.times_s / 60
    for number, (name, curve) in enumerate(sensors.items()):
        color = CURVES[number % len(CURVES)]
        ax.plot(minutes, curve, color=color, linestyle=line_style(number), label=name_label(name))
    low, high = ax.get_ylim()
    ax.set_ylim(low, low + _ROOM_ABOVE * (high - low))
    ax.axhline(ICE_C, color=isotherm_color(ICE_C), linewidth=1.2, zorder=1)
    ax.set_ylabel("temperature in °C")
    _finish(ax, result.plan.protocol, len(sensors))
    return ax


def stage_name(stage: Stage) -> str:
    """Name a stage: "freeze", "thaw, passive" or "thaw, active"."""
    if stage.kind == "freeze":
        return "freeze"
    return "thaw, active" if stage.active else "thaw, passive"


def _finish(ax: Axes, protocol: Protocol, curves: int) -> None:
    shown: dict[str, str] = {}
    begin = 0.0
    for stage, end in zip(protocol.stages, protocol.ends_s(), strict=True):
        name, color = stage_name(stage), stage_color(stage)
        shown[name] = color
        ax.axvspan(begin / 60, end / 60, color=color, linewidth=0, zorder=0)
        if stage.duration_s >= _NARROWEST * protocol.duration_s:
            ax.text(
                (begin + end) / 120, 0.985, f"{stage.kind}\n{stage.minutes:g} min", ha="center",
                va="top", fontsize="x-small", color=_TEXT, transform=ax.get_xaxis_transform(),
            )  # fmt: skip
        begin = end
    ax.set_xlim(0, protocol.duration_s / 60)
    ax.set_xlabel("time since the first freeze began in min")
    finish_chart(ax)
    handles = ax.get_legend_handles_labels()[0]
    bands = [Patch(facecolor=c, edgecolor="#c4c9cd", label=name) for name, c in shown.items()]
    below_axes(ax, max(curves, len(bands), 1) if curves <= 3 else 3, handles=[*handles, *bands])
