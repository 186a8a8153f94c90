"""What options of several commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import InputError

__all__ = [
    "DEMO_PHANTOM",
    "DISCLAIMER",
    "Commands",
    "add_isotherms",
    "add_output",
    "add_result",
    "numbers",
]

DISCLAIMER = "Research software, not a medical device."
DEMO_PHANTOM = "iliac-metastasis"

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_result(parser: argparse.ArgumentParser, name: str = "folder", **other: Any) -> None:
    """Add the folder of a result."""
    text = "a folder that run or demo wrote"
    parser.add_argument(name, **{"type": Path, "metavar": "DIR", "help": text, **other})


def add_output(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the folder that a command writes to."""
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help=f"default: {default}")


def add_isotherms(parser: argparse.ArgumentParser) -> None:
    """Add the isotherms that are shown or written."""
    text = "default: the plan's; write --isotherms=-40,-20"
    parser.add_argument("--isotherms", metavar="C,C,...", help=text)


def numbers(option: str, text: str) -> list[float]:
    """Read numbers with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{option} = '{text}': use numbers with commas between them, for example 4,3,2"
        ) from None
