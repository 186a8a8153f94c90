"""Fixtures of tests that start from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from case_files import write_case
from cryosim.cli import main


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A folder with image, labels and plan, of one's own."""
    return write_case(tmp_path)


@pytest.fixture(scope="session")
def result_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `cryosim run` wrote of that case; to look at only."""
    folder = write_case(tmp_path_factory.mktemp("finished"))
    assert main(["run", str(folder / "plan.toml"), "-o", str(folder / "out")]) in (0, 1)
    return folder / "out"
