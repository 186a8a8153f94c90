"""Lines drawn in 3D Slicer: what they say, what they leave open, and what is refused."""

import dataclasses
import json

import numpy as np
import pytest

import cases
from cryosim.errors import InputError
from cryosim.images import ProbeLine, read_probe_lines, write_probe_lines
from cryosim.plan import move_probes, probe_lines

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
ENTRY, TIP = (12.5, -40.0, 90.0), (10.0, -20.0, 7.5)


def point(position, label="L-1", **more):
    return {"label": label, "position": list(position), "positionStatus": "defined", **more}


def line(*points, kind="Line", **more):
    placed = points or (point(ENTRY, "L-1"), point(TIP, "L-2"))
    return {"type": kind, "coordinateSystem": "LPS", "controlPoints": list(placed), **more}


def write(path, *markups, schema=SCHEMA):
    path.write_text(json.dumps({"@schema": schema, "markups": list(markups)}))
    return path


def read_one(path, *markups):
    (found,) = read_probe_lines(write(path, *markups))
    return found


@pytest.fixture
def file(tmp_path):
    return tmp_path / "needle.mrk.json"


# --- reading --------------------------------------------------------------------------------------


def test_a_line_runs_from_entry_to_tip(file):
    """Slicer writes no name into the file: the file's is the line's."""
    assert read_one(file, line()) == ProbeLine("needle", ENTRY, TIP, labeled=False)


def test_ras_and_lps_are_the_same_place(file):
    turned = [point((-x, -y, z)) for x, y, z in (ENTRY, TIP)]
    for system in ("RAS", "0"):
        found = read_one(file, line(*turned, coordinateSystem=system))
        assert (found.entry_mm, found.tip_mm) == (ENTRY, TIP)
    for markup in (line(coordinateSystem="1"), line(coordinateUnits=["mm", "UCUM", "millimeter"])):
        assert read_one(file, markup).tip_mm == TIP
    without = line()
    del without["coordinateSystem"]
    assert read_one(file, without).tip_mm == TIP


@pytest.mark.parametrize(
    ("first", "second"),
    [("tip", "entry"), ("left - target", "left - entry"), ("Target", "L-2"), ("L-1", "ENTRY")],
)
def test_labels_say_which_point_is_the_tip(file, first, second):
    found = read_one(file, line(point(TIP, first), point(ENTRY, second)))
    assert found == ProbeLine("needle", ENTRY, TIP, labeled=True)


@pytest.mark.parametrize("labels", [("target-1", "target-2"), ("entry-tip-1", "entry-tip-2")])
def test_a_word_in_both_labels_says_nothing(file, labels):
    found = read_one(file, line(point(ENTRY, labels[0]), point(TIP, labels[1])))
    assert found == ProbeLine("needle", ENTRY, TIP, labeled=False)


def test_a_list_of_points_holds_tips_each_before_its_entry(file):
    other = [tuple(np.add(place, 15)) for place in (TIP, ENTRY)]
    points = [point(place) for place in (TIP, ENTRY, *other)]
    found = read_probe_lines(write(file, line(*points, kind="Fiducial", name="Endpoints")))
    assert [(each.name, each.tip_mm) for each in found] == [
        ("Endpoints, points 1 and 2", TIP),
        ("Endpoints, points 3 and 4", other[0]),
    ]


def test_files_and_markups_in_order(tmp_path):
    one = write(tmp_path / "b.mrk.json", line(name="third"), line(name="first"))
    two = write(tmp_path / "a.mrk.json", line())
    assert [each.name for each in read_probe_lines(one, two)] == ["third", "first", "a"]


def test_what_was_written_reads_the_same(tmp_path):
    lines = (ProbeLine("probe.0", ENTRY, TIP), ProbeLine("probe.1", TIP, ENTRY))
    path = tmp_path / "probes.mrk.json"
    write_probe_lines(lines, path)
    assert read_probe_lines(path) == lines
    content = json.loads(path.read_text())
    assert content["@schema"] == SCHEMA
    for markup in content["markups"]:
        assert markup["type"] == "Line"
        assert markup["coordinateSystem"] == "LPS"
        assert [each["label"] for each in markup["controlPoints"]] == ["entry", "tip"]
        assert {each["positionStatus"] for each in markup["controlPoints"]} == {"defined"}


