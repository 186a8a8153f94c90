"""Calibration: back to known parameters, what it says of itself, and bad input."""

import functools
import math

import numpy as np
import pytest

from cryosim import InputError, read_library
from cryosim.cli import main
from cryosim.studies import Iceball, SurfaceTemperature, calibrate
from cryosim.studies.calibration import Reading, _Search, _unknown
from cryosim.studies.lone_probe import LoneProbe

GEL = read_library()["gel"]
START_C, SPACING_MM = 20.0, 2.0
FILM = {"gas_c": -196.0, "exchange_w_m2k": 4000.0}


@functools.cache
def readings(observed, **numbers):
    """What observations read off a probe of 1.5 x 11 mm with these numbers."""
    probe = {"diameter_mm": 1.5, "active_length_mm": 11.0, "cool_down_s": 20.0, **numbers}
    return LoneProbe(observed, GEL, 11.0, SPACING_MM).readings(probe, SPACING_MM)[0].tolist()


def known_size():
    """The 0 C isotherm of a probe of -130 C and 11 mm."""
    return readings((Iceball(3, START_C, 20, 20),), surface_c=-130.0)


def residuals(found):
    return {each.number.key: each.residual for each in found.readings}


def test_finds_the_parameters_back():
    width, length = known_size()
    observed = Iceball(3, START_C, width, length, 1.0, 1.0)
    found = calibrate(observed, GEL, 1.5, spacings_mm=(SPACING_MM,))
    assert found.fitted == ("surface_c", "active_length_mm")
    assert found.surface_c == pytest.approx(-130.0, abs=4.0)
    assert found.active_length_mm == pytest.approx(11.0, abs=0.8)
    assert (found.gas_c, found.exchange_w_m2k) == (None, None)
    assert max(map(abs, residuals(found).values())) < 0.1
    assert found.readings[0].simulated == pytest.approx(width, abs=0.1)
    assert all(error is not None and error > 0 for error in found.standard_errors.values())
    assert found.at_limit == ()
    assert found.reproduced
    assert 5 <= found.simulations <= 40
    assert found.provenance.startswith("calibrated: fitted surface_c = -1")
    assert "after 3 min from 20 C (simulated " in found.provenance
    assert found.provenance.endswith(" in gel, on voxels of 2 mm")


@pytest.mark.parametrize(
    ("size", "given", "expected"),
    [
        ("width_mm", {"active_length_mm": 11.0}, {"surface_c": -130.0}),
        ("length_mm", {"surface_c": -130.0}, {"active_length_mm": 11.0}),
    ],
)
def test_one_size_finds_what_is_left_free(size, given, expected):
    value = dict(zip(("width_mm", "length_mm"), known_size(), strict=True))[size]
    observed = Iceball(3, START_C, **{size: value})
    found = calibrate(observed, GEL, 1.5, **given, spacings_mm=(SPACING_MM,))
    ((key, target),) = expected.items()
    assert found.fitted == (key,)
    assert getattr(found, key) == pytest.approx(target, rel=0.04)
    ((other, kept),) = given.items()
    assert getattr(found, other) == kept
    assert f"with {other} = " in found.provenance
    assert found.standard_errors == {key: None}
    assert found.readings[0].residual_sigmas is None
    assert residuals(found) == {size: pytest.approx(0.0, abs=0.1)}


