"""Will it fit? Predicted before anything large is allocated."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry import Grid
from ..plan import Plan

__all__ = ["available_bytes", "check_memory", "near_voxels", "predict_memory_bytes"]

# A float64 and twelve float32 fields, two bytes and the coldest in the result (see
# `cryosim.simulation.state.State` and `multirate`); twelve float32 fields and two bytes in the
# box around ice; image and two structures.
_BYTES_PER_CELL = 8 + 12 * 4 + 2 + 4 + 3 * 4
_BYTES_PER_NEAR_CELL = 12 * 4 + 2
_BYTES_PER_THRESHOLD = 5  # seconds, and a count
_BYTES_PER_SNAPSHOT = 4
_FIXED_BYTES = 258_000_000  # interpreter, libraries, compiled kernels, lists of faces

# Ice reaches so far beyond needles after a time of freezing, mm over the root of seconds: 0.63 for
# one probe at -150 C in gel, 0.75 for three at -196 C in muscle, simulated.
_REACH_MM = 0.75


def predict_memory_bytes(grid: Grid, plan: Plan, snapshots: int) -> int:
    """Predict the peak memory of a plan's simulation with so many snapshots."""
    per_cell = _BYTES_PER_CELL + _BYTES_PER_SNAPSHOT * snapshots
    per_cell += _BYTES_PER_THRESHOLD * len(plan.exposure_thresholds_c)
    near = int(near_voxels(grid, plan))
    return _FIXED_BYTES + per_cell * grid.cell_count + _BYTES_PER_NEAR_CELL * near


def near_voxels(grid: Grid, plan: Plan, frozen_s: ArrayLike | None = None) -> NDArray[np.int64]:
    """Estimate how many voxels the box around ice holds after so much freezing, or all of it.

    Parameters
    ----------
    frozen_s : of any shape, which is that of the numbers returned.
    """
    if frozen_s is None:
        stages = plan.protocol.stages
        frozen_s = sum(stage.duration_s for stage in stages if stage.kind == "freeze")
    seconds = np.asarray(frozen_s, dtype=float)[..., None]
    if not plan.needles:
        return np.zeros(seconds.shape[:-1], dtype=np.int64)
    index = grid.to_index(np.concatenate([needle.active_points_mm(2) for needle in plan.needles]))
    reach = _REACH_MM * np.sqrt(seconds) / grid.spacing_mm
    size = np.array(grid.shape)[::-1]
    low, high = np.maximum(index.min(axis=0) - reach, 0), index.max(axis=0) + reach
    return np.prod(np.maximum(np.minimum(high, size) - low, 1.0), axis=-1).astype(np.int64)


def check_memory(grid: Grid, plan: Plan, snapshots: int) -> int:
    """Return the predicted bytes.

    Raises
    ------
    InputError
        When they exceed what is available; says which spacing would fit.
    """
    needed = predict_memory_bytes(grid, plan, snapshots)
    available = available_bytes()
    if needed > available:
        room = max(available - _FIXED_BYTES, 1)
        spacing = float(grid.spacing_mm.max()) * ((needed - _FIXED_BYTES) / room) ** (1 / 3)
        raise InputError(
            f"grid.spacing_mm = {grid.spacing_mm.max():g}: {grid.describe()} need "
            f"{needed / 1e9:.1f} GB of memory and {available / 1e9:.1f} GB are available; "
            f"use grid.spacing_mm = {spacing * 1.05:.2g} or a smaller grid.padding_mm"
        )
    return needed


def available_bytes() -> int:
    """Memory that a new process may use; a container's limit counts."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(int(line.split()[1]) * 1024)
    group = Path("/sys/fs/cgroup/memory.max")
    if group.exists() and group.read_text().strip().isdigit():
        limits.append(int(group.read_text()))
    return min(limits)
