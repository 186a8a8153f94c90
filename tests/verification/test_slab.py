"""One-dimensional freezing against exact solutions, through the production state and steps."""

import dataclasses

import numpy as np
import pytest

from cryosim.simulation.settings import Settings
from cryosim.simulation.state import column
from verification.slab import (
    Medium,
    freeze_slab,
    neumann,
    similarity_profile,
    slab_state,
    three_region,
)

WATER = Medium(2.22, 0.6, 917 * 2090, 1000 * 4180, 334e6, -0.05, 0.05)
GEL = Medium(2.0, 0.5, 998 * 1800, 3.6e6, 250e6, -8.0, -1.0)
GEL_SHARP = Medium(2.0, 0.5, 998 * 1800, 3.6e6, 250e6, -1.05, -0.95)
LENGTH_MM, SECONDS = 120.0, 600.0
GRIDS = (60, 120, 240)


def ice_mm(state, spacing_mm):
    """Thickness of the ice, counted by the latent heat that has gone."""
    liquid = np.clip(
        state.energy[1, 1, 1:-1] * column(state.table, "inverse_mushy_energy")[0], 0, 1
    )
    return float((1 - liquid).sum()) * spacing_mm


def test_exact_solutions_give_the_published_numbers():
    lam, speed, temperature = neumann(GEL_SHARP, -140.0, 37.0, -1.0)
    assert lam == pytest.approx(0.504980, abs=1e-6)
    assert speed * np.sqrt(600) * 1e3 == pytest.approx(26.1032, abs=1e-3)
    assert temperature(np.array([0.005, 0.03]), 600) == pytest.approx(
        [-111.1849, 19.2798], abs=2e-4
    )
    lam, speed, _ = neumann(WATER, -40.0, 20.0, 0.0)
    assert lam == pytest.approx(0.282781, abs=1e-6)
    s, m, temperature = three_region(GEL, -140.0, 37.0, [5e-4, 5.3e-4])
    assert (s, m) == pytest.approx((5.030771e-4, 5.331681e-4), rel=1e-6)
    exact = temperature(np.array([0.005, 0.01, 0.02, 0.03]), 600)
    assert exact == pytest.approx([-111.2673, -83.0664, -30.2141, 19.2251], abs=2e-4)


@pytest.mark.parametrize(
    ("medium", "cold_c", "start_c", "freezing_c"),
    [(WATER, -40.0, 20.0, 0.0), (WATER, -150.0, 20.0, 0.0), (GEL_SHARP, -140.0, 37.0, -1.0)],
)
def test_two_phase_front_converges(medium, cold_c, start_c, freezing_c):
    """C1: an (almost) isothermal front; the thickness of the ice, first order in the spacing."""
    _, speed, _ = neumann(medium, cold_c, start_c, freezing_c)
    exact = speed * np.sqrt(SECONDS) * 1e3
    errors = []
    for cells in GRIDS:
        state = slab_state(medium, LENGTH_MM, cells, cold_c, start_c)
        freeze_slab(state, SECONDS)
        errors.append(abs(ice_mm(state, LENGTH_MM / cells) - exact) / exact)
    assert errors[0] >= errors[1] > errors[2]
    assert errors[2] < 0.002


def profile_errors(medium, exact, cold_c, start_c):
    """Mean temperature error over the slab on each grid, C."""
    errors = []
    for cells in GRIDS:
        state = slab_state(medium, LENGTH_MM, cells, cold_c, start_c)
        found, _ = freeze_slab(state, SECONDS)
        x = (np.arange(cells) + 0.5) * LENGTH_MM / cells * 1e-3
        errors.append(np.abs(found - exact(x, SECONDS)).mean())
    return errors


def test_three_region_profile_converges():
    """C2: solid, mushy and liquid with one conductivity, where the closed form is exact."""
    medium = dataclasses.replace(GEL, k_frozen=1.25, k_unfrozen=1.25)
    _, _, exact = three_region(medium, -140.0, 37.0, [4e-4, 4.5e-4])
    errors = profile_errors(medium, exact, -140.0, 37.0)
    assert np.log2(errors[0] / errors[2]) / 2 > 0.9
    assert errors[2] < 0.1


def test_production_model_profile_converges():
    """As C2, with the production model's conductivity, linear in T through the mushy range."""
    exact = similarity_profile(GEL, -140.0, 37.0, (3e5, 6e5))
    errors = profile_errors(GEL, exact, -140.0, 37.0)
    assert np.log2(errors[0] / errors[2]) / 2 > 0.9
    assert errors[2] < 0.015


def test_closed_form_with_a_constant_mushy_conductivity_is_near():
    """C2 as published (k_m = 1.25 in the mushy range) differs from linear k by 0.2 mm at most."""
    _, _, published = three_region(GEL, -140.0, 37.0, [5e-4, 5.3e-4])
    linear = similarity_profile(GEL, -140.0, 37.0, (3e5, 6e5))
    x = np.linspace(0.001, 0.06, 60)
    assert np.abs(published(x, SECONDS) - linear(x, SECONDS)).max() < 1.2


def test_heat_through_the_wall_is_what_the_slab_lost():
    state = slab_state(GEL, LENGTH_MM, 120, -140.0, 37.0)
    before = state.energy[1, 1, 1:-1].sum() * state.cell_volume_m3
    _, entered = freeze_slab(state, SECONDS)
    after = state.energy[1, 1, 1:-1].sum() * state.cell_volume_m3
    assert after - before == pytest.approx(entered, rel=1e-10)
    assert entered < 0


def test_super_steps_agree_with_plain_explicit_steps():
    results = []
    for name in ("explicit", "rkl2"):
        state = slab_state(GEL, LENGTH_MM, 120, -140.0, 37.0)
        results.append(freeze_slab(state, SECONDS, Settings(integrator=name))[0])
    assert np.abs(results[0] - results[1]).mean() < 0.01
    assert np.abs(results[0] - results[1]).max() < 0.15  # in the one cell that is freezing
