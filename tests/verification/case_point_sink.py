"""C4: freezing around a point sink whose power grows with the square root of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfc

from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.simulation.state import INNER, State, build_state
from cryosim.tissue import TissueGrid
from cryosim_kernels import material, tissue_rows
from evidence import Case, Check, Evidence
from verification.marching import F64, liquid_fraction, march
from verification.sinks import (
    END_S,
    Exact,
    Outcome,
    Shown,
    Sink,
    draw,
    errors,
    front_checks,
    headings,
    table_checks,
    temperature_checks,
)
from verification.slab import GEL_SHARP, WATER, no_probes

START_S = 60.0
OCTANT_MM, HELD_MM = 36.0, 5.0
GRIDS_MM = (2.25, 1.5, 1.0)
RADII_MM = (7.0, 10.0, 20.0)
TABULATED_MM = (5.0, 10.0, 20.0)


SINKS = (
    Sink("water", WATER, 0.5, 20.0, 0.0, 0.233309, 12.3014, (-50.979, -7.858, 16.359)),
    Sink("gel", GEL_SHARP, 0.8, 37.0, -1.0, 0.274187, 14.1731, (-99.299, -22.773, 26.772)),
)


def reduced(z: Any) -> Any:
    """G(z), the point sink's similarity function."""
    return np.exp(-(z**2)) / z - np.sqrt(np.pi) * erfc(z)


def point_sink(sink: Sink) -> tuple[float, Exact]:
    """Similarity constant and the exact temperature."""
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
    state.index[INNER][held] = tissue_rows.HELD
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
    shown: list[Shown] = []
    for sink in sinks:
        lam, exact = point_sink(sink)
        outcomes = [freeze(sink, spacing) for spacing in grids_mm]
        checks += table_checks(sink, lam, exact, TABULATED_MM, 1e-3)
        checks += front_checks(sink, outcomes, 1.0, 1.6)
        checks += temperature_checks(sink, exact, outcomes[-1], RADII_MM, 0.3)
        rows += [
            (sink.name, f"{outcome.spacing_mm:g}", *errors(sink, exact, outcome, RADII_MM))
            for outcome in outcomes
        ]
        shown.append((sink, exact, outcomes))
    header = ("medium", "voxel, mm", *headings(RADII_MM))

    def picture(figure: Any) -> None:
        draw(figure, shown, "W/√s", "sink", HELD_MM)

    return Evidence(tuple(checks), header, tuple(rows), picture, NOTES)


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
