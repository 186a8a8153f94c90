"""What the legend of a scene says, whoever draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ColorSteps", "Legend", "Row"]


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes
    ----------
    color : of the square before it, or None. values : of the columns.
    """

    label: str
    color: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColorSteps:
    """Colors of values, from low to high, and what is written under the edges of the steps."""

    colors: tuple[str, ...]
    ticks: Mapping[int, str]


@dataclass(frozen=True)
class Legend:
    """All of it, from top to bottom.

    Attributes
    ----------
    title : what is shown, and when.
    """

    title: str
    lines: tuple[Row | ColorSteps, ...]