def test_a_planner_s_own_file(data_folder):
    """Its odd points lie at the tumor of the segmentation beside it, its even ones far away."""
    path = data_folder / "slicer" / "Endpoints.mrk.json"
    if not path.is_file():
        pytest.skip("no markups among the real data")
    found = read_probe_lines(path)
    assert len(found) == 3
    assert found[0].name == "Endpoints, points 1 and 2"
    assert found[0].tip_mm == pytest.approx((101.7658, 5.8086, 0.0), abs=1e-3)
    tumor_mm = (80, 7, -9)
    for each in found:
        assert np.linalg.norm(np.subtract(each.tip_mm, tumor_mm)) < 30
        assert np.linalg.norm(np.subtract(each.entry_mm, tumor_mm)) > 60


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (line(kind="ROI"), "markup 'needle': type 'ROI' is no probe; use a Line"),
        (line(point(TIP)), "has 1 point, needs two points"),
        (line(*[point(TIP)] * 3, kind="Fiducial"), "has 3 points, needs two points for each probe"),
        (line(kind="Fiducial", controlPoints=[]), "has 0 points"),
        (line(coordinateSystem="XYZ"), "coordinateSystem = 'XYZ'; use 'LPS' or 'RAS'"),
        (line(coordinateUnits="um"), "coordinateUnits = 'um'; only millimeters"),
        (line(point(TIP), point(TIP)), "0.00 mm apart"),
        (
            line(point(TIP), {"label": "L-2", "position": "", "positionStatus": "undefined"}),
            "point 'L-2' was not placed (positionStatus = 'undefined')",
        ),
        (line(point(TIP), point((1, 2))), "position = [1, 2]; three numbers expected"),
        (line(point(TIP), point((1, 2, float("nan")))), "three numbers expected"),
        (line(1, 2), "controlPoints are damaged"),
    ],
)
def test_markups_that_are_no_probe(file, markup, expected):
    with pytest.raises(InputError) as caught:
        read_one(file, markup)
    assert str(caught.value).startswith(f"{file}: ")
    assert expected in str(caught.value)


def test_files_that_are_no_markups(file):
    with pytest.raises(InputError, match="cannot be read"):
        read_probe_lines(file)
    file.write_text("no JSON")
    with pytest.raises(InputError, match="not valid JSON"):
        read_probe_lines(file)
    file.write_text("[]")
    with pytest.raises(InputError, match="@schema: none, not that of Slicer markups"):
        read_probe_lines(file)
    write(file, line(), schema="markups-schema-v2.0.0.json")
    with pytest.raises(InputError, match=r"v2\.0\.0"):
        read_probe_lines(file)
    write(file)
    with pytest.raises(InputError, match="markups: holds none"):
        read_probe_lines(file)


# --- probes of a plan at their lines --------------------------------------------------------------


def two_probes(**second):
    return cases.plan(probes=[cases.probe(), cases.probe((12.0, 0, -10), (12.0, 0, 100), **second)])


def test_a_plan_at_its_own_lines_is_the_same_plan():
    plan = two_probes(surface_c=-120.0)
    lines = probe_lines(plan)
    assert [each.name for each in lines] == ["probe.0", "probe.1"]
    moved = move_probes(plan, lines)
    assert moved == plan
    assert moved.folder == plan.folder


def test_lines_follow_the_order_of_probes():
    plan = two_probes(surface_c=-120.0)
    lines = [ProbeLine("any", ENTRY, TIP), ProbeLine("other", (5, 5, 60), (5, 5, 5))]
    moved = move_probes(plan, lines)
    assert [probe.tip_mm for probe in moved.probe] == [TIP, (5, 5, 5)]
    assert [probe.surface_c for probe in moved.probe] == [-150.0, -120.0]


def test_numbered_lines_are_those_probes_and_the_rest_is_left_out():
    plan = two_probes(surface_c=-120.0)
    one, other = probe_lines(plan)
    assert move_probes(plan, [other, one]) == plan
    moved = move_probes(plan, [dataclasses.replace(other, name="Probe 1", tip_mm=TIP)])
    assert [(probe.tip_mm, probe.surface_c) for probe in moved.probe] == [(TIP, -120.0)]


@pytest.mark.parametrize("count", [1, 3])
def test_probes_that_are_alike_may_be_more_or_fewer(count):
    lines = [ProbeLine(f"L_{n}", (9.0 * n, 0, 90), (9.0 * n, 0, 0)) for n in range(count)]
    moved = move_probes(two_probes(), lines)
    assert [probe.tip_mm[0] for probe in moved.probe] == [9.0 * n for n in range(count)]


def test_lines_that_cannot_be_told_apart_are_refused():
    one = ProbeLine("L", ENTRY, TIP)
    with pytest.raises(InputError, match="1 lines for the plan's 2 probes, which are not alike"):
        move_probes(two_probes(surface_c=-120.0), [one])
    with pytest.raises(InputError, match=r"two lines are named 'probe\.0'"):
        move_probes(two_probes(), [dataclasses.replace(one, name="probe.0")] * 2)
    with pytest.raises(InputError, match="there is no line"):
        move_probes(two_probes(), [])


def test_a_line_the_wrong_way_round_is_refused_unless_its_labels_say_so():
    turned = ProbeLine("L", entry_mm=TIP, tip_mm=ENTRY, labeled=False)
    with pytest.raises(InputError, match=r"'L' with its tip at .* points against the probe"):
        move_probes(cases.plan(), [turned])
    labeled = dataclasses.replace(turned, labeled=True)
    assert move_probes(cases.plan(), [labeled]).probe[0].tip_mm == ENTRY
