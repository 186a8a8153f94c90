"""The tissue library: every number sourced, equal to its source, and a plan's own tissues."""

import csv
import os
import re
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from cryosim.errors import InputError
from cryosim.tissue import Tissue, TissueLibrary, citations, define_tissue, read_library
from cryosim.tissue.library import NUMBER_KEYS

DATA = Path(
    os.environ.get("CRYOSIM_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data")
)
ITIS = DATA / "itis" / "TissueProperties_ITIS_449be457.csv"
RHO_C_BLOOD = 1049.75 * 3617.0

LIBRARY = read_library()
CONTENT = tomllib.loads(
    resources.files("cryosim.tissue").joinpath("library.toml").read_text(encoding="utf-8")
)

# Tissue -> row of the IT'IS table that its unfrozen numbers come from.
ITIS_ROWS = {
    "liver": "Liver",
    "kidney": "Kidney",
    "pancreas": "Pancreas",
    "spleen": "Spleen",
    "prostate": "Prostate",
    "muscle": "Muscle",
    "heart": "Heart Muscle",
    "brain": "Brain",
    "spinal-cord": "Spinal Cord",
    "nerve": "Nerve",
    "skin": "Skin",
    "cartilage": "Cartilage",
    "tendon": "Tendon\\Ligament",
    "bowel-wall": "Large Intestine",
    "stomach-wall": "Stomach",
    "bladder-wall": "Urinary Bladder Wall",
    "fat": "Fat",
    "bone-marrow": "Bone Marrow (Yellow)",
    "bone-cortical": "Bone (Cortical)",
    "bone-cancellous": "Bone (Cancellous)",
    "lung": "Lung (Deflated)",
    "lung-inflated": "Lung (Inflated)",
    "blood": "Blood",
    "bile": "Bile",
    "body-fluid": "Extracellular Fluids",
}
# Flooded lung has the flow and the metabolism of the same lung full of air.
INFLATED = {("lung", "perf"), ("lung", "meta")}
# Organs whose flow is not the resting one of the table: its share, and the row of the upper bound.
LIVER_SHARE = 0.0095 / 0.0155
PERFUSION_REDUCED = {
    "liver": (LIVER_SHARE, "Liver"),
    "kidney": (0.012 / 0.0674, None),
    "pancreas": (LIVER_SHARE, "Pancreas"),
    "prostate": (LIVER_SHARE, "Prostate"),
    "brain": (LIVER_SHARE, "Brain"),
    "bowel-wall": (LIVER_SHARE, "Small Intestine"),
    "stomach-wall": (LIVER_SHARE, "Stomach"),
    "spleen": (None, None),
    "heart": (None, None),
}

GENERIC = {
    "name": "ref",
    "k_unfrozen_w_mk": 0.5,
    "k_frozen_w_mk": 2.0,
    "rho_c_unfrozen_j_m3k": 3.6e6,
    "rho_c_frozen_j_m3k": 1.8e6,
    "latent_heat_j_m3": 2.5e8,
    "solidus_c": -8,
    "liquidus_c": -1.0,
}


@pytest.fixture(scope="module")
def itis() -> dict[str, tuple[float, ...]]:
    """Density, heat capacity, conductivity, perfusion ml/min/kg, heat generation W/kg by name."""
    if not ITIS.exists():
        pytest.skip("the IT'IS table is not here; set CRYOSIM_DATA to the folder that holds it")
    with ITIS.open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file, delimiter=";") if not row[0].startswith("Tissue N")]
    return {row[0]: tuple(float(cell.replace(",", ".")) for cell in row[1:6]) for row in rows}


