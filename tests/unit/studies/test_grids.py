"""Benchmarking: keys of cases, comparison with a reference, what is kept, documents, pictures."""

import csv
import dataclasses
import io
import json

import pytest

from cryosim import InputError, Plan, Settings
from cryosim.anatomy import phantom_plan
from cryosim.evaluation import TimelineRow
from cryosim.pictures import draw_error, draw_time
from cryosim.reporting import batch_document, write_batch
from cryosim.simulation import Performance
from cryosim.studies import (
    Batch,
    Machine,
    MemoryUse,
    Record,
    Reference,
    Refusal,
    benchmark,
    compare,
    describe_machine,
    measure_bandwidth_gb_s,
    read_reference,
)
from cryosim.studies.grids.case import plan_cases
from cryosim.studies.grids.case_folder import CaseFolder
from cryosim.studies.grids.grid_errors import check_reference
from cryosim.studies.grids.processes import threads_each
from cryosim.studies.grids.resident_memory import forget_peak, peak_bytes, resident_bytes

MACHINE = Machine("a processor", 2, 8 * 10**9, "3.11", "2.0", "0.61", "0.1.0")
CONTENT = {
    "anatomy": {"phantom": "uniform", "size_mm": [60, 60, 80]},
    "probe": [{"model": "argon-17g", "tip_mm": [0, 0, -15], "entry_mm": [0, 0, 90]}],
    "protocol": {"text": "freeze 2 min"},
    "report": {"times_s": [60]},
}
PLAN = Plan.model_validate(CONTENT)


def record(spacing_mm, at_60_s, at_120_s, **changes):
    """A case with volumes at 0 and -40 C after one and two minutes."""
    rows = zip((60.0, 120.0), (at_60_s, at_120_s), strict=True)
    made = Record(
        spacing_mm=spacing_mm,
        voxel_mm=(spacing_mm,) * 3,
        threads=1,
        jobs=1,
        performance=Performance(64 / spacing_mm**4, 0.2, 1000, 10, 50, 50_000, 310_000_000),
        memory=MemoryUse(310_000_000, 220_000_000, 230_000_000),
        timeline=tuple(TimelineRow(t, {0.0: v[0], -40.0: v[1]}) for t, v in rows),
        machine=MACHINE,
    )
    return dataclasses.replace(made, **changes)


FINE = record(1.0, (4.0, 0.01), (10.0, 2.0))
COARSE = record(2.0, (5.0, 0.03), (9.0, 2.1))


def batch(records=(COARSE, FINE), refused=(), warnings=()):
    reference = Reference("the 1 mm grid", FINE.timeline, 1.0)
    comparison = compare(records, reference) if len(records) > 1 else None
    key = plan_cases(PLAN, (1,), Settings())[0].plan_key
    return Batch(PLAN, Settings(), key, records, refused, comparison, MACHINE, 40.0, warnings)


# --- cases and their keys ---------------------------------------------------------------------


def test_cases_are_sorted_and_each_spacing_comes_once():
    cases = plan_cases(PLAN, (1, 4, 2.0, 4.0), Settings())
    assert [case.spacing_mm for case in cases] == [4.0, 2.0, 1.0]
    assert [case.content["grid"]["spacing_mm"] for case in cases] == [4.0, 2.0, 1.0]
    assert len({case.key for case in cases}) == 3
    assert len({case.plan_key for case in cases}) == 1


def test_the_plan_s_own_spacing_plays_no_part():
    other = Plan.model_validate({**CONTENT, "grid": {"spacing_mm": 3.0}})
    assert plan_cases(other, (2,), Settings())[0].key == plan_cases(PLAN, (2,), Settings())[0].key


@pytest.mark.parametrize(
    "section",
    [
        {"protocol": {"text": "freeze 3 min"}},
        {"grid": {"padding_mm": 40}},
        {"report": {"times_s": [60, 90]}},
        {"perfusion": {"scale": 2}},
    ],
)
def test_another_plan_has_other_keys(section):
    ours = plan_cases(PLAN, (2,), Settings())[0]
    other = plan_cases(Plan.model_validate({**CONTENT, **section}), (2,), Settings())[0]
    assert (other.plan_key, other.key) != (ours.plan_key, ours.key)
    assert other.plan_key != ours.plan_key
    assert other.key != ours.key


