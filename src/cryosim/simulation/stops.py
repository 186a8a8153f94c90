"""Moments at which a run stops to switch needles or blood flow, or to keep the field."""

from __future__ import annotations

import numpy as np

from ..plan import Plan
from .settings import Settings

__all__ = ["flow_times", "snapshot_times", "switch_times"]


def snapshot_times(plan: Plan, settings: Settings | None = None) -> tuple[float, ...]:
    """Times at which fields are kept: 0, asked times, ends of stages and schedules, and between."""
    settings = settings or Settings()
    end = plan.protocol.duration_s
    regular = np.arange(0.0, end, settings.snapshot_every_s)
    times = {0.0, *plan.protocol.ends_s(), *plan.report.times_s, *map(float, regular)}
    times |= _schedule_edges_s(plan)
    return tuple(sorted({round(time_s, 6) for time_s in times if time_s <= end}))


def switch_times(plan: Plan) -> tuple[float, ...]:
    """Times at which stages end, schedules switch or measured curves bend, s."""
    ends = plan.protocol.ends_s()
    found = {*ends, *_schedule_edges_s(plan)}
    begins = {0.0, *found}
    for probe in plan.probe:
        found |= {begin + knot for begin in begins for knot, _ in probe.curve}
    rounded = {round(time_s, 6) for time_s in found}
    return tuple(sorted(time_s for time_s in rounded if 0.0 < time_s <= ends[-1]))


def flow_times(plan: Plan) -> tuple[float, ...]:
    """Times within the protocol at which blood flow stops or returns, s."""
    given = [stop.minutes for stop in plan.perfusion.stopped if stop.minutes is not None]
    edges = {round(60.0 * edge, 6) for minutes in given for edge in minutes}
    return tuple(sorted(edge for edge in edges if 0.0 < edge < plan.protocol.duration_s))


def _schedule_edges_s(plan: Plan) -> set[float]:
    """Times within the protocol at which a probe's own schedule switches it, s."""
    edges = {60.0 * edge for probe in plan.probe for run in probe.runs_min for edge in run}
    return {edge for edge in edges if 0.0 < edge < plan.protocol.duration_s}
