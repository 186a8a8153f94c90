"""How needles lie in the patient, as an operator says it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...probes import Needle
from ...tissue import TissueGrid

__all__ = ["approach_words", "depth_mm", "skin_depth_mm"]

F64 = NDArray[np.float64]

_FROM = ("from the front", "from the left", "from behind", "from the right")
_TO = ("front", "left", "back", "right")
_ALONG_THE_BODY_DEG = 80.0
_STEP_MM = 0.25


def approach_words(axis: F64) -> str:
    """Say where a needle comes from: "from behind, 27° to the left, 8° to the head".

    Parameters
    ----------
    axis : unit vector from the tip up the shaft, LPS.
    """
    tilt = float(np.degrees(np.arcsin(np.clip(axis[2], -1.0, 1.0))))
    end = "head" if tilt > 0 else "feet"
    if abs(tilt) > _ALONG_THE_BODY_DEG:
        lean = round(90 - abs(tilt))
        return f"from the {end}, " + (f"{lean}° off" if lean else "along") + " the long axis"
    # From the front toward the left; the patient's left is +x, the front -y.
    turn = float(np.degrees(np.arctan2(axis[0], -axis[1]))) % 360.0
    nearest = round(turn / 90.0)
    off = turn - 90.0 * nearest
    words = [_FROM[nearest % 4]]
    if round(off):
        words.append(f"{abs(off):.0f}° to the {_TO[(nearest + (1 if off > 0 else -1)) % 4]}")
    if round(tilt):
        words.append(f"{abs(tilt):.0f}° to the {end}")
    return ", ".join(words)


def depth_mm(needle: Needle) -> float:
    """Length from the entry point of the plan to the tip."""
    return float(np.linalg.norm(np.subtract(needle.entry_mm, needle.tip_mm)))


def skin_depth_mm(needle: Needle, tissue: TissueGrid) -> float | None:
    """Length from the skin to the tip; None where the skin lies outside the simulated box."""
    if tissue.outside_air is None:
        return None
    grid = tissue.grid
    heights = np.arange(0.0, float(np.linalg.norm(grid.size_mm)), _STEP_MM)
    points = np.asarray(needle.tip_mm) + heights[:, None] * needle.axis
    inside = grid.contains(points)
    limits = np.array(grid.shape[::-1]) - 1
    cells = np.clip(np.rint(grid.to_index(points)).astype(int), 0, limits)
    air = inside & tissue.outside_air[cells[:, 2], cells[:, 1], cells[:, 0]]
    return float(heights[air.argmax()]) if air.any() else None
