"""What commands write: to the console, and all files of a folder or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import filling

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["all_or_nothing", "new_console"]


def new_console() -> Console:
    """Return the console that commands print to."""
    from rich.console import Console

    return Console()


@contextmanager
def all_or_nothing(output: Path) -> Iterator[Path]:
    """Give a folder to write to; its files move to `output`, and are named, if all went well."""
    with filling(output, "output") as partial:
        yield partial
        names = ", ".join(sorted(path.name for path in partial.iterdir()))
    new_console().print(f"wrote {output}/: {names}", highlight=False, markup=False)
