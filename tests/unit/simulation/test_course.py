"""What had frozen by when: at the end what the report says, and never less than before."""

import dataclasses
import functools

import numpy as np
import pytest

import cases
from cryosim.evaluation import evaluate, isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.results import load_result, save_result
from cryosim.simulation import Result, Settings, simulate
from cryosim.simulation.course import beyond_mm, nearest_mm
from cryosim.simulation.near_zone import Box
from cryosim.surfaces import structure_surface
from cryosim.tissue import Tissue, TissueGrid
from round_ice import depth_mm

GAS = Tissue("gas", 0.03, 0.03, 1.3e3, 1.3e3, 0.0, -8.0, -1.0)


@functools.cache
def beside_gas(course_every_s: float = 60.0) -> Result:
    """A target, an organ partly of gas, and gas that the ice runs into."""
    tissue = cases.box(perfusion_1_s=0.0007)
    grid = tissue.grid
    index = (np.indices(grid.shape)[2] > grid.shape[2] // 2 + 4).astype(np.uint8)
    tissue = TissueGrid(
        grid,
        index,
        (*tissue.tissues, GAS),
        structures={
            "target": cases.ball_share(grid, (-2.0, 1.0, 0.5), 6.0),
            "bowel": cases.ball_share(grid, (11.0, 0.0, 0.0), 4.0),
        },
    )
    content = cases.plan(
        "freeze 6 min; thaw 2 min; freeze 3 min",
        target={"label": 1, "margin_mm": 3.0},
        organ_at_risk=[{"name": "bowel", "label": 2, "min_temperature_c": 10.0}],
        report={"isotherms_c": [0, -20]},
    )
    return simulate(tissue, content, Settings(course_every_s=course_every_s))


def test_its_end_is_what_the_report_says():
    result = beside_gas()
    course, report = result.course, evaluate(result)
    for level, volumes in course.volume_ml.items():
        expected = isotherm_volume_ml(result, result.coldest_c, level)
        assert volumes[-1] == pytest.approx(expected, rel=1e-5)
    assert course.healthy_ml[-1] == pytest.approx(report.target.healthy_ml, rel=1e-5)
    assert set(course.coverage) == {0.0, -20.0, -40.0}
    for level, shares in course.coverage.items():
        assert shares[-1] == pytest.approx(report.target.coverage[level], abs=1e-5)
    margin = report.target.margin
    assert course.margin_mm[0.0][-1] == pytest.approx(margin.ice.min_mm, abs=0.3)
    assert course.margin_mm[-40.0][-1] == pytest.approx(margin.lethal.min_mm, abs=0.3)
    (organ,) = report.organs_at_risk
    assert course.organs_c["bowel"][-1] == pytest.approx(organ.coldest_c, abs=1e-3)


def test_it_only_grows_and_is_looked_at_each_minute():
    course = beside_gas().course
    assert course.times_s[0] == 0.0
    assert course.times_s[-1] == 660.0
    assert len(course.times_s) == 12
    late_s = course.times_s[:-1] - 60.0 * np.arange(11)
    assert late_s.min() >= 0.0
    assert late_s.max() < 20.0
    # Volumes to what the share of a voxel is uncertain by.
    for values in [course.healthy_ml, *course.volume_ml.values(), *course.coverage.values()]:
        assert np.all(np.diff(values) >= -1e-3 * values.max())
    assert all(np.all(np.diff(values) >= 0.0) for values in course.margin_mm.values())
    assert np.all(np.diff(course.organs_c["bowel"]) <= 0.0)
    assert course.volume_ml[0.0][1] > 0.0
    # The thaw adds nothing to what has frozen but what heat still flows.
    assert course.healthy_ml[-1] > course.healthy_ml[6]


def test_looking_changes_nothing():
    seldom = beside_gas(course_every_s=1e9)
    assert seldom.course.times_s.tolist() == [0.0, 360.0, 480.0, 660.0]  # ends of stages
    assert np.array_equal(seldom.coldest_c, beside_gas().coldest_c)
    assert seldom.course.healthy_ml[-1] == pytest.approx(beside_gas().course.healthy_ml[-1])


@pytest.mark.parametrize("ice_mm", [3.0, 9.5, 13.2])
def test_the_margin_is_exact_between_voxels(ice_mm):
    """Beyond a target that is a ball of 8 mm, with ice that is a ball 1.5 mm beside it."""
    grid = Grid.centered((60, 60, 60), 1.0)
    share = cases.ball_share(grid, (0, 0, 0), 8.0)
    whole = Box((0, 0, 0), grid.shape)
    distance = beyond_mm(grid, structure_surface(grid, share), share, whole, 15.0)
    cold = depth_mm(grid, (1.5, 0.0, 0.0), ice_mm)
    expected = ice_mm - 1.5 - 8.0
    assert nearest_mm(cold, 0.0, distance) == pytest.approx(expected, abs=0.2)
    warm = np.ones(grid.shape, dtype=np.float32)
    # The nearest voxel to the middle lies 0.87 mm beside it.
    assert nearest_mm(warm, 0.0, distance) == pytest.approx(0.87 - 8.0, abs=0.2)
    assert nearest_mm(-warm, 0.0, distance) == np.inf


def test_it_comes_back_from_a_file(tmp_path):
    result = beside_gas()
    endless = {level: mm.copy() for level, mm in result.course.margin_mm.items()}
    endless[0.0][-1] = np.inf
    course = dataclasses.replace(result.course, margin_mm=endless)
    save_result(dataclasses.replace(result, course=course), tmp_path / "result.vtkhdf")
    loaded = load_result(tmp_path / "result.vtkhdf").course
    for name in ("times_s", "healthy_ml"):
        assert np.array_equal(getattr(loaded, name), getattr(course, name))
    for name in ("volume_ml", "coverage", "margin_mm", "organs_c"):
        before, after = getattr(course, name), getattr(loaded, name)
        assert before.keys() == after.keys()
        assert all(np.array_equal(after[key], before[key]) for key in before)