def test_finds_a_film_back_from_two_times_and_a_surface():
    blank = (
        Iceball(1, START_C, 20, 20),
        Iceball(2.5, START_C, width_mm=20, isotherm_c=-20),
        SurfaceTemperature(2.5, START_C, -100),
    )
    width, length, cold, surface_c = readings(blank, **FILM)
    observed = (
        Iceball(1, START_C, width, length, 0.5, 0.5),
        Iceball(2.5, START_C, cold, width_uncertainty_mm=0.5, isotherm_c=-20),
        SurfaceTemperature(2.5, START_C, surface_c, 3),
    )
    found = calibrate(observed, GEL, 1.5, gas_c=-196.0, spacings_mm=(SPACING_MM,))
    assert found.fitted == ("exchange_w_m2k", "active_length_mm")
    assert found.exchange_w_m2k == pytest.approx(4000.0, rel=0.06)
    assert found.active_length_mm == pytest.approx(11.0, abs=0.6)
    assert found.surface_c is None
    assert [each.observation for each in found.readings] == [observed[n] for n in (0, 0, 1, 2)]
    assert [each.what for each in found.readings] == [
        "width of 0 C", "length of 0 C", "width of -20 C", "surface",
    ]  # fmt: skip
    assert all(abs(each.residual_sigmas) < 0.7 for each in found.readings)
    assert " with gas_c = -196.0 given to 0 C isotherm " in found.provenance
    assert ", surface at -1" in found.provenance


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("exchange_w_m2k", {"find": ["exchange_w_m2k"]}),
        ("gas_c", {"exchange_w_m2k": 4000.0, "find": ["gas_c"]}),
    ],
)
def test_a_surface_finds_what_cools_it(key, given):
    (surface_c,) = readings((SurfaceTemperature(1, START_C, -100),), **FILM)
    observed = SurfaceTemperature(1, START_C, surface_c, 2.0)
    arguments = {"active_length_mm": 11.0, "spacings_mm": (SPACING_MM,), **given}
    found = calibrate(observed, GEL, 1.5, **arguments)
    assert getattr(found, key) == pytest.approx(FILM[key], rel=0.02)
    assert found.gas_c == pytest.approx(-196.0, abs=4.0)
    assert found.fitted == (key,)


def test_the_error_of_an_exchange_is_that_of_its_logarithm():
    (surface_c,) = readings((SurfaceTemperature(1, START_C, -100),), **FILM)
    observed = (SurfaceTemperature(1, START_C, surface_c, 2.0),)
    found = calibrate(
        observed, GEL, 1.5, gas_c=-196, active_length_mm=11, spacings_mm=(SPACING_MM,)
    )
    weak, strong = (
        readings(observed, gas_c=-196.0, exchange_w_m2k=found.exchange_w_m2k * math.exp(step))[0]
        for step in (-0.4, 0.4)
    )
    error = found.exchange_w_m2k * 2.0 * 0.8 / (weak - strong)
    assert found.standard_errors == {"exchange_w_m2k": pytest.approx(error, rel=0.02)}
    assert f"exchange_w_m2k = {found.exchange_w_m2k:.0f} +- " in found.provenance


def test_says_when_a_limit_was_reached():
    observed = Iceball(1, START_C, width_mm=40.0)
    found = calibrate(observed, GEL, 1.5, active_length_mm=8.0, spacings_mm=(3.0,))
    assert found.at_limit == ("surface_c",)
    assert found.surface_c == pytest.approx(-196.0, abs=0.1)
    assert residuals(found)["width_mm"] < -20
    assert not found.reproduced
    assert "NOT REPRODUCED" in found.provenance
    assert "surface_c at the limit of what is physical" in found.provenance
    found = calibrate(observed, GEL, 1.5, gas_c=-196, active_length_mm=8.0, spacings_mm=(3.0,))
    assert found.at_limit == ("exchange_w_m2k",)
    assert found.exchange_w_m2k == pytest.approx(50_000.0, rel=1e-3)


class Linear:
    """Stands for a probe whose ice is as wide and long as its active part, however cold."""

    def readings(self, probe, _):
        return np.array([probe["active_length_mm"], probe["active_length_mm"]]), 1


def test_what_is_known_better_weighs_more():
    observed = (Iceball(1, START_C, 14, 19, 1.0, 2.0),)
    unknowns = [_unknown("active_length_mm", observed, 1.5, 30.0)]
    search = _Search(observed, Linear(), {}, unknowns, SPACING_MM)
    inner = search.solve(np.array([10.0]), SPACING_MM)
    # (14 / 1 + 19 / 4) / (1 + 1 / 4)
    assert search.values(inner) == {"active_length_mm": pytest.approx(15.0, rel=1e-3)}
    assert search.standard_errors(inner) == {"active_length_mm": pytest.approx(0.8**0.5)}
    misses = [each.residual for each in search.readings(inner, SPACING_MM)]
    assert misses == pytest.approx([1, -4], rel=1e-2)


