"""Calibration: back to known parameters, what it says of itself, and bad input."""

import functools

import pytest

from cryosim import Grid, InputError, Plan, TissueGrid, read_library, simulate
from cryosim.cli import main
from cryosim.studies import Iceball, calibrate, iceball_size_mm

GEL = read_library()["gel"]
MINUTES, START_C, SPACING_MM = 3, 20.0, 2.0


def simulated_size(model, minutes, isotherms_c=(0.0,), size_mm=(64, 64, 64), spacing_mm=SPACING_MM):
    half = model["active_length_mm"] / 2
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform", "size_mm": size_mm},
            "probe": [{"tip_mm": (0, 0, -half), "entry_mm": (0, 0, 100), **model}],
            "protocol": {"text": f"freeze {minutes} min"},
            "body": {"temperature_c": START_C},
        }
    )
    result = simulate(TissueGrid.uniform(Grid.centered(size_mm, spacing_mm), GEL), plan)
    return [iceball_size_mm(result, result.temperatures_c[-1], level) for level in isotherms_c]


@functools.cache
def known_size():
    """The 0 C isotherm of a probe of -130 C and 11 mm."""
    model = {"diameter_mm": 1.5, "active_length_mm": 11.0, "surface_c": -130.0, "cool_down_s": 20.0}
    return simulated_size(model, MINUTES)[0]


def test_finds_the_parameters_back():
    width, length = known_size()
    observed = Iceball(MINUTES, START_C, width, length, 1.0, 1.0)
    found = calibrate(observed, GEL, 1.5, spacings_mm=(SPACING_MM,))
    assert found.fitted == ("surface_c", "active_length_mm")
    assert found.surface_c == pytest.approx(-130.0, abs=4.0)
    assert found.active_length_mm == pytest.approx(11.0, abs=0.8)
    assert max(map(abs, found.residual_mm.values())) < 0.1
    assert found.simulated_mm["width_mm"] == pytest.approx(width, abs=0.1)
    assert all(error is not None and error > 0 for error in found.standard_errors.values())
    assert found.at_limit == ()
    assert 5 <= found.simulations <= 40
    assert found.provenance.startswith("derived: fitted surface_c = -1")
    assert "after 3 min from 20 C in gel; simulated" in found.provenance


@pytest.mark.parametrize(
    ("size", "given", "expected"),
    [
        ("width_mm", {"active_length_mm": 11.0}, {"surface_c": -130.0}),
        ("length_mm", {"surface_c": -130.0}, {"active_length_mm": 11.0}),
    ],
)
def test_one_size_finds_what_is_left_free(size, given, expected):
    value = dict(zip(("width_mm", "length_mm"), known_size(), strict=True))[size]
    observed = Iceball(MINUTES, START_C, **{size: value})
    found = calibrate(observed, GEL, 1.5, **given, spacings_mm=(SPACING_MM,))
    ((key, target),) = expected.items()
    assert found.fitted == (key,)
    assert getattr(found, key) == pytest.approx(target, rel=0.04)
    ((other, kept),) = given.items()
    assert getattr(found, other) == kept
    assert f"with {other} = " in found.provenance
    assert found.standard_errors == {key: None}
    assert found.residual_sigmas == {size: None}
    assert found.residual_mm[size] == pytest.approx(0.0, abs=0.1)


def test_says_when_a_limit_was_reached():
    observed = Iceball(1, START_C, width_mm=40.0)
    found = calibrate(observed, GEL, 1.5, active_length_mm=8.0, spacings_mm=(3.0,))
    assert found.at_limit == ("surface_c",)
    assert found.surface_c == pytest.approx(-196.0, abs=0.1)
    assert found.residual_mm["width_mm"] < -20
    assert "at the limit of what is physical" in found.provenance


def test_size_of_no_ice_is_zero():
    model = {"diameter_mm": 1.5, "active_length_mm": 8.0, "surface_c": -40.0}
    size = simulated_size(model, 0.5, (-80.0,), (20, 20, 20))
    assert size == [(0.0, 0.0)]


def test_catalog_reproduces_the_icesphere():
    """37 +- 4 x 32 +- 3 mm at 0 C, and the vendor's -20 C ellipsoid of 25 x 20-23 mm as a check."""
    model = {"model": "icesphere-1.5", "active_length_mm": 15.0}
    (ice, cold) = simulated_size(model, 10, (0.0, -20.0), (88, 88, 88))
    assert ice == pytest.approx((32.0, 37.0), abs=1.5)
    assert cold == pytest.approx((21.5, 25.0), abs=2.5)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({}, "neither width_mm nor length_mm"),
        ({"width_mm": 0.03}, "width_mm = 0.03 is outside 2 to 200"),
        ({"width_mm": 30, "length_mm": 10}, "swap them"),
        ({"width_mm": 30, "length_uncertainty_mm": 3}, "length_uncertainty_mm without length_mm"),
        ({"width_mm": 30, "minutes": 600}, "minutes = 600 is outside"),
        ({"width_mm": 30, "start_c": -10}, "start_c = -10 is outside"),
        ({"width_mm": 30, "isotherm_c": 20}, "isotherm_c = 20 is outside"),
        ({"width_mm": float("nan")}, "width_mm = nan is outside"),
    ],
)
def test_bad_iceballs(numbers, message):
    with pytest.raises(InputError, match=message):
        Iceball(**{"minutes": 10, "start_c": 20, **numbers})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"surface_c": -140, "active_length_mm": 15}, "nothing is left to find"),
        ({}, "width_mm alone does not determine both"),
        ({"surface_c": -140, "spacings_mm": ()}, "spacings_mm"),
        ({"surface_c": 20}, "surface_c = 20 is outside"),
        ({"active_length_mm": 900}, "active_length_mm = 900 is outside"),
    ],
)
def test_bad_calibrations(arguments, message):
    with pytest.raises(InputError, match=message):
        calibrate(Iceball(10, 20, width_mm=30), GEL, 1.5, **arguments)


def test_command_line(capsys):
    words = "calibrate --minutes 1 --start 20 --diameter 1.5 --width 10 --active-length 8 --spacing"
    assert main([*words.split(), "2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("surface_c = -")
    assert "derived: fitted surface_c" in " ".join(text.split())
    assert main(["calibrate", "--minutes", "10", "--start", "20", "--diameter", "1.5"]) == 2
    assert "neither width_mm nor length_mm" in capsys.readouterr().err