def test_settings_and_program_change_the_case_not_the_plan(monkeypatch):
    ours = plan_cases(PLAN, (2,), Settings())[0]
    other = plan_cases(PLAN, (2,), Settings(growth=0.017))[0]
    assert other.plan_key == ours.plan_key
    assert other.key != ours.key
    monkeypatch.setattr("cryosim.studies.grids.case.program_fingerprint", lambda: "edited")
    edited = plan_cases(PLAN, (2,), Settings())[0]
    assert edited.plan_key == ours.plan_key
    assert edited.key != ours.key


def test_an_edited_image_is_another_plan(tmp_path):
    plan = Plan.model_validate(
        {**CONTENT, "anatomy": {"image": "ct.nii.gz", "label_names": "names"}}
    )
    plan._folder = tmp_path
    (tmp_path / "ct.nii.gz").write_bytes(b"one")
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "slice").write_bytes(b"one")
    keys = [plan_cases(plan, (2,), Settings())[0].plan_key]
    (tmp_path / "ct.nii.gz").write_bytes(b"two")
    keys.append(plan_cases(plan, (2,), Settings())[0].plan_key)
    (tmp_path / "names" / "slice").write_bytes(b"two")
    keys.append(plan_cases(plan, (2,), Settings())[0].plan_key)
    assert len(set(keys)) == 3
    (tmp_path / "ct.nii.gz").unlink()
    with pytest.raises(InputError, match=r"anatomy\.image = .*ct\.nii\.gz: cannot be read"):
        plan_cases(plan, (2,), Settings())


@pytest.mark.parametrize("spacing", [0, -1, 20, float("nan"), float("inf")])
def test_impossible_spacings(spacing):
    with pytest.raises(InputError, match=r"grid\.spacing_mm = .*(at least|or equal to)"):
        plan_cases(PLAN, (4, spacing), Settings())


def test_no_spacing_and_no_job(tmp_path):
    with pytest.raises(InputError, match="spacing_mm: the list is empty"):
        benchmark(PLAN, tmp_path / "out", ())
    with pytest.raises(InputError, match="jobs = 0"):
        benchmark(PLAN, tmp_path / "out", (4,), jobs=0)
    assert not (tmp_path / "out").exists()


def test_phantoms_come_with_a_plan():
    assert phantom_plan("uniform").anatomy.phantom == "uniform"
    with pytest.raises(InputError, match="'jelly' is unknown"):
        phantom_plan("jelly")


# --- what is kept ------------------------------------------------------------------------------


