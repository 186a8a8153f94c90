"""How large the box around ice will be, estimated before a run."""

from __future__ import annotations

import numpy as np

from ..geometry import Grid
from ..plan import Plan

__all__ = ["near_voxels"]

# Ice reaches so far beyond needles after a time of freezing, mm over the root of seconds: 0.63 for
# one probe at -150 C in gel, 0.75 for three at -196 C in muscle, simulated.
_REACH_MM = 0.75


def near_voxels(grid: Grid, plan: Plan, frozen_s: float | None = None) -> int:
    """Estimate how many voxels the box around ice holds after so much freezing, or all of it."""
    if frozen_s is None:
        stages = plan.protocol.stages
        frozen_s = sum(stage.duration_s for stage in stages if stage.kind == "freeze")
    index = grid.to_index(np.concatenate([needle.active_points_mm(2) for needle in plan.needles]))
    reach = _REACH_MM * np.sqrt(frozen_s) / grid.spacing_mm
    size = np.array(grid.shape)[::-1]
    low, high = np.maximum(index.min(axis=0) - reach, 0), index.max(axis=0) + reach
    return int(np.prod(np.maximum(np.minimum(high, size) - low, 1.0)))
