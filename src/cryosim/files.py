"""Files that are there whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError, reason_of

__all__ = ["replacing"]


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
