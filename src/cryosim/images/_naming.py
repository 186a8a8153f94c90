"""Name the file in every message about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import InputError

__all__ = ["named"]


@contextmanager
def named(source: object) -> Iterator[None]:
    """Put the file or folder in front of any `InputError` raised inside."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
