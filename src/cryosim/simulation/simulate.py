"""Run a protocol: a pure function from tissue and plan to a result."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from cryosim_kernels import bioheat

from ..memory import check_memory
from ..plan import Plan, Stage
from ..probes import Probe, ProbeCoupling, check_placement, couple, probe_share
from ..tissue import TissueGrid
from .callbacks import Callback
from .result import EnergyLedger, Performance, Result
from .settings import Settings
from .state import INNER, State, build_state, column
from .stepping import Integrator, make_integrator

__all__ = ["exposure_thresholds", "simulate", "snapshot_times"]

F64 = NDArray[np.float64]

# Voxels inside a probe show a mean of so many voxels around it, none farther than so many voxels.
_FILL_COUNT = 18
_FILL_REACH = 4


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
        When a probe lies outside the grid, two probes are in one place, or memory does not suffice.
    """
    settings = settings or Settings()
    check_placement(tissue.grid, plan.probe)
    thresholds = exposure_thresholds(plan)
    stops = snapshot_times(plan, settings)
    memory = check_memory(tissue.grid, len(thresholds), len(stops))
    for callback in callbacks:
        callback.on_compile()
    started = time.perf_counter()
    _warm_kernels()
    compiled = time.perf_counter()
    coupling = couple(tissue.grid, plan.probe)
    state, assumptions = build_state(
        tissue, plan.probe, coupling, plan.perfusion, plan.body, len(thresholds)
    )
    integrator = make_integrator(settings, state.stable_step_s())
    run = _Run(tissue, plan, state, integrator, coupling, np.array(thresholds), callbacks)
    run.go(stops)
    performance = Performance(
        wall_s=time.perf_counter() - compiled,
        compile_s=compiled - started,
        cells=tissue.grid.cell_count,
        steps=run.steps,
        stages=integrator.stages,
        cell_updates=integrator.stages * tissue.grid.cell_count,
        memory_bytes=memory,
    )
    return run.result(thresholds, performance, tissue.assumptions + assumptions)


def exposure_thresholds(plan: Plan) -> tuple[float, ...]:
    """Temperatures whose exposure time is counted: isotherms, lethal and organ limits."""
    found = {0.0, *plan.report.isotherms_c}
    if plan.target is not None:
        found.add(plan.target.lethal_c)
    for organ in plan.organ_at_risk:
        if organ.min_temperature_c is not None:
            found.add(organ.min_temperature_c)
    return tuple(sorted(found, reverse=True))


def snapshot_times(plan: Plan, settings: Settings | None = None) -> tuple[float, ...]:
    """Times at which fields are kept: 0, asked times, stage ends and regular ones between."""
    settings = settings or Settings()
    end = plan.protocol.duration_s
    regular = np.arange(0.0, end, settings.snapshot_every_s)
    times = {0.0, *plan.protocol.ends_s(), *plan.report.times_s, *map(float, regular)}
    return tuple(sorted({round(time_s, 6) for time_s in times if time_s <= end}))