def test_what_changes_nothing_stays_unknown():
    observed = (Iceball(1, START_C, 20, 20, 1.0, 1.0),)
    unknowns = [_unknown(key, observed, 1.5, 30.0) for key in ("gas_c", "active_length_mm")]
    errors = _Search(observed, Linear(), {}, unknowns, SPACING_MM).standard_errors(
        np.array([-150.0, 20.0])
    )
    assert errors["gas_c"] == math.inf
    assert errors["active_length_mm"] == pytest.approx(0.5**0.5)


def test_close_is_a_millimeter_two_kelvins_or_two_uncertainties():
    ice, surface = Iceball(1, START_C, 20.0), SurfaceTemperature(1, START_C, -140.0, 5.0)
    assert Reading(ice, ice.numbers[0], 20.9).close
    assert not Reading(ice, ice.numbers[0], 21.1).close
    assert Reading(surface, surface.numbers[0], -130.5).close
    assert not Reading(surface, surface.numbers[0], -129.5).close
    assert Reading(surface, surface.numbers[0], -130.0).residual_sigmas == 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"surface_c": -140, "active_length_mm": 15}, "nothing is left to find"),
        ({}, "width_mm alone does not determine surface_c and active_length_mm"),
        ({"gas_c": -186}, "width_mm alone does not determine exchange_w_m2k and active_length_mm"),
        ({"surface_c": -140, "spacings_mm": ()}, "spacings_mm"),
        ({"surface_c": -140, "spacings_mm": (16.0,)}, "too coarse for a size of 30 mm"),
        ({"surface_c": 20}, "surface_c = 20 is outside"),
        ({"exchange_w_m2k": 0}, "exchange_w_m2k = 0 is outside"),
        ({"active_length_mm": 900}, "active_length_mm = 900 is outside"),
        ({"surface_c": -140, "gas_c": -186}, "driven by its surface or by gas"),
        ({"surface_c": -140, "find": ["exchange_w_m2k"]}, "driven by its surface or by gas"),
        ({"surface_c": -140, "find": ["surface_c"]}, "surface_c is given and in find"),
        ({"find": ["exchange"]}, "find has 'exchange' .did you mean 'exchange_w_m2k'"),
        ({"find": ["exchange_w_m2k"]}, "active_length_mm neither given nor in find"),
    ],
)
def test_bad_calibrations(arguments, message):
    with pytest.raises(InputError, match=message):
        calibrate(Iceball(10, 20, width_mm=30), GEL, 1.5, **arguments)


def test_nothing_observed():
    with pytest.raises(InputError, match="observed is empty"):
        calibrate([], GEL, 1.5)
    with pytest.raises(InputError, match="Iceball or SurfaceTemperature expected, found str"):
        calibrate(["ice.toml"], GEL, 1.5)


def test_command_line(capsys):
    words = "calibrate --minutes 1 --start 20 --diameter 1.5 --width 10 --active-length 8 --spacing"
    assert main([*words.split(), "2"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("surface_c = -")
    assert "active_length_mm = 8.0 (given)" in text
    assert "width of 0 C" in text
    assert "calibrated: fitted surface_c" in " ".join(text.split())
    assert main(["calibrate", "--minutes", "10", "--start", "20", "--diameter", "1.5"]) == 2
    assert "neither width_mm nor length_mm" in capsys.readouterr().err


def test_command_line_with_a_file(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "ice.toml"
    path.write_text("[[surface]]\nminutes = 1\nstart_c = 20\nsurface_c = -130\n")
    words = ["calibrate", "--ice", str(path), "--diameter", "1.5", "--spacing", "2"]
    assert main([*words, "--gas", "-196", "--active-length", "8"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("gas_c = -196.0 (given), exchange_w_m2k = ")
    assert "1 min, 20 C" in text
    assert "-130 C" in text
    assert main([*words, "--find", "gas_c, exchange_w_m2k"]) == 2
    assert "active_length_mm neither given nor in find" in capsys.readouterr().err
    assert main([*words, "--minutes", "10"]) == 2
    assert "and one size by options" in capsys.readouterr().err
    assert main(["calibrate", "--diameter", "1.5"]) == 2
    assert "nothing was measured; give --minutes" in capsys.readouterr().err
