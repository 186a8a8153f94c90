"""Will it fit? Predicted before anything large is allocated."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import InputError
from .geometry import Grid

__all__ = ["available_bytes", "check_memory", "predict_memory_bytes"]

# A float64 and twelve float32 fields, two bytes and the coldest in the result (see
# `cryosim.simulation.state.State` and `multirate`); twelve float32 fields and two bytes in the
# box around ice; image and two structures.
_BYTES_PER_CELL = 8 + 12 * 4 + 2 + 4 + 3 * 4
_BYTES_PER_NEAR_CELL = 12 * 4 + 2
_BYTES_PER_THRESHOLD = 5  # seconds, and a count
_BYTES_PER_SNAPSHOT = 4
_FIXED_BYTES = 230_000_000  # interpreter, libraries, compiled kernels


def predict_memory_bytes(
    grid: Grid, thresholds: int, snapshots: int, near_cells: int | None = None
) -> int:
    """Predict the peak memory of a simulation with so many exposure thresholds and snapshots.

    `near_cells` is how many voxels the box around ice will hold; all of them where not known.
    """
    per_cell = _BYTES_PER_CELL
    per_cell += _BYTES_PER_THRESHOLD * thresholds + _BYTES_PER_SNAPSHOT * snapshots
    near = _BYTES_PER_NEAR_CELL * (grid.cell_count if near_cells is None else near_cells)
    return _FIXED_BYTES + per_cell * grid.cell_count + near


def check_memory(grid: Grid, thresholds: int, snapshots: int, near_cells: int | None = None) -> int:
    """Return the predicted bytes.

    Raises
    ------
    InputError
        When they exceed what is available; says which spacing would fit.
    """
    needed = predict_memory_bytes(grid, thresholds, snapshots, near_cells)
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