def test_a_record_is_found_again(tmp_path):
    case, other = plan_cases(PLAN, (2, 1), Settings())
    kept = CaseFolder(tmp_path / "out", case.plan_key)
    assert kept.find(case) is None
    kept.keep(case, COARSE)
    assert kept.find(case) == COARSE
    assert kept.find(other) is None
    assert [path.name for path in kept.cases.iterdir()] == [f"2mm-{case.key}.json"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', '{"format": 99, "key": "KEY"}'])
def test_a_damaged_case_counts_as_missing(tmp_path, damage):
    case = plan_cases(PLAN, (2,), Settings())[0]
    kept = CaseFolder(tmp_path / "out", case.plan_key)
    (kept.cases / f"2mm-{case.key}.json").write_text(damage.replace("KEY", case.key))
    assert kept.find(case) is None


def test_a_folder_belongs_to_one_plan(tmp_path):
    case = plan_cases(PLAN, (2,), Settings())[0]
    CaseFolder(tmp_path / "out", case.plan_key).keep(case, COARSE)
    with pytest.raises(InputError, match="holds the benchmark of another plan"):
        CaseFolder(tmp_path / "out", "another")
    for path in (tmp_path / "out" / "cases").iterdir():
        path.unlink()
    CaseFolder(tmp_path / "out", "another")
    (tmp_path / "out" / "benchmark.json").write_text(json.dumps({"plan_key": case.plan_key}))
    with pytest.raises(InputError, match="choose another folder"):
        CaseFolder(tmp_path / "out", "another")


def test_an_empty_folder_stays_only_if_it_was_there(tmp_path):
    CaseFolder(tmp_path / "new", "key").remove_if_empty()
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    CaseFolder(tmp_path / "old", "key").remove_if_empty()
    assert list((tmp_path / "old").iterdir()) == []
    (tmp_path / "file").write_text("precious")
    with pytest.raises(InputError, match="is a file"):
        CaseFolder(tmp_path / "file", "key")


# --- comparison ---------------------------------------------------------------------------------


def test_errors_against_the_finest_grid():
    comparison = compare((COARSE, FINE), Reference("the 1 mm grid", FINE.timeline, 1.0))
    assert set(comparison.errors) == {2.0}
    assert comparison.times_s == (60.0, 120.0)
    assert comparison.isotherms_c == (0.0, -40.0)
    found = {(error.t_s, error.isotherm_c): error for error in comparison.errors[2.0]}
    assert found[60.0, 0.0].percent == pytest.approx(25.0)
    assert found[120.0, 0.0].percent == pytest.approx(-10.0)
    # 0.01 of 2 ml is too little for a percentage to say anything: it is told, but does not count.
    assert found[60.0, -40.0].percent == pytest.approx(200.0)
    assert not found[60.0, -40.0].counts
    assert comparison.largest(2.0, 0.0).t_s == 60.0
    assert comparison.largest(2.0, -40.0).percent == pytest.approx(5.0)
    assert comparison.largest(1.0, 0.0) is None


def test_errors_against_a_file(tmp_path):
    rows = [{"t_s": 120, "0": {"volume_ml": 8, "mid_radius_mm": 9}, "-20": {"volume_ml": 3}}]
    rows += [{"t_s": 180, "0": {"volume_ml": 12.0}}]
    path = tmp_path / "exact.json"
    path.write_text(json.dumps({"timeline": rows}))
    comparison = compare((COARSE, FINE), read_reference(path))
    assert comparison.reference.name == "exact.json"
    assert (comparison.times_s, comparison.missing_times_s) == ((120.0,), (180.0,))
    assert comparison.isotherms_c == (0.0,)
    assert [error.percent for error in comparison.errors[1.0]] == [pytest.approx(25.0)]
    assert comparison.errors[2.0][0].percent == pytest.approx(12.5)


def test_nothing_frozen_in_the_reference_gives_no_error():
    nothing = (TimelineRow(60.0, {0.0: 0.0}),)
    assert compare((FINE,), Reference("r", nothing)).errors[1.0] == ()


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        '{"timeline": []}',
        '{"timeline": 3}',
        '{"timeline": [{"0": {"volume_ml": 1}}]}',
        '{"timeline": [{"t_s": 60, "cold": {"volume_ml": 1}}]}',
        '{"timeline": [{"t_s": 60, "0": 3}]}',
        '{"timeline": [{"t_s": 60, "0": {"volume_ml": NaN}}]}',
        '{"timeline": [{"t_s": 60, "0": {"volume_ml": -1}}]}',
    ],
)
def test_a_reference_without_volumes(tmp_path, content):
    path = tmp_path / "reference.json"
    path.write_text(content)
    with pytest.raises(InputError, match="holds no timeline of volumes"):
        read_reference(path)


