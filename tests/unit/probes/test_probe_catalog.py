"""The probe catalog: every number sourced, the rows that the documents promise, errors."""

import dataclasses
import re
import tomllib
from importlib import resources

import pytest

from cryosim.errors import InputError
from cryosim.probes import Probe, ProbeModel, citations, find_model, read_catalog
from cryosim.probes.catalog import sources_of

CATALOG = read_catalog()
CONTENT = tomllib.loads(
    resources.files("cryosim.probes").joinpath("catalog.toml").read_text(encoding="utf-8")
)
NUMBERS = {"diameter_mm", "active_length_mm", "cool_down_s", "active_thaw_c"}
SURFACE, FILM = {"surface_c"}, {"gas_c", "exchange_w_m2k"}
PLACE = {"tip_mm": (0.0, 0.0, 0.0), "entry_mm": (0.0, 0.0, 50.0)}


@pytest.mark.parametrize("name", CATALOG)
def test_every_number_has_a_source(name):
    model = CATALOG[name]
    assert isinstance(model, ProbeModel)
    assert model.name == name
    assert model.description
    sources = dict(model.sources)
    assert set(sources) in (NUMBERS | SURFACE, NUMBERS | FILM)
    for key, source in sources.items():
        cited = re.findall(r"\[([^\]]+)\]", source)
        assert set(cited) <= set(CONTENT["sources"]), f"{key}: {source}"
        explained = source.startswith(("assumption: ", "calibrated: ", "derived: "))
        assert cited or explained, f"{key}: {source}"


@pytest.mark.parametrize("name", CATALOG)
def test_ranges_hold_their_value(name):
    model = CATALOG[name]
    for key, (lowest, highest) in model.ranges.items():
        assert lowest <= getattr(model, key) <= highest
        assert lowest < highest


def test_every_citation_is_used():
    used = re.findall(r"\[([a-z0-9.-]+)\]", str([model.sources for model in CATALOG.values()]))
    assert set(used) == set(CONTENT["sources"])


@pytest.mark.parametrize(
    ("name", "diameter_mm", "active_length_mm", "surface_c"),
    [
        ("argon-17g-ideal", 1.5, 30.0, -196.0),
        ("argon-17g-pancreas", 1.5, 30.0, -160.0),
        ("nitrogen-8", 8.0, 40.0, -196.0),
        ("co2-celsio", 1.7, 15.0, -79.0),
    ],
)
def test_rows(name, diameter_mm, active_length_mm, surface_c):
    model = find_model(name)
    assert model.diameter_mm == diameter_mm
    assert model.active_length_mm == active_length_mm
    assert model.surface_c == surface_c
    assert model.gas_c is None
    assert 20.0 <= model.active_thaw_c <= 40.0


@pytest.mark.parametrize(
    ("name", "diameter_mm", "active_length_mm"),
    [
        ("argon-17g", 1.5, 30.0),
        ("argon-2.4", 2.4, 30.0),
        ("argon-3.8", 3.8, 40.0),
        ("icesphere-1.5", 1.5, 15.0),
        ("icerod-1.5", 1.5, 30.0),
        ("iceseed-1.5", 1.5, 17.0),
    ],
)
def test_argon_needles_share_the_conductance_of_a_millimeter(name, diameter_mm, active_length_mm):
    model = find_model(name)
    assert (model.diameter_mm, model.active_length_mm) == (diameter_mm, active_length_mm)
    assert (model.surface_c, model.gas_c, model.cool_down_s) == (None, -196.0, 20.0)
    assert model.exchange_w_m2k * diameter_mm == pytest.approx(4200 * 1.5, rel=1e-3)


def test_a_row_is_a_surface_or_a_film():
    numbers = {"diameter_mm": 2.0, "active_length_mm": 30.0, "cool_down_s": 0, "active_thaw_c": 20}
    for wrong in (
        {},
        {"gas_c": -186.0},
        {"exchange_w_m2k": 4000.0},
        {"gas_c": -186.0, "exchange_w_m2k": 4000.0, "surface_c": -150.0},
    ):
        with pytest.raises(InputError, match="give either surface_c, or gas_c and exchange_w_m2k"):
            ProbeModel(name="mine", **numbers, **wrong)


def test_a_plan_replaces_what_drives_a_model():
    def probe(**given):
        return Probe(model="argon-17g", **PLACE, **given)

    def drive(found):
        return found.surface_c, found.gas_c, found.exchange_w_m2k

    curve = ((0.0, 20.0), (60.0, -120.0))
    assert drive(probe()) == (None, -196.0, 4200.0)
    assert drive(probe(surface_c=-150.0)) == (-150.0, None, None)
    assert drive(probe(gas_c=-186.0)) == (None, -186.0, 4200.0)
    assert drive(probe(exchange_w_m2k=6000.0)) == (None, -196.0, 6000.0)
    assert drive(probe(curve=curve)) == (None, None, None)
    assert drive(probe(curve=curve, exchange_w_m2k=6000.0)) == (None, None, 6000.0)
    ideal = Probe(model="argon-17g-ideal", **PLACE, gas_c=-186.0, exchange_w_m2k=4000.0)
    assert drive(ideal) == (None, -186.0, 4000.0)
    with pytest.raises(ValueError, match="either surface_c or gas_c"):
        probe(surface_c=-150.0, gas_c=-186.0)


