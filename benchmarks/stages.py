"""Cells per second of one stage of the simulation, against a plain seven-point update.

Usage: python stages.py [EDGE_CELLS ...]; prints JSON with facts about the machine.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time

import numba
import numpy as np

from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.probes import Probe, couple
from cryosim.simulation.state import build_state
from cryosim.tissue import TissueGrid, read_library


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


def best_of(function, repeats=20):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(edge: int) -> dict[str, float]:
    grid = Grid.centered((edge, edge, edge), 1.0)
    probe = Probe(model="argon-17g", tip_mm=(0, 0, -15), entry_mm=(0, 0, 100))
    tissue = TissueGrid.uniform(grid, read_library()["muscle"])
    state, _ = build_state(tissue, couple(grid, [probe]), PerfusionPlan(), BodyPlan(), 3)
    weights = np.array([1.0, 0.0, 0.0, 0.0])

    def stage():
        state.refresh(state.energy)
        state.take_stage(weights, state.energy, state.spare)

    field, out = np.zeros((edge + 2,) * 3), np.zeros((edge + 2,) * 3)
    plain_s = best_of(lambda: plain_update(field, out, 0.1))
    stage_s = best_of(stage)
    return {
        "cells": edge**3,
        "stage_cells_per_s": edge**3 / stage_s,
        "plain_cells_per_s": edge**3 / plain_s,
        "stage_in_plain_sweeps": stage_s / plain_s,
    }


def main(edges: list[int]) -> None:
    facts = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": numba.get_num_threads(),
        "python": platform.python_version(),
        "numba": numba.__version__,
    }
    print(json.dumps({"machine": facts, "sizes": [measure(edge) for edge in edges]}, indent=2))


if __name__ == "__main__":
    main([int(edge) for edge in sys.argv[1:]] or [64, 128])
