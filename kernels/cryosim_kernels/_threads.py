"""Threads for kernels that run seldom: a parallel region of Numba's takes half a second to compile.

To begin with, these threads take a tenth of a millisecond longer than those of a parallel region.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba


def in_threads(kernel: Any, count: int, *arguments: Any) -> None:
    """Call kernel(first, last, *arguments) on equal shares of range(count), each in a thread.

    There are as many threads as Numba has. What is found must not depend on the shares.
    """
    threads = max(min(numba.get_num_threads(), count), 1)
    bounds = [count * thread // threads for thread in range(threads + 1)]
    if threads == 1:
        kernel(0, count, *arguments)
        return
    running = [
        _others().submit(kernel, first, last, *arguments)
        for first, last in itertools.pairwise(bounds[1:])
    ]
    kernel(0, bounds[1], *arguments)
    for each in running:
        each.result()


@cache
def _others() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS, "cryosim-kernels")


# A child process does not inherit threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_others.cache_clear)
