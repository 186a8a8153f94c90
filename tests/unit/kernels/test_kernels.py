"""What the state kernel makes of an enthalpy, by hand."""

import numpy as np
import pytest

from cases import REFERENCE_TISSUE
from cryosim.simulation.tissue_table import tissue_table
from cryosim.tissue import Tissue
from cryosim_kernels import bioheat, material

TISSUE = Tissue(**{**REFERENCE_TISSUE, "perfusion_1_s": 0.001, "metabolism_w_m3": 700.0})
WIDTH = 7.0  # from -8 to -1 C
MUSHY = 2.5e8 + (1.8e6 + 3.6e6) / 2 * WIDTH
BLOOD = 0.001 * TISSUE.rho_c_blood_j_m3k


def state_of(energy, perfusable=1.0):
    """Temperature, 1/k, potential and source of one cell."""
    table, _ = tissue_table([TISSUE], perfusion_scale=1.0)
    shape = (3, 3, 3)
    fields = [np.zeros(shape) for _ in range(4)]
    bioheat.update_state(
        np.full(shape, energy),
        np.zeros(shape, np.uint8),
        table,
        np.full(shape, perfusable, np.float32),
        *fields,
        np.zeros((3, 3)),
    )
    return [field[1, 1, 1] for field in fields]


def test_ice():
    temperature, resistivity, potential, source = state_of(-1.8e6 * 50)
    assert temperature == pytest.approx(-58.0)
    assert resistivity == pytest.approx(1 / 2.0)
    assert potential == pytest.approx(-2.0 * 50)
    assert source == 0.0  # no blood and no metabolism in ice


def test_half_frozen():
    temperature, resistivity, potential, source = state_of(MUSHY / 2)
    assert temperature == pytest.approx(-4.5)
    assert resistivity == pytest.approx(1 / 1.25)
    assert potential == pytest.approx(3.5 * (2.0 + 1.25) / 2)
    assert source == pytest.approx(0.5 * (BLOOD * (37 + 4.5) + 700))


def test_liquid():
    temperature, resistivity, potential, source = state_of(MUSHY + 3.6e6 * 21)
    assert temperature == pytest.approx(20.0)
    assert resistivity == pytest.approx(1 / 0.5)
    assert potential == pytest.approx(7.0 * 1.25 + 0.5 * 21)
    assert source == pytest.approx(BLOOD * 17 + 700)


def test_blood_that_was_lost_stays_away():
    _, _, _, source = state_of(MUSHY + 3.6e6 * 21, perfusable=0.25)
    assert source == pytest.approx(0.25 * (BLOOD * 17 + 700))


def test_enthalpy_and_temperature_are_inverse():
    table, _ = tissue_table([TISSUE], perfusion_scale=1.0)
    for wanted in (-150.0, -8.0, -4.0, -1.0, 0.0, 37.0):
        energy = np.zeros((3, 3, 3))
        material.enthalpy_from_temperature(
            np.full((3, 3, 3), wanted), np.zeros((3, 3, 3), np.uint8), table, energy
        )
        assert state_of(energy[1, 1, 1])[0] == pytest.approx(wanted, abs=1e-9)
