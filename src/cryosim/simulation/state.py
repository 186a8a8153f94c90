"""The arrays that the kernels work on, built from a tissue grid and its probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat, exchange, material

from ..plan import BodyPlan, PerfusionPlan
from ..probes import ProbeCoupling
from ..tissue import Tissue, TissueGrid

__all__ = [
    "INNER",
    "OFF",
    "State",
    "build_state",
    "column",
    "fastest_conduction",
    "speed_up",
    "tissue_table",
]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# Cuts the ghost layer off a padded array.
INNER = (slice(1, -1), slice(1, -1), slice(1, -1))

# A row of `State.drives` for a probe that neither freezes nor warms.
OFF = (np.nan, 0.0, np.inf, 1.0)

# Heat capacity of ice, J/kg/K, is 152.5 + 7.122 T and its conductivity goes with 1/T, T in kelvin
# (Cuffey and Paterson; 2.22 x 273.15 / T); both are scaled to a tissue's values at -40 C.
_ICE_C, _ICE_C_SLOPE = 152.5, 7.122
_KELVIN = 273.15
_REFERENCE_K = _KELVIN - 40.0

# Diffusivity that gas is slowed down to, m2/s: about that of ice, the fastest solid here.
_GAS_DIFFUSIVITY = 1.4e-6


@dataclass
class State:
    """Everything that changes during a run, padded by one ghost layer; written to by kernels.

    Attributes
    ----------
    energy : H, J/m3. start, start_rate, spare : what the integrators need besides.
    temperature, resistivity, potential, source : C, K m/W, W/m, W/m3.
    index : row of the tissue table, or a reserved index. table : see `material.COLUMNS`.
    perfusable : liquid fraction that still carries blood at most.
    earlier, coldest, time_below, freezes_below, crossed_at, cooling_rate, thawing_rate : exposure
        so far, see `exposure.record_exposure`.
    whole_coupling_m : sum of the coupling lengths of each probe, those to held voxels included.
    drives : what each probe does now, see `exchange.exchange_with_probes`.
    probe_heat, probe_surface : W given by each probe, and mean temperature of its surface, C.
    coldest_now_c : coldest temperature of all unknowns.
    """

    energy: F64
    start: F64
    start_rate: F64
    spare: F64
    temperature: F64
    resistivity: F64
    potential: F64
    source: F64
    index: NDArray[np.uint8]
    table: F64
    solidus: F64
    liquidus: F64
    perfusable: F32
    earlier: F32
    coldest: F32
    time_below: F32
    freezes_below: NDArray[np.uint8]
    crossed_at: F32
    cooling_rate: F32
    thawing_rate: F32
    inverse_spacing_squared: F64
    cell_volume_m3: float
    coupled_cells: NDArray[np.int64]
    coupling_starts: NDArray[np.int64]
    coupling_lengths_m: F64
    whole_coupling_m: F64
    coupled_heat: F64
    drives: F64
    slab_sources: F64
    slab_boundary: F64
    probe_heat: F64
    probe_surface: F64
    coldest_now_c: float

    def refresh(self, energy: F64) -> F64:
        """Bring temperatures and sources up to date with `energy`.

        Returns
        -------
        rates : W given to the tissue by blood, metabolism, outer faces and probes.
        """
        bioheat.update_state(
            energy,
            self.index,
            self.table,
            self.perfusable,
            self.temperature,
            self.resistivity,
            self.potential,
            self.source,
            self.slab_sources,
        )
        exchange.exchange_with_probes(
            self.coupling_starts,
            self.coupled_cells,
            self.coupling_lengths_m,
            self.drives,
            self.cell_volume_m3,
            self.potential,
            self.index,
            self.table,
            self.source,
            self.coupled_heat,
            self.probe_heat,
            self.probe_surface,
        )
        bioheat.boundary_heat(
            self.index,
            self.temperature,
            self.resistivity,
            self.inverse_spacing_squared,
            self.slab_boundary,
        )
        blood, metabolism = self.slab_sources[1:-1, :2].sum(axis=0) * self.cell_volume_m3
        self.coldest_now_c = float(self.slab_sources[1:-1, 2].min())
        boundary = self.slab_boundary[1:-1].sum() * self.cell_volume_m3
        return np.array([blood, metabolism, boundary, self.probe_heat.sum()])

    def take_stage(self, weights: F64, previous: F64, target: F64) -> None:
        """Advance `target` by one stage with the state's rates, see `bioheat.advance_stage`."""
        bioheat.advance_stage(
            self.index,
            self.temperature,
            self.resistivity,
            self.potential,
            self.source,
            self.inverse_spacing_squared,
            weights,
            self.start,
            self.start_rate,
            previous,
            target,
        )

    def stable_step_s(self, coldest_c: float) -> float:
        """Largest plain explicit step that is stable while nothing gets colder, in seconds.

        Conduction in ice becomes up to ten times faster towards -196 C; every tissue that follows
        the law of ice by the same factor.
        """
        return self._stable_step_at_solidus_s / speed_up(self.table, coldest_c)

    @cached_property
    def _stable_step_at_solidus_s(self) -> float:
        conductivity, inverse_capacity = fastest_conduction(self.table)
        resistivity = np.append(1.0 / conductivity, [bioheat.INSULATING_RESISTIVITY, 0.0])
        capacity = np.append(inverse_capacity, [0.0, 0.0])
        row = np.minimum(self.index, len(conductivity) + 1).astype(np.int64)
        row[self.index == material.CLOSED] = len(conductivity)
        smallest = np.where(self.index == material.HELD, self.resistivity, resistivity[row])
        rate = np.zeros_like(self.source)
        bioheat.exchange_rate(smallest, capacity[row], self.inverse_spacing_squared, rate)
        flat_row = row.reshape(-1)[self.coupled_cells]
        # A neighbor adds to the diagonal and beside it, a probe or blood to the diagonal only.
        probe_rate = self.coupling_lengths_m * capacity[flat_row] / resistivity[flat_row] / 2
        np.add.at(rate.reshape(-1), self.coupled_cells, probe_rate / self.cell_volume_m3)
        blood = (column(self.table, "blood_coefficient") * inverse_capacity).max() / 2
        return 1.0 / float(rate[INNER].max() + blood)


