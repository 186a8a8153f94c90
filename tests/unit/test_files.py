"""Files are whole or not there, and what is remembered is found again by the same facts only."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cryosim.errors import InputError
from cryosim.files import filling, remember, remembered, replacing


def test_a_crash_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as partial:
        partial.write_text("ne") // 0
    assert path.read_text() == "old"
    with replacing(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "plan.toml"
    words = r"plan .*plan\.toml: cannot be written"
    with pytest.raises(InputError, match=words), replacing(path, "plan") as partial:
        partial.write_text("new")


def test_what_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert remembered("speed", ["this machine"]) is None
    remember("speed", ["this machine"], "17")
    assert remembered("speed", ["this machine"], within_s=60.0) == "17"
    assert remembered("speed", ["another machine"]) is None
    assert remembered("rendering", ["this machine"]) is None
    (kept,) = (tmp_path / "cache" / "cryosim").iterdir()
    long_ago = time.time() - 100.0
    os.utime(kept, (long_ago, long_ago))
    assert remembered("speed", ["this machine"], within_s=60.0) is None
    assert remembered("speed", ["this machine"]) == "17"


def test_nothing_is_remembered_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    remember("speed", ["this machine"], "17")
    assert remembered("speed", ["this machine"]) is None


def test_a_folder_is_filled_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    with pytest.raises(ZeroDivisionError), filling(folder) as partial:
        (partial / "report.json").write_text("{}") // 0
    assert not folder.exists()
    with filling(folder) as partial:
        (partial / "dicom").mkdir()
        (partial / "dicom" / "1.dcm").write_text("image")
        (partial / "report.json").write_text("{}")
    with filling(folder) as partial:
        (partial / "report.json").write_text("[]")
    assert (folder / "report.json").read_text() == "[]"
    assert (folder / "dicom" / "1.dcm").read_text() == "image"
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_filled_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, words in (("file", "is a file"), ("file/out", "cannot be written")):
        sentence = rf"output .*{folder}: {words}"
        with pytest.raises(InputError, match=sentence), filling(tmp_path / folder, "output"):
            pass
