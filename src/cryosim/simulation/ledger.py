"""The energy ledger: what was stored at the start, what came in, what is there at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import material

from ..tissue import TissueGrid
from .result import EnergyLedger
from .state import INNER, State, column

__all__ = ["Bookkeeping"]

F64 = NDArray[np.float64]


class Bookkeeping:
    """Adds up heat during a run.

    Attributes
    ----------
    heat : J given to the tissue so far by blood, metabolism, outer faces and needles.
    """

    def __init__(self, tissue: TissueGrid, state: State) -> None:
        self._tissue, self._state = tissue, state
        self.heat = np.zeros(4)
        self._start = self._stored()

    def close(self) -> EnergyLedger:
        """Compare what is stored with what came in."""
        total, latent = (a - b for a, b in zip(self._stored(), self._start, strict=True))
        blood, metabolism, boundary, probes = (float(value) for value in self.heat)
        vessels, air, protection = self._given_by_held()
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
        total = latent = 0.0
        for row, tissue in enumerate(self._tissue.tissues):
            energy = state.energy[INNER][state.index[INNER] == row]
            mushy = column(state.table, "mushy_energy")[row]
            total += float(energy.sum())
            liquid = np.clip(energy / mushy, 0.0, 1.0)
            latent += float(liquid.sum()) * tissue.latent_heat_j_m3
        return total * state.cell_volume_m3, latent * state.cell_volume_m3

    def _given_by_held(self) -> tuple[float, float, float]:
        """Heat that vessels, room air and held protection have given to the tissue, J."""
        tissue = self._tissue
        free = self._state.index[INNER] == material.HELD
        given = []
        for mask in (tissue.held, tissue.heat_sink, tissue.outside_air):
            if mask is None:
                given.append(0.0)
                continue
            heat = float(self._state.energy[INNER][mask & free].sum())
            given.append(-heat * self._state.cell_volume_m3)
            free &= ~mask
        protection, vessels, air = given
        return vessels, air, protection
