"""What a result becomes for other programs, and against what was seen, from files to files."""

import json

import nibabel
import numpy as np
import pytest
from scipy import ndimage
from vtkmodules.vtkFiltersCore import vtkMassProperties
from vtkmodules.vtkIOGeometry import vtkSTLReader

import case_files
from case_files import NERVE, edited
from cryosim.cli import main
from cryosim.evaluation import Shape, compare_shapes
from cryosim.geometry import Grid
from cryosim.results import load_result
from round_ice import turned

# The middle of the active part.
MIDDLE_MM = np.array([100.0, 50.0, 200.0])
PLAN = edited(
    case_files.PLAN,
    {
        NERVE: "",
        '3 = "nerve"\n': "",
        "freeze 3 min; thaw 1 min": "freeze 5 min",
        "spacing_mm = 2.0": "spacing_mm = 1.5",
        "padding_mm = 25": "padding_mm = 20",
        "[60]": "[180]",
    },
)


def oblique(shape, spacing, axes):
    """NIfTI's affine of an image about the middle, and where in LPS its voxels (i, j, k) are."""
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = MIDDLE_MM - axes @ (spacing * (shape - 1) / 2)
    points = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, points


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A result of an oblique image whose first axis runs to the right, written by nibabel."""
    folder = tmp_path_factory.mktemp("case")
    shape, spacing = np.array((44, 36, 30)), np.array((1.6, 1.9, 2.5))
    ras, points = oblique(shape, spacing, turned(0.3, -0.2) @ np.diag([-1.0, 1.0, 1.0]))
    labels = np.where(np.linalg.norm(points - MIDDLE_MM, axis=-1) < 6.0, 2, 1).astype(np.uint8)
    image = np.full(shape, 50, dtype=np.int16)
    image[0, 0, 0] = -1000
    for name, values in (("ct", image), ("labels", labels)):
        nibabel.save(nibabel.Nifti1Image(values, ras), folder / f"{name}.nii.gz")
    (folder / "plan.toml").write_text(PLAN)
    assert main(["run", str(folder / "plan.toml"), "-o", str(folder / "result")]) in (0, 1)
    # Results hold all that an export needs.
    (folder / "ct.nii.gz").rename(folder / "original.nii.gz")
    return folder


def test_export_lies_over_the_image(case, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--isotherms", "0,-20", "--minutes", "3", "--format", "stl,vtp"]
    assert main(["export", str(case / "result"), "-o", str(out), *options]) == 0
    assert "coldest_0C.stl" in capsys.readouterr().out
    original = nibabel.load(case / "original.nii.gz")
    coldest = nibabel.load(out / "coldest_c.nii.gz")
    assert coldest.shape == original.shape
    np.testing.assert_allclose(coldest.affine, original.affine, atol=1e-4)
    values = np.asanyarray(coldest.dataobj)
    index = np.argwhere(values <= 0)
    middle = index.mean(axis=0) @ coldest.affine[:3, :3].T + coldest.affine[:3, 3]
    assert middle * [-1, -1, 1] == pytest.approx(MIDDLE_MM, abs=0.5)
    assert values[0, 0, 0] == 37.0
    report = json.loads((case / "result" / "report.json").read_text())
    at = {row["t_s"]: row for row in report["timeline"]}
    for name, t_s, level in (("coldest", 300, "0"), ("3min", 180, "0"), ("coldest", 300, "-20")):
        reader = vtkSTLReader()
        reader.SetFileName(str(out / f"{name}_{level}C.stl"))
        properties = vtkMassProperties()
        properties.SetInputConnection(reader.GetOutputPort())
        probe_ml = 0.05
        expected = at[t_s][level]["volume_ml"] + probe_ml / 2
        assert properties.GetVolume() / 1e3 == pytest.approx(expected, rel=0.015, abs=probe_ml / 2)
    voxel_ml = abs(np.linalg.det(coldest.affine[:3, :3])) / 1e3
    assert len(index) * voxel_ml == pytest.approx(at[300]["0"]["volume_ml"], rel=0.05)
    assert (out / "target.vtp").exists()


def test_export_to_another_image(case, tmp_path):
    out = tmp_path / "out"
    labels = str(case / "labels.nii.gz")
    assert main(["export", str(case / "result"), "-o", str(out), "--image", labels]) == 0
    assert (out / "coldest_c.nii.gz").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--minutes", "4"], "time_s = 240 (4 min): the result has no snapshot then"),
        (["--isotherms", "cold"], "--isotherms = 'cold'"),
        (["--isotherms", "nan"], "must be finite"),
        (["--format", "obj"], "format 'obj' is unknown"),
        (["--image", "missing.nii.gz"], "no such file"),
    ],
)
def test_export_refuses_in_one_sentence(case, tmp_path, capsys, options, words):
    out = tmp_path / "out"
    assert main(["export", str(case / "result"), "-o", str(out), *options]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("cryosim: ")
    assert words in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


# --- against what was seen ------------------------------------------------------------------------

SHIFT_MM = np.array([1.5, -2.0, 1.0])


@pytest.fixture(scope="module")
def seen(case):
    """The ice of the result after 3 min, moved, on an oblique grid of its own."""
    result = load_result(case / "result" / "result.vtkhdf")
    field = result.temperatures_c[result.times_s.index(180.0)]
    shape, spacing = np.array((50, 60, 40)), np.array((0.8, 0.7, 1.2))
    ras, points = oblique(shape, spacing, turned(-0.5, 0.3) @ np.diag([1.0, -1.0, -1.0]))
    index = result.tissue.grid.to_index(points - SHIFT_MM)
    there = ndimage.map_coordinates(field, np.moveaxis(index[..., ::-1], -1, 0), order=1, cval=37.0)
    nibabel.save(nibabel.Nifti1Image((there <= 0).astype(np.uint8), ras), case / "ice.nii.gz")
    return case / "ice.nii.gz"


def test_a_known_shift_comes_back(case, seen, tmp_path, capsys):
    out = tmp_path / "out"
    options = [str(case / "result"), str(seen), "--minutes", "3", "-o", str(out)]
    assert main(["compare-seen", *options]) == 0
    assert "Dice" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"seen.json", "seen.png"}
    content = json.loads((out / "seen.json").read_text())
    result = load_result(case / "result" / "result.vtkhdf")
    grid, field = result.tissue.grid, result.temperatures_c[result.times_s.index(180.0)]
    moved = grid.affine.copy()
    moved[:3, 3] += SHIFT_MM
    expected = compare_shapes(Shape(grid, field, 0.0), Shape(Grid(grid.shape, moved), field, 0.0))
    assert content["dice"] == pytest.approx(expected.dice, abs=0.02)
    assert content["mean_mm"] == pytest.approx(expected.mean_mm, abs=0.1)
    assert content["p95_mm"] == pytest.approx(expected.p95_mm, abs=0.25)
    assert content["max_mm"] == pytest.approx(np.linalg.norm(SHIFT_MM), abs=0.4)
    assert content["seen_ml"] == pytest.approx(content["predicted_ml"], rel=0.02)
    assert content["t_s"] == 180


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["ice.nii.gz", "--minutes", "4"], "the result has no snapshot then"),
        (["ice.nii.gz", "--label", "7"], "label 7 has no voxel in"),
        (["original.nii.gz"], "is out of range; labels are 0, 1, 2"),
        (["labels.nii.gz"], "several labels (1, 2); say which one is the ice with --label"),
        (["missing.nii.gz"], "no such file"),
        (["plan.toml"], "does not end in .nii or .nii.gz"),
    ],
)
def test_compare_seen_refuses_in_one_sentence(case, seen, tmp_path, capsys, options, words):
    out = tmp_path / "out"
    file = str(seen.parent / options[0])
    arguments = [str(case / "result"), file, *options[1:], "-o", str(out)]
    assert main(["compare-seen", *arguments]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("cryosim: ")
    assert words in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []
