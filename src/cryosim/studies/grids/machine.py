"""Facts about the machine and the libraries that timings depend on; no names of hosts."""

from __future__ import annotations

import itertools
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from ... import __version__
from ...simulation.cores import available_cores

__all__ = ["Machine", "describe_machine", "measure_bandwidth_gb_s"]

_ARRAY_BYTES = 128 << 20  # three of them leave the caches of most machines
_REPEATS = 5


@dataclass(frozen=True)
class Machine:
    """What timings depend on: processor, cores, memory and versions."""

    processor: str
    cores: int
    memory_bytes: int
    python: str
    numpy: str
    numba: str
    cryosim: str


def describe_machine() -> Machine:
    """Describe the machine that this process runs on."""
    return Machine(
        processor=_processor(),
        cores=available_cores(),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        python=platform.python_version(),
        numpy=metadata.version("numpy"),
        numba=metadata.version("numba"),
        cryosim=__version__,
    )


def measure_bandwidth_gb_s() -> float:
    """Measure how fast memory is read and written: a = b + c over all cores, best of a few."""
    cores = available_cores()
    first, second, total = (np.empty(_ARRAY_BYTES // 8) for _ in range(3))
    edges = np.linspace(0, len(total), cores + 1).astype(int)
    slices = [slice(low, high) for low, high in itertools.pairwise(edges)]

    def touch(part: slice) -> None:
        first[part], second[part], total[part] = 1.0, 2.0, 0.0

    def add(part: slice) -> None:
        np.add(first[part], second[part], out=total[part])

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(touch, slices))
        times = []
        for _ in range(_REPEATS):
            started = time.perf_counter()
            list(pool.map(add, slices))
            times.append(time.perf_counter() - started)
    return 3 * _ARRAY_BYTES / min(times) / 1e9


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