def test_library_holds_the_tissues_a_plan_needs():
    organs = {"liver", "kidney", "pancreas", "spleen", "prostate", "brain", "heart", "lung"}
    walls = {"bowel-wall", "stomach-wall", "bladder-wall", "skin"}
    frame = {"muscle", "fat", "bone-cortical", "bone-cancellous", "cartilage"}
    others = {"soft-tissue", "tumor", "nerve", "spinal-cord"}
    fluids = {"blood", "urine", "saline", "gas", "gel", "bile"}
    needed = organs | walls | frame | others | fluids
    assert needed <= set(LIBRARY.names)
    assert len(LIBRARY) == len(set(LIBRARY)) == len(LIBRARY.names)


@pytest.mark.parametrize("name", LIBRARY.names)
def test_every_number_has_a_source(name):
    tissue = LIBRARY[name]
    assert set(tissue.sources) == set(NUMBER_KEYS)
    for key, source in tissue.sources.items():
        cited = re.findall(r"\[([^\]]+)\]", source)
        assert set(cited) <= set(LIBRARY.source_table), f"{key}: {source}"
        explained = source.startswith(("assumption: ", "calibrated: ", "derived: "))
        assert cited or explained, f"{key} says nothing about where {source!r} comes from"


def test_every_citation_is_used_and_can_be_followed():
    used = set(re.findall(r"\[([a-z0-9-]+)\]", " ".join(str(t.sources) for t in LIBRARY.values())))
    assert used == set(LIBRARY.source_table)
    assert all(
        re.search(r"https?://|doi:|Glaciers", text) for text in LIBRARY.source_table.values()
    )


def test_numbers_follow_the_itis_table(itis):
    for name, row in ITIS_ROWS.items():
        density, heat_capacity, conductivity, flow, heat = itis[row]
        tissue = LIBRARY[name]
        assert tissue.k_unfrozen_w_mk == pytest.approx(conductivity, rel=1e-3), name
        assert tissue.rho_c_unfrozen_j_m3k == pytest.approx(density * heat_capacity, rel=1e-3), name
        if name == "blood":
            continue
        perfusion, metabolism = flow * density * 1e-6 / 60, heat * density
        if name == "lung":
            continue
        if name in PERFUSION_REDUCED:
            share, bound = PERFUSION_REDUCED[name]
            if share is not None:
                assert tissue.perfusion_1_s == pytest.approx(share * perfusion, rel=0.02), name
            if bound is not None:
                density, *_, flow, _ = itis[bound]
                highest = flow * density * 1e-6 / 60
                assert tissue.ranges["perfusion_1_s"][1] == pytest.approx(highest, rel=0.02), name
            metabolism *= tissue.perfusion_1_s / perfusion
        else:
            assert tissue.perfusion_1_s == pytest.approx(perfusion, rel=1e-3), name
        assert tissue.metabolism_w_m3 == pytest.approx(metabolism, rel=3e-3), name


def test_flooded_lung_rests_like_inflated_lung(itis):
    density, _, _, flow, heat = itis["Lung (Inflated)"]
    lung, resting = LIBRARY["lung"], flow * density * 1e-6 / 60
    assert lung.ranges["perfusion_1_s"] == (0.0, pytest.approx(resting, rel=1e-3))
    assert LIBRARY["lung-inflated"].perfusion_1_s == pytest.approx(resting, rel=1e-3)
    scaled = heat * density * lung.perfusion_1_s / resting
    assert lung.metabolism_w_m3 == pytest.approx(scaled, rel=3e-3)
    assert LIBRARY["lung-flooded"] is lung


def test_organs_between_liver_and_kidney_lie_on_a_line():
    def at(resting, liver, kidney):
        share = np.log(resting / 0.0155) / np.log(0.0674 / 0.0155)
        return liver * (kidney / liver) ** share

    for name, resting in (("spleen", 0.0283), ("heart", 0.01848)):
        tissue = LIBRARY[name]
        low, high = tissue.ranges["perfusion_1_s"]
        assert tissue.perfusion_1_s == pytest.approx(at(resting, 0.0095, 0.012), rel=0.02), name
        assert low == pytest.approx(at(resting, 0.005, 0.008), rel=0.02), name
        assert high == pytest.approx(at(resting, 0.0155, 0.02), rel=0.02), name


