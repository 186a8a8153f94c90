"""C4: freezing around a point sink whose power grows with the square root of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfc

from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.simulation.state import INNER, State, build_state
from cryosim.tissue import TissueGrid
from cryosim_kernels import material
from evidence import Case, Check, Evidence
from verification.marching import (
    COLORS,
    EXACT,
    F64,
    liquid_fraction,
    march,
    observed_orders,
    signed,
)
from verification.slab import GEL_SHARP, WATER, Medium, no_probes

START_S, END_S = 60.0, 600.0
OCTANT_MM, HELD_MM = 36.0, 5.0
GRIDS_MM = (2.25, 1.5, 1.0)
RADII_MM = (7.0, 10.0, 20.0)


@dataclass(frozen=True)
class Sink:
    """A problem and the tabulated numbers of its solution; q in W/sqrt(s)."""

    name: str
    medium: Medium
    strength: float
    start_c: float
    freezing_c: float
    similarity: float
    front_mm: float
    # At 5, 10 and 20 mm, 600 s.
    temperatures_c: tuple[float, float, float]


SINKS = (
    Sink("water", WATER, 0.5, 20.0, 0.0, 0.233309, 12.3014, (-50.979, -7.858, 16.359)),
    Sink("gel", GEL_SHARP, 0.8, 37.0, -1.0, 0.274187, 14.1731, (-99.299, -22.773, 26.772)),
)


def reduced(z: Any) -> Any:
    """G(z), the point sink's similarity function."""
    return np.exp(-(z**2)) / z - np.sqrt(np.pi) * erfc(z)


def point_sink(sink: Sink) -> tuple[float, Callable[[Any, float], Any]]:
    """Similarity constant and T(r in m, t in s)."""
    medium = sink.medium
    a_f = medium.k_frozen / medium.rho_c_frozen
    a_u = medium.k_unfrozen / medium.rho_c_unfrozen
    b = sink.strength / (8 * np.pi * medium.k_frozen * np.sqrt(a_f))
    above = sink.start_c - sink.freezing_c

    def balance(lam: float) -> float:
        n = lam * np.sqrt(a_f / a_u)
        out = medium.k_frozen * b * np.exp(-(lam**2)) / (2 * lam**2 * np.sqrt(a_f))
        inflow = medium.k_unfrozen * above * np.exp(-(n**2)) / (2 * n**2 * np.sqrt(a_u))
        return float(out - inflow / reduced(n) - medium.latent * lam * np.sqrt(a_f))

    lam = float(brentq(balance, 0.01, 1.0, xtol=1e-14))

    def temperature(r: Any, t: float) -> Any:
        frozen = sink.freezing_c - b * (reduced(r / (2 * np.sqrt(a_f * t))) - reduced(lam))
        outer = reduced(r / (2 * np.sqrt(a_u * t))) / reduced(lam * np.sqrt(a_f / a_u))
        front = 2 * lam * np.sqrt(a_f * t)
        return np.where(r < front, frozen, sink.start_c - above * outer)

    return lam, temperature


@dataclass(frozen=True)
class Outcome:
    """What one run gave: the front, and each voxel's radius (mm) and temperature (C)."""

    spacing_mm: float
    front_mm: float
    radius_mm: F64
    temperature_c: F64

    def error_c(self, exact: Callable[[Any, float], Any], radius_mm: float) -> float:
        """Mean error of the voxels whose centers lie within half a voxel of a radius."""
        shell = np.abs(self.radius_mm - radius_mm) <= 0.5 * self.spacing_mm
        error = self.temperature_c[shell] - exact(self.radius_mm[shell] * 1e-3, END_S)
        return float(np.mean(error))


def octant(sink: Sink, spacing_mm: float) -> tuple[State, F64]:
    """An octant with the exact field of the first minute; also each voxel's radius, mm."""
    count = round(OCTANT_MM / spacing_mm)
    grid = Grid.from_spacing((count,) * 3, spacing_mm, (spacing_mm / 2,) * 3)
    body = BodyPlan(temperature_c=sink.start_c, outer_faces="insulated")
    tissue = TissueGrid.uniform(grid, sink.medium.tissue())
    state, _ = build_state(tissue, no_probes(), PerfusionPlan(), body, 0)
    along = (np.arange(count) + 0.5) * spacing_mm
    radius: F64 = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2)
    _, exact = point_sink(sink)
    state.temperature[INNER] = exact(radius * 1e-3, START_S)
    held = radius < HELD_MM
    state.index[INNER][held] = material.HELD
    material.enthalpy_from_temperature(state.temperature, state.index, state.table, state.energy)
    return state, radius


def freeze(sink: Sink, spacing_mm: float) -> Outcome:
    state, radius = octant(sink, spacing_mm)
    held = radius < HELD_MM
    _, exact = point_sink(sink)
    medium = sink.medium

    def hold(middle_s: float) -> None:
        found = exact(radius[held] * 1e-3, START_S + middle_s)
        state.temperature[INNER][held] = found
        # Half a voxel of ice, or of tissue before the ice has come, up to the voxel's face.
        frozen = found < sink.freezing_c
        state.resistivity[INNER][held] = np.where(
            frozen, 1 / medium.k_frozen, 1 / medium.k_unfrozen
        )

    hold(0.0)
    # What is held lags by half a step, a kelvin or so near the sink when steps are of ten seconds.
    march(state, END_S - START_S, before_step=hold, longest_step_s=2.0)
    liquid = np.where(held, 0.0, liquid_fraction(state))
    ice = 6 * float((1 - liquid).sum()) * spacing_mm**3
    return Outcome(
        spacing_mm,
        float(np.cbrt(ice / np.pi)),
        radius[~held],
        state.temperature[INNER][~held].copy(),
    )


