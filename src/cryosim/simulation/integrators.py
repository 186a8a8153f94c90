"""The integrators by their names in the settings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .multirate import MultirateLegendre
from .settings import Settings
from .state import State
from .stepping import ExplicitEuler, Integrator, RungeKuttaLegendre

__all__ = ["make_integrator", "precision_of"]

_INTEGRATORS: dict[str, Callable[[Settings, State], Integrator]] = {
    "multirate": MultirateLegendre,
    "rkl2": RungeKuttaLegendre,
    "explicit": ExplicitEuler,
}


def make_integrator(settings: Settings, state: State) -> Integrator:
    """Return the integrator that the settings ask for."""
    return _INTEGRATORS[settings.integrator](settings, state)


def precision_of(settings: Settings) -> type[np.floating]:
    """Return the precision of the state's temperatures."""
    return np.float32 if settings.integrator == "multirate" else np.float64