def test_an_unreadable_reference(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_reference(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(InputError, match="not valid JSON"):
        read_reference(tmp_path / "text.json")


def test_a_reference_with_nothing_in_common():
    check_reference(Reference("r", (TimelineRow(60.0, {0.0: 1.0}),)), PLAN, Settings())
    for row, key in (
        (TimelineRow(61.0, {0.0: 1.0}), r"times_s; add some of 61 to report\.times_s"),
        (TimelineRow(60.0, {-5.0: 1.0}), r"isotherms_c; add some of -5 to report\.isotherms_c"),
    ):
        with pytest.raises(InputError, match=key):
            check_reference(Reference("r", (row,)), PLAN, Settings())


# --- documents and pictures ----------------------------------------------------------------------


def test_document():
    document = batch_document(batch(refused=(Refusal(0.5, "no memory"),), warnings=("careful",)))
    assert document["plan"]["grid"] == {"padding_mm": 50.0}
    assert "medical device" in document["disclaimer"]
    assert document["machine"]["processor"] == "a processor"
    assert document["machine"]["memory_bandwidth_gb_s"] == 40.0
    assert document["reference"]["spacing_mm"] == 1.0
    coarse, fine = document["cases"]
    assert coarse["timeline"][1]["0"] == {"volume_ml": 9.0, "error_percent": pytest.approx(-10)}
    assert coarse["largest_error"]["-40"] == {"percent": pytest.approx(5.0), "t_s": 120.0}
    assert coarse["cell_updates_per_s"] == pytest.approx(50_000 / 4)
    assert fine["largest_error"] == {}
    assert fine["timeline"][0]["0"]["error_percent"] is None
    assert document["refused"] == [{"spacing_mm": 0.5, "reason": "no memory"}]
    assert document["warnings"] == ["careful"]
    json.dumps(document, allow_nan=False)


def test_files(tmp_path):
    names = write_batch(batch(), tmp_path)
    assert names == ("benchmark.json", "benchmark.csv", "time.png", "error.png")
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "benchmark.csv").read_text())))
    assert [row["spacing_mm"] for row in rows] == ["2.0", "1.0"]
    assert [row["largest_error_percent_0c"] for row in rows] == ["25.0", ""]
    assert [row["largest_error_percent_-40c"] for row in rows] == ["5.0", ""]
    assert (tmp_path / "time.png").read_bytes().startswith(b"\x89PNG")
    # A picture of errors that are not there any more does not stay.
    assert "error.png" not in write_batch(batch((FINE,)), tmp_path)
    assert not (tmp_path / "error.png").exists()


def test_pictures_are_logarithmic_and_labelled():
    for figure, unit, curves in (
        (draw_time(batch()), "s", ["measured, 1 thread", "∝ spacing⁻⁴: voxels and stages"]),
        (draw_error(batch((record(4.0, (6, 0.1), (7, 1)), COARSE, FINE)).comparison), "%",
         ["0 °C", "-40 °C", "∝ spacing²"]),
    ):  # fmt: skip
        (axes,) = figure.axes
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert axes.get_xlabel() == "grid spacing in mm"
        assert axes.get_ylabel().endswith(f"in {unit}")
        assert [text.get_text() for text in axes.get_legend().get_texts()] == curves
    assert len(draw_time(batch((FINE,))).axes[0].lines) == 1


def test_warnings_name_what_makes_times_differ():
    from cryosim.studies.grids.batch import _warnings

    assert _warnings((COARSE, FINE), None) == ()
    (threads,) = _warnings((COARSE, record(1.0, (4, 0), (9, 2), threads=2)), None)
    assert "different numbers of threads" in threads
    elsewhere = dataclasses.replace(MACHINE, processor="another")
    (machines,) = _warnings((COARSE, record(1.0, (4, 0), (9, 2), machine=elsewhere)), None)
    assert "different machines" in machines


# --- the machine ----------------------------------------------------------------------------------


def test_machine_facts():
    facts = dataclasses.asdict(describe_machine())
    assert all(facts.values())
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 10**8
    assert 0.1 < measure_bandwidth_gb_s() < 10_000


def test_threads_are_shared(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4")
    assert [threads_each(jobs) for jobs in (1, 2, 3, 8)] == [4, 2, 1, 1]
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    assert threads_each(1) >= 1


def test_peak_memory_is_counted_from_when_it_was_forgotten():
    size = 80 << 20
    block = bytearray(size)
    del block
    forget_peak()
    before = resident_bytes()
    assert peak_bytes() - before < size
    block = bytearray(size)
    assert peak_bytes() - before > 0.8 * size
    del block
