"""Run a protocol: a pure function from tissue and plan to a result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import numba

from ..errors import InputError, expect_type
from ..plan import Plan
from ..probes import couple
from ..tissue import TissueGrid
from .callbacks import Callback
from .feasible import check_run
from .integrators import make_integrator, precision_of
from .rehearsal import rehearse
from .result import Performance, Result
from .run import Run
from .settings import Settings
from .state import build_state
from .stops import snapshot_times

__all__ = ["simulate"]

# Voxels of a grid from which two threads are faster than one, measured.
_WORTH_THREADS = 100_000


def simulate(
    tissue: TissueGrid,
    plan: Plan,
    settings: Settings | None = None,
    callbacks: Sequence[Callback] = (),
) -> Result:
    """Simulate the plan's protocol in the tissue.

    Solves dH/dt = div(k grad T) + w rho_b c_b (T_a - T) + Q_m in enthalpy form on the voxels of
    `tissue.grid`, probes coupled as `cryosim.probes.couple` describes. Edits none of its inputs.

    Parameters
    ----------
    tissue : what fills each voxel.
    plan : probes, protocol, perfusion, body and what to report; its anatomy is not looked at.
    settings : how to compute.
    callbacks : watchers, called as the run goes on.

    Raises
    ------
    InputError
        When a probe or sensor lies outside the grid, two probes are in one place, or memory does
        not suffice.
    """
    expect_type("simulate: tissue", tissue, TissueGrid, "place_anatomy returns one")
    expect_type("simulate: plan", plan, Plan, "read_plan returns one")
    with _useful_threads(tissue.grid.cell_count):
        return _simulate(tissue, plan, settings or Settings(), callbacks)


def _simulate(
    tissue: TissueGrid, plan: Plan, settings: Settings, callbacks: Sequence[Callback]
) -> Result:
    if not plan.probe:
        raise InputError(
            "the plan has no probe; add [[probe]], or let 'cryosim optimize' find some"
        )
    thresholds = plan.exposure_thresholds_c
    stops = snapshot_times(plan, settings)
    memory = check_run(tissue.grid, plan, len(stops))
    for callback in callbacks:
        callback.on_compile()
    started = time.perf_counter()
    rehearse(settings)
    compiled = time.perf_counter()
    coupling = couple(tissue.grid, plan.needles)
    state, assumptions = build_state(
        tissue,
        coupling,
        plan.perfusion,
        plan.body,
        len(thresholds),
        precision=precision_of(settings),
    )
    integrator = make_integrator(settings, state)
    run = Run(
        tissue, plan, state, integrator, coupling, thresholds, callbacks, settings.course_every_s
    )
    run.go(lambda plan: snapshot_times(plan, settings))
    performance = Performance(
        wall_s=time.perf_counter() - compiled,
        compile_s=compiled - started,
        cells=tissue.grid.cell_count,
        steps=run.steps,
        stages=run.integrator.stages,
        cell_updates=run.integrator.cell_updates,
        memory_bytes=memory,
    )
    return run.result(performance, tissue.assumptions + assumptions)


@contextlib.contextmanager
def _useful_threads(cells: int) -> Iterator[None]:
    """Leave a small grid to one thread: to wake another takes longer than its share of a stage."""
    before = numba.get_num_threads()
    numba.set_num_threads(before if cells >= _WORTH_THREADS else 1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