class _Run:
    """Stepping through the stages with records on the way."""

    def __init__(
        self,
        tissue: TissueGrid,
        plan: Plan,
        state: State,
        integrator: Integrator,
        coupling: ProbeCoupling,
        thresholds: F64,
        callbacks: Sequence[Callback],
    ) -> None:
        self.tissue, self.plan, self.state = tissue, plan, state
        self.integrator, self.coupling = integrator, coupling
        self.thresholds, self.callbacks = thresholds, callbacks
        self.steps = 0
        self.heat = np.zeros(4)
        self.snapshots: list[tuple[float, NDArray[np.float32]]] = []
        self._neighbors, self._neighbor_weights = _open_neighbors(tissue, coupling)
        self._start = self._stored()

    def go(self, stops: Sequence[float]) -> None:
        for callback in self.callbacks:
            callback.on_start(stops[-1])
        self._keep(0.0)
        begin = 0.0
        for stage, end in zip(self.plan.protocol.stages, self.plan.protocol.ends_s(), strict=True):
            self.state.probe_temperatures[:] = _surface_temperatures(stage, self.plan.probe)
            within = [stop for stop in stops if begin < stop <= end]
            self._run_stage(begin, within)
            begin = end
        for callback in self.callbacks:
            callback.on_end()

    def _run_stage(self, switched_s: float, stops: Sequence[float]) -> None:
        now = switched_s
        rates = self.state.refresh(self.state.energy)
        for stop in stops:
            while now < stop - 1e-9:
                step = self.integrator.next_step_s(now - switched_s)
                # Equal steps to the stop, so that none is tiny.
                step = (stop - now) / max(1, int(np.ceil((stop - now) / step - 1e-9)))
                heat, rates = self.integrator.advance(self.state, rates, step)
                self.heat += heat
                self.steps += 1
                now += step
                self._record(step)
                for callback in self.callbacks:
                    callback.on_progress(now)
            now = stop
            self._keep(stop)

    def _record(self, step_s: float) -> None:
        self._fill_probes()
        state = self.state
        bioheat.record_exposure(
            state.temperature,
            state.index,
            state.liquidus,
            state.solidus,
            step_s,
            self.thresholds,
            self.plan.perfusion.stays_off_after_freezing,
            state.earlier,
            state.coldest,
            state.time_below,
            state.perfusable,
        )

    def _fill_probes(self) -> None:
        """Give voxels inside probes a temperature to show: the surface's, or their neighbors'."""
        inner = self.state.temperature[INNER]
        surface = self.state.probe_temperatures[self.coupling.inside_owners]
        cold = self.coupling.inside_active & ~np.isnan(surface)
        around = (inner[tuple(self._neighbors.T)].T * self._neighbor_weights).sum(axis=1)
        inner[tuple(self.coupling.inside.T)] = np.where(cold, surface, around)

    def _keep(self, time_s: float) -> None:
        field = self.state.temperature[INNER].astype(np.float32)
        field.flags.writeable = False
        self.snapshots.append((time_s, field))
        for callback in self.callbacks:
            callback.on_snapshot(time_s, field)

    def _stored(self) -> tuple[float, float]:
        """Energy in the tissue and its latent part, J."""
        state = self.state
        total = latent = 0.0
        for row, tissue in enumerate(self.tissue.tissues):
            energy = state.energy[INNER][state.index[INNER] == row]
            mushy = column(state.table, "mushy_energy")[row]
            total += float(energy.sum())
            liquid = np.clip(energy / mushy, 0.0, 1.0)
            latent += float(liquid.sum()) * tissue.latent_heat_j_m3
        return total * state.cell_volume_m3, latent * state.cell_volume_m3

    def _ledger(self) -> EnergyLedger:
        total, latent = (a - b for a, b in zip(self._stored(), self._start, strict=True))
        vessels, air = (self._given_by(mask) for mask in (self.tissue.heat_sink, self._air()))
        blood, metabolism, boundary, probes = (float(value) for value in self.heat)
        return EnergyLedger(
            probe_heat_out_j=-probes,
            sensible_j=total - latent,
            latent_j=latent,
            blood_j=blood,
            metabolism_j=metabolism,
            vessels_j=vessels,
            air_j=air,
            boundary_j=boundary,
        )

    def _air(self) -> NDArray[np.bool_] | None:
        """Voxels of air that are not vessels as well."""
        air, vessels = self.tissue.outside_air, self.tissue.heat_sink
        return air if air is None or vessels is None else air & ~vessels

    def _given_by(self, mask: NDArray[np.bool_] | None) -> float:
        """Heat that held voxels have given to the tissue, J."""
        if mask is None:
            return 0.0
        held = mask & (self.state.index[INNER] == bioheat.HELD)
        return -float(self.state.energy[INNER][held].sum()) * self.state.cell_volume_m3

    def result(
        self, thresholds: Sequence[float], performance: Performance, assumptions: tuple[str, ...]
    ) -> Result:
        cut = {
            threshold: _frozen(self.state.time_below[n][INNER])
            for n, threshold in enumerate(thresholds)
        }
        return Result(
            tissue=self.tissue,
            plan=self.plan,
            times_s=tuple(time_s for time_s, _ in self.snapshots),
            temperatures_c=tuple(field for _, field in self.snapshots),
            coldest_c=_frozen(self.state.coldest[INNER]),
            time_below_s=cut,
            probe_share=_frozen(probe_share(self.tissue.grid, self.plan.probe)),
            flux_ratio=tuple(float(ratio) for ratio in self.coupling.flux_ratio),
            energy=self._ledger(),
            performance=performance,
            assumptions=assumptions,
        )