def column(table: F64, name: str) -> F64:
    """Return a column of a tissue table by its name in `material.COLUMNS`."""
    return table[:, material.COLUMNS.index(name)]


def fastest_conduction(table: F64) -> tuple[F64, F64]:
    """Largest conductivity (W/m/K) and largest inverse heat capacity (m3 K/J) of each tissue.

    Not colder than the solidus; see `State.stable_step_s` for what is.
    """
    k_frozen = column(table, "k_solidus")
    k_unfrozen = k_frozen + column(table, "mushy_energy") * column(table, "k_slope")
    inverse_capacity = np.maximum(
        1.0 / column(table, "c_solidus"), column(table, "inverse_rho_c_unfrozen")
    )
    return np.maximum(k_frozen, k_unfrozen), inverse_capacity


def speed_up(table: F64, coldest_c: float) -> float:
    """How much faster ice conducts at a temperature than at the solidus; the largest of all."""
    rise = np.minimum(coldest_c - column(table, "solidus_c"), 0.0)
    conductivity = 1.0 / (1.0 + column(table, "k_fall") * rise)
    capacity = 1.0 + column(table, "c_slope") * rise / column(table, "c_solidus")
    return float(np.max(conductivity / capacity))


def tissue_table(tissues: Sequence[Tissue], perfusion_scale: float) -> tuple[F64, tuple[str, ...]]:
    """Turn tissues into kernel rows (see `material.COLUMNS`) and say what was assumed.

    Gas follows its surroundings within milliseconds and stores almost no heat; its heat capacity
    is raised so that it does not dictate the time step.
    """
    rows, assumptions = [], []
    for tissue in tissues:
        frozen, unfrozen = tissue.rho_c_frozen_j_m3k, tissue.rho_c_unfrozen_j_m3k
        if tissue.is_gas:
            frozen = max(frozen, tissue.k_frozen_w_mk / _GAS_DIFFUSIVITY)
            unfrozen = max(unfrozen, tissue.k_unfrozen_w_mk / _GAS_DIFFUSIVITY)
            assumptions.append(
                f"heat capacity of {tissue.name} raised to {unfrozen:.3g} J/m3/K (under 1 % of "
                "soft tissue) so that gas does not dictate the time step; convection in it is not "
                "modelled"
            )
        frozen, slope, k_frozen, fall = _at_solidus(tissue, frozen)
        width = tissue.liquidus_c - tissue.solidus_c
        mushy = (frozen + unfrozen) / 2 * width + tissue.latent_heat_j_m3
        blood = tissue.perfusion_1_s * perfusion_scale * tissue.rho_c_blood_j_m3k
        rows.append(
            (
                tissue.solidus_c,
                frozen,
                slope,
                mushy,
                width / mushy,
                1 / unfrozen,
                k_frozen,
                fall,
                (tissue.k_unfrozen_w_mk - k_frozen) / mushy,
                1 / mushy,
                blood,
                tissue.arterial_c,
                tissue.metabolism_w_m3,
            )
        )
    return np.array(rows, dtype=float), tuple(assumptions)


def _at_solidus(tissue: Tissue, rho_c_frozen: float) -> tuple[float, float, float, float]:
    """Return the row entries of ice: rho c at the solidus, its slope, k there, and its fall."""
    if tissue.frozen_law == "constant":
        return rho_c_frozen, 0.0, tissue.k_frozen_w_mk, 0.0
    solidus_k = tissue.solidus_c + _KELVIN
    scale = rho_c_frozen / (_ICE_C + _ICE_C_SLOPE * _REFERENCE_K)
    return (
        scale * (_ICE_C + _ICE_C_SLOPE * solidus_k),
        scale * _ICE_C_SLOPE,
        tissue.k_frozen_w_mk * _REFERENCE_K / solidus_k,
        1.0 / solidus_k,
    )


