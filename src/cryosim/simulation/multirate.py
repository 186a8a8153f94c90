"""Super time steps in which ice and far tissue each take as many stages as they need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat, exchange, far, in_threads, near, tissue_rows

from .near_zone import Box, NearZone, box_of, box_within, cold_box
from .settings import Settings
from .state import HELD_KINDS, INNER, Real, State
from .step_sizes import proposed_step_s, stages_of
from .stepping import (
    BLOOD,
    BOUNDARY,
    HEAT_TERMS,
    METABOLISM,
    PROBES,
    legendre_weights,
)
from .tissue_table import column, speed_up

__all__ = ["MultirateLegendre"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Tissue so little warmer than its liquidus belongs to the near zone, and so many voxels around it;
# when it comes that close to the zone's rim the zone grows by so many more.
_ABOUT_TO_FREEZE_K = 1.0
_CLOSEST = 1
_GROWTH = 3


class MultirateLegendre:
    """Second-order Runge-Kutta-Legendre super steps, with an inner one where ice conducts.

    Far from ice a step takes as few stages as unfrozen tissue needs. In the near zone each of its
    stages uses the mean rate over a short inner integration, during which what crosses the zone's
    rim is held. See docs/numerics.md.
    """

    def __init__(self, settings: Settings, state: State) -> None:
        self.stages = self.cell_updates = 0
        self._near_begun = False
        self._settings, self._state = settings, state
        shape = state.index.shape
        self._far_table = far.linear_table(state.table)
        self._table = state.table.astype(np.float32)
        self._spacing = state.inverse_spacing_squared.astype(np.float32)
        self._increment, self._before, self._start_rate, self._carry = np.zeros(
            (4, *shape), dtype=np.float32
        )
        self._slab_heat, self._slab_boundary = np.zeros((2, shape[0]))
        self._sink_heat = np.zeros(len(HELD_KINDS))
        self._probes = state.probes(np.zeros(len(state.coupled_cells)))
        self._limits_c = np.zeros(256, dtype=np.float32)
        self._limits_c[: len(state.liquidus)] = state.liquidus + _ABOUT_TO_FREEZE_K
        cold = cold_box(state.temperature, state.index, self._limits_c)
        box = self._probe_box() if cold is None else self._probe_box().joined(cold)
        self._zone = NearZone(state, box.widened(_CLOSEST + _GROWTH, shape))
        self._leave_zone_out()
        self._far_conduction_rate = self._largest_far_conduction_rate()

    # The zone, and what follows from it.

    def _probe_box(self) -> Box:
        """Smallest box that holds what touches a probe; the middle voxel where nothing does."""
        state = self._state
        cells = state.coupled_cells if len(state.coupled_cells) else [state.index.size // 2]
        k, j, i = np.unravel_index(cells, state.index.shape)
        found = np.array([k, j, i])
        return box_of(found.min(axis=1), found.max(axis=1) + 1)

    def _leave_zone_out(self) -> None:
        """Find the far voxels, and what depends on which they are."""
        state, zone = self._state, self._zone
        self._index = state.index.copy()
        self._index[zone.box.slices] = tissue_rows.HELD
        self._run_starts = np.zeros(state.index.shape[0] + 1, dtype=np.int64)
        self._runs = np.zeros((0, 4), dtype=np.uint64)
        planes = state.index.shape[0] - 2
        # With no room for runs, they are counted.
        in_threads(far.find_runs, planes, self._index, state.index, self._run_starts, self._runs)
        np.cumsum(self._run_starts, out=self._run_starts)
        self._runs = np.zeros((self._run_starts[-1], 4), dtype=np.uint64)
        in_threads(far.find_runs, planes, self._index, state.index, self._run_starts, self._runs)
        # Far tissue looks at the zone's rim and at what is held in it, which does not change.
        self._increment[zone.box.slices] = self._before[zone.box.slices] = 0.0
        counts = np.bincount(self._index[INNER].reshape(-1), minlength=256)
        metabolism = column(state.table, "metabolism")
        self._metabolism = float(counts[: len(metabolism)] @ metabolism)
        self._far_cells = int(counts[: tissue_rows.CLOSED].sum())
        faces = state.held_faces
        shape = state.index.shape
        both = zone.holds(faces.cells, shape) & zone.holds(faces.sinks, shape)
        self._sinks = (
            faces.cells[~both], faces.sinks[~both], faces.conductances[~both], faces.kinds[~both]
        )  # fmt: skip
        self._near_conduction_rate = state.conduction_rate(
            zone.index, zone.resistivity, zone.coupled_cells
        )

    def _largest_far_conduction_rate(self) -> float:
        """Bound of the spectrum of conduction in far tissue, 1/s."""
        capacity, rate = self._before, self._increment
        capacity[...] = self._far_table[self._index, far.CAPACITY]
        bioheat.exchange_rate(self._state.resistivity, capacity, self._spacing, rate)
        largest = 2.0 * float(rate[INNER].max())
        rate[...] = 0.0
        return largest

    def _grow(self) -> None:
        """Let the zone grow when tissue about to freeze comes close to its rim."""
        state, zone = self._state, self._zone
        box, cold = zone.box, box_within(zone.cold_extent)
        if cold is None:
            return
        cold = box_of(np.add(cold.low, box.low), np.add(cold.high, box.low))
        shape = state.index.shape
        if cold.widened(_CLOSEST, shape).within(box):
            return
        self.store_energy()
        del self._zone, zone  # its memory is needed for the next
        self._zone = NearZone(state, box.joined(cold.widened(_CLOSEST + _GROWTH, shape)))
        self._leave_zone_out()

    def store_energy(self) -> None:
        """Bring the state's enthalpies up to date; see `Integrator.store_energy`."""
        state, box = self._state, self._zone.box
        far.store_far_energy(
            state.temperature, self._carry, state.index, state.table, np.array(box.low),
            np.array(box.high), state.energy,
        )  # fmt: skip

    # Stepping.

    def next_step_s(self, since_switch_s: float, coldest_c: float) -> float:  # noqa: ARG002
        """See `Integrator.next_step_s`."""
        return proposed_step_s(self._settings, since_switch_s)

    def _stages_of(self, step_s: float, coldest_c: float) -> tuple[int, float, int]:
        near_rate = self._near_conduction_rate + self._state.blood_rate
        blood = self._far_table[:, far.BLOOD] * self._far_table[:, far.CAPACITY]
        far_rate = self._far_conduction_rate + float(blood.max())
        return stages_of(step_s, far_rate, near_rate * speed_up(self._state.table, coldest_c))

    def advance(self, step_s: float, coldest_c: float) -> F64:
        """See `Integrator.advance`."""
        count, seconds, inner = self._stages_of(step_s, coldest_c)
        self.stages += count
        self.cell_updates += count * (self._far_cells + inner * self._zone.box.cells)
        weights = legendre_weights(count)
        zone = self._zone
        far_start = self._begin(weights[0, 2] * step_s)
        self._near_begun = False
        start = far_start + self._near_heat(inner, seconds)
        zone.start_moved, zone.moved = zone.moved, zone.start_moved
        self._combine(0.0, 0.0, 0.0, weights[0, 2] * step_s / seconds)
        heat_before, heat = np.zeros_like(start), weights[0, 2] * step_s * start
        for stage, (mu, nu_, rate_weight, start_weight) in enumerate(weights[1:]):
            nu = nu_ if stage > 0 else 0.0  # there is no increment yet before the first
            rate = far_start + self._near_heat(inner, seconds)
            rate += self._far_stage(mu, nu, rate_weight * step_s, start_weight * step_s)
            self._combine(mu, nu, rate_weight * step_s / seconds, start_weight * step_s / seconds)
            heat_before, heat = (
                heat,
                (
                    mu * heat
                    + nu * heat_before
                    + step_s * (rate_weight * rate + start_weight * start)
                ),
            )
        self._finish()
        return heat

    def refresh(self) -> None:
        """See `Integrator.refresh`."""
        self._follow_flow()
        self._begin_near()
        self._find_exchange()

    def _follow_flow(self) -> None:
        """Take over the state's table, from which blood may have gone, or into which come back."""
        table = self._state.table.astype(np.float32)
        if not np.array_equal(table, self._table):
            self._table, self._far_table = table, far.linear_table(self._state.table)
            self._near_begun = False

    def _find_exchange(self) -> None:
        """Find what probes do to the zone as it is now."""
        state, zone = self._state, self._zone
        near.find_coupled_potentials(
            zone.coupled_cells, state.coupled_tissues, zone.now, 0.0, zone.now, state.table,
            self._probes.potentials,
        )  # fmt: skip
        exchange.exchange_with_probes(*self._probes, state.table)

    def _begin(self, weight_s: float) -> F64:
        """Start a step in far tissue and the zone; return the heat given to far tissue, W."""
        state = self._state
        far.start_far_step(
            state.temperature, state.resistivity, self._index, self._run_starts, self._runs,
            self._far_table, self._spacing, np.float32(weight_s), self._start_rate, self._increment,
            self._slab_heat,
        )  # fmt: skip
        heat = self._outer_heat(state.temperature)
        heat[METABOLISM] = self._metabolism
        heat[BLOOD] = self._slab_heat[1:-1].sum() - self._metabolism
        self._begin_near()
        return heat * state.cell_volume_m3

    def _begin_near(self) -> None:
        """Bring the zone up to date, unless nothing has happened since."""
        if self._near_begun:
            return
        self._zone.begin(self._state)
        self._combine(0.0, 0.0, 0.0, 0.0, begun=False)
        self._near_begun = True

    def _outer_heat(self, field: Real) -> F64:
        """Heat into far tissue through outer faces and from held voxels, over the voxel volume."""
        state = self._state
        bioheat.boundary_heat(
            self._index, field, state.resistivity, state.inverse_spacing_squared,
            self._slab_boundary,
        )  # fmt: skip
        far.sink_heat(field, *self._sinks, self._sink_heat)
        heat = np.zeros(HEAT_TERMS)
        heat[BOUNDARY] = self._slab_boundary[1:-1].sum()
        heat[PROBES + 1 :] = self._sink_heat
        return heat

    def _far_stage(self, mu: float, nu: float, rate_s: float, start_s: float) -> F64:
        """Take a stage in far tissue; return the change of its heat since the step began, W."""
        heat = self._outer_heat(self._increment)
        far.advance_far_stage(
            self._state.resistivity, self._index, self._run_starts, self._runs, self._far_table,
            self._spacing, np.array([mu, nu, rate_s, rate_s + start_s], dtype=np.float32),
            self._start_rate, self._increment, self._before, self._slab_heat,
        )  # fmt: skip
        self._increment, self._before = self._before, self._increment
        heat[BLOOD] = self._slab_heat[1:-1].sum()
        return heat * self._state.cell_volume_m3

    def _near_heat(self, inner: int, seconds: float) -> F64:
        """Integrate the zone for a moment; return the mean heat given to it, W."""
        state, zone = self._state, self._zone
        probes = near.integrate_near(
            inner, seconds, *zone.faces, self._table, self._spacing, zone.now, zone.held,
            *self._probes, zone.coupled_cells, state.table, state.cell_volume_m3, zone.moved,
            zone.second, zone.third, zone.work,
        )  # fmt: skip
        heat = np.zeros(HEAT_TERMS)
        heat[[BLOOD, METABOLISM]] = zone.slab_heat.sum(axis=0) * state.cell_volume_m3
        heat[PROBES] = probes / seconds
        return heat

    def _combine(
        self, mu: float, nu: float, moved: float, start_moved: float, begun: bool = True
    ) -> None:
        """Take a stage in the zone and show its temperatures to far tissue."""
        state, zone = self._state, self._zone
        weights = np.array([mu, nu, moved, start_moved], dtype=np.float32)
        near.combine_near_stage(
            weights, zone.start, zone.moved, zone.start_moved, zone.increment, zone.index,
            zone.faces.span_starts, zone.faces.spans, self._table, zone.perfusable, *zone.rim,
            begun, state.temperature, self._increment, zone.increment_before, zone.now,
            zone.temperature, zone.held, zone.slab_heat,
        )  # fmt: skip
        zone.increment, zone.increment_before = zone.increment_before, zone.increment

    def _finish(self) -> None:
        state, zone = self._state, self._zone
        far.finish_far_step(
            self._increment, self._run_starts, self._runs, self._carry, state.temperature,
            state.coldest, state.row_coldest,
        )  # fmt: skip
        near.finish_near_step(
            zone.low, zone.increment, zone.index, zone.temperature, state.energy,
            state.temperature, state.coldest, state.row_coldest, self._limits_c, zone.cold_extent,
        )  # fmt: skip
        state.coldest_now_c = float(state.row_coldest[1:-1, 1:-1].min())
        self._find_exchange()
        self._grow()
