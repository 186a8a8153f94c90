"""The journal of a search: every finished evaluation, on disk before the next one is looked at.

A text file of JSON lines. The first says what the file is; each other one is an evaluation:
`{"task": digest, "outcome": {...}}`. A line counts once its line break is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..errors import InputError
from ..results import digest

__all__ = ["FORMAT", "Journal"]

FORMAT = 1  # of the file


class Journal:
    """Finished evaluations of one search; only one process at a time may hold it open.

    Parameters
    ----------
    path : made when missing, with its folder.
    key : hash of all that outcomes depend on but the tasks do not say: plan, images, program.

    Raises
    ------
    InputError
        When the file cannot be written, holds another search or none at all, or is in use.
    """

    def __init__(self, path: str | Path, key: str) -> None:
        self.path = Path(path)
        # As text, so that what is found is always what a later process would read.
        self._outcomes: dict[str, str] = {}
        self._file = _open(self.path)
        try:
            self._lock()
            self._end = self._read(self._file.read(), _line({"format": FORMAT, "key": key}))
        except BaseException:
            self._file.close()
            raise

    def find(self, task: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the outcome of a task that is finished; None otherwise."""
        text = self._outcomes.get(digest(task))
        return None if text is None else json.loads(text)

    def keep(self, task: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """Write the outcome of a finished task; it is on disk when this returns.

        Raises
        ------
        InputError
            When the disk is full or gone. What was written before stays.
        """
        name = digest(task)
        self._append(_line({"task": name, "outcome": outcome}))
        self._outcomes[name] = json.dumps(outcome)

    def close(self) -> None:
        """Let go of the file; nothing can be kept afterwards."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _lock(self) -> None:
        """Refuse a second process. The lock is the kernel's: it ends with its process, however."""
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"output {self.path.parent}: another search is running in it; wait for its end or "
                "choose another folder with -o"
            ) from None
        except OSError:
            return  # some network file systems know no locks

    def _read(self, content: bytes, header: bytes) -> int:
        """Take in what an earlier process left; return the length of its whole lines."""
        end = content.rfind(b"\n") + 1
        if not end:
            # Nothing, or a header that was not written to its end.
            if not header.startswith(content[: len(b'{"format"')]):
                raise self._no_journal()
            self._file.truncate(0)
            self._end = 0
            self._append(header)
            return len(header)
        first, *lines = content[:end].splitlines(keepends=True)
        if first != header:
            raise self._foreign(first)
        for line in lines:
            # Damaged by a fault of the disk: as if it had never been evaluated.
            with contextlib.suppress(ValueError, TypeError, KeyError):
                found = json.loads(line)
                self._outcomes[found["task"]] = json.dumps(found["outcome"])
        self._file.truncate(end)
        return end

    def _append(self, line: bytes) -> None:
        """Write after the last whole line, over what a failed write may have left there."""
        try:
            self._file.seek(self._end)
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from None
        self._end += len(line)

    def _foreign(self, first: bytes) -> InputError:
        """Say why a file with this first line is not ours."""
        try:
            wrote = json.loads(first)["format"]
        except (ValueError, TypeError, KeyError):
            return self._no_journal()
        if wrote != FORMAT:
            return InputError(
                f"output {self.path.parent}: holds a search in format {wrote}, written by another "
                f"version of cryosim, which reads {FORMAT}; choose another folder with -o"
            )
        return InputError(
            f"output {self.path.parent}: holds the search of another plan, or of this plan before "
            "it, its images or cryosim were edited; choose another folder with -o"
        )

    def _no_journal(self) -> InputError:
        return InputError(
            f"{self.path}: is not the journal of a search; choose another folder with -o"
        )


def _open(path: Path) -> IO[bytes]:
    """Open for reading and writing, without a buffer of Python's in between."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)  # noqa: PTH123
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"output {path.parent}: cannot be written ({error.strerror})")


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, allow_nan=False).encode() + b"\n"
