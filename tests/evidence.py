"""What a verification or validation case says: read by its test, its page and its figure."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

__all__ = ["Case", "Check", "Evidence", "find_cases"]


@dataclass(frozen=True)
class Check:
    """A number and the limits that it shall stay within.

    Attributes
    ----------
    name : what was measured, with its unit in words where it has one.
    value : what was found.
    low, high : the limits; None where there is none.
    unit : of value and limits, for the table.
    known : why the limits are known not to be met; a test that begins to meet them fails, too.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    known: str = ""

    @property
    def met(self) -> bool:
        """Whether the value lies within the limits."""
        above = self.low is None or self.value >= self.low
        return bool(above and (self.high is None or self.value <= self.high))

    @property
    def as_expected(self) -> bool:
        """Whether the limits are met, or missed for a reason that is stated."""
        return self.met != bool(self.known)


@dataclass(frozen=True)
class Evidence:
    """What running a case gave.

    Attributes
    ----------
    checks : at least one.
    header, rows : a table of everything else worth reading, as text.
    draw : draws the figure into an empty matplotlib Figure.
    notes : paragraphs below the table: what was seen, what is not met and why.
    """

    checks: tuple[Check, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    draw: Callable[[Any], None] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One verification or validation case.

    Attributes
    ----------
    name : of the page's file, for example "neumann-slab".
    title : one line.
    kind : "verification" against exact or reference solutions, "validation" against measurements.
    equation : Markdown; what is solved, exactly.
    setup : Markdown; grid, medium, steps.
    source : Markdown; where the solution or the measurement comes from.
    run : does the work.
    slow : takes more than ten seconds; the tests run it with ``-m slow``, the pages always.
    """

    name: str
    title: str
    kind: Literal["verification", "validation"]
    equation: str
    setup: str
    source: str
    run: Callable[[], Evidence] = field(compare=False)
    slow: bool = False


@functools.cache
def find_cases() -> tuple[Case, ...]:
    """All cases: `CASES` of every module ``case_*.py`` under verification and validation."""
    folder = Path(__file__).parent
    found: list[Case] = []
    for kind in ("verification", "validation"):
        for path in sorted((folder / kind).glob("case_*.py")):
            found += _load(f"{kind}.{path.stem}", path).CASES
    return tuple(found)


def _load(name: str, path: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
