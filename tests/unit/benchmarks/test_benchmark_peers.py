"""The codes that `benchmarks.peers` compares solve one discrete problem."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from benchmarks import peer_codes, peers
from benchmarks.freezing_cube import FreezingCube
from benchmarks.plain_explicit import freeze

CUBE = FreezingCube(edge_voxels=12, spacing_mm=2.0, simulated_s=20.0)


@pytest.fixture(scope="module")
def yardstick():
    """Temperatures by plain explicit steps an eighth of the stable one."""
    return peer_codes.run_plain(CUBE, refinement=8).temperature_c


def test_cryosim_and_the_yardstick_agree_in_every_voxel_after_the_same_explicit_steps():
    found = peer_codes.run_cryosim(CUBE, "explicit")
    plain = freeze(CUBE, found.steps, CUBE.simulated_s)
    # Snapshots are single precision: 150 C to 1e-5.
    np.testing.assert_allclose(found.temperature_c, plain, atol=1e-3)


@pytest.mark.parametrize("integrator", peer_codes.integrators())
def test_each_integrator_freezes_what_the_yardstick_freezes(integrator, yardstick):
    found = peer_codes.run_cryosim(CUBE, integrator).temperature_c
    assert _volumes(found) == pytest.approx(_volumes(yardstick), rel=0.01)


@pytest.mark.filterwarnings("default")
def test_py_pde_and_the_yardstick_take_the_same_steps():
    _skip_without("pde")
    found = peer_codes.run_py_pde(CUBE, backend="numpy")
    plain = freeze(CUBE, found.steps, CUBE.simulated_s)
    np.testing.assert_allclose(found.temperature_c, plain, atol=1e-9)


@pytest.mark.filterwarnings("default")
def test_fipy_approaches_the_yardstick_with_shorter_steps(yardstick):
    _skip_without("fipy")
    errors = [_largest_error(step_s, yardstick) for step_s in (2.0, 0.5)]
    assert errors[1] < 0.01
    assert errors[1] < 0.5 * errors[0]


def test_what_is_enthalpy_of_a_temperature_has_that_temperature():
    temperatures = np.linspace(-160.0, 40.0, 401)
    gel = CUBE.gel
    np.testing.assert_allclose(gel.temperature_c(gel.enthalpy_j_m3(temperatures)), temperatures)


def test_the_page_shows_ratios_and_differences_and_names_what_is_missing():
    case = {"edge_voxels": 4, "spacing_mm": 2.0, "simulated_s": 10.0, "codes": [
        _row(peers.YARDSTICK, 1.0, [2.0, 1.0, 0.5]),
        _row(peers.REFINED, 8.0, [2.0, 1.0, 0.5]),
        _row("cryosim, explicit", 3.0, [2.02, 1.0, 0.49]),
        {"code": "FiPy", "left_out": "FiPy is not installed"},
    ]}  # fmt: skip
    facts = {"processor": "p", "cores": 2, "threads": 1, "load_before": 0.1, "python": "3",
             "packages": {"FiPy": None, "numba": "1"}}  # fmt: skip
    page = peers.page({"command": "python -m x", "made_with": facts, "cases": [case]})
    assert "| cryosim, explicit | 3 | 3 | 5 |  | 7 | 9 | 9 | +1.00 % | 0 | -2.00 % |" in page
    assert "- FiPy: FiPy is not installed" in page
    assert "python -m x" in page


def _row(code, wall_s, volumes_ml):
    return {"code": code, "wall_s": wall_s, "first_setup_s": 5.0, "later_setup_s": None,
            "ns_per_voxel_and_second": 7.0, "steps": 9, "evaluations": 9,
            "volumes_ml": volumes_ml}  # fmt: skip


def _volumes(temperature_c):
    return peers.frozen_volumes_ml(temperature_c, CUBE.spacing_mm)


def _largest_error(step_s, yardstick):
    exact = np.array(_volumes(yardstick))
    found = np.array(_volumes(peer_codes.run_fipy(CUBE, step_s).temperature_c))
    return np.abs(found / exact - 1).max()


def _skip_without(module):
    try:
        importlib.import_module(module)
    except ImportError:
        pytest.skip("not installed: pip install 'cryosim[peers]'")
