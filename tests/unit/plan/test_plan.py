"""Plan files: what is accepted, and one clear sentence for what is not."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

import cases
from cryosim.errors import InputError
from cryosim.plan import (
    PRESETS,
    Plan,
    Protocol,
    plan_from_dict,
    plan_schema,
    read_plan,
    write_plan,
)

GOOD = """
[anatomy]
phantom = "uniform"
size_mm = [60, 60, 80]
tissue = "ref"

[[tissue]]
name = "ref"
base = "muscle"
source = "reference case"

[[probe]]
model = "argon-17g"
tip_mm = [0, 0, -15]
entry_mm = [0, 0, 100]

[protocol]
preset = "keio-bone"
"""


def written(tmp_path, text, name="plan.toml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_good_plan(tmp_path):
    plan = read_plan(written(tmp_path, GOOD))
    assert (plan.probe[0].surface_c, plan.probe[0].gas_c) == (None, -196)
    assert plan.probe[0].diameter_mm == 1.5
    assert plan.protocol.describe() == "freeze 20 min; thaw 10 min; freeze 20 min; thaw 10 min"
    assert plan.protocol.duration_s == 3600
    assert plan.grid.spacing_mm == 1.0
    assert plan.folder == tmp_path


def test_json_with_the_same_keys(tmp_path):
    content = {
        "anatomy": {"phantom": "uniform"},
        "probe": [{"model": "argon-17g", "tip_mm": [0, 0, 0], "entry_mm": [0, 0, 9]}],
        "protocol": {"text": "freeze 90 s; thaw 2 min active"},
    }
    plan = read_plan(written(tmp_path, json.dumps(content), "plan.json"))
    assert plan.protocol.stages[0].duration_s == 90
    assert plan.protocol.stages[1].active


def test_a_plan_as_run_can_be_run_again(tmp_path):
    plan = read_plan(written(tmp_path, GOOD))
    again = plan_from_dict(plan.model_dump(mode="json", exclude_none=True), tmp_path)
    assert again == plan


def test_stops_of_blood_flow_come_back(tmp_path):
    stops = """
[[perfusion.stopped]]
tissues = ["liver"]
minutes = [0, 20]

