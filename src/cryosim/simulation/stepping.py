"""Time integrators. One small interface: advance the state by dt and say how much heat moved."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import bioheat

from .settings import Settings
from .state import State

__all__ = ["ExplicitEuler", "Integrator", "RungeKuttaLegendre", "make_integrator"]

F64 = NDArray[np.float64]


class Integrator(Protocol):
    """What a time integrator offers.

    Attributes
    ----------
    stages : evaluations of the heat balance so far.
    """

    stages: int

    def next_step_s(self, since_switch_s: float, stable_step_s: float) -> float:
        """Propose a step, given the time since the last switch and the plain explicit limit."""

    def stages_of(self, step_s: float, stable_step_s: float) -> int:
        """Return how many evaluations a step takes."""

    def advance(
        self, state: State, rates: F64, step_s: float, stable_step_s: float
    ) -> tuple[F64, F64]:
        """Take one step from an up-to-date state, leaving it up to date.

        Parameters
        ----------
        rates : W given to the tissue at the start of the step, as `State.refresh` returns them.

        Returns
        -------
        heat : J given to the tissue during the step, same order. rates : those at its end.
        """


class ExplicitEuler:
    """Plain explicit steps at the stability limit: slow, simple, the reference."""

    def __init__(self) -> None:
        self.stages = 0

    def next_step_s(self, since_switch_s: float, stable_step_s: float) -> float:  # noqa: ARG002
        """Return the stability limit with a tenth in reserve."""
        return 0.9 * stable_step_s

    def stages_of(self, step_s: float, stable_step_s: float) -> int:  # noqa: ARG002
        """Return 1."""
        return 1

    def advance(
        self,
        state: State,
        rates: F64,
        step_s: float,
        stable_step_s: float,  # noqa: ARG002
    ) -> tuple[F64, F64]:
        """See `Integrator.advance`."""
        state.take_stage(np.array([1.0, 0.0, step_s, 0.0]), state.energy, state.energy)
        self.stages += 1
        return rates * step_s, state.refresh(state.energy)


class RungeKuttaLegendre:
    """Second-order super-time-stepping: s stages reach about s^2/4 explicit steps.

    Meyer, Balsara, Aslam, J. Comput. Phys. 257 (2014) 594, the scheme RKL2. The heat terms of the
    energy ledger are advanced with the same weights as the enthalpy, so that the ledger closes.
    """

    def __init__(self, settings: Settings) -> None:
        self.stages = 0
        self._settings = settings

    def next_step_s(self, since_switch_s: float, stable_step_s: float) -> float:  # noqa: ARG002
        """Grow with the time since the last switch, within the limits of the settings."""
        wanted = self._settings.growth * since_switch_s
        return min(max(wanted, self._settings.smallest_step_s), self._settings.largest_step_s)

    def stages_of(self, step_s: float, stable_step_s: float) -> int:
        """Return the smallest odd number of stages that is stable.

        RKL2 is stable up to (s^2 + s - 2)/4 explicit steps; odd numbers damp stiff modes better.
        """
        ratio = step_s / stable_step_s
        count = max(math.ceil((-1 + math.sqrt(9 + 16 * ratio)) / 2), 3)
        return count + 1 - count % 2

    def advance(
        self, state: State, rates: F64, step_s: float, stable_step_s: float
    ) -> tuple[F64, F64]:
        """See `Integrator.advance`."""
        count = self.stages_of(step_s, stable_step_s)
        weights = _weights(count)
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
        self.stages += count
        return heat, state.refresh(state.energy)


def make_integrator(settings: Settings) -> Integrator:
    """Return the integrator that the settings ask for."""
    if settings.integrator == "explicit":
        return ExplicitEuler()
    return RungeKuttaLegendre(settings)


@lru_cache(maxsize=256)
def _weights(count: int) -> F64:
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
