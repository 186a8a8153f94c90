"""Phantoms as files: what was written is what is read, through every door."""

from pathlib import Path

import numpy as np
import pytest

from cryosim.anatomy import place_anatomy, read_anatomy
from cryosim.errors import InputError
from cryosim.images import read_labels, read_volume
from cryosim.plan import plan_from_dict, read_plan
from cryosim_phantoms import build_phantom, phantom_names, write_phantom, writing

FILES = ["ct.nii.gz", "labels.nii.gz", "dicom", "plan.toml", "plan-dicom.toml"]


@pytest.fixture(scope="module", params=phantom_names())
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a phantom's files, of the phantom's name."""
    folder = tmp_path_factory.mktemp("phantoms") / request.param
    assert write_phantom(build_phantom(request.param), folder) == [folder / name for name in FILES]
    return folder


def test_files(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(FILES)
    assert [path.name for path in written.parent.iterdir()] == [written.name]
    slices = build_phantom(written.name).volume.grid.shape[0]
    assert len(list((written / "dicom").iterdir())) == slices


def test_nifti_and_dicom_read_back_the_same(written: Path) -> None:
    phantom = build_phantom(written.name)
    for path in (written / "ct.nii.gz", written / "dicom"):
        volume = read_volume(path, "ct")
        assert volume.modality == "ct"
        volume = volume.canonical()
        assert volume.grid.matches(phantom.volume.grid)
        assert np.array_equal(volume.values, phantom.volume.values)
    labels = read_labels(written / "labels.nii.gz").canonical()
    assert labels.grid.matches(phantom.labels.grid)
    assert np.array_equal(labels.values, phantom.labels.values)
    assert dict(labels.names) == dict(phantom.labels.names)


@pytest.mark.parametrize("name", ["plan.toml", "plan-dicom.toml"])
def test_plan_files_are_accepted(written: Path, name: str) -> None:
    plan = read_plan(written / name)
    content = dict(build_phantom(written.name).plan)
    content["anatomy"] = {**content.get("anatomy", {}), "phantom": written.name}
    expected = plan_from_dict(content, Path())
    assert plan.anatomy.tissues == expected.anatomy.tissues
    for section in ("target", "organ_at_risk", "probe", "protocol", "grid", "body"):
        assert getattr(plan, section) == getattr(expected, section)


def test_all_doors_lead_to_the_same_tissue(tmp_path: Path) -> None:
    name = "iliac-metastasis"
    phantom = build_phantom(name)
    write_phantom(phantom, tmp_path / "case")
    by_name = {**phantom.plan, "anatomy": {"phantom": name}, "grid": {"spacing_mm": 3.0}}
    expected = place_anatomy(read_anatomy(plan := plan_from_dict(by_name, Path())), plan)
    for file in ("plan.toml", "plan-dicom.toml"):
        # The plan as written, but coarser.
        text = (tmp_path / "case" / file).read_text(encoding="utf-8")
        (tmp_path / "case" / file).write_text(text.replace("spacing_mm = 1.0", "spacing_mm = 3.0"))
        plan = read_plan(tmp_path / "case" / file)
        tissue = place_anatomy(read_anatomy(plan), plan)
        assert tissue.grid.matches(expected.grid)
        assert np.array_equal(tissue.index, expected.index)
        assert [t.name for t in tissue.tissues] == [t.name for t in expected.tissues]
        for structure, share in expected.structures.items():
            assert np.array_equal(tissue.structures[structure], share)
    assert expected.warnings == ()
    target_ml = float(expected.structures["target"].sum(dtype=float)) * expected.grid.cell_volume_ml
    assert target_ml == pytest.approx(9.85, rel=0.015)


def test_folder_that_holds_files_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        write_phantom(build_phantom("uniform"), tmp_path)
    with pytest.raises(InputError, match="not an empty folder"):
        write_phantom(build_phantom("uniform"), tmp_path / "notes.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_phantom(build_phantom("uniform"), tmp_path / "notes.txt" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_empty_working_folder_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "case").mkdir()
    monkeypatch.chdir(tmp_path / "case")
    write_phantom(build_phantom("uniform"), ".")
    assert sorted(path.name for path in Path().iterdir()) == sorted(FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError("no room")

    monkeypatch.setattr(writing, "write_dicom_series", fail)
    with pytest.raises(InputError, match="no room"):
        write_phantom(build_phantom("uniform"), tmp_path / "case")
    assert list(tmp_path.iterdir()) == []
