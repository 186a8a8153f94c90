"""Files and folders that are there whole or not at all, and what one process leaves the next."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError, reason_of

__all__ = ["filling", "remember", "remembered", "replacing"]


@contextmanager
def replacing(path: str | Path, what: str = "") -> Iterator[Path]:
    """Give a file to write to, which takes the place of `path` once it is complete.

    A crash leaves the old file or none, never half a file.

    Parameters
    ----------
    what : kind of file, for the sentence.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    with _naming(f"{what} {path}".lstrip()):
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def filling(folder: str | Path, what: str = "") -> Iterator[Path]:
    """Give an empty folder to write to, whose files move to `folder` if all goes well.

    Parameters
    ----------
    what : kind of folder, for the sentence.

    Raises
    ------
    InputError
        When `folder` is a file or cannot be written.
    """
    folder = Path(folder)
    named = f"{what} {folder}".lstrip()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{named}: is a file; choose a folder")
    place = folder.resolve()
    with _naming(named):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        yield partial
        with _naming(named):
            place.mkdir(exist_ok=True)
            for path in sorted(partial.iterdir()):
                path.replace(place / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _naming(named: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{named}: cannot be written ({reason_of(error)})") from None


def remember(name: str, facts: Sequence[str], text: str) -> None:
    """Keep a short text in the user's cache folder; where that cannot be written, forget it.

    Parameters
    ----------
    name : of what it is. facts : all that it depends on; with others it is not found.
    """
    file = _cache_file(name, facts)
    # Whole, as another process may read it at this moment.
    with contextlib.suppress(OSError, InputError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            partial.write_text(text, encoding="ascii")


def remembered(name: str, facts: Sequence[str], within_s: float = math.inf) -> str | None:
    """Return what was kept under a name and facts; None if nothing was, or longer ago."""
    file = _cache_file(name, facts)
    try:
        age_s = time.time() - file.stat().st_mtime
        return file.read_text(encoding="ascii") if age_s <= within_s else None
    except (OSError, UnicodeDecodeError):
        return None


def _cache_file(name: str, facts: Sequence[str]) -> Path:
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cryosim" / f"{name}-{key}"
