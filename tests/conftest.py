"""Fixtures that several folders of tests share."""

from __future__ import annotations

import http.server
import os
import re
import tarfile
import threading
from collections.abc import Iterator
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


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nothing through: its address, and the hosts that were asked for."""
    hosts: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def refuse(self) -> None:
            hosts.append(re.sub(r"^\w+://", "", self.path).split("/")[0].split(":")[0])
            self.send_error(502)

        do_GET = do_POST = do_HEAD = do_CONNECT = refuse  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", hosts
    server.shutdown()
    server.server_close()
