"""Kernels say for which arrays they are compiled, and are compiled for no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
RUN_AND_COMPARE = """
import sys
sys.path.insert(0, {tests!r})
from cases import small_result
from cryosim.evaluation import evaluate
from cryosim_kernels import entry_kernels
evaluate(small_result())
# Part of the compiled code of `integrate_near`, and not looked up where that is loaded.
within = {{"advance_near_stage", "deposit"}}
for kernel, declared in entry_kernels():
    unused = not kernel.signatures and kernel.__name__ not in within
    if unused or set(kernel.signatures) - {{declared}}:
        print(kernel.__name__, kernel.signatures, declared)
"""
COUNT_COMPILED = """
from cryosim_kernels import compile_in_two, entry_kernels
compile_in_two()
for kernel, declared in entry_kernels():
    kernel.compile(declared)
    # Loaded, not compiled: either here or from what the other process kept.
    assert list(kernel.signatures) == [declared]
print(sum(sum(kernel.stats.cache_hits.values()) for kernel, _ in entry_kernels()))
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
    hits = int(run(COUNT_COMPILED, NUMBA_CACHE_DIR=str(tmp_path)))
    assert hits >= 5
    (marker,) = tmp_path.glob("compiled-for-*")
    assert marker.exists()
