"""How deep needles lie in the patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...probes import Needle
from ...tissue import TissueGrid

__all__ = ["depth_mm", "skin_depth_mm"]

F64 = NDArray[np.float64]

_STEP_MM = 0.25


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
    air = inside & tissue.outside_air[grid.nearest(points)]
    return float(heights[air.argmax()]) if air.any() else None
