"""What all charts share: where they are drawn, and how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GOAL", "GRID", "below_axes", "finish_chart", "line_style", "literal", "new_axes"]

GOAL = "#20262c"
GRID = "#e3e6e8"

_INCHES = (6.4, 4.4)
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


def literal(text: str) -> str:
    """Keep a dollar sign from starting a formula."""
    return text.replace("$", r"\$")


def finish_chart(ax: Axes) -> None:
    """Leave out what carries no information."""
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def below_axes(ax: Axes, columns: int, **more: Any) -> None:
    """Put the legend under the axes, where it hides no curve."""
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns, frameon=False,
        fontsize="small", **more,
    )  # fmt: skip
