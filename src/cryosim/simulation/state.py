"""The arrays that the kernels work on, built from a tissue grid and its probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat

from ..plan import BodyPlan, PerfusionPlan
from ..probes import Probe, ProbeCoupling
from ..tissue import Tissue, TissueGrid

__all__ = ["INNER", "State", "build_state", "column", "fastest_conduction", "tissue_table"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# Cuts the ghost layer off a padded array.
INNER = (slice(1, -1), slice(1, -1), slice(1, -1))

# Diffusivity that gas is slowed down to, m2/s: about that of ice, the fastest solid here.
_GAS_DIFFUSIVITY = 1.4e-6


@dataclass
class State:
    """Everything that changes during a run, padded by one ghost layer; written to by kernels.

    Attributes
    ----------
    energy : H, J/m3. start, start_rate, spare : what the integrators need besides.
    temperature, resistivity, potential, source : C, K m/W, W/m, W/m3.
    index : row of the tissue table, or a reserved index. table : see `bioheat.COLUMNS`.
    perfusable : liquid fraction that still carries blood at most.
    earlier, coldest, time_below : exposure so far.
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
    inverse_spacing_squared: F64
    cell_volume_m3: float
    coupled_cells: NDArray[np.int64]
    coupled_owners: NDArray[np.int64]
    coupling_lengths_m: F64
    probe_temperatures: F64
    slab_sources: F64
    slab_boundary: F64
    probe_heat: F64

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
        bioheat.exchange_with_probes(
            self.coupled_cells,
            self.coupled_owners,
            self.coupling_lengths_m,
            self.probe_temperatures,
            self.cell_volume_m3,
            self.potential,
            self.index,
            self.table,
            self.source,
            self.probe_heat,
        )
        bioheat.boundary_heat(
            self.index,
            self.temperature,
            self.resistivity,
            self.inverse_spacing_squared,
            self.slab_boundary,
        )
        blood, metabolism = self.slab_sources[1:-1].sum(axis=0) * self.cell_volume_m3
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

    def stable_step_s(self) -> float:
        """Largest plain explicit step that is stable whatever freezes, in seconds."""
        conductivity, inverse_capacity = fastest_conduction(self.table)
        resistivity = np.append(1.0 / conductivity, [bioheat.INSULATING_RESISTIVITY, 0.0])
        capacity = np.append(inverse_capacity, [0.0, 0.0])
        row = np.minimum(self.index, len(conductivity) + 1).astype(np.int64)
        row[self.index == bioheat.CLOSED] = len(conductivity)
        smallest = np.where(self.index == bioheat.HELD, self.resistivity, resistivity[row])
        rate = np.zeros_like(self.source)
        bioheat.exchange_rate(smallest, capacity[row], self.inverse_spacing_squared, rate)
        flat_row = row.reshape(-1)[self.coupled_cells]
        probe_rate = self.coupling_lengths_m * capacity[flat_row] / resistivity[flat_row]
        np.add.at(rate.reshape(-1), self.coupled_cells, probe_rate / self.cell_volume_m3)
        blood = (column(self.table, "blood_coefficient") * inverse_capacity).max()
        return 1.0 / float(rate[INNER].max() + blood)


def column(table: F64, name: str) -> F64:
    """Return a column of a tissue table by its name in `bioheat.COLUMNS`."""
    return table[:, bioheat.COLUMNS.index(name)]


def fastest_conduction(table: F64) -> tuple[F64, F64]:
    """Largest conductivity (W/m/K) and largest inverse heat capacity (m3 K/J) of each tissue."""
    k_frozen = column(table, "k_frozen")
    k_unfrozen = k_frozen + column(table, "mushy_energy") * column(table, "k_slope")
    inverse_capacity = np.maximum(
        column(table, "inverse_rho_c_frozen"), column(table, "inverse_rho_c_unfrozen")
    )
    return np.maximum(k_frozen, k_unfrozen), inverse_capacity


