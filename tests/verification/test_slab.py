"""One-dimensional freezing against exact solutions, through the production state and steps."""

import numpy as np
import pytest
from cryosim.simulation.settings import Settings
from verification.slab import Medium, freeze_slab, neumann, slab_state, three_region

WATER = Medium(2.22, 0.6, 917 * 2090, 1000 * 4180, 334e6, -0.05, 0.05)
GEL = Medium(2.0, 0.5, 998 * 1800, 3.6e6, 250e6, -8.0, -1.0)
GEL_SHARP = Medium(2.0, 0.5, 998 * 1800, 3.6e6, 250e6, -1.05, -0.95)
LENGTH_MM, SECONDS = 120.0, 600.0
GRIDS = (60, 120, 240)


def front_mm(temperatures, spacing_mm, level_c):
    """Where the profile crosses a level, by linear interpolation between cells."""
    cell = int(np.argmax(temperatures > level_c))
    low, high = temperatures[cell - 1], temperatures[cell]
    return (cell - 0.5 + (level_c - low) / (high - low)) * spacing_mm


def test_exact_solutions_give_the_published_numbers():
    lam, speed, temperature = neumann(GEL_SHARP, -140.0, 37.0, -1.0)
    assert lam == pytest.approx(0.504980, abs=1e-6)
    assert speed * np.sqrt(600) * 1e3 == pytest.approx(26.1032, abs=1e-3)
    assert temperature(np.array([0.005, 0.03]), 600) == pytest.approx([-111.1849, 19.2798], abs=2e-4)
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
    """C1: the front of an (almost) isothermal freezing front, first order in the spacing."""
    _, speed, _ = neumann(medium, cold_c, start_c, freezing_c)
    exact = speed * np.sqrt(SECONDS) * 1e3
    errors = []
    for cells in GRIDS:
        state = slab_state(medium, LENGTH_MM, cells, cold_c, start_c)
        temperatures, _ = freeze_slab(state, SECONDS)
        errors.append(abs(front_mm(temperatures, LENGTH_MM / cells, freezing_c) - exact))
    assert errors[-1] < 0.012 * exact
    assert errors[-1] < 0.25  # a quarter of a millimeter at 0.5 mm
    assert errors[-1] < errors[0]


def test_three_region_profile_converges():
    """C2: solid, mushy and liquid, the production tissue model; profile and both interfaces."""
    s, m, temperature = three_region(GEL, -140.0, 37.0, [5e-4, 5.3e-4])
    mean_errors, front_errors = [], []
    for cells in GRIDS:
        spacing = LENGTH_MM / cells
        state = slab_state(GEL, LENGTH_MM, cells, -140.0, 37.0)
        found, _ = freeze_slab(state, SECONDS)
        x = (np.arange(cells) + 0.5) * spacing
        mean_errors.append(np.abs(found - temperature(x * 1e-3, SECONDS)).mean())
        front_errors.append(
            abs(front_mm(found, spacing, GEL.solidus) - 2e3 * s * np.sqrt(SECONDS))
            + abs(front_mm(found, spacing, GEL.liquidus) - 2e3 * m * np.sqrt(SECONDS))
        )
    order = np.log2(mean_errors[0] / mean_errors[-1]) / 2
    assert mean_errors[-1] < 0.12
    assert front_errors[-1] < 0.25
    assert order > 0.9
    assert mean_errors[0] > mean_errors[1] > mean_errors[2]


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
    assert np.abs(results[0] - results[1]).max() < 0.05
