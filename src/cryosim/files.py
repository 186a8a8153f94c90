"""Files that are there whole or not at all, and what one process remembers for the next."""

from __future__ import annotations

import hashlib
import math
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError, reason_of

__all__ = ["remember", "remembered", "replacing"]


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
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        named = f"{what} {path}".lstrip()
        raise InputError(f"{named}: cannot be written ({reason_of(error)})") from None
    finally:
        partial.unlink(missing_ok=True)


def remember(name: str, facts: Sequence[str], text: str) -> None:
    """Keep a short text in the user's cache folder; where that cannot be written, forget it.

    Parameters
    ----------
    name : of what it is. facts : all that it depends on; with others it is not found.
    """
    file = _cache_file(name, facts)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="ascii")
    except OSError:
        return


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
