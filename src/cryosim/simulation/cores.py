"""How many cores there are to compute on."""

from __future__ import annotations

import os

__all__ = ["THREADS_VARIABLE", "available_cores", "usable_cores"]

THREADS_VARIABLE = "NUMBA_NUM_THREADS"


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cores() -> int:
    """Cores to use: those that are available, or as many as the user grants Numba threads."""
    asked = os.environ.get(THREADS_VARIABLE, "")
    return int(asked) if asked.isdecimal() and int(asked) else available_cores()
