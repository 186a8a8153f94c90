"""The plan's section [optimize]: what is accepted, and one clear sentence for what is not."""

import json

import pytest

from cases import box, plan
from cryosim.errors import InputError
from cryosim.plan import EntryCone, Search, plan_from_dict, plan_schema, read_plan, write_plan
from cryosim.simulation import simulate


def content(**section):
    return {
        "anatomy": {"phantom": "uniform", "size_mm": [60, 60, 60]},
        "protocol": {"text": "freeze 3 min"},
        "optimize": section,
    }


def test_an_empty_section_is_a_search(tmp_path):
    found = plan_from_dict(content(), tmp_path)
    assert found.probe == ()
    assert found.optimize == Search()
    assert found.optimize.min_probes == 1
    assert found.optimize.directions == "parallel"


def test_everything_that_can_be_said(tmp_path):
    section = {
        "models": ["argon-17g", "icesphere-1.5"],
        "min_probes": 2,
        "max_probes": 3,
        "spacing_mm": [12, 18],
        "directions": "free",
        "max_depth_mm": 150,
        "forbidden": [7, "rib"],
        "allowed": ["muscle"],
        "clearance_mm": 0,
        "entry_label": "skin",
        "entry_cone": {"toward": [0, -2, 0]},
        "freeze_minutes": [4, 8],
        "placement_sd_mm": 0,
        "samples": 0,
        "worst_case": True,
        "spacing_of_search_mm": 2,
        "seed": 5,
    }
    found = plan_from_dict(content(**section), tmp_path).optimize
    assert found.models == ("argon-17g", "icesphere-1.5")
    assert found.forbidden == (7, "rib")
    assert found.entry_cone == EntryCone(toward=(0, -2, 0), half_angle_deg=30)
    assert found.freeze_minutes == (4.0, 8.0)


BAD = {
    "misspelt": ({"max_probe": 3}, r"optimize\.max_probe is not a known key \(did you mean"),
    "no probe": ({"min_probes": 0}, r"optimize\.min_probes = 0: .*greater than or equal to 1"),
    "too many": ({"max_probes": 13}, r"optimize\.max_probes = 13: .*less than or equal to 12"),
    "fewer than at least": (
        {"min_probes": 4, "max_probes": 2},
        r"optimize: min_probes = 4 is more than max_probes = 2",
    ),
    "unknown model": ({"models": ["argon-17"]}, r"optimize\.models: .*did you mean 'argon-17g'"),
    "spacing reversed": (
        {"spacing_mm": [20, 10]},
        r"optimize: spacing_mm = \[20, 10\] must be positive and in order",
    ),
    "spacing of nothing": ({"spacing_mm": [0, 10]}, r"spacing_mm = \[0, 10\] must be positive"),
    "freezes reversed": (
        {"freeze_minutes": [9, 5]},
        r"optimize: freeze_minutes = \[9, 5\] must be positive and in order",
    ),
    "no freeze": ({"freeze_minutes": [0, 5]}, r"optimize\.freeze_minutes\.0 = 0: .*greater than 0"),
    "cone to nowhere": (
        {"entry_cone": {"toward": [0, 0, 0]}},
        r"optimize\.entry_cone\.toward: must not be zero; give a vector",
    ),
    "cone of no angle": (
        {"entry_cone": {"toward": [0, 0, 1], "half_angle_deg": 0}},
        r"optimize\.entry_cone\.half_angle_deg = 0: .*greater than 0",
    ),
    "directions": ({"directions": "any"}, r"optimize\.directions = 'any': .*'parallel' or 'free'"),
    "deeper than the map": ({"max_depth_mm": 400}, r"optimize\.max_depth_mm = 400: .*300"),
    "voxels of a centimeter": ({"spacing_of_search_mm": 10}, r"spacing_of_search_mm = 10: .*6"),
    "seed": ({"seed": -1}, r"optimize\.seed = -1"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sections_get_one_sentence(case, tmp_path):
    section, expected = BAD[case]
    with pytest.raises(InputError, match=expected) as caught:
        plan_from_dict(content(**section), tmp_path)
    message = str(caught.value)
    assert message.startswith("plan: ")
    assert "\n" not in message


def test_a_plan_needs_neither_probes_nor_a_search(tmp_path):
    without = content()
    del without["optimize"]
    assert not without.get("probe")
    assert plan_from_dict(without, tmp_path).optimize is None


def test_a_plan_without_probes_is_not_simulated():
    without = plan().model_copy(update={"probe": (), "optimize": Search()})
    with pytest.raises(InputError, match=r"has no probe; .* 'cryosim optimize'"):
        simulate(box(6.0), without)


PLAN = """
[anatomy]
image = "images/ct.nii.gz"
labels = "images/labels.nii.gz"

[target]
mask = "tumor.nii.gz"

[[organ_at_risk]]
name = "bowel"
mask = "images/bowel.nii.gz"

[[probe]]
model = "argon-17g"
active_length_mm = 20
tip_mm = [0, 0, 0]
entry_mm = [0, 0, 90]

[protocol]
text = "freeze 3 min; thaw 2 min active"

[optimize]
max_probes = 3
entry_cone = { toward = [0, -1, 0] }
"""


def test_written_elsewhere_it_names_the_same_files(tmp_path, monkeypatch):
    (tmp_path / "patient").mkdir()
    (tmp_path / "patient" / "plan.toml").write_text(PLAN)
    out = tmp_path / "plans" / "best"
    out.mkdir(parents=True)
    for working, folder in ((tmp_path, "patient"), (tmp_path / "patient", ".")):
        monkeypatch.chdir(working)
        found = read_plan(f"{folder}/plan.toml")
        # To another folder than it will lie in, as when files are written before they are moved.
        write_plan(found, tmp_path / "plan.json", out)
        (tmp_path / "plan.json").rename(out / "plan.json")
        again = read_plan(out / "plan.json")
        assert again.anatomy.image == "../../patient/images/ct.nii.gz"
        for name in (again.anatomy.labels, again.target.mask, again.organ_at_risk[0].mask):
            assert (out / name).resolve().is_relative_to(tmp_path / "patient")
        files = ("anatomy", "target", "organ_at_risk")
        assert again.model_dump(exclude=files) == found.model_dump(exclude=files)
        assert again.organ_at_risk[0].name == "bowel"


def test_a_plan_without_files_is_written_as_it_is(tmp_path):
    found = plan_from_dict(content(max_probes=2), tmp_path)
    write_plan(found, tmp_path / "plan.json", tmp_path)
    assert read_plan(tmp_path / "plan.json") == found


def test_the_schema_has_the_section():
    schema = json.loads(json.dumps(plan_schema()))
    assert "optimize" in schema["properties"]
    section = schema["$defs"]["Search"]
    assert set(section["properties"]) == set(Search.model_fields)
    assert section["additionalProperties"] is False
    assert "probe" not in schema["required"]
