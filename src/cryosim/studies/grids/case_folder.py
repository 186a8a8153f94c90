"""The folder of a batch: finished cases, each in a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import replacing
from .case import Case
from .record import FORMAT, Record

__all__ = ["CaseFolder"]


class CaseFolder:
    """Where a batch is written to; belongs to one plan.

    Parameters
    ----------
    folder : made when missing.
    plan_key : of the plan; see `Case`.

    Raises
    ------
    InputError
        When it cannot be written, or holds cases of another plan.
    """

    def __init__(self, folder: Path, plan_key: str) -> None:
        self.folder, self._plan_key = folder, plan_key
        self._is_new = not folder.exists()
        self.cases = folder / "cases"
        if folder.exists() and not folder.is_dir():
            raise InputError(f"output {folder}: is a file; choose a folder with -o")
        for content in self._contents():
            if content.get("plan_key") != plan_key:
                raise InputError(
                    f"output {folder}: holds the benchmark of another plan, or of this plan before "
                    "it or its images were edited; choose another folder with -o"
                )
        try:
            self.cases.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"output {folder}: cannot be written ({error.strerror})") from None

    def find(self, case: Case) -> Record | None:
        """Return the record of a case that is finished; None otherwise."""
        content = _read(self._path(case))
        if content.get("format") != FORMAT or content.get("key") != case.key:
            return None
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            return Record.from_document(content)
        return None

    def keep(self, case: Case, record: Record) -> None:
        """Write the record of a finished case."""
        keys = {"format": FORMAT, "key": case.key, "plan_key": self._plan_key}
        text = json.dumps({**keys, **record.document()}, indent=1, allow_nan=False)
        with replacing(self._path(case), "case") as partial:
            partial.write_text(text + "\n", encoding="utf-8")

    def remove_if_empty(self) -> None:
        """Leave nothing behind where no case was ever finished."""
        with contextlib.suppress(OSError):
            self.cases.rmdir()
            if self._is_new:
                self.folder.rmdir()

    def _path(self, case: Case) -> Path:
        return self.cases / f"{case.spacing_mm:g}mm-{case.key}.json"

    def _contents(self) -> Iterator[dict[str, Any]]:
        """Read what an earlier batch left here."""
        for path in (self.folder / "benchmark.json", *sorted(self.cases.glob("*mm-*.json"))):
            content = _read(path)
            if content:
                yield content


def _read(path: Path) -> dict[str, Any]:
    """Return a file's JSON; nothing where there is none, or only part of one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