def test_every_row_that_cites_a_density_uses_the_one_of_the_table(itis):
    for name, row in ITIS_ROWS.items():
        for key, source in LIBRARY[name].sources.items():
            for text in re.findall(r"([\d.]+) kg/m3", source):
                if "1000 kg/m3" not in source and (name, key[:4]) not in INFLATED:
                    shared_blood = key == "rho_c_blood_j_m3k"
                    density = itis["Blood" if shared_blood else row][0]
                    assert float(text) == pytest.approx(density, rel=1e-4), (name, key)


def test_products_written_in_a_source_give_the_value():
    checked = 0
    for name, row in CONTENT["tissue"].items():
        for key, entry in row.items():
            if not key.startswith("rho_c"):
                continue
            source = entry["source"]
            density = float(re.search(r"([\d.]+) kg/m3", source)[1])
            heat_capacity = float(re.search(r"([\d.]+) J/kg/K", source)[1])
            assert entry["value"] == pytest.approx(density * heat_capacity, rel=1e-3), (name, key)
            checked += 1
    whole = [row for row in CONTENT["tissue"].values() if "base" not in row]
    assert checked == 2 * len(whole)


@pytest.mark.parametrize("name", LIBRARY.names)
def test_latent_heat_is_water_times_its_heat_of_fusion(name):
    row = CONTENT["tissue"][name]
    entry = CONTENT["tissue"][row.get("base", name)]["latent_heat_j_m3"]
    match = re.search(
        r"x 0\.9 .*?x (?:water mass fraction )?(0\.\d+)[^x]*x ([\d.]+) ", entry["source"]
    )
    if match is None:
        assert entry["value"] in {0.0, 2.5e8} or "334 kJ/kg" in entry["source"]
        return
    water, density = float(match[1]), float(match[2])
    assert entry["value"] == pytest.approx(334e3 * 0.9 * water * density, rel=3e-3)


@pytest.mark.parametrize("name", LIBRARY.names)
def test_resting_tissue_stays_at_blood_temperature(name):
    tissue = LIBRARY[name]
    if tissue.perfusion_1_s == 0.0:
        assert tissue.metabolism_w_m3 == 0.0
        return
    warmer = tissue.metabolism_w_m3 / (tissue.perfusion_1_s * tissue.rho_c_blood_j_m3k)
    # The beating heart makes more heat per blood than anything else (0.61 K with the numbers of
    # the table); it keeps them.
    assert 0.0 < warmer < (0.65 if name == "heart" else 0.5)


@pytest.mark.parametrize("name", LIBRARY.names)
def test_freezing_makes_water_conduct_better_and_store_less(name):
    tissue = LIBRARY[name]
    assert tissue.k_frozen_w_mk >= tissue.k_unfrozen_w_mk
    assert tissue.rho_c_frozen_j_m3k <= 1.07 * tissue.rho_c_unfrozen_j_m3k
    # never more latent heat than if it were all water
    assert 0.0 <= tissue.latent_heat_j_m3 <= 334e3 * 1015


@pytest.mark.parametrize("name", LIBRARY.names)
def test_ranges_hold_their_value(name):
    for key, (lowest, highest) in LIBRARY[name].ranges.items():
        assert lowest <= getattr(LIBRARY[name], key) <= highest, key
        assert lowest < highest, key


def test_generic_tissue_is_the_published_table():
    tissue = LIBRARY["soft-tissue"]
    assert (tissue.k_unfrozen_w_mk, tissue.k_frozen_w_mk) == (0.5, 2.0)
    assert (tissue.solidus_c, tissue.liquidus_c, tissue.latent_heat_j_m3) == (-8.0, -1.0, 2.5e8)
    assert tissue.rho_c_frozen_j_m3k == pytest.approx(998 * 1800)
    assert "k_frozen_w_mk" not in tissue.assumptions
    assert "k_frozen_w_mk" in LIBRARY["tumor"].assumptions


