"""What was measured of a probe: bad numbers, phrases, files."""

import pytest

from cryosim import InputError
from cryosim.studies import Iceball, ObservedNumber, SurfaceTemperature, read_observations


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({}, "neither width_mm nor length_mm"),
        ({"width_mm": 0.03}, "width_mm = 0.03 is outside 2 to 200"),
        ({"width_mm": 30, "length_mm": 10}, "swap them"),
        ({"width_mm": 30, "length_uncertainty_mm": 3}, "length_uncertainty_mm without length_mm"),
        ({"width_mm": 30, "minutes": 600}, "iceball: minutes = 600 is outside"),
        ({"width_mm": 30, "start_c": -10}, "start_c = -10 is outside"),
        ({"width_mm": 30, "isotherm_c": 20}, "isotherm_c = 20 is outside"),
        ({"width_mm": float("nan")}, "width_mm = nan is outside"),
    ],
)
def test_bad_iceballs(numbers, message):
    with pytest.raises(InputError, match=message):
        Iceball(**{"minutes": 10, "start_c": 20, **numbers})


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"surface_c": 5}, "surface: surface_c = 5 is outside -200 to -5"),
        ({"minutes": 0}, "surface: minutes = 0 is outside"),
        ({"surface_uncertainty_c": 0}, "surface_uncertainty_c = 0 is outside"),
    ],
)
def test_bad_surfaces(numbers, message):
    with pytest.raises(InputError, match=message):
        SurfaceTemperature(**{"minutes": 10, "start_c": 20, "surface_c": -145, **numbers})


def test_numbers_and_phrases():
    ice = Iceball(10, 20, 32, 37, length_uncertainty_mm=4, isotherm_c=-20)
    assert ice.numbers == (
        ObservedNumber("width_mm", 32, None),
        ObservedNumber("length_mm", 37, 4),
    )
    assert ice.describe() == (
        "-20 C isotherm 32 mm wide and 37 +- 4 mm long after 10 min from 20 C"
    )
    assert Iceball(10, 20, length_mm=37).numbers == (ObservedNumber("length_mm", 37, None),)
    surface = SurfaceTemperature(5, 37, -145, 5)
    assert surface.numbers == (ObservedNumber("surface_c", -145, 5),)
    assert surface.describe() == "surface at -145 +- 5 C after 5 min from 37 C"


def test_a_file_holds_several(tmp_path):
    path = tmp_path / "ice.toml"
    path.write_text(
        "[[ice]]\nminutes = 10\nstart_c = 20\nwidth_mm = 32\nwidth_uncertainty_mm = 3.0\n"
        "[[surface]]\nminutes = 5\nstart_c = 37\nsurface_c = -145\n"
        "[[ice]]\nminutes = 15\nstart_c = 20\nlength_mm = 40\nisotherm_c = -20\n"
    )
    assert set(read_observations(path)) == {
        Iceball(10, 20, 32, width_uncertainty_mm=3.0),
        Iceball(15, 20, length_mm=40, isotherm_c=-20),
        SurfaceTemperature(5, 37, -145),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; give"),
        ("[[ice]", "not valid TOML"),
        ("[[ball]]\nminutes = 1", r"'ball' is not \[\[ice\]\] or \[\[surface\]\]"),
        ("[ice]\nminutes = 1", r"'ice' is not \[\[ice\]\]"),
        ("ice = [1]", r"\[\[ice\]\] 1: not a table"),
        ("[[ice]]\nminutes = 10\nwidth_mm = 3", r"\[\[ice\]\] 1: start_c missing"),
        ("[[ice]]\nminuts = 10", r"\[\[ice\]\] 1: minuts is unknown \(did you mean 'minutes'"),
        ('[[ice]]\nminutes = "10"', r"\[\[ice\]\] 1: minutes = '10' is not a number"),
        ("[[ice]]\nminutes = true", r"\[\[ice\]\] 1: minutes = True is not a number"),
        ("[[ice]]\nminutes = 10\nstart_c = 20", r"\[\[ice\]\] 1: iceball: neither width_mm"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "ice.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=f"observations .*ice.toml: {message}"):
        read_observations(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        read_observations(tmp_path / "none.toml")