def _frozen(field: NDArray[np.float32]) -> NDArray[np.float32]:
    kept = np.ascontiguousarray(field)
    kept.flags.writeable = False
    return kept


def _surface_temperatures(stage: Stage, probes: Sequence[Probe]) -> list[float]:
    if stage.kind == "freeze":
        return [probe.surface_c for probe in probes]
    return [probe.active_thaw_c if stage.active else float("nan") for probe in probes]


def _open_neighbors(tissue: TissueGrid, coupling: ProbeCoupling) -> tuple[NDArray[np.int64], F64]:
    """For each of n voxels inside a probe some of the nearest outside, and their weights.

    Returns
    -------
    neighbors : (n, m, 3) k, j, i. weights : (n, m), falling to zero at the last, so that it does
        not matter which of several equally far voxels is left out.
    """
    inside = coupling.inside
    if len(inside) == 0:
        return np.zeros((0, 1, 3), dtype=np.int64), np.zeros((0, 1))
    low = np.maximum(inside.min(axis=0) - _FILL_REACH, 0)
    shape = inside.max(axis=0) + _FILL_REACH + 1 - low
    taken = np.zeros(np.minimum(shape, np.asarray(tissue.grid.shape) - low), dtype=bool)
    taken[tuple((inside - low).T)] = True
    near = ndimage.binary_dilation(taken, np.ones((3, 3, 3), dtype=bool), iterations=_FILL_REACH)
    candidates = np.argwhere(near & ~taken) + low
    scale = tissue.grid.spacing_mm[::-1]
    found = cKDTree(candidates * scale).query(inside * scale, k=_FILL_COUNT)
    distance, nearest = np.asarray(found[0]), np.asarray(found[1])
    weights = 1.0 + 1e-9 - distance / distance[:, -1:]
    neighbors: NDArray[np.int64] = candidates[nearest]
    return neighbors, weights / weights.sum(axis=1, keepdims=True)


def _warm_kernels() -> None:
    """Compile or load every kernel on a tiny grid, so that the run's time is the run's."""
    shape = (3, 3, 3)
    field = np.zeros(shape)
    single = np.zeros(shape, dtype=np.float32)
    index = np.full(shape, bioheat.HELD, dtype=np.uint8)
    table = np.ones((1, len(bioheat.COLUMNS)))
    spacing = np.ones(3)
    none = np.zeros(0, dtype=np.int64)
    bioheat.enthalpy_from_temperature(field, index, table, field)
    bioheat.update_state(
        field, index, table, single, field, field + 1, field, field, np.zeros((3, 2))
    )
    bioheat.advance_stage(
        index, field, field + 1, field, field, spacing, np.zeros(4), field, field, field, field
    )
    bioheat.add_scaled(field, field, 0.0, field)
    bioheat.boundary_heat(index, field, field + 1, spacing, np.zeros(3))
    bioheat.exchange_rate(field + 1, field, spacing, field)
    bioheat.exchange_with_probes(
        none, none, np.zeros(0), np.zeros(1), 1.0, field, index, table, field, np.zeros(1)
    )
    bioheat.record_exposure(
        field, index, np.ones(1), np.zeros(1), 0.0, np.zeros(1), True, single.copy(),
        single.copy(), single[None].copy(), single.copy(),
    )  # fmt: skip
