"""What is measured near the ice is what is measured in the whole."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cases import ball_share, box, plan
from cryosim.evaluation import (
    crop_to_ice,
    evaluate,
    isotherm_volume_ml,
    surface_margin,
    target_coverage,
)
from cryosim.simulation import Result, simulate
from cryosim.tissue import TissueGrid, read_library

LEVELS_C = (0.0, -20.0, -40.0)


@pytest.fixture(scope="module")
def result() -> Result:
    """Ice that meets gas, in a box with much that stays warm."""
    tissue = box(2.0, size_mm=(120, 100, 110))
    index = np.zeros(tissue.grid.shape, dtype=np.uint8)
    index[:, :, 35:] = 1  # from 10 mm on to the patient's left
    target = ball_share(tissue.grid, (-2.0, 0.0, 0.0), 7.0)
    with_gas = TissueGrid(
        tissue.grid, index, (*tissue.tissues, read_library()["gas"]), structures={"target": target}
    )
    return simulate(with_gas, plan("freeze 4 min", target={"label": 1, "margin_mm": 5}))


def test_numbers_are_the_same(result: Result) -> None:
    near, at = crop_to_ice(result, 0.0)
    assert near.coldest_c.size < 0.5 * result.coldest_c.size
    np.testing.assert_array_equal(near.coldest_c, result.coldest_c[at])
    for level in LEVELS_C:
        for field in (result.temperatures_c[-1], result.coldest_c):
            whole = isotherm_volume_ml(result, field, level)
            assert isotherm_volume_ml(near, field[at], level) == pytest.approx(whole, rel=1e-6)
        one, other = surface_margin(near, level), surface_margin(result, level)
        np.testing.assert_allclose(one.points_mm, other.points_mm, atol=1e-9)
        np.testing.assert_allclose(one.margin_mm, other.margin_mm, atol=1e-6)
    assert target_coverage(near, LEVELS_C) == pytest.approx(target_coverage(result, LEVELS_C))


def test_coverage_is_that_of_the_report(result: Result) -> None:
    report = evaluate(result)
    assert report.target is not None
    assert target_coverage(result, LEVELS_C) == report.target.coverage


def test_without_ice_and_target_it_is_the_whole(result: Result) -> None:
    tissue = dataclasses.replace(result.tissue, structures={})
    warm = dataclasses.replace(
        result, tissue=tissue, coldest_c=np.full_like(result.coldest_c, 37.0)
    )
    assert crop_to_ice(warm, 0.0)[0].coldest_c.shape == result.coldest_c.shape