def test_a_limit_of_power_comes_from_the_row_with_its_film(monkeypatch):
    row = dataclasses.replace(find_model("argon-17g"), power_limit_w=25.0)
    monkeypatch.setattr("cryosim.probes.probe.find_model", lambda _: row)

    def limit(**given):
        return Probe(model="argon-17g", **PLACE, **given).power_limit_w

    curve = ((0.0, 20.0), (60.0, -120.0))
    assert limit() == limit(gas_c=-186.0) == limit(curve=curve, exchange_w_m2k=6000.0) == 25.0
    assert limit(power_limit_w=40.0) == 40.0
    assert limit(surface_c=-150.0) is None
    assert limit(curve=curve) is None
    assert limit(surface_c=-150.0, power_limit_w=40.0) == 40.0
    with pytest.raises(InputError, match="power_limit_w = -3 is outside"):
        dataclasses.replace(row, power_limit_w=-3.0)


def test_a_curve_stands_for_all_that_drives_a_surface():
    found = Probe(model="argon-17g-ideal", **PLACE, curve=((0.0, 20.0), (60.0, -120.0)))
    assert found.surface_c is None
    assert "surface_c" not in sources_of(found)
    assert Probe.model_validate(found.model_dump()) == found


def test_what_nobody_measured_is_marked():
    assumed = {
        (model.name, key)
        for model in CATALOG.values()
        for key, source in model.sources.items()
        if source.startswith("assumption")
    }
    # colder than boiling argon: never a measurement
    colder = {
        (name, key)
        for name, model in CATALOG.items()
        for key in ("surface_c", "gas_c")
        if (getattr(model, key) or 0.0) < -185.8 and not name.startswith("nitrogen")
    }
    assert colder <= assumed
    assert {("argon-17g-ideal", "surface_c"), ("argon-17g-pancreas", "surface_c")} <= assumed
    assert ("co2-celsio", "active_length_mm") in assumed
    assert ("argon-17g", "exchange_w_m2k") not in assumed
    assert all((name, "active_thaw_c") in assumed for name in CATALOG)
    ideal = find_model("argon-17g-ideal").sources["surface_c"]
    assert "argon boils at -18" in ideal
    assert "-140 to -150 C" in ideal


def test_fitted_rows_say_what_they_were_fitted_to_and_how_well():
    for name, model in CATALOG.items():
        if name.startswith("argon-") and model.surface_c is None:
            assert model.sources["exchange_w_m2k"].startswith("calibrated: ")
    assert "-142 C after 10 min in gel" in find_model("argon-17g").sources["exchange_w_m2k"]
    source = find_model("icesphere-1.5").sources["active_length_mm"]
    assert "32 +- 3 x 37 +- 4 mm" in source


def test_names_are_found_in_other_spellings():
    assert find_model("Argon 17G") is CATALOG["argon-17g"]
    assert find_model("icesphere_1.5") is CATALOG["icesphere-1.5"]
    assert read_catalog() is CATALOG


def test_unknown_model_names_the_nearest_and_the_way_out():
    with pytest.raises(InputError, match=r"did you mean 'icesphere-1.5'\?\); it holds: argon-17g"):
        find_model("icespere-1.5")
    with pytest.raises(InputError, match="it holds: argon-17g"):
        find_model("xyzzy")
    with pytest.raises(ValueError, match="or give diameter_mm, active_length_mm and surface_c"):
        Probe(model="xyzzy", tip_mm=(0, 0, 0), entry_mm=(0, 0, 90))


def test_catalog_cannot_be_edited():
    with pytest.raises(TypeError):
        CATALOG["mine"] = CATALOG["argon-17g"]


def test_bibliography_names_each_work_once():
    found = citations([find_model("icesphere-1.5"), find_model("icerod-1.5")])
    assert found == sorted(set(found))
    assert any(text.startswith("[bwh-prostate]") for text in found)
    assert any(text.startswith("[georgiades]") for text in found)
    assert not any(text.startswith("[celsio]") for text in found)
    assert citations([]) == []


def test_probe_in_place_keeps_the_sources_of_numbers_it_did_not_change():
    row = find_model("icesphere-1.5")
    same = Probe(model="icesphere-1.5", **PLACE)
    assert sources_of(same) == dict(row.sources) == sources_of(row)
    assert citations([same]) == citations([row])
    colder = Probe(model="icesphere-1.5", surface_c=-150, **PLACE)
    kept = {key: source for key, source in row.sources.items() if key not in FILM}
    assert sources_of(colder) == {**kept, "surface_c": "assumption: plan"}
    custom = Probe(diameter_mm=2.4, active_length_mm=40, surface_c=-150, **PLACE)
    assert set(sources_of(custom).values()) == {"assumption: plan"}
    assert citations([custom]) == []
