"""The simulation: Pennes bioheat with freezing, in conservative enthalpy form."""

from .callbacks import Callback
from .memory import available_memory_bytes, predict_memory_bytes
from .result import EnergyLedger, Performance, Result
from .settings import Settings
from .simulate import exposure_thresholds, simulate, snapshot_times

__all__ = [
    "Callback",
    "EnergyLedger",
    "Performance",
    "Result",
    "Settings",
    "available_memory_bytes",
    "exposure_thresholds",
    "predict_memory_bytes",
    "simulate",
    "snapshot_times",
]
