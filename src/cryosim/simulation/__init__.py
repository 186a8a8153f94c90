"""The simulation: Pennes bioheat with freezing, in conservative enthalpy form.

What computes is imported on first use: what only looks ahead, as `cryosim check` does, is there
without waiting for Numba.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .blood_flow import absent_from_box, flow_words
from .callbacks import Callback
from .feasible import check_run
from .forecast import Forecast, forecast
from .result import Course, Curves, EnergyLedger, Performance, Result, Varied
from .settings import Settings
from .stops import snapshot_times

if TYPE_CHECKING:
    from .procedure import simulate
    from .rehearsal import rehearse

# Name to module; no module may have such a name, as it would stand in the function's place.
_COMPUTING = {"rehearse": "rehearsal", "simulate": "procedure"}

__all__ = [
    "Callback",
    "Course",
    "Curves",
    "EnergyLedger",
    "Forecast",
    "Performance",
    "Result",
    "Settings",
    "Varied",
    "absent_from_box",
    "check_run",
    "flow_words",
    "forecast",
    "rehearse",
    "simulate",
    "snapshot_times",
]


def __getattr__(name: str) -> Any:
    if name in _COMPUTING:
        return getattr(importlib.import_module(f".{_COMPUTING[name]}", __name__), name)
    raise AttributeError(f"module 'cryosim.simulation' has no attribute '{name}'")
