"""The benchmarks measure what they say, on cases too small to time anything."""

from __future__ import annotations

import dataclasses

import pytest
from benchmarks import kernels, pages, protocol, work_precision
from benchmarks.compiling import FirstUse
from benchmarks.scene import Scene

from cryosim import Settings, simulate

TINY = Scene(
    spacing_mm=4.0,
    size_mm=48.0,
    fat_beyond_mm=12.0,
    angles_rad=(0.3,),
    protocol="freeze 40 s; thaw 5 s",
)
FACTS = {
    "processor": "p", "cores": 2, "memory_bytes": 2**34, "python": "3", "numpy": "2", "numba": "1",
    "cryosim": "0", "threads": 1, "load_before": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def cost():
    """What the tiny protocol cost."""
    return protocol.measure(TINY, repeats=1)


def test_the_scene_has_all_its_tissues():
    counts = [(TINY.tissue().index == number).sum() for number in range(4)]
    assert min(counts) > 0


def test_the_estimated_explicit_steps_are_those_that_explicit_stepping_takes(cost):
    taken = simulate(TINY.tissue(), TINY.plan(), Settings(integrator="explicit")).performance.steps
    assert cost.explicit_steps == pytest.approx(taken, rel=0.1)


def test_a_cost_tells_what_the_run_did(cost):
    done = simulate(TINY.tissue(), TINY.plan())
    assert cost.simulated_s == 45.0
    assert (cost.steps, cost.stages) == (done.performance.steps, done.performance.stages)
    assert cost.kept_fields == len(done.times_s)
    assert list(cost.volumes_ml) == ["40", "45"]
    assert cost.sweeps * cost.sweep_s == pytest.approx(cost.wall_s)
    assert cost.document()["gain"] == cost.gain


def test_targets_are_told_for_the_grids_that_were_run_only(cost):
    rows = protocol.target_rows(_costs(cost))
    assert ["time at 2 mm", "at most 0.3 s", "0.3 s", "met"] in rows
    assert ["time at 1 mm", "at most 3 s", "4.5 s", "missed by 50 %"] in rows
    assert ["time at 1 mm", "at most 2500 plain sweeps", "450 plain sweeps", "met"] in rows
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["faster than plain explicit at 1 mm"][-1] == "missed by a factor of 2.25"
    assert by_name["memory at 1 mm"] == ["at most 100 bytes a voxel", "100 bytes a voxel", "met"]
    assert by_name["time goes with a power of the number of voxels"][1] == "1.3"
    assert not [name for name in by_name if "0.5 mm" in name]


def test_the_page_of_the_protocol_shows_every_grid_and_thread(cost):
    costs = _costs(cost)
    text = protocol.page(FACTS, costs, [costs[1], dataclasses.replace(costs[1], threads=2)])
    assert "| 2 mm | 8000 | 0.3 |  | 0.5 | 300 |" in text
    assert "| 1 mm | 64000 | 4.5 | 1.3 | 0.5 | 450 |" in text
    assert "| 2 | 4.5 | 1 | 0.5 |" in text
    assert "| 40 s, 0 C |" in text
    assert protocol.COMMAND in text


def test_each_kernel_is_timed_with_the_arrays_of_a_run():
    scene = dataclasses.replace(TINY, protocol="freeze 4 s")
    found = kernels.measure(scene, repeats=1)
    rows = {one.kernel: one for one in found.timings}
    assert list(rows) == [kernel.title for kernel in kernels.KERNELS]
    assert rows["`far.advance_far_stage`, runs of one tissue"].moved_bytes == 4 * 4
    assert rows["`bioheat.advance_stage`"].moved_bytes == 9 * 8 + 1
    assert rows["`far.advance_far_stage`, mixed runs"].voxels == 12**3
    assert 0 < rows["`far.start_far_step`"].voxels < 12**3
    assert 0 < rows["`near.advance_near_stage`"].voxels <= 14**3
    first = FirstUse({"near.stage": 5.88, "far.small": 0.1}, 49.1, 31.8)
    text = kernels.page(FACTS, 40.0, [found], first)
    assert "in two processes: 32 s; in one, 49 s" in text
    assert "near.stage" in text
    assert "far.small" not in text
    assert all(kernel.title in text for kernel in kernels.KERNELS)
    assert "40.0 GB/s" in text


def test_errors_fall_with_the_step():
    found = work_precision.measure(TINY, growths=(0.4, 0.05), finest_step_s=0.2, repeats=1)
    by_setting = {(run.integrator, run.growth): run.error for run in found.runs}
    assert len(by_setting) == 5
    for name in work_precision.SERIES:
        long, short = by_setting[name, 0.4], by_setting[name, 0.05]
        assert short.temperature_mean_k < long.temperature_mean_k
        assert short.volume_median_percent < long.volume_median_percent
    text = work_precision.page(FACTS, TINY, found)
    assert "| multirate | 0.4 |" in text
    assert "| explicit |  |" in text


def test_numbers_have_so_many_digits_and_no_exponent():
    found = [pages.digits(value) for value in (0.0, 12345.6, 99.96, 1.5, -0.924, 1.3056e-05)]
    assert found == ["0", "12346", "100", "1.5", "-0.924", "0.0000131"]


def _costs(cost):
    """Costs at 2 and 1 mm with round numbers."""
    round_numbers = dataclasses.replace(
        cost, threads=1, sweep_s=1e-3, explicit_steps=100, explicit_step_s=1.0, kept_fields=13
    )
    return [
        _costs_one(round_numbers, 2.0, 8000, 0.3),
        dataclasses.replace(_costs_one(round_numbers, 1.0, 64000, 4.5), sweep_s=1e-2),
    ]


def _costs_one(cost, spacing_mm, cells, wall_s):
    return dataclasses.replace(
        cost, spacing_mm=spacing_mm, cells=cells, walls_s=(wall_s,), processors_s=(0.5,),
        baseline_bytes=0,
        peak_bytes=100 * cells,
    )  # fmt: skip