@pytest.mark.parametrize(
    ("name", "latent_mj_m3", "k_frozen_w_mk", "c_frozen_j_kgk", "density_kg_m3"),
    [
        ("liver", 233, 1.93, 1893, 1078.75),
        ("kidney", 247, 2.02, 1892, 1066.25),
        ("pancreas", 232, 1.87, 1892, 1086.5),
        ("muscle", 243, 1.97, 1894, 1090.4),
        ("fat", 41, 0.53, 1912, 911),
        ("bone-cortical", 86, 0.8, 1392, 1908),
        ("bone-cancellous", 124, 1.16, 1734, 1178.3),
        ("lung", 253, 2.09, 1892, 1050),
        ("lung-inflated", 32, 0.18, 1900, 394),
        ("skin", 217, 1.8, 1904, 1109),
        ("nerve", 226, 1.83, 1892, 1075),
        ("bowel-wall", 245, 2.0, 1895, 1088),
        ("prostate", 251, 2.1, 1893, 1045),
        ("blood", 249, 2.07, 1895, 1049.75),
        ("saline", 334, 2.60, 1813, 1000),
    ],
)
def test_frozen_numbers(name, latent_mj_m3, k_frozen_w_mk, c_frozen_j_kgk, density_kg_m3):
    tissue = LIBRARY[name]
    assert tissue.latent_heat_j_m3 == pytest.approx(latent_mj_m3 * 1e6, abs=0.6e6)
    assert tissue.k_frozen_w_mk == pytest.approx(k_frozen_w_mk, abs=0.005)
    assert tissue.rho_c_frozen_j_m3k == pytest.approx(c_frozen_j_kgk * density_kg_m3, rel=1e-3)
    if name != "saline":
        assert (tissue.solidus_c, tissue.liquidus_c) == (-8.0, -0.6)


def test_gas_does_not_change_phase():
    gas = LIBRARY["gas"]
    assert gas.latent_heat_j_m3 == 0.0
    assert gas.k_frozen_w_mk == gas.k_unfrozen_w_mk
    assert gas.rho_c_frozen_j_m3k == gas.rho_c_unfrozen_j_m3k == pytest.approx(1147, rel=1e-3)


def test_only_blood_is_a_heat_sink():
    assert [name for name, tissue in LIBRARY.items() if tissue.heat_sink] == ["blood"]
    assert LIBRARY["blood"].rho_c_unfrozen_j_m3k == pytest.approx(RHO_C_BLOOD, rel=1e-4)
    assert all(t.rho_c_blood_j_m3k == pytest.approx(RHO_C_BLOOD) for t in LIBRARY.values())


def test_names_are_found_in_other_spellings():
    assert LIBRARY["Soft tissue"] is LIBRARY["soft-tissue"]
    assert LIBRARY["bone_cortical"] is LIBRARY["bone-cortical"]
    assert LIBRARY["air"] is LIBRARY["gas"]
    assert "air" in LIBRARY
    assert "air" not in LIBRARY.names
    assert 3 not in LIBRARY
    assert read_library() is LIBRARY


def test_unknown_tissue_names_the_nearest():
    with pytest.raises(InputError, match=r"'livver' is not in the library \(did you mean 'liver'"):
        LIBRARY["livver"]
    with pytest.raises(InputError, match="it holds: soft-tissue, tumor"):
        LIBRARY["xyzzy"]


def test_with_tissues_adds_replaces_and_leaves_the_original():
    mine = define_tissue({"name": "liver", "base": "muscle"}, LIBRARY)
    air = define_tissue({"name": "air", "base": "gas", "k_unfrozen_w_mk": 0.1}, LIBRARY)
    changed = LIBRARY.with_tissues([mine, air])
    assert isinstance(changed, TissueLibrary)
    assert changed["liver"] is mine
    assert changed["air"] is air
    assert changed["liver"].ranges == LIBRARY["muscle"].ranges
    assert LIBRARY["liver"] is not mine
    assert LIBRARY["air"].name == "gas"


