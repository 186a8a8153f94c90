"""What `cryosim list` says of probes and tissues: value, range, source, how well known."""

import dataclasses
import re

import pytest

from cryosim.cli import main
from cryosim.probes import read_catalog
from cryosim.sources import how_well_known
from cryosim.tissue import read_library


def printed(capsys, monkeypatch, *arguments):
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["list", *arguments]) == 0
    return capsys.readouterr().out


def row_of(text, name):
    (row,) = [line for line in text.splitlines() if re.match(rf"│ {re.escape(name)} +│", line)]
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_tissues_are_listed_with_their_flow(capsys, monkeypatch):
    text = printed(capsys, monkeypatch, "tissues")
    assert set(read_library().names) <= set(re.findall(r"│ ([a-z-]+) ", text))
    _, flow, known, source = row_of(text, "liver")
    assert (flow, known) == ("0.0095", "fitted")
    assert "(0.005 to 0.0155)" in text
    assert "[swine-2018]" in source
    assert row_of(text, "muscle")[2] == "weakly"
    assert row_of(text, "tumor")[1] == "its organ's, else 0.0005"
    assert row_of(text, "tumor-embolized")[1] == "50 % of its organ's, else 0.0005"


def test_probes_are_listed_with_what_freezes(capsys, monkeypatch):
    text = printed(capsys, monkeypatch, "probes")
    assert set(read_catalog()) <= set(re.findall(r"│ ([a-z0-9.-]+) ", text))
    assert row_of(text, "argon-17g")[1:3] == ["gas -196 C, 4200 W/m2/K", "fitted"]
    assert "(3500 to 5300)" in text
    assert row_of(text, "argon-17g-ideal")[1:3] == ["surface -196 C", "assumed"]


def test_a_limit_of_power_is_listed(capsys, monkeypatch):
    weak = dataclasses.replace(read_catalog()["argon-17g"], power_limit_w=25.0)
    monkeypatch.setattr("cryosim.probes.read_catalog", lambda: {"weak": weak})
    text = printed(capsys, monkeypatch, "probes")
    assert "gas -196 C, 4200 W/m2/K, at most 25 W" in text


@pytest.mark.parametrize(
    ("what", "name", "key", "value", "within", "known"),
    [
        ("tissues", "liver", "perfusion_1_s", "0.0095", "0.005 to 0.0155", "fitted"),
        ("tissues", "liver", "k_unfrozen_w_mk", "0.5191", "", "published"),
        ("tissues", "liver", "rho_c_unfrozen_j_m3k", "3.819e+06", "", "computed"),
        ("probes", "icesphere-1.5", "active_length_mm", "15", "13 to 17", "fitted"),
    ],
)
def test_every_number_by_name(capsys, monkeypatch, what, name, key, value, within, known):
    text = printed(capsys, monkeypatch, what, name)
    assert row_of(text, key)[1:4] == [value, within, known]
    assert re.search(r"^\[[a-z0-9-]+\] .*(https://|doi:)", text, re.MULTILINE)


def test_only_probes_and_tissues_have_numbers(capsys):
    assert main(["list", "phantoms", "gel"]) == 2
    assert "only probes and tissues are listed by name" in capsys.readouterr().err
    assert main(["list", "tissues", "livver"]) == 2
    assert "did you mean 'liver'" in capsys.readouterr().err


def test_how_well_known():
    assert how_well_known("[itis]") == "published"
    assert how_well_known("derived: a x b [itis]") == "computed"
    assert how_well_known("calibrated: the width") == "fitted"
    assert how_well_known("assumption: nobody knows") == "assumed"
    assert how_well_known("assumption: weakly known; half to twice") == "weakly"
