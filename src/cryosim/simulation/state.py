"""The arrays that the kernels work on, built from a tissue grid and its probes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat, exchange, far, material, tissue_rows

from ..plan import BodyPlan, PerfusionPlan
from ..probes import ProbeCoupling
from ..tissue import TissueGrid
from .tissue_table import (
    column,
    fastest_conduction,
    speed_up,
    tissue_table,
    unfrozen_conductivity,
)

__all__ = [
    "HELD_KINDS",
    "INNER",
    "OFF",
    "HeldFaces",
    "Real",
    "State",
    "build_state",
    "held_masks",
]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
Real = NDArray[np.float64] | NDArray[np.float32]

# Cuts the ghost layer off a padded array.
INNER = (slice(1, -1), slice(1, -1), slice(1, -1))

# What holds voxels at a temperature, in the order of the energy ledger.
HELD_KINDS = ("protection", "vessels", "air")

# A row of `State.drives` for a probe that neither freezes nor warms.
OFF = (np.nan, 0.0, np.inf, 1.0)


@dataclass(frozen=True, eq=False)
class HeldFaces:
    """Faces between tissue and held voxels inside the grid.

    Attributes
    ----------
    cells, sinks : (n,) flat indices into padded arrays of the voxels on both sides.
    conductances : (n,) of unfrozen tissue, over the voxel's volume, W/m3/K.
    kinds : (n,) into HELD_KINDS.
    """

    cells: NDArray[np.int64]
    sinks: NDArray[np.int64]
    conductances: F32
    kinds: NDArray[np.uint8]


@dataclass
class State:
    """Everything that changes during a run, padded by one ghost layer; written to by kernels.

    Attributes
    ----------
    energy : H, J/m3. temperature : C. resistivity : K m/W, of unfrozen tissue and of what holds
        voxels, unless `refresh` brings it up to date.
    index : row of the tissue table, or a reserved index.
    table : see `tissue_rows.COLUMNS`; no blood in tissues whose flow is stopped now.
    perfusable : liquid fraction that still carries blood at most.
    earlier, coldest, time_below, freezes_below, crossed_at, cooling_rate, thawing_rate : exposure
        so far, see `exposure.record_exposure`.
    row_coldest : (nz+2, ny+2) coldest temperature of each row along i now, C; -inf: not known.
    exposed : (nz+2, ny+2) rows along i in which exposure is recorded.
    whole_coupling_m : sum of the coupling lengths of each probe, those to held voxels included.
    drives : what each probe does now, see `exchange.exchange_with_probes`.
    probe_heat, probe_surface : W given by each probe, and mean temperature of its surface, C.
    coldest_now_c : coldest temperature of all unknowns.
    """

    energy: F64
    temperature: Real
    resistivity: Real
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
    row_coldest: F32
    exposed: NDArray[np.bool_]
    inverse_spacing_squared: F64
    cell_volume_m3: float
    coupled_cells: NDArray[np.int64]
    coupling_starts: NDArray[np.int64]
    coupling_lengths_m: F64
    whole_coupling_m: F64
    coupled_tissues: NDArray[np.int64]
    coupled_heat: F64
    held_faces: HeldFaces
    drives: F64
    probe_heat: F64
    probe_surface: F64
    coldest_now_c: float

    # What only integrators over the whole grid need.

    @cached_property
    def start(self) -> F64:
        """Enthalpy where a step began."""
        return np.zeros(self.index.shape)

    @cached_property
    def start_rate(self) -> F64:
        """Its rate there."""
        return np.zeros(self.index.shape)

    @cached_property
    def spare(self) -> F64:
        """Room for a stage."""
        return np.zeros(self.index.shape)

    @cached_property
    def potential(self) -> F64:
        """Kirchhoff potential, W/m."""
        return np.zeros(self.index.shape)

    @cached_property
    def source(self) -> F64:
        """What blood, metabolism and probes give, W/m3."""
        return np.zeros(self.index.shape)

    @cached_property
    def slab_sources(self) -> F64:
        """See `bioheat.update_state`."""
        return np.zeros((self.index.shape[0], 3))

    @cached_property
    def slab_boundary(self) -> F64:
        """See `bioheat.boundary_heat`."""
        return np.zeros(self.index.shape[0])

    @property
    def cells(self) -> int:
        """Voxels of the grid."""
        return int(np.prod([n - 2 for n in self.index.shape]))

    def probes(self, potentials: F64) -> exchange.Probes:
        """What probes exchange with the cells that they touch, which have these potentials."""
        return exchange.Probes(
            starts=self.coupling_starts,
            lengths=self.coupling_lengths_m,
            tissues=self.coupled_tissues,
            drives=self.drives,
            potentials=potentials,
            heat=self.coupled_heat,
            probe_heat=self.probe_heat,
            probe_surface=self.probe_surface,
        )

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
        potentials = self.potential.reshape(-1)[self.coupled_cells]
        exchange.exchange_with_probes(*self.probes(potentials), self.table)
        exchange.deposit(
            self.coupled_cells, self.coupled_heat, 1.0 / self.cell_volume_m3, self.source
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
        self.row_coldest.fill(-np.inf)
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
        return 2.0 / (self._conduction_rate + self.blood_rate) / speed_up(self.table, coldest_c)

    @cached_property
    def _conduction_rate(self) -> float:
        return self.conduction_rate(self.index, self.resistivity, self.coupled_cells)

    @property
    def blood_rate(self) -> float:
        """What blood adds to `conduction_rate` now, 1/s; less where its flow is stopped."""
        _, inverse_capacity = fastest_conduction(self.table)
        return float((column(self.table, "blood_coefficient") * inverse_capacity).max())

    def conduction_rate(
        self, index: NDArray[np.uint8], resistivity: Real, coupled_cells: NDArray[np.int64]
    ) -> float:
        """Bound of the spectrum of conduction not colder than the solidus, 1/s (Gershgorin).

        Parameters
        ----------
        index, resistivity : padded, of all voxels or a box of them; the second counts where held.
        coupled_cells : flat indices into those of the voxels that touch a probe.
        """
        conductivity, inverse_capacity = fastest_conduction(self.table)
        least = np.full(256, np.inf)
        least[: len(conductivity)] = 1.0 / conductivity
        capacity = np.zeros(256)
        capacity[: len(inverse_capacity)] = inverse_capacity
        smallest = np.where(index == tissue_rows.HELD, np.float64(resistivity), least[index])
        rate = np.zeros(index.shape)
        bioheat.exchange_rate(smallest, capacity[index], self.inverse_spacing_squared, rate)
        # A neighbor adds to the diagonal and beside it, a probe to the diagonal only.
        tissues = self.coupled_tissues
        probe_rate = self.coupling_lengths_m * capacity[tissues] / least[tissues] / 2
        np.add.at(rate.reshape(-1), coupled_cells, probe_rate / self.cell_volume_m3)
        return 2.0 * float(rate.max())


def _hold(
    tissue: TissueGrid,
    perfusion: PerfusionPlan,
    body: BodyPlan,
    index: NDArray[np.uint8],
    temperature: Real,
    resistivity: Real,
) -> None:
    """Set what is held at a temperature, and how heat gets from it into tissue; in place."""
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
            index[mask] = tissue_rows.HELD


def build_state(
    tissue: TissueGrid,
    coupling: ProbeCoupling,
    perfusion: PerfusionPlan,
    body: BodyPlan,
    thresholds: int,
    *,
    precision: type[np.floating] = np.float64,
) -> tuple[State, tuple[str, ...]]:
    """Allocate and fill the arrays at the start of a run; also return assumptions made.

    `precision` is that of temperature and resistivity.
    """
    table, assumptions = tissue_table(tissue.tissues, perfusion.scale)
    index, temperature, resistivity = _start(tissue, coupling, perfusion, body, table, precision)
    energy = np.zeros(index.shape)
    material.enthalpy_from_temperature(temperature, index, table, energy)
    spacing_m = tissue.grid.spacing_mm * 1e-3
    inverse_spacing_squared = 1.0 / spacing_m**2
    return State(
        energy=energy,
        temperature=temperature,
        resistivity=resistivity,
        index=index,
        table=table,
        solidus=np.array([t.solidus_c for t in tissue.tissues]),
        liquidus=np.array([t.liquidus_c for t in tissue.tissues]),
        inverse_spacing_squared=inverse_spacing_squared,
        cell_volume_m3=float(np.prod(spacing_m)),
        held_faces=_held_faces(tissue, index, resistivity, inverse_spacing_squared),
        coldest_now_c=float(temperature[INNER].min()),
        **_histories(temperature, thresholds),
        **_coupled(coupling, index),
    ), assumptions


def _start(
    tissue: TissueGrid,
    coupling: ProbeCoupling,
    perfusion: PerfusionPlan,
    body: BodyPlan,
    table: F64,
    precision: type[np.floating],
) -> tuple[NDArray[np.uint8], Real, Real]:
    """Return padded tissue index, temperature and resistivity at the start of a run."""
    shape = tuple(n + 2 for n in tissue.grid.shape)
    index = np.full(shape, tissue_rows.HELD, dtype=np.uint8)
    index[INNER] = tissue.index
    temperature = np.full(shape, body.temperature_c, dtype=precision)
    outside = bioheat.HELD_RESISTIVITY if body.outer_faces == "held" else np.inf
    resistivity = np.full(shape, outside, dtype=precision)
    resistivity[INNER] = bioheat.HELD_RESISTIVITY
    _hold(tissue, perfusion, body, index[INNER], temperature[INNER], resistivity[INNER])
    k, j, i = (coupling.inside + 1).T
    index[k, j, i] = tissue_rows.CLOSED
    by_row = np.full(256, np.inf)
    by_row[: len(table)] = 1.0 / unfrozen_conductivity(table)
    free = index != tissue_rows.HELD
    resistivity[free] = by_row[index[free]]
    return index, temperature, resistivity


def _histories(temperature: Real, thresholds: int) -> dict[str, Any]:
    """Return the arrays of what each voxel goes through, before anything has happened."""
    shape = temperature.shape
    return {
        "perfusable": np.ones(shape, dtype=np.float32),
        "earlier": temperature.astype(np.float32),
        "coldest": temperature.astype(np.float32),
        "time_below": np.zeros((thresholds, *shape), dtype=np.float32),
        "freezes_below": np.zeros((thresholds, *shape), dtype=np.uint8),
        "crossed_at": np.zeros(shape, dtype=np.float32),
        "cooling_rate": np.zeros(shape, dtype=np.float32),
        "thawing_rate": np.zeros(shape, dtype=np.float32),
        "row_coldest": np.full(shape[:2], -np.inf, dtype=np.float32),
        "exposed": np.zeros(shape[:2], dtype=np.bool_),
    }


def _coupled(coupling: ProbeCoupling, index: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what couples needles to voxels; those that a vessel or the room holds take no part."""
    cells = coupling.cells + 1
    free = index[tuple(cells.T)] < tissue_rows.CLOSED
    cells = cells[free]
    needles = len(coupling.flux_ratio)
    return {
        "coupled_cells": np.ravel_multi_index(tuple(cells.T), index.shape).astype(np.int64),
        "coupling_starts": np.searchsorted(coupling.owners[free], np.arange(needles + 1)),
        "coupling_lengths_m": coupling.lengths_m[free],
        "whole_coupling_m": np.array(
            [coupling.lengths_m[coupling.owners == needle].sum() for needle in range(needles)]
        ),
        "coupled_tissues": index[tuple(cells.T)].astype(np.int64),
        "coupled_heat": np.zeros(len(cells)),
        "drives": np.tile(OFF, (needles, 1)),
        "probe_heat": np.zeros(needles),
        "probe_surface": np.full(needles, np.nan),
    }


def held_masks(tissue: TissueGrid) -> tuple[NDArray[np.bool_] | None, ...]:
    """Return what holds voxels, in the order of HELD_KINDS; the first that has a voxel counts."""
    return tissue.held, tissue.heat_sink, tissue.outside_air


def _held_faces(
    tissue: TissueGrid, index: NDArray[np.uint8], resistivity: Real, inverse_spacing_squared: F64
) -> HeldFaces:
    """Find all faces between tissue and held voxels."""
    found = 0
    # First to count, then to keep.
    for _ in range(2):
        cells, sinks = np.zeros((2, found), dtype=np.int64)
        conductances = np.zeros(found, dtype=np.float32)
        found = far.find_held_faces(
            index, resistivity, inverse_spacing_squared, cells, sinks, conductances
        )
    kinds = np.zeros(found, dtype=np.uint8)
    k, j, i = np.array(np.unravel_index(sinks, index.shape)) - 1
    for kind, mask in reversed(list(enumerate(held_masks(tissue)))):
        if mask is not None:
            kinds[mask[k, j, i]] = kind
    return HeldFaces(cells, sinks, conductances, kinds)