def test_plan_tissue_with_all_numbers():
    tissue = define_tissue({**GENERIC, "source": "reference case"}, LIBRARY)
    assert isinstance(tissue, Tissue)
    assert (tissue.name, tissue.solidus_c, tissue.perfusion_1_s) == ("ref", -8.0, 0.0)
    assert tissue.sources["k_frozen_w_mk"] == "reference case"
    assert set(tissue.sources) == set(NUMBER_KEYS)
    assert "perfusion_1_s" in tissue.assumptions
    assert "k_frozen_w_mk" not in tissue.assumptions


def test_plan_tissue_without_source_is_an_assumption():
    tissue = define_tissue(GENERIC, LIBRARY)
    assert tissue.sources["latent_heat_j_m3"] == "assumption: plan"
    assert set(tissue.assumptions) == set(NUMBER_KEYS)


def test_plan_tissue_inherits_numbers_and_sources_from_its_base():
    tissue = define_tissue({"name": "perfused", "base": "muscle", "perfusion_1_s": 1e-3}, LIBRARY)
    assert tissue.k_frozen_w_mk == LIBRARY["muscle"].k_frozen_w_mk
    assert tissue.perfusion_1_s == 1e-3
    assert tissue.sources["perfusion_1_s"] == "assumption: plan"
    assert tissue.sources["k_unfrozen_w_mk"] == "[itis]"
    assert not tissue.heat_sink
    assert define_tissue({"name": "b", "base": "blood"}, LIBRARY).heat_sink
    assert not define_tissue({"name": "b", "base": "blood", "heat_sink": False}, LIBRARY).heat_sink


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (
            {**GENERIC, "k_frozen": 2.0},
            r"unknown key 'k_frozen' \(did you mean 'k_frozen_w_mk'\?\)",
        ),
        ({**GENERIC, "zzz": 2.0}, "allowed: name, base, source, heat_sink, frozen_law"),
        (
            {"name": "a", "base": "mussel"},
            r"'mussel' is not in the library \(did you mean 'muscle'",
        ),
        ({"name": "a", "k_frozen_w_mk": 2}, "k_unfrozen_w_mk, rho_c_unfrozen_j_m3k.* missing; add"),
        ({"k_frozen_w_mk": 2}, "name = None must be text"),
        ({"name": " "}, "name = ' ' must be text"),
        ({**GENERIC, "k_frozen_w_mk": "2"}, "k_frozen_w_mk = '2' must be a number"),
        ({**GENERIC, "k_frozen_w_mk": True}, "k_frozen_w_mk = True must be a number"),
        ({**GENERIC, "heat_sink": "yes"}, "heat_sink = 'yes' must be true or false"),
        ({**GENERIC, "source": 3}, "source = 3 must be text"),
        ({**GENERIC, "k_frozen_w_mk": 2000}, "k_frozen_w_mk = 2000 is outside"),
        ({**GENERIC, "solidus_c": 1}, "liquidus_c = -1 must lie at least"),
    ],
)
def test_bad_plan_tissue_says_what_is_wrong(definition, said):
    with pytest.raises(InputError, match=said):
        define_tissue(definition, LIBRARY)


def test_bibliography_names_each_work_once_and_no_assumption():
    mine = define_tissue({**GENERIC, "source": "Doe 2020, doi:10.1/x"}, LIBRARY)
    guess = define_tissue(GENERIC, LIBRARY)
    found = citations([LIBRARY["muscle"], LIBRARY["liver"], mine, guess])
    assert found == sorted(set(found))
    assert "Doe 2020, doi:10.1/x" in found
    assert any(text.startswith("[itis] Hasgall") for text in found)
    assert any(text.startswith("[swine-2018]") for text in found)
    assert not any("assumption" in text or "derived" in text for text in found)
    assert citations([]) == []
    assert citations([guess]) == []