def tissue_table(tissues: Sequence[Tissue], perfusion_scale: float) -> tuple[F64, tuple[str, ...]]:
    """Turn tissues into kernel rows (see `bioheat.COLUMNS`) and say what was assumed.

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
        width = tissue.liquidus_c - tissue.solidus_c
        mushy = (frozen + unfrozen) / 2 * width + tissue.latent_heat_j_m3
        blood = tissue.perfusion_1_s * perfusion_scale * tissue.rho_c_blood_j_m3k
        rows.append(
            (
                tissue.solidus_c,
                1 / frozen,
                mushy,
                width / mushy,
                1 / unfrozen,
                tissue.k_frozen_w_mk,
                (tissue.k_unfrozen_w_mk - tissue.k_frozen_w_mk) / mushy,
                1 / mushy,
                blood,
                tissue.arterial_c,
                tissue.metabolism_w_m3,
            )
        )
    return np.array(rows, dtype=float), tuple(assumptions)


def build_state(
    tissue: TissueGrid,
    probes: Sequence[Probe],
    coupling: ProbeCoupling,
    perfusion: PerfusionPlan,
    body: BodyPlan,
    thresholds: int,
) -> tuple[State, tuple[str, ...]]:
    """Allocate and fill the arrays at the start of a run; also return assumptions made."""
    table, assumptions = tissue_table(tissue.tissues, perfusion.scale)
    shape = tuple(n + 2 for n in tissue.grid.shape)
    index = np.full(shape, bioheat.HELD, dtype=np.uint8)
    index[INNER] = tissue.index
    temperature = np.full(shape, body.temperature_c)
    if tissue.heat_sink is not None:
        arterial = np.array([t.arterial_c for t in tissue.tissues])
        held = tissue.heat_sink
        index[INNER][held] = bioheat.HELD
        temperature[INNER][held] = arterial[tissue.index[held]]
    if tissue.outside_air is not None:
        index[INNER][tissue.outside_air] = bioheat.HELD
        temperature[INNER][tissue.outside_air] = body.air_c
    k, j, i = (coupling.inside + 1).T
    index[k, j, i] = bioheat.CLOSED
    outside = (
        bioheat.HELD_RESISTIVITY if body.outer_faces == "held" else bioheat.INSULATING_RESISTIVITY
    )
    resistivity = np.full(shape, outside)
    resistivity[INNER] = np.where(
        index[INNER] == bioheat.CLOSED, bioheat.INSULATING_RESISTIVITY, bioheat.HELD_RESISTIVITY
    )
    if tissue.outside_air is not None:
        # Half a voxel of this resistivity resists as much as the film of air.
        film = 2.0 / (body.skin_to_air_w_m2k * float(tissue.grid.spacing_mm.mean()) * 1e-3)
        resistivity[INNER][tissue.outside_air & (index[INNER] == bioheat.HELD)] = film
    energy = np.zeros(shape)
    bioheat.enthalpy_from_temperature(temperature, index, table, energy)
    spacing_m = tissue.grid.spacing_mm * 1e-3
    cells = coupling.cells + 1
    # Voxels held by a vessel or the room take no part in the exchange.
    free = index[tuple(cells.T)] < bioheat.CLOSED
    cells = cells[free]
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
        inverse_spacing_squared=1.0 / spacing_m**2,
        cell_volume_m3=float(np.prod(spacing_m)),
        coupled_cells=np.ravel_multi_index(tuple(cells.T), shape).astype(np.int64),
        coupled_owners=coupling.owners[free].astype(np.int64),
        coupling_lengths_m=coupling.lengths_m[free],
        probe_temperatures=np.full(len(probes), np.nan),
        slab_sources=np.zeros((shape[0], 2)),
        slab_boundary=np.zeros(shape[0]),
        probe_heat=np.zeros(len(probes)),
    ), assumptions
