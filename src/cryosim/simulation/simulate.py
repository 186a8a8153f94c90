"""Run a protocol: a pure function from tissue and plan to a result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat, exchange, exposure, material

from ..geometry import read_only
from ..memory import check_memory
from ..plan import Plan, check_sensors
from ..probes import ProbeCoupling, check_placement, couple, probe_share
from ..tissue import TissueGrid
from .callbacks import Callback
from .drives import Drives, schedule_edges_s, switch_times
from .ledger import Bookkeeping
from .probe_voxels import ProbeVoxels
from .result import Performance, Result
from .sensors import CurveRecorder
from .settings import Settings
from .state import INNER, State, build_state
from .stepping import Integrator, make_integrator

Array = NDArray[Any]

__all__ = ["simulate", "snapshot_times"]

# For so long after a switch the tissue at a probe may fall to the probe's own temperature within a
# step; later, by no more than this share of the rest.
_SETTLING_S = 10.0
_SETTLED_SHARE = 0.25


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
    settings = settings or Settings()
    check_placement(tissue.grid, plan.needles)
    check_sensors(tissue.grid, plan.sensor)
    thresholds = plan.exposure_thresholds_c
    stops = snapshot_times(plan, settings)
    memory = check_memory(tissue.grid, len(thresholds), len(stops))
    for callback in callbacks:
        callback.on_compile()
    started = time.perf_counter()
    _warm_kernels()
    compiled = time.perf_counter()
    coupling = couple(tissue.grid, plan.needles)
    state, assumptions = build_state(tissue, coupling, plan.perfusion, plan.body, len(thresholds))
    run = _Run(tissue, plan, state, make_integrator(settings), coupling, thresholds, callbacks)
    run.go(stops)
    performance = Performance(
        wall_s=time.perf_counter() - compiled,
        compile_s=compiled - started,
        cells=tissue.grid.cell_count,
        steps=run.steps,
        stages=run.integrator.stages,
        cell_updates=run.integrator.stages * tissue.grid.cell_count,
        memory_bytes=memory,
    )
    return run.result(performance, tissue.assumptions + assumptions)


def snapshot_times(plan: Plan, settings: Settings | None = None) -> tuple[float, ...]:
    """Times at which fields are kept: 0, asked times, ends of stages and schedules, and between."""
    settings = settings or Settings()
    end = plan.protocol.duration_s
    regular = np.arange(0.0, end, settings.snapshot_every_s)
    times = {0.0, *plan.protocol.ends_s(), *plan.report.times_s, *map(float, regular)}
    times |= schedule_edges_s(plan)
    return tuple(sorted({round(time_s, 6) for time_s in times if time_s <= end}))


class _Run:
    """Stepping from switch to switch, with records on the way."""

    def __init__(
        self,
        tissue: TissueGrid,
        plan: Plan,
        state: State,
        integrator: Integrator,
        coupling: ProbeCoupling,
        thresholds: Sequence[float],
        callbacks: Sequence[Callback],
    ) -> None:
        self.tissue, self.plan, self.state = tissue, plan, state
        self.integrator, self.coupling = integrator, coupling
        self.thresholds, self.callbacks = np.array(thresholds), callbacks
        self.steps = 0
        self.drives = Drives(plan, state)
        self.books = Bookkeeping(tissue, state)
        self.curves = CurveRecorder(tissue.grid, plan.sensor, state)
        self.probe_voxels = ProbeVoxels(tissue.grid, coupling)
        self.snapshots: list[tuple[float, NDArray[np.float32]]] = []

    def go(self, stops: Sequence[float]) -> None:
        """Step through the protocol, keeping fields at each stop."""
        for callback in self.callbacks:
            callback.on_start(stops[-1])
        self._keep(0.0)
        begin = 0.0
        for end in switch_times(self.plan):
            self.drives.switch(begin)
            self._run_until(begin, [*(stop for stop in stops if begin < stop < end), end], stops)
            begin = end
        for callback in self.callbacks:
            callback.on_end()

    def _run_until(self, switched_s: float, stops: Sequence[float], kept: Sequence[float]) -> None:
        now = switched_s
        rates = self.state.refresh(self.state.energy)
        self.curves.record(now)
        for stop in stops:
            while now < stop - 1e-9:
                stable = self.state.stable_step_s(self._coldest_ahead_c(now - switched_s))
                step = self.integrator.next_step_s(now - switched_s, stable)
                # Equal steps to the stop, so that none is tiny.
                step = (stop - now) / max(1, int(np.ceil((stop - now) / step - 1e-9)))
                if self.drives.at(now + step / 2):
                    rates = self.state.refresh(self.state.energy)
                heat, rates = self.integrator.advance(self.state, rates, step, stable)
                self.books.heat += heat
                self.steps += 1
                now += step
                if not np.isfinite(self.state.coldest_now_c):
                    raise FloatingPointError(
                        f"the simulation became unstable at {now:g} s; please report this plan"
                    )
                self._record(now, step)
            now = stop
            if stop in kept:
                self._keep(stop)

    def _coldest_ahead_c(self, since_switch_s: float) -> float:
        """Coldest temperature that the next step may meet."""
        now, driven = self.state.coldest_now_c, min(self.drives.coldest_c, self.state.coldest_now_c)
        unsettled = since_switch_s < _SETTLING_S or self.drives.follows_curve
        share = 1.0 if unsettled else _SETTLED_SHARE
        return now + share * (driven - now)

    def _record(self, now: float, step_s: float) -> None:
        self.probe_voxels.fill(self.state)
        state = self.state
        exposure.record_exposure(
            state.temperature,
            state.index,
            state.liquidus,
            state.solidus,
            now,
            step_s,
            self.thresholds,
            self.plan.perfusion.stays_off_after_freezing,
            state.earlier,
            state.coldest,
            state.time_below,
            state.freezes_below,
            state.crossed_at,
            state.cooling_rate,
            state.thawing_rate,
            state.perfusable,
        )
        self.curves.record(now)
        for callback in self.callbacks:
            callback.on_progress(now)

    def _keep(self, time_s: float) -> None:
        field = self.state.temperature[INNER].astype(np.float32)
        field.flags.writeable = False
        self.snapshots.append((time_s, field))
        for callback in self.callbacks:
            callback.on_snapshot(time_s, field)

    def result(self, performance: Performance, assumptions: tuple[str, ...]) -> Result:
        """Cut the ghost layer off and lock everything."""
        state = self.state

        def by_threshold(fields: Array) -> dict[float, Array]:
            found = zip(self.thresholds.tolist(), fields, strict=True)
            return {threshold: _inner(field) for threshold, field in found}

        return Result(
            tissue=self.tissue,
            plan=self.plan,
            times_s=tuple(time_s for time_s, _ in self.snapshots),
            temperatures_c=tuple(field for _, field in self.snapshots),
            coldest_c=_inner(state.coldest),
            time_below_s=by_threshold(state.time_below),
            freezes_below=by_threshold(state.freezes_below),
            cooling_rate_k_min=_inner(state.cooling_rate),
            thawing_rate_k_min=_inner(state.thawing_rate),
            probe_share=read_only(probe_share(self.tissue.grid, self.plan.needles)),
            flux_ratio=tuple(float(ratio) for ratio in self.coupling.flux_ratio),
            curves=self.curves.curves(),
            energy=self.books.close(),
            performance=performance,
            assumptions=assumptions,
        )


def _inner(field: Array) -> Array:
    return read_only(field[INNER])


def _warm_kernels() -> None:
    """Compile or load every kernel on a tiny grid, so that the run's time is the run's."""
    shape = (3, 3, 3)
    field = np.zeros(shape)
    single = np.zeros(shape, dtype=np.float32)
    index = np.full(shape, material.HELD, dtype=np.uint8)
    table = np.ones((1, len(material.COLUMNS)))
    spacing = np.ones(3)
    none = np.zeros(0, dtype=np.int64)
    material.enthalpy_from_temperature(field, index, table, field)
    bioheat.update_state(
        field, index, table, single, field, field + 1, field, field, np.zeros((3, 3))
    )
    bioheat.advance_stage(
        index, field, field + 1, field, field, spacing, np.zeros(4), field, field, field, field
    )
    bioheat.add_scaled(field, field, 0.0, field)
    bioheat.boundary_heat(index, field, field + 1, spacing, np.zeros(3))
    bioheat.exchange_rate(field + 1, field, spacing, field)
    exchange.exchange_with_probes(
        np.zeros(1, dtype=np.int64), none, np.zeros(0), np.zeros((0, 4)), 1.0, field, index, table,
        field, np.zeros(0), np.zeros(0), np.zeros(0),
    )  # fmt: skip
    exposure.record_exposure(
        field, index, np.ones(1), np.zeros(1), 0.0, 0.0, np.zeros(1), True, single.copy(),
        single.copy(), single[None].copy(), np.zeros((1, *shape), dtype=np.uint8), single.copy(),
        single.copy(), single.copy(), single.copy(),
    )  # fmt: skip
