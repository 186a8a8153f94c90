"""What sensors and needles recorded, in a few numbers each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..plan import ICE_C, Plan
from ..probes import Probe, Warmer
from ..quantities import NeedleReport, SensorReport
from ..simulation import Curves, Result

__all__ = ["evaluate_needles", "evaluate_sensors"]

F64 = NDArray[np.float64]

# Points of a sensor's curve in the report; the result holds all.
_POINTS = 200
_WINDOW_S = 30.0


def evaluate_sensors(result: Result) -> tuple[SensorReport, ...]:
    """Evaluate the curve of each sensor of the plan."""
    times = result.curves.times_s
    found = []
    for sensor in result.plan.sensor:
        curve = result.curves.sensors_c[sensor.name]
        kept = _thinned(times, curve)
        found.append(
            SensorReport(
                name=sensor.name,
                at_mm=sensor.at_mm,
                coldest_c=float(curve.min()),
                warmest_c=float(curve.max()),
                seconds_frozen=_seconds_at_or_below(times, curve, ICE_C),
                times_s=tuple(np.round(times[kept], 3).tolist()),
                temperatures_c=tuple(np.round(curve[kept], 3).tolist()),
            )
        )
    return tuple(found)


def evaluate_needles(result: Result) -> tuple[NeedleReport, ...]:
    """Evaluate power and surface of each needle of the plan, probes first."""
    curves, found = result.curves, []
    freezing = _freezing(result.plan, curves)
    stages = result.plan.protocol.stages
    freezes_s = sum(stage.duration_s for stage in stages if stage.kind == "freeze")
    rows = zip(result.plan.needles, curves.needle_power_w, curves.needle_surface_c, strict=True)
    for number, (needle, power, surface) in enumerate(rows):
        is_warmer = isinstance(needle, Warmer)
        on = surface[~np.isnan(surface)]
        found.append(
            NeedleReport(
                name=needle.name if isinstance(needle, Warmer) else f"probe.{number}",
                model=needle.model if isinstance(needle, Probe) else "warmer",
                peak_power_w=-_peak(curves, -power) if is_warmer else _peak(curves, power),
                mean_freeze_power_w=float(_joules(curves, power)[freezing].sum()) / freezes_s,
                heat_j=float(_joules(curves, power).sum()),
                coldest_surface_c=float(on.min()) if len(on) else None,
            )
        )
    return tuple(found)


def _peak(curves: Curves, power_w: F64) -> float:
    """Largest mean over a window; in the first moment the power of a cold surface has no bound."""
    times = curves.times_s
    window = min(_WINDOW_S, float(times[-1] - times[0]))
    if window == 0.0:
        return 0.0
    heat = np.concatenate([[0.0], np.cumsum(_joules(curves, power_w))])
    begins = times[times <= times[-1] - window]
    gained = np.interp(begins + window, times, heat) - np.interp(begins, times, heat)
    return float(gained.max() / window)


def _joules(curves: Curves, power_w: F64) -> F64:
    """Heat of each interval between samples, by the trapezoidal rule."""
    joules: F64 = np.diff(curves.times_s) * (power_w[1:] + power_w[:-1]) / 2
    return joules


def _freezing(plan: Plan, curves: Curves) -> NDArray[np.bool_]:
    """Tell which intervals between samples lie in a freeze."""
    middle = (curves.times_s[1:] + curves.times_s[:-1]) / 2
    frozen = np.zeros(len(middle), dtype=np.bool_)
    begin = 0.0
    for stage, end in zip(plan.protocol.stages, plan.protocol.ends_s(), strict=True):
        if stage.kind == "freeze":
            frozen |= (middle > begin) & (middle < end)
        begin = end
    return frozen


def _seconds_at_or_below(times_s: F64, values: F64, level: float) -> float:
    """Time that a curve, linear between its samples, spends at or below a level."""
    lower = np.minimum(values[:-1], values[1:])
    rise = np.abs(np.diff(values))
    flat = rise == 0.0
    share = np.clip((level - lower) / np.where(flat, 1.0, rise), 0.0, 1.0)
    share[flat] = lower[flat] <= level
    return float((np.diff(times_s) * share).sum())


def _thinned(times_s: F64, values: F64) -> NDArray[np.intp]:
    """Samples at even times, with the coldest and the warmest."""
    if len(times_s) <= _POINTS:
        return np.arange(len(times_s))
    even = np.searchsorted(times_s, np.linspace(times_s[0], times_s[-1], _POINTS - 2))
    return np.unique([*even, int(values.argmin()), int(values.argmax())])
