"""What options of several commands have in common."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from ..errors import InputError

__all__ = ["DEMO_PHANTOM", "DISCLAIMER", "Commands", "numbers"]

DISCLAIMER = "Research software, not a medical device."
DEMO_PHANTOM = "iliac-metastasis"

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def numbers(option: str, text: str) -> list[float]:
    """Read numbers with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{option} = '{text}': use numbers with commas between them, for example 4,3,2"
        ) from None
