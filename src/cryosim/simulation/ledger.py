"""The energy ledger: what was stored at the start, what came in, what is there at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import material, tissue_rows

from ..tissue import TissueGrid
from .result import EnergyLedger
from .state import INNER, State, held_masks
from .stepping import HEAT_TERMS

__all__ = ["Bookkeeping"]

F64 = NDArray[np.float64]


class Bookkeeping:
    """Adds up heat during a run.

    Attributes
    ----------
    heat : J given to the tissue so far, as `Integrator.advance` returns it.
    """

    def __init__(self, tissue: TissueGrid, state: State) -> None:
        self._tissue, self._state = tissue, state
        self.heat = np.zeros(HEAT_TERMS)
        self._start = self._stored()

    def close(self) -> EnergyLedger:
        """Compare what is stored with what came in."""
        total, latent = (a - b for a, b in zip(self._stored(), self._start, strict=True))
        blood, metabolism, boundary, probes, *held = (float(value) for value in self.heat)
        collected = self._collected_by_held()
        protection, vessels, air = (a + b for a, b in zip(held, collected, strict=True))
        boundary += self._collected_by_ghosts()
        return EnergyLedger(
            probe_heat_out_j=-probes,
            sensible_j=total - latent,
            latent_j=latent,
            blood_j=blood,
            metabolism_j=metabolism,
            vessels_j=vessels,
            air_j=air,
            protection_j=protection,
            boundary_j=boundary,
        )

    def _stored(self) -> tuple[float, float]:
        """Energy in the tissue and its latent part, J."""
        state = self._state
        planes = np.zeros((state.index.shape[0], 2))
        latent = np.array([tissue.latent_heat_j_m3 for tissue in self._tissue.tissues])
        material.stored_heat(state.energy, state.index, state.table, latent, planes)
        total_j, latent_j = planes.sum(axis=0) * state.cell_volume_m3
        return float(total_j), float(latent_j)

    def _collected_by_held(self) -> list[float]:
        """Heat that voxels have given to the tissue at the cost of their enthalpy, by kind, J."""
        free = self._state.index[INNER] == tissue_rows.HELD
        given = []
        for mask in held_masks(self._tissue):
            if mask is None:
                given.append(0.0)
                continue
            heat = float(self._state.energy[INNER][mask & free].sum())
            given.append(-heat * self._state.cell_volume_m3)
            free &= ~mask
        return given

    def _collected_by_ghosts(self) -> float:
        """Heat that the ghost layer has given to the tissue at the cost of its enthalpy, J."""
        energy = self._state.energy
        heat = sum(
            float(face.sum())
            for axis in range(3)
            for face in (np.take(energy, 0, axis), np.take(energy, -1, axis))
        )
        return -heat * self._state.cell_volume_m3
