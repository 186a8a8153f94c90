"""Time integrators. One small interface: advance the state by dt and say how much heat moved."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat

from .settings import Settings
from .state import HELD_KINDS, State
from .step_sizes import proposed_step_s

__all__ = [
    "BLOOD",
    "BOUNDARY",
    "HEAT_TERMS",
    "METABOLISM",
    "PROBES",
    "ExplicitEuler",
    "Integrator",
    "RungeKuttaLegendre",
    "legendre_weights",
]

F64 = NDArray[np.float64]

# Entries of the heat that a step gives to the tissue; the last ones are the kinds of held voxels.
BLOOD, METABOLISM, BOUNDARY, PROBES = range(4)
HEAT_TERMS = 4 + len(HELD_KINDS)


class Integrator(Protocol):
    """What a time integrator offers; it works on the state that it was made for.

    Attributes
    ----------
    stages : evaluations of the heat balance of the whole grid so far.
    cell_updates : evaluations of the heat balance of a voxel so far.
    """

    stages: int
    cell_updates: int

    def next_step_s(self, since_switch_s: float, coldest_c: float) -> float:
        """Propose a step, given the time since the last switch and the coldest ahead."""

    def refresh(self) -> None:
        """Bring what probes and blood do up to date with the state's drives and table."""

    def advance(self, step_s: float, coldest_c: float) -> F64:
        """Take one step; temperatures and what probes do are up to date afterwards.

        Parameters
        ----------
        coldest_c : coldest temperature that the step may meet.

        Returns
        -------
        heat : J given to the tissue during the step: BLOOD, METABOLISM, BOUNDARY, PROBES, and from
            held voxels by their kind, as far as they do not collect it in their enthalpy.
        """

    def store_energy(self) -> None:
        """Bring the state's enthalpies up to date."""


class _WholeGrid:
    """What integrators share that take all voxels alike, in double precision."""

    def __init__(self, settings: Settings, state: State) -> None:
        self.stages = self.cell_updates = 0
        self._settings, self._state = settings, state
        self._rates = np.zeros(4)

    def refresh(self) -> None:
        """See `Integrator.refresh`."""
        self._rates = self._state.refresh(self._state.energy)

    def store_energy(self) -> None:
        """See `Integrator.store_energy`: they always are."""

    def _count(self, stages: int) -> None:
        self.stages += stages
        self.cell_updates += stages * self._state.cells

    @staticmethod
    def _heat(given: F64) -> F64:
        heat = np.zeros(HEAT_TERMS)
        heat[: len(given)] = given
        return heat


class ExplicitEuler(_WholeGrid):
    """Plain explicit steps at the stability limit: slow, simple, the reference."""

    def next_step_s(self, since_switch_s: float, coldest_c: float) -> float:  # noqa: ARG002
        """Return the stability limit with a tenth in reserve."""
        return 0.9 * self._state.stable_step_s(coldest_c)

    def advance(self, step_s: float, coldest_c: float) -> F64:  # noqa: ARG002
        """See `Integrator.advance`."""
        state, rates = self._state, self._rates
        state.take_stage(np.array([1.0, 0.0, step_s, 0.0]), state.energy, state.energy)
        self._count(1)
        self.refresh()
        return self._heat(rates * step_s)


class RungeKuttaLegendre(_WholeGrid):
    """Second-order super-time-stepping: s stages reach about s^2/4 explicit steps.

    Meyer, Balsara, Aslam, J. Comput. Phys. 257 (2014) 594, the scheme RKL2. The heat terms of the
    energy ledger are advanced with the same weights as the enthalpy, so that the ledger closes.
    """

    def next_step_s(self, since_switch_s: float, coldest_c: float) -> float:  # noqa: ARG002
        """See `proposed_step_s`."""
        return proposed_step_s(self._settings, since_switch_s)

    def stages_of(self, step_s: float, coldest_c: float) -> int:
        """Return the smallest odd number of stages that is stable.

        RKL2 is stable up to (s^2 + s - 2)/4 explicit steps; odd numbers damp stiff modes better.
        """
        ratio = step_s / self._state.stable_step_s(coldest_c)
        count = max(math.ceil((-1 + math.sqrt(9 + 16 * ratio)) / 2), 3)
        return count + 1 - count % 2

    def advance(self, step_s: float, coldest_c: float) -> F64:
        """See `Integrator.advance`."""
        count = self.stages_of(step_s, coldest_c)
        weights = legendre_weights(count)
        state, rates = self._state, self._rates
        state.start, state.energy = state.energy, state.start
        start, previous, target = state.start, state.energy, state.spare
        state.start_rate.fill(0.0)
        state.take_stage(np.array([0.0, 1.0, 1.0, 0.0]), start, state.start_rate)
        bioheat.add_scaled(start, state.start_rate, weights[0, 2] * step_s, previous)
        target[...] = start
        heat_before = np.zeros_like(rates)
        heat = weights[0, 2] * step_s * rates
        now = rates
        for mu, nu, rate_weight, start_weight in weights[1:]:
            now = state.refresh(previous)
            stage = np.array([mu, nu, rate_weight * step_s, start_weight * step_s])
            state.take_stage(stage, previous, target)
            heat, heat_before = (
                mu * heat + nu * heat_before + stage[2] * now + stage[3] * rates,
                heat,
            )
            previous, target = target, previous
        state.energy, state.spare = previous, target
        self._count(count)
        self.refresh()
        return self._heat(heat)


@lru_cache(maxsize=256)
def legendre_weights(count: int) -> F64:
    """(s, 4) rows mu, nu, mu', gamma' of the stages 1 to s, for a unit step."""
    b = [1 / 3, 1 / 3, 1 / 3]
    b += [(j * j + j - 2) / (2 * j * (j + 1)) for j in range(3, count + 1)]
    w = 4 / (count * count + count - 2)
    rows = [(1.0, 0.0, b[1] * w, 0.0)]
    for j in range(2, count + 1):
        mu = (2 * j - 1) / j * b[j] / b[j - 1]
        nu = -(j - 1) / j * b[j] / b[j - 2]
        rows.append((mu, nu, mu * w, -(1 - b[j - 1]) * mu * w))
    return np.array(rows)
