"""What freezing around a line and around a point sink have in common: a front that is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evidence import Check
from verification.marching import COLORS, EXACT, F64, observed_orders, signed
from verification.slab import Medium

__all__ = [
    "END_S",
    "Exact",
    "Outcome",
    "Shown",
    "Sink",
    "draw",
    "errors",
    "front_checks",
    "headings",
    "table_checks",
    "temperature_checks",
]

END_S = 600.0
# T, C, of r in m and t in s.
Exact = Callable[[Any, float], Any]


@dataclass(frozen=True)
class Sink:
    """A problem and the tabulated numbers of its solution at 600 s.

    Attributes
    ----------
    strength : W/m of a line, W/sqrt(s) of a point.
    similarity : lambda; the front is at 2 lambda sqrt(a_f t).
    temperatures_c : at radii that the case names.
    """

    name: str
    medium: Medium
    strength: float
    start_c: float
    freezing_c: float
    similarity: float
    front_mm: float
    temperatures_c: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What one run gave: the front, and each voxel's radius (mm) and temperature (C)."""

    spacing_mm: float
    front_mm: float
    radius_mm: F64
    temperature_c: F64

    def mean_error_c(self, exact: Exact, radius_mm: float) -> float:
        """Mean error of the voxels whose centers lie within half a voxel of a radius."""
        ring = np.abs(self.radius_mm - radius_mm) <= 0.5 * self.spacing_mm
        error = self.temperature_c[ring] - exact(self.radius_mm[ring] * 1e-3, END_S)
        return float(np.mean(error))

    def front_error_percent(self, sink: Sink) -> float:
        """How much too far out the front is."""
        return 100 * (self.front_mm / sink.front_mm - 1)


Shown = tuple[Sink, Exact, Sequence[Outcome]]


def table_checks(
    sink: Sink, similarity: float, exact: Exact, radii_mm: Sequence[float], limit_c: float
) -> list[Check]:
    """The formulas against the tabulated numbers."""
    found = exact(np.array(radii_mm) * 1e-3, END_S)
    worst = float(np.abs(found - sink.temperatures_c).max())
    off = abs(similarity - sink.similarity)
    return [
        Check(f"{sink.name}: formula minus table, lambda", off, 0, 1e-6),
        Check(f"{sink.name}: formula minus table, temperature", worst, 0, limit_c, "C"),
    ]


def front_checks(
    sink: Sink, outcomes: Sequence[Outcome], percent_per_mm: float, highest_order: float
) -> list[Check]:
    """The front on each grid, within so many percent a millimeter of voxel, and its order."""
    checks = []
    for outcome in outcomes:
        name = f"{sink.name}: front, {outcome.spacing_mm:g} mm voxels"
        limit = percent_per_mm * outcome.spacing_mm
        checks.append(Check(name, outcome.front_error_percent(sink), -limit, limit, "%"))
    errors_mm = [outcome.front_mm - sink.front_mm for outcome in outcomes]
    ratio = outcomes[0].spacing_mm / outcomes[1].spacing_mm
    order = float(np.mean(observed_orders(errors_mm, ratio)))
    return [*checks, Check(f"{sink.name}: mean order of the front", order, 0.7, highest_order)]


def temperature_checks(
    sink: Sink, exact: Exact, outcome: Outcome, radii_mm: Sequence[float], limit_c: float
) -> list[Check]:
    """The temperatures at some radii."""
    voxels = f"{outcome.spacing_mm:g} mm voxels"
    return [
        Check(
            f"{sink.name}: temperature at {radius:g} mm, {voxels}",
            outcome.mean_error_c(exact, radius),
            -limit_c,
            limit_c,
            "C",
        )
        for radius in radii_mm
    ]


def headings(radii_mm: Sequence[float]) -> tuple[str, ...]:
    """Of the columns that `errors` fills."""
    return ("front, mm", "error, %", *(f"T({radius:g} mm) error, C" for radius in radii_mm))


def errors(
    sink: Sink, exact: Exact, outcome: Outcome, radii_mm: Sequence[float]
) -> tuple[str, ...]:
    """The front, its error, and those of temperatures, for a table."""
    return (
        f"{outcome.front_mm:.3f}",
        signed(outcome.front_error_percent(sink), 2),
        *(signed(outcome.mean_error_c(exact, radius), 2) for radius in radii_mm),
    )


def draw(figure: Any, shown: Sequence[Shown], unit: str, axis: str, nearest_mm: float) -> None:
    """Draw temperature over distance: every voxel of each grid, and the exact curve."""
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    r = np.linspace(nearest_mm, 30, 400)
    for panel, (sink, exact, outcomes) in zip(panels, shown, strict=True):
        for outcome, color, size in zip(outcomes, COLORS, (5, 3.5, 2), strict=False):
            near = outcome.radius_mm < 30
            panel.plot(
                outcome.radius_mm[near],
                outcome.temperature_c[near],
                "o",
                color=color,
                markersize=size,
                label=f"{outcome.spacing_mm:g} mm voxels",
            )
        panel.plot(r, exact(r * 1e-3, END_S), color=EXACT, linewidth=1, label="exact")
        panel.axvline(sink.front_mm, color=EXACT, linestyle=":", linewidth=1)
        panel.set_title(f"{sink.name}, {sink.strength:g} {unit}, {END_S:g} s")
        panel.set_xlabel(f"distance from the {axis}, mm")
        panel.set_ylabel("temperature, °C")
        panel.legend()