[[perfusion.stopped]]
"""
    plan = read_plan(written(tmp_path, GOOD + stops))
    clamped, everywhere = plan.perfusion.stopped
    assert (clamped.tissues, clamped.minutes) == (("liver",), (0.0, 20.0))
    assert (everywhere.tissues, everywhere.minutes) == (None, None)
    write_plan(plan, tmp_path / "again.json", tmp_path)
    assert read_plan(tmp_path / "again.json") == plan


def test_a_number_beside_a_model_overrides_it(tmp_path):
    text = GOOD.replace('model = "argon-17g"', 'model = "argon-17g"\nsurface_c = -150')
    assert read_plan(written(tmp_path, text)).probe[0].surface_c == -150


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name):
    protocol = Protocol(preset=name)
    assert protocol.stages[0].kind == "freeze"
    assert PRESETS[name].source


def test_preset_stages():
    def stages(name):
        return [(s.kind, s.minutes, s.active) for s in Protocol(preset=name).stages]

    assert stages("keio-bone") == [("freeze", 20, False), ("thaw", 10, False)] * 2
    assert stages("keio-soft-tissue") == [("freeze", 20, False), ("thaw", 10, False)] * 3
    assert stages("renal-10-8-10") == [
        ("freeze", 10, False),
        ("thaw", 8, True),
        ("freeze", 10, False),
    ]
    assert [m for kind, m, _ in stages("lung-3-7-10") if kind == "freeze"] == [3, 7, 10]


def replace(old, new):
    return GOOD.replace(old, new)


BAD = {
    "unknown key with a suggestion": (
        replace("tip_mm", "tip_mmm"),
        r"probe\.0\.tip_mmm is not a known key \(did you mean 'tip_mm'\?\)",
    ),
    "unknown section": (GOOD + "\n[protocl]\n", r"protocl is not a known key \(did you mean"),
    "tip at +20 C": (
        replace('model = "argon-17g"', 'model = "argon-17g"\nsurface_c = 20'),
        r"probe\.0.*surface_c = 20 is outside -200 to -5",
    ),
    "900 mm probe": (
        replace('model = "argon-17g"', 'model = "argon-17g"\nactive_length_mm = 900'),
        r"probe\.0.*active_length_mm = 900 is outside 1 to 100",
    ),
    "negative diameter": (
        replace('model = "argon-17g"', 'model = "argon-17g"\ndiameter_mm = -1.5'),
        r"diameter_mm = -1\.5 is outside",
    ),
    "unknown model": (replace("argon-17g", "argon-17"), r"did you mean 'argon-17g'"),
    "model and numbers missing": (
        replace('model = "argon-17g"', ""),
        r"probe\.0\.diameter_mm is missing",
    ),
    "entry equal to tip": (
        replace("entry_mm = [0, 0, 100]", "entry_mm = [0, 0, -15]"),
        r"probe\.0: entry_mm .* equals tip_mm",
    ),
    "not a number": (replace("[0, 0, -15]", '["a", 0, 0]'), r"probe\.0\.tip_mm\.0 = 'a'"),
    "two coordinates": (replace("[0, 0, -15]", "[0, 0]"), r"probe\.0\.tip_mm"),
    "infinite coordinate": (replace("[0, 0, -15]", "[0, 0, inf]"), r"probe\.0\.tip_mm\.2 = inf"),
    "spacing in meters": (GOOD + "\n[grid]\nspacing_mm = 0.001\n", r"grid\.spacing_mm = 0\.001"),
    "negative spacing": (GOOD + "\n[grid]\nspacing_mm = -1\n", r"grid\.spacing_mm = -1"),
    "unknown preset": (replace("keio-bone", "keio"), r"preset 'keio' is unknown; known: keio-bone"),
    "unreadable protocol": (
        replace('preset = "keio-bone"', 'text = "freeze 20 hours"'),
        r"cannot read 'freeze 20 hours'; valid forms",
    ),
    "protocol without a freeze": (
        replace('preset = "keio-bone"', 'text = "thaw 10 min"'),
        r"at least one freeze",
    ),
    "endless protocol": (
        replace('preset = "keio-bone"', 'text = "freeze 2000 min"'),
        r"minutes|240",
    ),
    "image and phantom": (
        replace('tissue = "ref"', 'image = "ct.nii"'),
        r"either image or phantom",
    ),
    "no anatomy": (
        replace('phantom = "uniform"\nsize_mm = [60, 60, 80]\n', ""),
        r"anatomy: give image, labels or phantom; found none",
    ),
    "modality of labels": (
        replace('phantom = "uniform"\nsize_mm = [60, 60, 80]', 'labels = "l.nii"\nmodality = "ct"'),
        r"anatomy: modality is that of an image; add image, or remove modality",
    ),
    "target without shape": (GOOD + "\n[target]\nmargin_mm = 5\n", r"target: give label or mask"),
    "negative perfusion": (GOOD + "\n[perfusion]\nscale = -1\n", r"perfusion\.scale = -1"),
    "stop that ends before it starts": (
        GOOD + "\n[[perfusion.stopped]]\nminutes = [20, 0]\n",
        r"perfusion\.stopped\.0: minutes = \[20\.0, 0\.0\]: give \[start, stop\] in minutes",
    ),
    "stop after the end": (
        GOOD + "\n[[perfusion.stopped]]\nminutes = [60, 70]\n",
        r"perfusion\.stopped\.0\.minutes: 60 min lies after the end of the protocol, 60 min",
    ),
    "stop of nothing": (
        GOOD + "\n[[perfusion.stopped]]\ntissues = []\n",
        r"perfusion\.stopped\.0\.tissues = \[\]: tuple should have at least 1 item",
    ),
    "goal on nothing": (
        GOOD + '\n[[goal]]\nmetric = "target.volume"\nat_least = 1\n',
        r"goal\.metric = 'target\.volume' is not in the report",
    ),
    "two problems": (
        replace("tip_mm = [0, 0, -15]\nentry_mm = [0, 0, 100]", ""),
        r"probe\.0\.tip_mm is missing; add it; also probe\.0\.entry_mm is missing; add it$",
    ),
    "number or name": (
        GOOD + "\n[target]\nlabel = 1.5\n",
        r"target\.label = 1\.5: [^;]*$",
    ),
    "single brackets": (
        replace("[[probe]]", "[probe]"),
        r"probe is a list: write \[\[probe\]\]",
    ),
    "margin in meters": (
        GOOD + "\n[target]\nlabel = 1\nmargin_mm = 0.01\n",
        r"margin_mm = 0\.01 is not millimeters",
    ),
    "protection with two shapes": (
        GOOD + '\n[[protection]]\ntissue = "gas"\nlabel = 1\nbeside = "x"\nthickness_mm = 5\n',
        r"protection 'protection': give one shape: center_mm with radius_mm, label, or beside",
    ),
    "layer beside nothing": (
        GOOD + '\n[[protection]]\ntissue = "gas"\nbeside = "bowel"\nthickness_mm = 5\n',
        r"beside = 'bowel' is no organ_at_risk; known: none",
    ),
    "held at no temperature": (
        GOOD + '\n[[protection]]\ntissue = "saline"\nlabel = 1\nheld = true\n',
        r"protection 'protection': held needs temperature_c",
    ),
    "two sensors of a name": (
        GOOD + 2 * '\n[[sensor]]\nname = "a"\nat_mm = [0, 0, 0]\n',
        r"sensor: two are named 'a'; rename one",
    ),
    "not TOML": ("probe = [", r"not valid TOML"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_plans_get_one_sentence(case, tmp_path):
    text, expected = BAD[case]
    with pytest.raises(InputError, match=expected) as caught:
        read_plan(written(tmp_path, text))
    assert "\n" not in str(caught.value).split("not valid TOML")[0]
    assert "plan.toml" in str(caught.value)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "binary.toml")


def test_a_byte_order_mark_is_no_harm(tmp_path):
    (tmp_path / "plan.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_plan(tmp_path / "plan.toml").probe[0].model == "argon-17g"


def test_schema_names_every_section():
    properties = plan_schema()["properties"]
    assert set(properties) == set(Plan.model_fields)


def test_the_examples_of_the_documentation_are_plans():
    text = (Path(__file__).resolve().parents[3] / "docs" / "file-formats.md").read_text()
    sections = {}
    for block in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL):
        for name, rows in tomllib.loads(block).items():
            if isinstance(rows, dict):
                sections.setdefault(name, {}).update(rows)
            else:
                sections.setdefault(name, []).extend(rows)
    assert {"probe", "warmer", "protection", "skin_pack", "sensor", "perfusion"} <= set(sections)
    rest = {
        "anatomy": {"phantom": "uniform"},
        "organ_at_risk": [{"name": "bowel", "label": 2}],
        "protocol": {"text": "freeze 20 min; thaw 10 min"},
    }
    plan = plan_from_dict({**rest, **sections}, folder=".")
    assert plan.needles[-1].name == "urethra"


def test_plans_are_frozen(tmp_path):
    plan = read_plan(written(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        plan.grid.spacing_mm = 3.0


# --- freezes that end early -----------------------------------------------------------------------

NERVE = {"organ_at_risk": [{"name": "Left nerve", "label": 2}]}


def test_a_freeze_may_end_at_an_organ_and_is_written_the_same_way():
    text = "Freeze 20 min until Left nerve 10.5 C; thaw 10 min; freeze 90 s until skin -2 C"
    phantom = {"anatomy": {"phantom": "thigh-sarcoma"}}
    found = cases.plan(text, **NERVE, **phantom).protocol
    assert [(stage.until, stage.until_c) for stage in found.stages] == [
        ("Left nerve", 10.5), (None, None), ("skin", -2.0)
    ]  # fmt: skip
    assert Protocol(text=found.describe()).stages == found.stages


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("freeze 20 min until nerve 10 C", r"'until nerve' is no sensor and no organ_at_risk"),
        ("freeze 20 min until Left nerve 10", "cannot read"),
        ("freeze 20 min; thaw 5 min until Left nerve 10 C", "only a freeze can end early"),
        ("freeze 20 min until Left nerve 60 C", "less than or equal to 37"),
    ],
)
def test_what_cannot_end_a_freeze_is_refused(text, told):
    with pytest.raises((ValidationError, InputError), match=told):
        cases.plan(text, **NERVE)


def test_a_metric_may_be_named_by_the_end_of_its_path():
    goals = [{"metric": "healthy_ml", "at_most": 150}, {"metric": "target.volume_ml", "at_most": 9}]
    found = cases.plan(target={"label": 1}, goal=goals)
    assert [goal.metric for goal in found.goal] == ["target.healthy_ml", "target.volume_ml"]
    with pytest.raises(ValidationError, match="'min_mm' is not in the report"):
        cases.plan(target={"label": 1}, goal=[{"metric": "min_mm", "at_least": 1}])
