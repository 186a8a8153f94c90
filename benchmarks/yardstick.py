"""What the benchmarks measure against: a plain sweep of the grid, and the memory's bandwidth."""

from __future__ import annotations

import time
from collections.abc import Callable

import numba
import numpy as np

__all__ = ["SWEEP", "best_of", "plain_sweep_s", "triad_gb_s"]

SWEEP = (
    "one update of all voxels of the same grid with the seven-point formula and a constant "
    "coefficient, in double precision, by Numba with the same number of threads, timed in the same "
    "process"
)

_TRIAD_BYTES = 128 << 20  # of each of three arrays: more than caches hold


@numba.njit(parallel=True)
def plain_update(field, out, share):
    """Constant-coefficient seven-point update: the yardstick."""
    nz, ny, nx = field.shape
    for k in numba.prange(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                out[k, j, i] = field[k, j, i] + share * (
                    field[k, j, i - 1]
                    + field[k, j, i + 1]
                    + field[k, j - 1, i]
                    + field[k, j + 1, i]
                    + field[k - 1, j, i]
                    + field[k + 1, j, i]
                    - 6 * field[k, j, i]
                )


@numba.njit(parallel=True)
def triad(first, second, third, share):
    """Read two arrays and write a third."""
    for n in numba.prange(len(first)):
        third[n] = first[n] + share * second[n]


def best_of(function: Callable[[], object], repeats: int = 20) -> float:
    """Return the least seconds of some calls; one more before them compiles."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def plain_sweep_s(shape: tuple[int, ...], repeats: int = 20) -> float:
    """Time a plain sweep of a grid of so many voxels along each axis, s."""
    # Two separate arrays, touched by the threads that use them.
    field, out = np.empty([n + 2 for n in shape]), np.empty([n + 2 for n in shape])
    field[...], out[...] = 1.0, 0.0
    return best_of(lambda: plain_update(field, out, 0.1), repeats)


def triad_gb_s(repeats: int = 10) -> float:
    """Measure how fast memory is read and written, with the threads that Numba uses now."""
    first, second, third = (np.ones(_TRIAD_BYTES // 8) for _ in range(3))
    seconds = best_of(lambda: triad(first, second, third, 2.0), repeats)
    return 3 * _TRIAD_BYTES / seconds / 1e9
