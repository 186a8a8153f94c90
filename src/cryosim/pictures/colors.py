"""One color for each thing, the same in every picture, told apart by colorblind people too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..plan import Stage

__all__ = [
    "ACTIVE_PART",
    "CURVES",
    "EDGE",
    "MARGIN_MAP",
    "SENSOR",
    "SHAFT",
    "TARGET",
    "WARMER",
    "isotherm_color",
    "isotherm_opacity",
    "margin_bounds",
    "margin_colors",
    "overlay_color",
    "stage_color",
    "structure_colors",
]

TARGET = "#f4511e"
ACTIVE_PART = "#ffd54f"
WARMER = "#e53935"
SENSOR = "#00e676"
SHAFT = "#8a9299"
EDGE = "#b0b5ba"

# Organs at risk: Tol's muted and Okabe-Ito's, without blues (isotherms) and oranges (target).
_ORGANS = ("#1b9e77", "#e377c2", "#a6761d", "#b2df57", "#882255", "#44aa99", "#999933")

# Curves that stand for no structure, Okabe-Ito.
CURVES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#20262c")

# Pale, behind curves: freeze, passive thaw, active thaw.
_STAGES = ("#dcecf8", "#f6f6f4", "#fbe3cd")

# Light to dark blue and violet as it gets colder.
_COLDNESS_C = (-60.0, -40.0, -20.0, 0.0, 15.0)
_SHADES = ("#2a0a5e", "#4a1a9c", "#2468d0", "#4fc3f7", "#a8e4fb")
# Where two results lie over each other: blues for the first, pinks and reds for the second.
_OVERLAY_SHADES = (
    ("#06184f", "#0b2a8a", "#1f6fe0", "#4fc3f7", "#a8e4fb"),
    ("#4d0520", "#860a38", "#e6206a", "#ff8fb0", "#ffc9d8"),
)

# Of margins; safe for the colorblind.
MARGIN_MAP = "PuOr"
_MARGIN_STEPS, _MARGIN_STEP_MM = 10, 2.0


def isotherm_color(level_c: float) -> str:
    """Return the color of an isotherm as "#rrggbb"; the colder, the darker."""
    return _shade(_SHADES, level_c)


def overlay_color(number: int, level_c: float) -> str:
    """Return the color of an isotherm of the first (0) or second (1) of two results."""
    return _shade(_OVERLAY_SHADES[number], level_c)


def _shade(shades: Sequence[str], level_c: float) -> str:
    channels = np.array([[int(shade[n : n + 2], 16) for n in (1, 3, 5)] for shade in shades])
    mixed = [round(float(np.interp(level_c, _COLDNESS_C, channel))) for channel in channels.T]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def margin_bounds(goal_mm: float) -> NDArray[np.float64]:
    """Return the edges of the steps in which margins are shown about their goal, mm."""
    half = _MARGIN_STEPS // 2 * _MARGIN_STEP_MM
    return goal_mm + np.linspace(-half, half, _MARGIN_STEPS + 1)


def margin_colors() -> list[str]:
    """Return a color for each step: orange short of the goal, purple beyond it."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    steps = (np.arange(_MARGIN_STEPS) + 0.5) / _MARGIN_STEPS
    return [to_hex(color) for color in colormaps[MARGIN_MAP](steps)]


def stage_color(stage: Stage) -> str:
    """Return the color of a stage of the protocol, pale enough to lie behind curves."""
    return _STAGES[0 if stage.kind == "freeze" else 1 + stage.active]


def isotherm_opacity(level_c: float) -> float:
    """Return how opaque an isosurface is, so that colder ones show through warmer ones."""
    return float(np.interp(level_c, (-40.0, 0.0), (0.4, 0.3)))


def structure_colors(names: Iterable[str]) -> dict[str, str]:
    """Give the target and each organ at risk its color."""
    colors: dict[str, str] = {}
    for name in names:
        organs = len(colors) - ("target" in colors)
        colors[name] = TARGET if name == "target" else _ORGANS[organs % len(_ORGANS)]
    return colors
