"""What a run will take, said before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cryosim_kernels import bioheat, material

from ..memory import available_bytes, predict_memory_bytes
from ..plan import Plan
from ..tissue import TissueGrid
from .settings import Settings
from .state import fastest_conduction, speed_up, tissue_table
from .stepping import make_integrator

__all__ = ["Forecast", "forecast"]

_TRIAL_CELLS = 64
_THAWING_C = -10.0  # soon after a probe was switched off nothing is colder


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
    thresholds = len(plan.exposure_thresholds_c)
    steps, stages = _count_stages(tissue, plan, settings)
    return Forecast(
        memory_bytes=predict_memory_bytes(tissue.grid, thresholds, snapshots),
        available_bytes=available_bytes(),
        steps=steps,
        stages=stages,
        wall_s=stages * tissue.grid.cell_count / _cells_per_second(),
    )


def _count_stages(tissue: TissueGrid, plan: Plan, settings: Settings) -> tuple[int, int]:
    """Walk through the protocol's steps without computing anything."""
    table, _ = tissue_table(tissue.tissues, plan.perfusion.scale)
    conductivity, inverse_capacity = fastest_conduction(table)
    inverse_squares = float(np.sum(1.0 / (tissue.grid.spacing_mm * 1e-3) ** 2))
    # Voxels at a probe are about twice as stiff as the others.
    stable = 0.25 / (float((conductivity * inverse_capacity).max()) * inverse_squares)
    coldest = min(probe.coldest_c for probe in plan.probe)
    integrator = make_integrator(settings)
    steps = stages = 0
    for stage in plan.protocol.stages:
        now = 0.0
        while now < stage.duration_s:
            # Ice next to a probe comes within a third of the way to its temperature.
            cold_c = coldest / 1.5 if stage.kind == "freeze" else _THAWING_C
            limit = stable / speed_up(table, cold_c)
            step = min(integrator.next_step_s(now, limit), stage.duration_s - now)
            steps += 1
            stages += integrator.stages_of(step, limit)
            now += step
    return steps, stages


def _cells_per_second() -> float:
    """Time one stage on a small grid; the best of a few."""
    shape = (_TRIAL_CELLS + 2,) * 3
    energy, zero = np.full(shape, 1e8), np.zeros(shape)
    temperature, resistivity = zero.copy(), np.ones(shape)
    index = np.zeros(shape, dtype=np.uint8)
    table = np.ones((1, len(material.COLUMNS)))
    perfusable = np.ones(shape, dtype=np.float32)
    slabs = np.zeros((shape[0], 3))
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
