"""What the first use on a machine takes: seconds of compiling, by kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

__all__ = ["FirstUse", "measure_first_use"]

# Both run in a process and a cache of their own. Compiling one kernel compiles those it calls.
_BY_KERNEL = """
import json, time
from numba.core import event
import cryosim_kernels

class Clock(event.Listener):
    def __init__(self):
        self.open, self.seconds = [], {}

    def on_start(self, happened):
        self.open.append([time.perf_counter(), 0.0])

    def on_end(self, happened):
        start, within = self.open.pop()
        took = time.perf_counter() - start
        function = happened.data["dispatcher"].py_func
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self.seconds[name] = self.seconds.get(name, 0.0) + took - within
        if self.open:
            self.open[-1][1] += took

clock = Clock()
event.register("numba:compile", clock)
cryosim_kernels.entry_kernels()  # imports them
start = time.perf_counter()
cryosim_kernels.compile_kernels()
print(json.dumps([time.perf_counter() - start, clock.seconds]))
"""
_IN_TWO = """
import json, time
import cryosim_kernels
cryosim_kernels.entry_kernels()  # imports them
start = time.perf_counter()
cryosim_kernels.compile_in_two()
print(json.dumps(time.perf_counter() - start))
"""


@dataclass(frozen=True)
class FirstUse:
    """Seconds of compiling all kernels of a run and its evaluation, with an empty cache.

    Attributes
    ----------
    by_kernel_s : in one process, without the kernels that each calls; the longest first.
    one_process_s, two_processes_s : all of them; two is what a first run does.
    """

    by_kernel_s: dict[str, float]
    one_process_s: float
    two_processes_s: float


def measure_first_use() -> FirstUse:
    """Compile everything twice, each time anew."""
    one_process_s, seconds = _in_empty_cache(_BY_KERNEL)
    longest_first = dict(sorted(seconds.items(), key=lambda item: -item[1]))
    return FirstUse(longest_first, one_process_s, _in_empty_cache(_IN_TWO))


def _in_empty_cache(code: str) -> Any:
    with tempfile.TemporaryDirectory() as cache:
        child = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "NUMBA_CACHE_DIR": cache},
        )
    return json.loads(child.stdout)
