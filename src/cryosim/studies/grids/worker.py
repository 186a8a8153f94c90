"""What runs in a case's own process: measure one simulation and tell how it goes.

Reads one JSON document from the standard input and writes JSON lines: `{"share": 0.4}` as it goes
on, and at the end `{"record": ...}`, or `{"refused": sentence}` for bad input.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...anatomy import place_anatomy, read_anatomy
from ...errors import InputError
from ...evaluation import timeline
from ...plan import plan_from_dict
from ...simulation import Callback, Settings, rehearse, simulate
from .machine import describe_machine
from .record import MemoryUse, Record
from .resident_memory import forget_peak, peak_bytes, resident_bytes

__all__ = ["main"]

_TELL_EVERY_S = 0.2


def main() -> None:
    """Run the case that the standard input describes."""
    # Ctrl-C reaches the whole group of processes; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    request = json.loads(sys.stdin.readline())

    def tell(message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    try:
        tell({"record": _measure(request, tell).document()})
    except InputError as error:
        tell({"refused": str(error)})


def _measure(request: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> Record:
    """Simulate a case and take its time and memory."""
    plan = plan_from_dict(request["plan"], Path(request["folder"]))
    settings = Settings(**request["settings"])
    tissue = place_anatomy(read_anatomy(plan), plan)
    compile_s = _compile(settings)
    baseline = resident_bytes()
    forget_peak()
    result = simulate(tissue, plan, settings, [_Teller(tell)])
    peak = peak_bytes()
    return Record(
        spacing_mm=request["spacing_mm"],
        voxel_mm=tuple(round(float(step), 6) for step in tissue.grid.spacing_mm),
        threads=request["threads"],
        jobs=request["jobs"],
        performance=dataclasses.replace(result.performance, compile_s=compile_s),
        memory=MemoryUse(result.performance.memory_bytes, baseline, peak),
        timeline=timeline(result),
        machine=describe_machine(),
    )


def _compile(settings: Settings) -> float:
    """Compile or load all kernels on a tiny run, so that neither time nor memory is the case's."""
    started = time.perf_counter()
    rehearse(settings)
    return time.perf_counter() - started


class _Teller(Callback):
    """Tells the share of the protocol that is done, not too often."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self.tell = tell
        self.duration_s = 1.0
        self.told = -_TELL_EVERY_S

    def on_start(self, duration_s: float) -> None:
        self.duration_s = duration_s

    def on_progress(self, time_s: float) -> None:
        now = time.perf_counter()
        if now - self.told >= _TELL_EVERY_S:
            self.told = now
            self.tell({"share": time_s / self.duration_s})


if __name__ == "__main__":
    main()
