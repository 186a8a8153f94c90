"""What all charts share: where they are drawn, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["GOAL", "GRID", "below_axes", "finish_chart", "line_style", "name_label", "new_axes"]

GOAL = "#20262c"
GRID = "#e3e6e8"

_INCHES = (6.4, 4.4)
_LONGEST_NAME = 32
_LETTERS_WIDE = 84  # that a legend under a chart has room for, its lines and gaps included
# Beside the colors, so that gray prints tell curves apart too.
_LINES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (6, 2, 1.5, 2)), (0, (1.5, 1.5)))


def new_axes(ax: Axes | None) -> Axes:
    """Return the axes to draw into, those of a new pyplot figure when none are given."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    _, found = plt.subplots(figsize=_INCHES, layout="constrained")
    return found


def line_style(number: int) -> Any:
    """Return the line style of the first, second, ... curve."""
    return _LINES[number % len(_LINES)]


def name_label(name: str) -> str:
    """Return a name for a legend: not too long, and a dollar sign starts no formula."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return short.replace("$", r"\$")


def finish_chart(ax: Axes) -> None:
    """Leave out what carries no information."""
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def below_axes(ax: Axes, columns: int, handles: Sequence[Artist] | None = None) -> None:
    """Put the legend under the axes, where it hides no curve, in fewer columns for long labels."""
    if handles is None:
        handles = ax.get_legend_handles_labels()[0]
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    ax.legend(
        handles=list(handles), loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False,
        ncols=max(1, min(columns, _LETTERS_WIDE // (longest + 6))), fontsize="small",
    )  # fmt: skip
