"""The multirate integrator against plain explicit steps, and what must not change its results."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from cases import REFERENCE_TISSUE, box, plan, probe
from cryosim.evaluation import isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.simulation import Settings, simulate
from cryosim.simulation.near_zone import Box, cold_box
from cryosim.simulation.step_sizes import stages_of
from cryosim.simulation.stepping import legendre_weights
from cryosim.simulation.tissue_table import tissue_table
from cryosim.tissue import Tissue, TissueGrid, read_library
from cryosim_kernels import far, material, near, tissue_rows
from verification.boxes import everything_box, everything_plan

FINE = Settings(smallest_step_s=0.05, largest_step_s=2.0, growth=0.01)


def fields(tissue, content, **settings):
    return simulate(tissue, content, Settings(**settings))


@pytest.mark.parametrize("name", ["muscle", "fat", "water"])
def test_single_precision_potentials_are_the_exact_ones(name):
    tissue = read_library()["muscle" if name == "water" else name]
    if name == "water":
        tissue = dataclasses.replace(tissue, frozen_law="constant")
    table, _ = tissue_table([tissue], 1.0)
    energy = np.linspace(material.enthalpy_of(-196.0, table[0]), 5e8, 2001)
    found = np.zeros(len(energy), np.float32)
    index, single = np.zeros(len(energy), np.uint8), energy.astype(np.float32)
    near.potential_of_span(
        0, index, single, np.float32(0.0), single, table[0].astype(np.float32), found
    )
    exact = np.zeros(len(energy))
    cells, rows = np.arange(len(energy)), np.zeros(len(energy), dtype=np.int64)
    box_of_one = energy.reshape(1, 1, -1)
    near.find_coupled_potentials(cells, rows, box_of_one, 0.0, box_of_one, table, exact)
    assert np.abs(found - exact).max() < 2e-6 * np.abs(exact).max()
    inside = [material.potential_of(t, table[0]) for t in (-190.0, -40.0, -3.0, 20.0)]
    back = [material.enthalpy_of(t, table[0]) for t in (-190.0, -40.0, -3.0, 20.0)]
    assert np.interp(back, energy, exact) == pytest.approx(inside, rel=1e-3, abs=0.05)


def test_everything_at_once_agrees_with_explicit_steps():
    content = everything_plan()
    explicit = fields(everything_box(), content, integrator="explicit")
    usual, fine = simulate(everything_box(), content), simulate(everything_box(), content, FINE)
    gaps = [
        np.abs(np.stack(result.temperatures_c) - np.stack(explicit.temperatures_c))
        for result in (usual, fine)
    ]
    assert gaps[0].mean() < 0.05
    assert gaps[1].mean() < 0.01
    assert gaps[1].max() < 1.0
    for term, value in dataclasses.asdict(explicit.energy).items():
        assert getattr(fine.energy, term) == pytest.approx(value, rel=5e-3, abs=1.0), term


def test_ice_that_reaches_the_outer_faces_agrees_with_explicit_steps():
    """The near zone then holds the grid's own ghosts."""
    close = [probe((0, -9, -10), (0, -9, 90))]
    tissue, content = box(2.0, (24, 24, 30)), plan("freeze 4 min; thaw 1 min", close)
    explicit, multirate = (
        fields(tissue, content, integrator=name) for name in ("explicit", "multirate")
    )
    assert multirate.coldest_c[:, 0].min() < -1.0
    assert multirate.energy.boundary_j == pytest.approx(explicit.energy.boundary_j, rel=3e-3)
    assert multirate.energy.relative_error < 1e-5
    for level in (0.0, -20.0, -40.0):
        volumes = [isotherm_volume_ml(r, r.coldest_c, level) for r in (multirate, explicit)]
        assert volumes[0] == pytest.approx(volumes[1], rel=5e-3)


