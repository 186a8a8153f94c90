"""Kernels say for which arrays they are compiled, and are compiled for no others."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from cryosim_kernels import in_threads

TESTS = Path(__file__).parents[2]
RUN_AND_COMPARE = """
import sys
sys.path.insert(0, {tests!r})
from cases import small_result
from cryosim.evaluation import evaluate
from cryosim_kernels import entry_kernels, exchange, near
from cryosim_kernels._compile import declared_types
evaluate(small_result())
entries = entry_kernels()
called = [(each, declared_types(each)) for each in (exchange.deposit, near.advance_near_stage)]
for kernel, declared in entries + called:
    unused = not kernel.signatures and (kernel, declared) in entries
    if unused or set(kernel.signatures) - {{declared}}:
        print(kernel.__name__, kernel.signatures, declared)
"""
NAME_LOADED = """
from cryosim_kernels import compile_in_two, entry_kernels
compile_in_two()
for kernel, declared in entry_kernels():
    kernel.compile(declared)
    # Loaded, not compiled: either here or from what the other process kept.
    assert list(kernel.signatures) == [declared]
print(*(kernel.__name__ for kernel, _ in entry_kernels() if kernel.stats.cache_hits))
"""


def run(code: str, **environment: str) -> str:
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    return child.stdout


def test_a_run_and_its_evaluation_compile_what_kernels_declare_and_nothing_else():
    assert run(RUN_AND_COMPARE.format(tests=str(TESTS))) == ""


@pytest.mark.slow
def test_two_processes_compile_for_each_other(tmp_path):
    loaded = run(NAME_LOADED, NUMBA_CACHE_DIR=str(tmp_path)).split()
    # Half of the work: the last ones take longest.
    assert {"combine_near_stage", "integrate_near"} <= set(loaded)
    (marker,) = tmp_path.glob("compiled-for-*")
    assert marker.exists()


@pytest.mark.parametrize("threads", [1, 2])
def test_shares_of_threads_cover_all_and_none_twice(threads):
    numba.set_num_threads(threads)
    counts = np.zeros(7)

    def count(first: int, last: int, into: np.ndarray) -> None:
        into[first:last] += 1

    try:
        for length in (7, 1, 0):
            in_threads(count, length, counts[:length])
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert counts.tolist() == [2, 1, 1, 1, 1, 1, 1]


def test_what_fails_in_a_thread_fails():
    def fail(first: int, last: int) -> None:
        if last == 4:
            raise ValueError(f"{first} to {last}")

    with pytest.raises(ValueError, match="to 4"):
        in_threads(fail, 4)