NOTES = (
    "As around the line sink, the front is of first order. The temperature errors are means over "
    "the voxels whose centers lie within half a voxel of the radius; 20 mm is in the tissue that "
    "has not frozen.",
)


def study(sinks: Sequence[Sink] = SINKS, grids_mm: Sequence[float] = GRIDS_MM) -> Evidence:
    checks: list[Check] = []
    rows: list[tuple[str, ...]] = []
    shown: list[tuple[Sink, Callable[[Any, float], Any], list[Outcome]]] = []
    for sink in sinks:
        lam, exact = point_sink(sink)
        outcomes = [freeze(sink, spacing) for spacing in grids_mm]
        checks += _table_checks(sink, lam, exact) + _grid_checks(sink, exact, outcomes)
        rows += [_row(sink, exact, outcome) for outcome in outcomes]
        shown.append((sink, exact, outcomes))
    header = ("medium", "voxel, mm", "front, mm", "error, %")
    header += tuple(f"T({radius:g} mm) error, C" for radius in RADII_MM)
    return Evidence(tuple(checks), header, tuple(rows), lambda figure: _draw(figure, shown), NOTES)


def _table_checks(sink: Sink, lam: float, exact: Callable[[Any, float], Any]) -> list[Check]:
    """The formulas against the tabulated numbers."""
    found = exact(np.array([5e-3, 10e-3, 20e-3]), END_S)
    worst = float(np.abs(found - sink.temperatures_c).max())
    return [
        Check(f"{sink.name}: formula minus table, lambda", abs(lam - sink.similarity), 0, 1e-6),
        Check(f"{sink.name}: formula minus table, temperature", worst, 0, 1e-3, "C"),
    ]


def _grid_checks(
    sink: Sink, exact: Callable[[Any, float], Any], outcomes: Sequence[Outcome]
) -> list[Check]:
    checks = []
    for outcome in outcomes:
        voxels = f"{outcome.spacing_mm:g} mm voxels"
        error = 100 * (outcome.front_mm / sink.front_mm - 1)
        limit = 1.0 * outcome.spacing_mm
        checks.append(Check(f"{sink.name}: front, {voxels}", error, -limit, limit, "%"))
    fronts = [outcome.front_mm - sink.front_mm for outcome in outcomes]
    ratio = outcomes[0].spacing_mm / outcomes[1].spacing_mm
    order = float(np.mean(observed_orders(fronts, ratio)))
    checks.append(Check(f"{sink.name}: mean order of the front", order, 0.7, 1.6))
    finest = outcomes[-1]
    for radius in RADII_MM:
        name = f"{sink.name}: temperature at {radius:g} mm, {finest.spacing_mm:g} mm voxels"
        checks.append(Check(name, finest.error_c(exact, radius), -0.3, 0.3, "C"))
    return checks


def _row(sink: Sink, exact: Callable[[Any, float], Any], outcome: Outcome) -> tuple[str, ...]:
    return (
        sink.name,
        f"{outcome.spacing_mm:g}",
        f"{outcome.front_mm:.3f}",
        signed(100 * (outcome.front_mm / sink.front_mm - 1), 2),
        *(signed(outcome.error_c(exact, radius), 2) for radius in RADII_MM),
    )


def _draw(
    figure: Any, shown: Sequence[tuple[Sink, Callable[[Any, float], Any], list[Outcome]]]
) -> None:
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    r = np.linspace(HELD_MM, 30, 300)
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
        panel.set_title(f"{sink.name}, {sink.strength:g} W/√s, {END_S:g} s")
        panel.set_xlabel("distance from the sink, mm")
        panel.set_ylabel("temperature, °C")
        panel.legend()


CASES = (
    Case(
        name="point-sink",
        title="Freezing around a point sink",
        kind="verification",
        equation=(
            "`dH/dt = div(k grad T)`, two phases, latent heat `L` at `T_f`, a point that takes "
            "`q sqrt(t)` watts, `T = T_i` at the start.\n\n"
            "With `G(z) = exp(-z^2)/z - sqrt(pi) erfc(z)` and `B = q / (8 pi k_f sqrt(a_f))` the "
            "front is at `R = 2 lambda sqrt(a_f t)` with `k_f B exp(-lambda^2) / (2 lambda^2 "
            "sqrt(a_f)) - k_u (T_i - T_f) exp(-n^2) / (2 n^2 sqrt(a_u) G(n)) = "
            "L lambda sqrt(a_f)`, `n = lambda sqrt(a_f / a_u)`. Ice: "
            "`T = T_f - B (G(r / (2 sqrt(a_f t))) - G(lambda))`; outside: "
            "`T = T_i - (T_i - T_f) G(r / (2 sqrt(a_u t))) / G(n)`."
        ),
        setup=(
            "An octant of 36 mm with insulated faces, 2.25, 1.5 and 1 mm voxels, from the exact "
            "field at 60 s to 600 s. Voxels nearer than 5 mm are held at the exact temperature, "
            "updated each step, at most 2 s. Water: q = 0.5 W/√s, 20 C; gel: 0.8 W/√s, 37 C; "
            "freezing ranges 0.1 C wide about 0 and -1 C."
        ),
        source=(
            "Two-phase point-sink similarity solution (Carslaw and Jaeger, *Conduction of Heat in "
            "Solids*, chapter XI); evaluated here and checked against independently tabulated "
            "values."
        ),
        run=study,
    ),
)
