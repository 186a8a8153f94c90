"""A probe alone in a medium: the size of its ice, and what observations read off it."""

import numpy as np
import pytest

from cryosim import Grid, Plan, TissueGrid, read_library, simulate
from cryosim.studies import Iceball, SurfaceTemperature, iceball_size_mm
from cryosim.studies.lone_probe import LoneProbe

GEL = read_library()["gel"]
FILM = {
    "diameter_mm": 1.5,
    "active_length_mm": 8.0,
    "cool_down_s": 20.0,
    "gas_c": -196.0,
    "exchange_w_m2k": 4000.0,
}


def simulated(model, minutes, size_mm=(64, 64, 64)):
    half = model["active_length_mm"] / 2
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform", "size_mm": size_mm},
            "probe": [{"tip_mm": (0, 0, -half), "entry_mm": (0, 0, 100), **model}],
            "protocol": {"text": f"freeze {minutes} min"},
            "body": {"temperature_c": 20.0},
        }
    )
    return simulate(TissueGrid.uniform(Grid.centered(size_mm, 2.0), GEL), plan)


def sizes(model, minutes, isotherms_c, size_mm):
    result = simulated(model, minutes, size_mm)
    return [iceball_size_mm(result, result.temperatures_c[-1], level) for level in isotherms_c]


def test_size_of_no_ice_is_zero():
    model = {"diameter_mm": 1.5, "active_length_mm": 8.0, "surface_c": -40.0}
    assert sizes(model, 0.5, (-80.0,), (20, 20, 20)) == [(0.0, 0.0)]


def test_catalog_reproduces_the_icesphere():
    """37 +- 4 x 32 +- 3 mm at 0 C, and the vendor's -20 C ellipsoid of 25 x 20-23 mm as a check."""
    model = {"model": "icesphere-1.5", "active_length_mm": 15.0}
    (ice, cold) = sizes(model, 10, (0.0, -20.0), (88, 88, 88))
    assert ice == pytest.approx((32.0, 37.0), abs=1.5)
    assert cold == pytest.approx((21.5, 25.0), abs=2.5)


def test_reads_off_what_a_simulation_says():
    result = simulated(FILM, 2)
    width, length = iceball_size_mm(result, result.temperatures_c[-1], 0.0)
    surface = result.curves.needle_surface_c[0]
    surface = surface[~np.isnan(surface)]
    observed = (
        SurfaceTemperature(2, 20, -100.0),
        Iceball(2, 20, width_mm=20, length_mm=20),
        Iceball(2, 20, length_mm=9, isotherm_c=-60.0),
    )
    numbers, simulations = LoneProbe(observed, GEL, 8.0, 2.0).readings(FILM, 2.0)
    cold = iceball_size_mm(result, result.temperatures_c[-1], -60.0)[1]
    assert numbers[:3] == pytest.approx([surface[-1], width, length], abs=0.5)
    assert numbers[3] == pytest.approx(cold, abs=0.5)
    assert surface[-1] < -100.0
    assert simulations == 1


def test_every_observation_has_its_own_time_and_start():
    def numbers(*observed):
        return LoneProbe(observed, GEL, 8.0, 2.0).readings(FILM, 2.0)

    early, late = (Iceball(minutes, 20, width_mm=20) for minutes in (1, 2))
    warm, surface = Iceball(2, 37, width_mm=20), SurfaceTemperature(1, 20, -100)
    found, simulations = numbers(early, late, warm, surface)
    assert simulations == 2
    assert found[0] + 2.0 < found[1]
    assert found[2] + 1.0 < found[1]
    assert found[3] == pytest.approx(numbers(surface)[0][0], abs=0.5)
    assert found[3] > numbers(SurfaceTemperature(2, 20, -100))[0][0] + 2.0
    assert found[0] == pytest.approx(numbers(early)[0][0], abs=0.2)
