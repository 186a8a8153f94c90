"""Pages that a benchmark writes: a record, tables in Markdown and a picture."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryosim.results import program_fingerprint
from cryosim.studies import describe_machine

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["FOLDER", "describe", "digits", "facts", "mark_plainly", "new_figure", "table", "write"]

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"

_DOTS_PER_INCH = 110


def facts(threads: int) -> dict[str, Any]:
    """Return what the timings depend on, as JSON values."""
    return {
        **dataclasses.asdict(describe_machine()),
        "program": program_fingerprint(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
    }


def describe(found: dict[str, Any]) -> str:
    """Say in a sentence what the timings depend on."""
    threads = "one thread" if found["threads"] == 1 else f"{found['threads']} threads"
    return (
        f"{found['processor']}, {found['cores']} cores, {threads}, "
        f"{found['memory_bytes'] / 2**30:.0f} GiB of memory, load {found['load_before']:g} before; "
        f"Python {found['python']}, NumPy {found['numpy']}, Numba {found['numba']}, cryosim "
        f"{found['cryosim']}. Machines are noisy: read ratios, not seconds."
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; all columns but the first hold numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def digits(value: float, count: int = 3) -> str:
    """Return a number with so many digits and no exponent."""
    if value == 0.0 or abs(value) >= 10 ** (count - 1):
        return f"{value:.0f}"
    decimals = count - 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches that needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def mark_plainly(axis: Axis) -> None:
    """Mark a logarithmic axis at 1, 2 and 5 times the powers of ten, without exponents."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def write(name: str, record: dict[str, Any], page: str, figure: Figure, folder: Path) -> None:
    """Write NAME.json, NAME.md and NAME.png, unless the program is not the one that was measured.

    Raises
    ------
    RuntimeError
        When it changed in between: then no two numbers need belong together.
    """
    if record["made_with"]["program"] != program_fingerprint():
        raise RuntimeError(f"{name}: the program changed while it was measured; run it again")
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
    figure.savefig(folder / f"{name}.png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
