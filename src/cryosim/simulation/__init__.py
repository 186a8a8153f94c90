"""The simulation: Pennes bioheat with freezing, in conservative enthalpy form."""

from .callbacks import Callback
from .feasible import check_run
from .forecast import Forecast, forecast
from .rehearsal import rehearse
from .result import Course, Curves, EnergyLedger, Performance, Result
from .settings import Settings
from .simulate import simulate, snapshot_times

__all__ = [
    "Callback",
    "Course",
    "Curves",
    "EnergyLedger",
    "Forecast",
    "Performance",
    "Result",
    "Settings",
    "check_run",
    "forecast",
    "rehearse",
    "simulate",
    "snapshot_times",
]