def test_probes_far_apart_share_one_zone():
    content = plan(
        "freeze 2 min", [probe((-25, 0, -10), (-25, 0, 90)), probe((25, 0, -10), (25, 0, 90))]
    )
    tissue = box(2.0, (80, 40, 60))
    explicit, multirate = (
        fields(tissue, content, integrator=name) for name in ("explicit", "multirate")
    )
    for side in (slice(0, 20), slice(20, 40)):
        colder = [(r.coldest_c[:, :, side] < -20.0).sum() for r in (multirate, explicit)]
        assert colder[0] == pytest.approx(colder[1], rel=0.01)


def test_tissue_that_is_frozen_from_the_start():
    tissue = Tissue(**{**REFERENCE_TISSUE, "perfusion_1_s": 0.001})
    tissue = dataclasses.replace(tissue, solidus_c=4.0, liquidus_c=8.0)
    content = plan("freeze 30 s; thaw 30 s", body={"temperature_c": 2.0})
    grid = TissueGrid.uniform(Grid.centered((40, 40, 50), 2.0), tissue)
    explicit, multirate = (
        fields(grid, content, integrator=name) for name in ("explicit", "multirate")
    )
    gap = np.abs(multirate.temperatures_c[-1] - explicit.temperatures_c[-1])
    assert gap.max() < 0.5
    assert multirate.energy.blood_j == pytest.approx(explicit.energy.blood_j, rel=5e-3, abs=1e-3)


def test_smaller_steps_come_closer():
    tissue, content = box(2.0), plan("freeze 3 min; thaw 1 min")
    finest = fields(
        tissue, content, integrator="rkl2", growth=0.002, largest_step_s=0.5, smallest_step_s=0.02
    )
    gaps = []
    for growth in (0.12, 0.06, 0.03, 0.015):
        result = fields(tissue, content, growth=growth, largest_step_s=30.0, smallest_step_s=0.02)
        gaps.append(np.abs(result.temperatures_c[-1] - finest.temperatures_c[-1]).mean())
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3]
    assert gaps[3] < 0.3 * gaps[0]


SCRIPT = """
import hashlib, sys
from cases import box, plan
from cryosim.simulation import simulate
result = simulate(box(2.0, perfusion_1_s=0.001), plan("freeze 1 min; thaw 20 s"))
digest = hashlib.sha256(result.coldest_c.tobytes() + result.temperatures_c[-1].tobytes())
print(digest.hexdigest())
"""


