"""What a run will take, said before it starts."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cryosim_kernels import bioheat

from ..errors import InputError
from ..geometry import Grid
from ..plan import Plan
from ..tissue import TissueGrid
from .settings import Settings
from .state import tissue_table
from .stepping import make_integrator

__all__ = ["Forecast", "check_memory", "forecast", "predict_memory_bytes"]

# Eight float64 and three float32 fields and one byte (see `State`); a float64 and an int64 field
# while the step size is found; probe share, image and two structures.
_BYTES_PER_CELL = 8 * 8 + 3 * 4 + 1 + 2 * 8 + 4 * 4
_FIXED_BYTES = 300_000_000  # interpreter, libraries, compiled kernels
_TRIAL_CELLS = 64


@dataclass(frozen=True)
class Forecast:
    """Expected cost of a run.

    Attributes
    ----------
    memory_bytes : peak. available_bytes : what a new process may use.
    steps, stages : time steps and evaluations of the heat balance.
    wall_s : without compiling.
    """

    memory_bytes: int
    available_bytes: int
    steps: int
    stages: int
    wall_s: float


def forecast(
    tissue: TissueGrid, plan: Plan, snapshots: int, settings: Settings | None = None
) -> Forecast:
    """Predict memory and time of a run, timing the kernels for a moment on a small grid."""
    settings = settings or Settings()
    thresholds = len(plan.report.isotherms_c) + len(plan.organ_at_risk) + 1
    steps, stages = _count_stages(tissue, plan, settings)
    return Forecast(
        memory_bytes=predict_memory_bytes(tissue.grid, thresholds, snapshots),
        available_bytes=_available_bytes(),
        steps=steps,
        stages=stages,
        wall_s=stages * tissue.grid.cell_count / _cells_per_second(),
    )


def predict_memory_bytes(grid: Grid, thresholds: int, snapshots: int) -> int:
    """Predict the peak memory of a simulation with so many exposure thresholds and snapshots."""
    per_cell = _BYTES_PER_CELL + 4 * (thresholds + snapshots)
    return _FIXED_BYTES + per_cell * grid.cell_count


def check_memory(grid: Grid, thresholds: int, snapshots: int) -> int:
    """Return the predicted bytes.

    Raises
    ------
    InputError
        When they exceed what is available; says which spacing would fit.
    """
    needed = predict_memory_bytes(grid, thresholds, snapshots)
    available = _available_bytes()
    if needed > available:
        room = max(available - _FIXED_BYTES, 1)
        spacing = float(grid.spacing_mm.max()) * ((needed - _FIXED_BYTES) / room) ** (1 / 3)
        raise InputError(
            f"grid.spacing_mm = {grid.spacing_mm.max():g}: {grid.describe()} need "
            f"{needed / 1e9:.1f} GB of memory and {available / 1e9:.1f} GB are available; "
            f"use grid.spacing_mm = {spacing * 1.05:.2g} or a smaller grid.padding_mm"
        )
    return needed


def _available_bytes() -> int:
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


def _count_stages(tissue: TissueGrid, plan: Plan, settings: Settings) -> tuple[int, int]:
    """Walk through the protocol's steps without computing anything."""
    table, _ = tissue_table(tissue.tissues, plan.perfusion.scale)
    k_unfrozen = table[:, 5] + table[:, 2] * table[:, 6]
    diffusivity = np.maximum(table[:, 5] * table[:, 1], k_unfrozen * table[:, 4]).max()
    inverse_squares = float(np.sum(1.0 / (tissue.grid.spacing_mm * 1e-3) ** 2))
    # Voxels at a probe are about twice as stiff as the others.
    integrator = make_integrator(settings, 0.5 / (2 * diffusivity * inverse_squares))
    steps = stages = 0
    for stage in plan.protocol.stages:
        now = 0.0
        while now < stage.duration_s:
            step = min(integrator.next_step_s(now), stage.duration_s - now)
            steps += 1
            stages += integrator.stages_of(step)
            now += step
    return steps, stages


def _cells_per_second() -> float:
    """Time one stage on a small grid; the best of a few."""
    shape = (_TRIAL_CELLS + 2,) * 3
    energy, zero = np.full(shape, 1e8), np.zeros(shape)
    temperature, resistivity = zero.copy(), np.ones(shape)
    index = np.zeros(shape, dtype=np.uint8)
    table = np.ones((1, len(bioheat.COLUMNS)))
    perfusable = np.ones(shape, dtype=np.float32)
    slabs = np.zeros((shape[0], 2))
    weights, spacing = np.array([1.0, 0.0, 0.0, 0.0]), np.ones(3)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        bioheat.update_state(
            energy, index, table, perfusable, temperature, resistivity, zero, zero, slabs
        )
        bioheat.advance_stage(
            index,
            temperature,
            resistivity,
            zero,
            zero,
            spacing,
            weights,
            energy,
            zero,
            energy,
            energy,
        )
        best = min(best, time.perf_counter() - start)
    return float(_TRIAL_CELLS**3 / best)
