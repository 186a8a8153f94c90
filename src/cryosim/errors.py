"""What users see when input cannot be used: one sentence, with the nearest word that can."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

__all__ = ["InputError", "did_you_mean", "reason_of"]


class InputError(ValueError):
    """Input that cannot be used: names the field or file, the value, and the way out.

    The command line prints it as one line and exits with code 2.
    """


def reason_of(error: OSError) -> str:
    """Return why a file could not be read or written, in the system's words."""
    return os.strerror(error.errno) if error.errno else str(error)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the nearest known word, or nothing."""
    spelling = {name.lower(): name for name in known}
    nearest = difflib.get_close_matches(word.lower(), spelling, n=1, cutoff=0.5)
    return f" (did you mean '{spelling[nearest[0]]}'?)" if nearest else ""