def _hold(
    tissue: TissueGrid,
    perfusion: PerfusionPlan,
    body: BodyPlan,
    index: NDArray[np.uint8],
    temperature: F64,
    resistivity: F64,
) -> None:
    """Set what is held at a temperature, and how heat gets from it into tissue; in place."""
    resistivity[...] = bioheat.HELD_RESISTIVITY
    # Half a voxel of this resistivity resists as much as a film of 1 W/m2/K.
    film = 2.0 / (float(tissue.grid.spacing_mm.mean()) * 1e-3)
    if tissue.heat_sink is not None:
        arterial = np.array([t.arterial_c for t in tissue.tissues])
        temperature[tissue.heat_sink] = arterial[tissue.index[tissue.heat_sink]]
        if perfusion.vessel_exchange_w_m2k is not None:
            resistivity[tissue.heat_sink] = film / perfusion.vessel_exchange_w_m2k
    if tissue.outside_air is not None:
        temperature[tissue.outside_air] = body.air_c
        resistivity[tissue.outside_air] = film / body.skin_to_air_w_m2k
    if tissue.start_c is not None:
        stated = ~np.isnan(tissue.start_c)
        temperature[stated] = tissue.start_c[stated]
    if tissue.film_w_m2k is not None:
        stated = ~np.isnan(tissue.film_w_m2k)
        resistivity[stated] = film / tissue.film_w_m2k[stated]
    for mask in (tissue.heat_sink, tissue.outside_air, tissue.held):
        if mask is not None:
            index[mask] = material.HELD


def build_state(
    tissue: TissueGrid,
    coupling: ProbeCoupling,
    perfusion: PerfusionPlan,
    body: BodyPlan,
    thresholds: int,
) -> tuple[State, tuple[str, ...]]:
    """Allocate and fill the arrays at the start of a run; also return assumptions made."""
    table, assumptions = tissue_table(tissue.tissues, perfusion.scale)
    shape = tuple(n + 2 for n in tissue.grid.shape)
    index = np.full(shape, material.HELD, dtype=np.uint8)
    index[INNER] = tissue.index
    temperature = np.full(shape, body.temperature_c)
    outside = (
        bioheat.HELD_RESISTIVITY if body.outer_faces == "held" else bioheat.INSULATING_RESISTIVITY
    )
    resistivity = np.full(shape, outside)
    _hold(tissue, perfusion, body, index[INNER], temperature[INNER], resistivity[INNER])
    k, j, i = (coupling.inside + 1).T
    index[k, j, i] = material.CLOSED
    resistivity[k, j, i] = bioheat.INSULATING_RESISTIVITY
    energy = np.zeros(shape)
    material.enthalpy_from_temperature(temperature, index, table, energy)
    spacing_m = tissue.grid.spacing_mm * 1e-3
    cells = coupling.cells + 1
    # Voxels held by a vessel or the room take no part in the exchange.
    free = index[tuple(cells.T)] < material.CLOSED
    cells = cells[free]
    needles = len(coupling.flux_ratio)
    return State(
        energy=energy,
        start=np.zeros(shape),
        start_rate=np.zeros(shape),
        spare=np.zeros(shape),
        temperature=temperature,
        resistivity=resistivity,
        potential=np.zeros(shape),
        source=np.zeros(shape),
        index=index,
        table=table,
        solidus=np.array([t.solidus_c for t in tissue.tissues]),
        liquidus=np.array([t.liquidus_c for t in tissue.tissues]),
        perfusable=np.ones(shape, dtype=np.float32),
        earlier=temperature.astype(np.float32),
        coldest=temperature.astype(np.float32),
        time_below=np.zeros((thresholds, *shape), dtype=np.float32),
        freezes_below=np.zeros((thresholds, *shape), dtype=np.uint8),
        crossed_at=np.zeros(shape, dtype=np.float32),
        cooling_rate=np.zeros(shape, dtype=np.float32),
        thawing_rate=np.zeros(shape, dtype=np.float32),
        inverse_spacing_squared=1.0 / spacing_m**2,
        cell_volume_m3=float(np.prod(spacing_m)),
        coupled_cells=np.ravel_multi_index(tuple(cells.T), shape).astype(np.int64),
        coupling_starts=np.searchsorted(coupling.owners[free], np.arange(needles + 1)),
        coupling_lengths_m=coupling.lengths_m[free],
        whole_coupling_m=np.array(
            [coupling.lengths_m[coupling.owners == needle].sum() for needle in range(needles)]
        ),
        coupled_heat=np.zeros(len(cells)),
        drives=np.tile(OFF, (needles, 1)),
        slab_sources=np.zeros((shape[0], 3)),
        slab_boundary=np.zeros(shape[0]),
        probe_heat=np.zeros(needles),
        probe_surface=np.full(needles, np.nan),
        coldest_now_c=float(temperature[INNER].min()),
    ), assumptions
