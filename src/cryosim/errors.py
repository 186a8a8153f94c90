"""The one exception that users see: bad input, said in one sentence."""

from __future__ import annotations

__all__ = ["InputError"]


class InputError(ValueError):
    """Input that cannot be used: names the field or file, the value, and the way out.

    The command line prints it as one line and exits with code 2.
    """