def test_the_number_of_threads_changes_no_byte():
    found = set()
    for threads in ("1", "2", "3"):
        environment = {**os.environ, "NUMBA_NUM_THREADS": threads, "PYTHONPATH": "tests"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert len(next(iter(found)).strip()) == hashlib.sha256().digest_size * 2


def growth_per_step(stiffer: float, margin: int, step: float) -> float:
    """Largest growth of any mode of a layered slab in one super step, by the spectrum of the step.

    20 of 80 cells are so many times stiffer than the others, whose rate is 1; the near zone holds
    them and a margin. As stiff as in three dimensions.
    """
    cells, inside = 80, 20 + margin
    weight = np.where(np.arange(cells) < 20, stiffer, 1.0) / 4.0
    fast, slow = np.zeros((2, cells, cells))
    for face in range(cells - 1):
        pair = slice(face, face + 2)
        target = fast if face + 1 < inside else slow
        target[pair, pair] += np.array([[-1.0, 1.0], [1.0, -1.0]]) * weight[pair]
    fast[0, 0] -= 2.0 * weight[0]
    slow[-1, -1] -= 2.0 * weight[-1]
    stages, seconds, inner = stages_of(step, 1.0, stiffer)
    start = np.eye(cells)
    d, before, rate = np.zeros((3, cells, cells))
    for number, (mu, nu, rate_weight, start_weight) in enumerate(legendre_weights(stages)):
        now = start + d
        held, moved, moved_before = slow @ now, np.zeros_like(d), np.zeros_like(d)
        for j in range(1, inner + 1):
            given = (
                (2 * j - 1) / j * 2 * seconds / (inner**2 + inner) * (fast @ (now + moved) + held)
            )
            moved, moved_before = (
                (2 * j - 1) / j * moved + (1 - j) / j * moved_before + given,
                moved,
            )
        mean = moved / seconds
        rate = mean if number == 0 else rate
        d, before = mu * d + nu * before + step * (rate_weight * mean + start_weight * rate), d
    return float(np.abs(np.linalg.eigvals(start + d)).max())


@pytest.mark.parametrize("stiffer", [3.0, 8.0, 80.0])
@pytest.mark.parametrize("margin", [1, 4])
def test_no_mode_of_a_layered_slab_grows(stiffer, margin):
    for step in (0.2, 2.0, 11.0, 13.0, 50.0, 100.0):
        assert growth_per_step(stiffer, margin, step) < 1.0


def test_the_cold_box():
    temperature = np.full((6, 7, 8), 37.0, dtype=np.float32)
    index = np.zeros(temperature.shape, dtype=np.uint8)
    limits = np.zeros(256, dtype=np.float32)
    assert cold_box(temperature, index, limits) is None
    temperature[2, 3, 4] = temperature[4, 5, 1] = -1.0
    temperature[1, 1, 1], index[1, 1, 1] = -1.0, tissue_rows.HELD
    found = cold_box(temperature, index, limits)
    assert found == Box((2, 3, 1), (5, 6, 5))
    assert found.widened(1, temperature.shape) == Box((0, 2, 0), (6, 7, 6))
    assert found.within(found.widened(1, temperature.shape))


def runs_of(index, tissues):
    starts = np.zeros(index.shape[0] + 1, dtype=np.int64)
    far.find_runs(0, len(index) - 2, index, tissues, starts, np.zeros((0, 4), dtype=np.uint64))
    starts = np.cumsum(starts)
    runs = np.zeros((starts[-1], 4), dtype=np.uint64)
    far.find_runs(0, len(index) - 2, index, tissues, starts, runs)
    planes = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return [(int(k), *map(int, run)) for k, run in zip(planes, runs, strict=True)]


def test_runs_of_one_tissue():
    tissues = np.full((5, 5, 30), tissue_rows.HELD, dtype=np.uint8)
    tissues[1:-1, 1:-1, 1:-1] = 1
    runs = runs_of(tissues, tissues)
    assert len(runs) == 9
    assert (2, 2, 1, 29, 1) in runs
    assert (1, 2, 1, 29, far.MIXED) in runs  # beside the ghosts
    # Another tissue ends a run beside it, and what is left of a row may be too short for one.
    tissues[2, 3, 24] = 0
    assert [run[2:] for run in runs_of(tissues, tissues) if run[:2] == (2, 2)] == [
        (1, 24, 1),
        (24, 29, far.MIXED),
    ]


def test_a_run_ends_at_the_near_zone_but_knows_its_tissue():
    tissues = np.full((5, 5, 30), tissue_rows.HELD, dtype=np.uint8)
    tissues[1:-1, 1:-1, 1:-1] = 1
    index = tissues.copy()
    index[2, 2, 12:18] = tissue_rows.HELD
    assert [run[2:] for run in runs_of(index, tissues) if run[:2] == (2, 2)] == [
        (1, 12, 1),
        (18, 29, 1),
    ]


def test_runs_cover_every_unknown_once():
    random = np.random.default_rng(3)
    tissues = np.full((8, 9, 40), tissue_rows.HELD, dtype=np.uint8)
    tissues[1:-1, 1:-1, 1:-1] = random.choice([0, 0, 0, 1, 255], (6, 7, 1))
    tissues[3, 2:5, 10:30] = 2
    covered = np.zeros(tissues.shape, dtype=int)
    for k, j, first, last, kind in runs_of(tissues, tissues):
        covered[k, j, first:last] += 1
        assert kind == far.MIXED or np.all(tissues[k, j, first:last] == kind)
    assert np.array_equal(covered, tissues < tissue_rows.CLOSED)
