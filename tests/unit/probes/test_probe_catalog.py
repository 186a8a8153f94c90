"""The probe catalog: every number sourced, the rows that the documents promise, errors."""

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
NUMBERS = {"diameter_mm", "active_length_mm", "surface_c", "cool_down_s", "active_thaw_c"}


@pytest.mark.parametrize("name", CATALOG)
def test_every_number_has_a_source(name):
    model = CATALOG[name]
    assert isinstance(model, ProbeModel)
    assert model.name == name
    assert model.description
    sources = dict(model.sources)
    assert set(sources) == NUMBERS
    for key, source in sources.items():
        cited = re.findall(r"\[([^\]]+)\]", source)
        assert set(cited) <= set(CONTENT["sources"]), f"{key}: {source}"
        assert cited or source.startswith("assumption: "), f"{key}: {source}"


def test_every_citation_is_used():
    used = re.findall(r"\[([a-z0-9.-]+)\]", str([model.sources for model in CATALOG.values()]))
    assert set(used) == set(CONTENT["sources"])


@pytest.mark.parametrize(
    ("name", "diameter_mm", "active_length_mm", "surface_c"),
    [
        ("argon-17g", 1.5, 30.0, -196.0),
        ("argon-17g-pancreas", 1.5, 30.0, -160.0),
        ("icesphere-1.5", 1.5, 15.0, -140.0),
        ("icerod-1.5", 1.5, 30.0, -170.0),
        ("co2-celsio", 1.7, 15.0, -79.0),
    ],
)
def test_rows(name, diameter_mm, active_length_mm, surface_c):
    model = find_model(name)
    assert model.diameter_mm == diameter_mm
    assert model.active_length_mm == active_length_mm
    assert model.surface_c == surface_c
    assert 20.0 <= model.active_thaw_c <= 40.0


def test_what_nobody_measured_is_marked():
    assumed = {
        (model.name, key)
        for model in CATALOG.values()
        for key, source in model.sources
        if source.startswith("assumption")
    }
    # colder than boiling argon: never a measurement
    assert {name for name, model in CATALOG.items() if model.surface_c < -185.8} == {"argon-17g"}
    assert {("argon-17g", "surface_c"), ("argon-17g-pancreas", "surface_c")} <= assumed
    assert ("co2-celsio", "active_length_mm") in assumed
    assert ("icesphere-1.5", "surface_c") not in assumed
    assert all((name, "active_thaw_c") in assumed for name in CATALOG)
    argon = find_model("argon-17g")
    for text in (argon.description, dict(argon.sources)["surface_c"]):
        assert "argon boils at -18" in text
        assert "-140 to -150 C" in text


def test_fitted_rows_say_what_they_were_fitted_to_and_how_well():
    for name in ("icesphere-1.5", "icerod-1.5"):
        source = dict(find_model(name).sources)["surface_c"]
        assert source.startswith("derived: fitted as -")
        assert find_model(name).cool_down_s == 20.0
    source = dict(find_model("icesphere-1.5").sources)["active_length_mm"]
    assert "32 +- 3 mm wide and 37 +- 4 mm long after 10 min in gel at 20 C" in source
    assert "off by" in source


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
    place = {"tip_mm": (0.0, 0.0, 0.0), "entry_mm": (0.0, 0.0, 50.0)}
    row = find_model("icesphere-1.5")
    same = Probe(model="icesphere-1.5", **place)
    assert sources_of(same) == dict(row.sources) == sources_of(row)
    assert citations([same]) == citations([row])
    colder = Probe(model="icesphere-1.5", surface_c=-150, **place)
    assert sources_of(colder) == {**dict(row.sources), "surface_c": "assumption: plan"}
    custom = Probe(diameter_mm=2.4, active_length_mm=40, surface_c=-150, **place)
    assert set(sources_of(custom).values()) == {"assumption: plan"}
    assert citations([custom]) == []
