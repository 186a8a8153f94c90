"""The command line as users call it: real files, exit codes, nothing half-written."""

import json
import os
import re
import shutil
import subprocess
import sys

import nibabel
import numpy as np
import pytest

from case_files import PLAN, anatomy, edited
from cryosim.cli import main
from cryosim.evaluation import evaluate
from cryosim.geometry import Grid
from cryosim.images import Labels, write_dicom_series, write_labels
from cryosim.results import load_result
from cryosim.scene import find_rendering


def edit(case, old, new):
    plan = case / "plan.toml"
    plan.write_text(edited(plan.read_text(), {old: new}))


def refused(case, capsys, *options):
    """Run the plan, expect one sentence and exit code 2 and nothing written; return it."""
    before = {path.name for path in case.iterdir()}
    assert main(["run", str(case / "plan.toml"), "-o", str(case / "out"), *options]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("cryosim: ")
    assert "\n" not in message
    assert "Traceback" not in message
    assert {path.name for path in case.iterdir()} == before
    return message


def test_run_writes_everything(case, capsys):
    code = main(["run", str(case / "plan.toml"), "-o", str(case / "out")])
    printed = capsys.readouterr().out
    assert {path.name for path in (case / "out").iterdir()} == {
        "report.html",
        "report.json",
        "result.vtkhdf",
        "probes.mrk.json",
        "picture.png",
        "planes.png",
    }
    assert "lethal coverage" in printed
    assert "not a medical device" in printed
    report = json.loads((case / "out" / "report.json").read_text())
    assert code == (0 if report["passed"] else 1)
    assert report["energy"]["relative_error"] < 1e-6
    assert [row["t_s"] for row in report["timeline"]] == [60, 180, 240]
    assert set(report["timeline"][0]) == {"t_s", "0", "-20", "-40"}
    assert report["target"]["volume_ml"] == pytest.approx(0.905, rel=0.05)
    assert set(report["target"]["coverage"]) == {"0", "-20", "-40"}
    for which in ("ice", "lethal"):
        margin = report["target"]["margin"][which]
        assert {"min_mm", "p05_mm", "fraction_at_least_10mm"} <= set(margin)
    assert {"wall_s", "compile_s", "cells", "steps", "stages", "cell_updates"} <= set(
        report["performance"]
    )
    assert report["organs_at_risk"][0]["name"] == "nerve"
    assert report["plan"]["probe"][0]["gas_c"] == -196
    for key in ("version", "goals", "sources", "assumptions", "disclaimer"):
        assert report[key]


@pytest.mark.parametrize(("limit_c", "code"), [(36.9, 1), (-100, 0)])
def test_exit_code_tells_whether_goals_were_met(case, limit_c, code):
    edit(case, "margin_mm = 2", "margin_mm = 0\nlethal_coverage = 0.01")
    edit(case, "min_temperature_c = 10", f"min_temperature_c = {limit_c}")
    assert main(["run", str(case / "plan.toml"), "-o", str(case / "out")]) == code


def test_a_margin_that_tissue_within_its_range_takes_is_met_but_not_there(case, capsys):
    """Also in what is read back: the result file keeps what was found."""
    edit(case, '1 = "muscle"', '1 = "liver"')
    edit(case, "margin_mm = 2", "margin_mm = 5\nlethal_coverage = 0.01")
    edit(case, "freeze 3 min", "freeze 10 min")
    main(["run", str(case / "plan.toml"), "-o", str(case / "out")])
    told = " ".join(capsys.readouterr().out.split())
    found = re.search(r"ice margin: met, but not (at the \w+ end of [\w' ]+) \(\d\.\d mm\)", told)
    assert found is not None
    report = json.loads((case / "out" / "report.json").read_text())
    (margin,) = [goal for goal in report["goals"] if goal["name"] == "ice margin"]
    assert margin["verdict"] == "warn"
    assert f"ice margin: {margin['within_ranges']}" == found[0]
    names = [one["where"] for one in report["varied"]]
    assert found[1] in names
    assert names[1] == "at the upper end of liver's blood flow"  # the tumor's host, first
    assert not report["ranges_unseen"]
    again = evaluate(load_result(case / "out" / "result.vtkhdf"))
    assert [goal.within_ranges for goal in again.goals if goal.name == "ice margin"] == [
        margin["within_ranges"]
    ]


def test_dicom_gives_the_same_report(case, tmp_path):
    volume, _ = anatomy()
    write_dicom_series(volume, tmp_path / "dicom")
    reports = []
    for image in ("ct.nii.gz", "dicom"):
        (case / "plan.toml").write_text(PLAN.replace("ct.nii.gz", image))
        main(["run", str(case / "plan.toml"), "-o", str(case / "out")])
        reports.append(json.loads((case / "out" / "report.json").read_text()))
    for key in ("target", "timeline", "organs_at_risk"):
        assert reports[0][key] == reports[1][key]


def test_check_says_what_to_expect(case, capsys):
    assert main(["check", str(case / "plan.toml")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "target: 0.9 ml" in printed
    assert "stages" in printed
    assert {path.name for path in case.iterdir()} == {"plan.toml", "ct.nii.gz", "labels.nii.gz"}


def test_check_does_not_wait_for_numba(case):
    """It takes long to import; kernels were timed less than an hour ago."""
    arguments = ["check", str(case / "plan.toml")]
    assert main(arguments) == 0
    code = (
        f"import sys; from cryosim.cli import main; code = main({arguments!r}); "
        "print('numba' in sys.modules); sys.exit(code)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.splitlines()[-1] == "False"


def test_check_draws_what_was_taken_for_what(case, capsys):
    picture = case / "tissues.png"
    assert main(["check", str(case / "plan.toml"), "--picture", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "wrote" in capsys.readouterr().out


def test_plan_without_labels_or_target_cannot_fail(case, capsys):
    text = PLAN.split("[anatomy.tissues]", maxsplit=1)[0].replace('labels = "labels.nii.gz"\n', "")
    text += "[[probe]]" + PLAN.split("[[probe]]")[1]
    (case / "plan.toml").write_text(text)
    assert main(["run", str(case / "plan.toml"), "-o", str(case / "out")]) == 0
    report = json.loads((case / "out" / "report.json").read_text())
    assert report["target"] is None
    assert report["goals"] == []
    capsys.readouterr()


def test_view_writes_a_screenshot(tmp_path, result_folder, capsys):
    picture = tmp_path / "seen.png"
    assert main(["view", str(result_folder), "--screenshot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["view", str(tmp_path / "nowhere"), "--screenshot", str(picture)]) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.skipif(find_rendering() is None, reason="no OpenGL here")
def test_view_writes_movies_and_pages_of_one_or_two_results(tmp_path, result_folder, capsys):
    one, look = str(result_folder), ["--isotherms=0,-40", "--margin", "lethal", "--window", "bone"]
    movie, picture, page = tmp_path / "growth.gif", tmp_path / "both.png", tmp_path / "scene.html"
    assert main(["view", one, one, "--movie", str(movie), *look]) == 0
    assert movie.read_bytes().startswith(b"GIF89a")
    assert main(["view", one, one, "--screenshot", str(picture), *look]) == 0
    assert picture.is_file()
    assert main(["view", one, one, "--html", str(page)]) == 2
    pytest.importorskip("trame_pyvista", reason="needs the extra 'web'")
    assert main(["view", one, "--html", str(page), "--margin", "none", "--minutes", "0"]) == 0
    text = page.read_text(encoding="utf-8")
    assert "not reached" in text
    assert "whole procedure" not in text
    assert "growth.gif" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "0.123", "--screenshot", "x.png"], "no snapshot then"),
        (["--minutes", "1", "--movie", "x.gif"], "leave --minutes out"),
        (["--window", "brain", "--movie", "x.gif"], "soft-tissue, bone, lung"),
        (["--isotherms=cold", "--screenshot", "x.png"], "--isotherms"),
        (["--movie", "x.avi"], ".mp4 or .gif"),
        ([], "no display"),
    ],
)
def test_view_refuses_in_one_sentence(
    tmp_path, result_folder, capsys, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    before = set(tmp_path.iterdir())
    assert main(["view", str(result_folder), *options]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("options", [["--movie", "x.gif"], ["--html", "x.html"]])
def test_view_without_graphics_says_what_is_missing(tmp_path, result_folder, options):
    run = subprocess.run(
        [sys.executable, "-m", "cryosim", "view", str(result_folder), *options],
        env={**os.environ, "CRYOSIM_RENDERING": "none", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 2
    assert "cannot draw 3-D" in run.stderr or "cryosim[web]" in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_run_where_the_probes_are_then_compare(case, capsys, monkeypatch):
    """From the plan's own markups, moved as in 3D Slicer, to the difference between both."""
    monkeypatch.chdir(case)
    main(["run", "plan.toml"])
    content = json.loads((case / "plan-result" / "probes.mrk.json").read_text())
    for point in content["markups"][0]["controlPoints"]:
        point["position"][0] += 4.0
    (case / "L.mrk.json").write_text(json.dumps(content))
    assert main(["run", "plan.toml", "--probes", "L.mrk.json"]) in (0, 1)
    report = json.loads((case / "plan-reached-result" / "report.json").read_text())
    assert report["plan"]["probe"][0]["tip_mm"] == [104, 50, 194]
    assert report["plan"]["probe"][0]["model"] == "argon-17g"
    capsys.readouterr()
    assert main(["compare", "plan-result", "plan-reached-result", "-o", "both"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "the plans differ in probe.0.tip_mm, probe.0.entry_mm" in printed
    assert "probe.0: tip moved by 4.0 mm" in printed
    assert {path.name for path in (case / "both").iterdir()} == {"compare.json", "compare.png"}
    comparison = json.loads((case / "both" / "compare.json").read_text())
    found = {(number["section"], number["name"]): number for number in comparison["numbers"]}
    coverage = found["Target", "coverage at -40 C"]
    assert coverage["second"] == pytest.approx(report["target"]["coverage"]["-40"])
    assert coverage["difference"] < 0


def test_lists_schema_and_phantom(tmp_path, capsys):
    for what, word in (
        ("probes", "argon-17g"),
        ("tissues", "liver"),
        ("protocols", "keio-bone"),
        ("phantoms", "iliac-metastasis"),
    ):
        assert main(["list", what]) == 0
        assert word in capsys.readouterr().out
    assert main(["schema"]) == 0
    assert "probe" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["phantom", "gel", "-o", str(tmp_path / "gel")]) == 0
    assert (tmp_path / "gel" / "plan.toml").exists()
    assert main(["phantom", "jelly", "-o", str(tmp_path / "jelly")]) == 2
    with pytest.raises(SystemExit) as stopped:
        main(["fly"])
    assert stopped.value.code == 2


# --- bad input: one clear sentence, exit code 2, nothing written -----------------------------


def test_missing_image(case, capsys):
    (case / "ct.nii.gz").unlink()
    assert "ct.nii.gz" in refused(case, capsys)


def test_truncated_image(case, capsys):
    content = (case / "ct.nii.gz").read_bytes()
    (case / "ct.nii.gz").write_bytes(content[: len(content) // 2])
    assert "ct.nii.gz" in refused(case, capsys)


def test_unreadable_image(case, capsys):
    (case / "ct.nii.gz").write_bytes(b"not an image")
    assert "ct.nii.gz" in refused(case, capsys)


def test_four_dimensional_image(case, capsys):
    values = np.zeros((8, 8, 8, 2), np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), case / "ct.nii.gz")
    assert "4" in refused(case, capsys)


def test_nan_voxels(case, capsys):
    image = nibabel.load(case / "ct.nii.gz")
    values = np.asanyarray(image.dataobj).astype(np.float32).copy()
    values[3, 4, 5] = np.nan
    nibabel.save(nibabel.Nifti1Image(values, image.affine), case / "ct.nii.gz")
    assert "nan" in refused(case, capsys).lower()


def test_labels_elsewhere_in_the_world(case, capsys):
    image = nibabel.load(case / "labels.nii.gz")
    affine = image.affine.copy()
    affine[:3, 3] += 500.0
    moved = nibabel.Nifti1Image(np.asanyarray(image.dataobj), affine)
    nibabel.save(moved, case / "labels.nii.gz")
    assert "overlap" in refused(case, capsys)


def test_labels_on_another_grid_are_resampled(case):
    """Finer labels with flipped axes describe the same tumor."""
    _, labels = anatomy()
    grid = labels.grid
    fine = Grid.from_spacing(
        [n * 2 for n in grid.shape],
        grid.spacing_mm / 2,
        grid.to_world([i + 0.25 for i in np.array(grid.shape[::-1]) - 1]),
        -np.eye(3),
    )
    values = labels.values.repeat(2, 0).repeat(2, 1).repeat(2, 2)[::-1, ::-1, ::-1]
    volumes = []
    for content in (labels, Labels(fine, values)):
        write_labels(content, case / "labels.nii.gz")
        main(["run", str(case / "plan.toml"), "-o", str(case / "out")])
        report = json.loads((case / "out" / "report.json").read_text())
        volumes.append((report["target"]["volume_ml"], report["target"]["coverage"]["-20"]))
    assert volumes[0] == pytest.approx(volumes[1], rel=0.02)


def test_empty_target(case, capsys):
    edit(case, "[target]\nlabel = 2", "[target]\nlabel = 9")
    message = refused(case, capsys)
    assert "target: label 9 has no voxel" in message
    assert "1, 2, 3" in message


def test_background_is_no_target(case, capsys):
    edit(case, "[target]\nlabel = 2", "[target]\nlabel = 0")
    assert "background" in refused(case, capsys)


def test_a_probe_far_from_the_target_is_a_warning(case, capsys):
    edit(case, "tip_mm = [100, 50, 194]", "tip_mm = [78, 28, 194]")
    edit(case, "entry_mm = [100, 50, 290]", "entry_mm = [78, 28, 290]")
    assert main(["check", str(case / "plan.toml")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "probe.0: its active part is 2" in printed
    assert "away from the target" in printed


def test_target_cut_by_the_edge_is_a_warning(case):
    image = nibabel.load(case / "labels.nii.gz")
    values = np.asanyarray(image.dataobj).copy()
    values[:3, 15:20, 10:20] = 2
    nibabel.save(nibabel.Nifti1Image(values, image.affine), case / "labels.nii.gz")
    assert main(["run", str(case / "plan.toml"), "-o", str(case / "out")]) in (0, 1)
    report = json.loads((case / "out" / "report.json").read_text())
    assert any("edge of the image" in warning for warning in report["warnings"])


def test_probe_outside(case, capsys):
    edit(case, "tip_mm = [100, 50, 194]", "tip_mm = [-100, -50, 194]")
    message = refused(case, capsys)
    assert "probe.0: the tip at [-100, -50, 194] lies outside the image" in message
    assert "tip_mm" in message


def test_markups_that_do_not_fit_the_plan(case, capsys):
    assert "nowhere.mrk.json: cannot be read" in refused(
        case, capsys, "--probes", str(case / "nowhere.mrk.json")
    )
    (case / "plan.mrk.json").write_text('{"markups": []}')
    assert "@schema: none" in refused(case, capsys, "--probes", str(case / "plan.mrk.json"))


def test_comparing_what_is_no_result(case, capsys):
    before = {path.name for path in case.iterdir()}
    assert main(["compare", str(case), str(case), "-o", str(case / "both")]) == 2
    message = capsys.readouterr().err.strip()
    assert "there is no such file; run the plan first" in message
    assert "\n" not in message
    assert {path.name for path in case.iterdir()} == before


def test_two_probes_in_one_place(case, capsys):
    text = (case / "plan.toml").read_text()
    probe = "[[probe]]" + text.split("[[probe]]")[1].split("[protocol]")[0]
    edit(case, "[protocol]", probe + "[protocol]")
    assert "probe.1 and probe.0 are in one place" in refused(case, capsys)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("entry_mm = [100, 50, 290]", "entry_mm = [100, 50, 194]", "equals tip_mm"),
        ("active_length_mm = 12", "active_length_mm = 900", "900"),
        ("active_length_mm = 12", "surface_c = 20", "surface_c = 20"),
        ("spacing_mm = 2.0", "spacing_mm = 0.002", "grid.spacing_mm = 0.002"),
        ("padding_mm = 25", "padding = 25", "did you mean 'padding_mm'"),
        ('1 = "muscle"', '1 = "mussel"', "did you mean 'muscle'"),
        ('2 = "tumor"', '7 = "tumor"', "label 7"),
    ],
)
def test_absurd_numbers_and_unknown_keys(case, capsys, old, new, expected):
    edit(case, old, new)
    assert expected in refused(case, capsys)


def test_too_large_for_memory(case, capsys, monkeypatch):
    import sys

    import cryosim.simulation  # noqa: F401

    module = sys.modules["cryosim.simulation.memory"]
    monkeypatch.setattr(module, "available_bytes", lambda: 231 * 10**6)
    message = refused(case, capsys)
    assert "GB of memory" in message
    assert "use grid.spacing_mm" in message


def test_output_that_is_a_file(case, capsys):
    (case / "out").write_text("precious")
    assert "is a file" in refused(case, capsys)
    assert (case / "out").read_text() == "precious"


def test_a_crash_on_the_way_leaves_an_older_result_alone(case, monkeypatch):
    main(["run", str(case / "plan.toml"), "-o", str(case / "out")])
    before = (case / "out" / "report.json").read_bytes()
    names = {path.name for path in case.iterdir()}

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cryosim.reporting.result_folder.save_result", fail)
    assert main(["run", str(case / "plan.toml"), "-o", str(case / "out")]) == 130
    assert (case / "out" / "report.json").read_bytes() == before
    assert {path.name for path in case.iterdir()} == names


def test_gantry_tilt_names_file_and_number(case, capsys, data_folder, tmp_path):
    folder = tmp_path / "tilted"
    shutil.unpack_archive(
        data_folder / "must_refuse" / "ge_head_gantry_tilt_variable_spacing.zip", folder
    )
    edit(
        case,
        '"ct.nii.gz"',
        f'"{next(path for path in folder.rglob("*") if path.is_file()).parent}"',
    )
    message = refused(case, capsys)
    assert "18.5 degrees" in message
    assert ".dcm" in message
