"""What users see when input cannot be used: one sentence, with the nearest word that can."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

__all__ = ["InputError", "did_you_mean", "expect_type", "reason_of"]


class InputError(ValueError):
    """Input that cannot be used: names the field or file, the value, and the way out.

    The command line prints it as one line and exits with code 2.
    """


def expect_type(name: str, value: object, kind: type | tuple[type, ...], way: str = "") -> None:
    """Refuse an argument of a public function that is something else.

    Parameters
    ----------
    name : function and argument, as in "simulate: tissue". way : where one gets the right thing.

    Raises
    ------
    InputError
        When `value` is not of that kind.
    """
    if isinstance(value, kind):
        return
    kinds = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join(each.__name__ for each in kinds)
    raise InputError(
        f"{name}: {wanted} expected, found {type(value).__name__}{f'; {way}' if way else ''}"
    )


def reason_of(error: OSError) -> str:
    """Return why a file could not be read or written, in the system's words."""
    return os.strerror(error.errno) if error.errno else str(error)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the nearest known word, or nothing."""
    spelling = {name.lower(): name for name in known}
    nearest = difflib.get_close_matches(word.lower(), spelling, n=1, cutoff=0.5)
    return f" (did you mean '{spelling[nearest[0]]}'?)" if nearest else ""
