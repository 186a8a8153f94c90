"""What a run will take, said before it starts."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass

import numpy as np

from cryosim_kernels import source_fingerprint

from ..files import remember, remembered
from ..plan import Plan
from ..tissue import TissueGrid
from .cores import usable_cores
from .memory import available_bytes, near_voxels, predict_memory_bytes
from .settings import Settings
from .step_sizes import proposed_step_s, stages_of
from .tissue_table import (
    column,
    fastest_conduction,
    speed_up,
    tissue_table,
    unfrozen_conductivity,
)

__all__ = ["Forecast", "forecast"]

# Machines are busier at one time than at another, but a plan that is edited is checked often.
_SPEED, _SPEED_HOLDS_S = "updates-per-second", 3600.0
_THAWING_C = -10.0  # soon after a probe was switched off nothing is colder


@dataclass(frozen=True)
class Forecast:
    """Expected cost of a run with the default integrator.

    Attributes
    ----------
    memory_bytes : peak. available_bytes : what a new process may use.
    steps, stages : time steps and evaluations of the heat balance far from ice.
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
    """Predict memory and time of a run; kernels are timed for a moment, once an hour."""
    settings = settings or Settings()
    steps, stages, updates = _count(tissue, plan, settings)
    return Forecast(
        memory_bytes=predict_memory_bytes(tissue.grid, plan, snapshots),
        available_bytes=available_bytes(),
        steps=steps,
        stages=stages,
        wall_s=updates / _updates_per_second(),
    )


def _count(tissue: TissueGrid, plan: Plan, settings: Settings) -> tuple[int, int, float]:
    """Walk through the protocol's steps without computing anything."""
    table, _ = tissue_table(tissue.tissues, plan.perfusion.scale)
    inverse_squares = 4.0 * float(np.sum(1.0 / (tissue.grid.spacing_mm * 1e-3) ** 2))
    unfrozen = unfrozen_conductivity(table) * column(table, "inverse_rho_c_unfrozen")
    present = [n for n in range(len(tissue.tissues)) if (tissue.index == n).any()]
    far_rate = float(unfrozen[present].max()) * inverse_squares
    conductivity, inverse_capacity = fastest_conduction(table)
    near_rate = float((conductivity * inverse_capacity)[present].max()) * inverse_squares
    coldest = min(probe.coldest_c for probe in plan.probe)
    far_stages, near_stages, frozen_s = [], [], []
    frozen = 0.0
    for stage in plan.protocol.stages:
        now = 0.0
        freezing = stage.kind == "freeze"
        # Ice next to a probe comes close to its temperature.
        quicker = speed_up(table, coldest + 5.0 if freezing else _THAWING_C)
        while now < stage.duration_s - 1e-9:
            step = min(proposed_step_s(settings, now), stage.duration_s - now)
            count, _, inner = stages_of(step, far_rate, near_rate * quicker)
            frozen += step if freezing else 0.0
            far_stages.append(count)
            near_stages.append(count * inner)
            frozen_s.append(frozen)
            now += step
    near = near_voxels(tissue.grid, plan, frozen_s)
    updates = (tissue.grid.cell_count - near) @ np.array(far_stages) + near @ np.array(near_stages)
    return len(far_stages), sum(far_stages), float(updates)


def _updates_per_second() -> float:
    """Time some steps on a small grid, unless that was done a moment ago."""
    facts = [source_fingerprint(), str(usable_cores()), platform.node()]
    known = remembered(_SPEED, facts, _SPEED_HOLDS_S)
    if known is not None:
        return float(known)
    from .rehearsal import rehearse

    integrator = rehearse(Settings(), 48.0).integrator
    before, start = integrator.cell_updates, time.perf_counter()
    for _ in range(20):
        integrator.advance(1.0, -100.0)
    found = (integrator.cell_updates - before) / (time.perf_counter() - start)
    remember(_SPEED, facts, repr(found))
    return found
