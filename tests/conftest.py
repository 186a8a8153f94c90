"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of real volumes; they are third-party files and not part of the repository."""
    folder = Path(os.environ.get("CRYOSIM_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "sts_thigh").is_dir():
        pytest.skip("no real volumes here: set CRYOSIM_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def sts_thigh_dicom(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The thigh case as DICOM: folders CT and MR_T1, each with image and mask."""
    folder = tmp_path_factory.mktemp("sts_thigh")
    with tarfile.open(data_folder / "sts_thigh" / "dicom_ct_mr_rtstruct.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "STS_042"
