"""Pictures of a batch: time and error against the spacing, on logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from ..studies import GridErrors
from .colors import EDGE, isotherm_color
from .moment import FOOTER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..studies import Batch

__all__ = ["draw_error", "draw_time"]

_FIGURE_INCHES = (7.0, 4.6)
_TIME = "#1f5a92"
_MARKERS = "osD^v<>P"


def draw_time(batch: Batch) -> Figure:
    """Draw the time that each grid took, without compiling."""
    figure, axes = _figure("Time of the simulation, without compiling")
    spacings = [record.spacing_mm for record in batch.records]
    seconds = [record.performance.wall_s for record in batch.records]
    threads = sorted({record.threads for record in batch.records})
    words = f"{' or '.join(map(str, threads))} thread{'s' if threads[-1] > 1 else ''}"
    axes.plot(spacings, seconds, "o-", color=_TIME, label=f"measured, {words}")
    _draw_power(axes, spacings, -4, seconds[-1], "∝ spacing⁻⁴: voxels and stages")
    axes.set_ylabel("time in s")
    _finish(axes, spacings)
    return figure


def draw_error(comparison: GridErrors) -> Figure:
    """Draw the largest error of each isotherm's volume on each grid."""
    figure, axes = _figure(f"Isotherm volumes against {comparison.reference.name}")
    spacings = list(comparison.errors)
    coarsest = []
    for number, level in enumerate(comparison.isotherms_c):
        found = [(spacing, comparison.largest(spacing, level)) for spacing in spacings]
        # A logarithmic axis has no zero.
        points = [(spacing, abs(e.percent)) for spacing, e in found if e is not None and e.percent]
        if points:
            mm, percent = zip(*points, strict=True)
            marker, color = _MARKERS[number % len(_MARKERS)], isotherm_color(level)
            axes.plot(mm, percent, marker=marker, color=color, label=f"{level:g} °C")
            coarsest.append(percent[0])
    if coarsest:
        _draw_power(axes, spacings[::-1], 2, max(coarsest), "∝ spacing²")
    axes.set_ylabel("largest error in %")
    _finish(axes, spacings)
    return figure


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_FIGURE_INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11)
    figure.supxlabel(FOOTER, fontsize=8, color="#8a9299", x=0.99, ha="right")
    return figure, axes


def _draw_power(
    axes: Axes, spacings: Sequence[float], power: int, value: float, label: str
) -> None:
    """Draw a power of the spacing through a value at the last of the spacings."""
    if len(spacings) == 1:
        return
    shares = [value * (spacing / spacings[-1]) ** power for spacing in spacings]
    axes.plot(spacings, shares, "--", color=EDGE, linewidth=1.2, label=label, zorder=1)


def _finish(axes: Axes, spacings: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("grid spacing in mm")
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_major_locator(FixedLocator(sorted(spacings)))
    axes.xaxis.set_major_formatter(plain)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, which="major", color="#e3e6e8", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
