"""Steady conduction through layers of different tissue."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.simulation.state import INNER, build_state
from cryosim.tissue import Tissue, TissueGrid
from cryosim_kernels import bioheat, material
from evidence import Case, Check, Evidence
from verification.marching import COLORS, EXACT, F64, WHOLE_GRID, march
from verification.slab import no_probes

# Name, k unfrozen and frozen (W/m/K), thickness (mm) from the cold end.
LAYERS = (
    ("muscle", 0.495, 1.97, 12.0),
    ("bone", 0.32, 0.8, 8.0),
    ("fat", 0.2115, 0.53, 8.0),
    ("skin", 0.3722, 1.8, 4.0),
)
GRIDS_MM = (4.0, 2.0, 1.0)
HOURS = 12.0


@dataclass(frozen=True)
class Ends:
    """Temperatures of the two ends; all layers thawed or all frozen between them."""

    name: str
    low_c: float
    high_c: float
    frozen: bool


ENDS = (Ends("thawed", 5.0, 37.0, False), Ends("frozen", -120.0, -20.0, True))


def exact_c(ends: Ends, x_mm: F64) -> F64:
    """Resistances in series: temperature is linear in the resistance passed."""
    borders = np.cumsum([0.0, *(layer[3] for layer in LAYERS)])
    k = np.array([layer[2] if ends.frozen else layer[1] for layer in LAYERS])
    resistance = np.concatenate([[0.0], np.cumsum(np.diff(borders) / k)])
    share = np.interp(x_mm, borders, resistance) / resistance[-1]
    found: F64 = ends.low_c + (ends.high_c - ends.low_c) * share
    return found


def heat_flux_w_m2(ends: Ends) -> float:
    k = [layer[2] if ends.frozen else layer[1] for layer in LAYERS]
    total = sum(layer[3] * 1e-3 / value for layer, value in zip(LAYERS, k, strict=True))
    return (ends.high_c - ends.low_c) / total


def solve(ends: Ends, spacing_mm: float) -> tuple[F64, F64, float]:
    """Centers (mm), temperatures, and the flux through the border of the first two layers."""
    names = [
        Tissue(
            name=name,
            k_unfrozen_w_mk=k_unfrozen,
            k_frozen_w_mk=k_frozen,
            rho_c_unfrozen_j_m3k=3e6,
            rho_c_frozen_j_m3k=1.8e6,
            latent_heat_j_m3=1e8,
            solidus_c=-8.0,
            liquidus_c=-1.0,
        )
        for name, k_unfrozen, k_frozen, _ in LAYERS
    ]
    counts = [round(layer[3] / spacing_mm) for layer in LAYERS]
    index = np.repeat(np.arange(len(LAYERS), dtype=np.uint8), counts)[None, None]
    grid = Grid.from_spacing(index.shape, spacing_mm, (spacing_mm / 2, 0.0, 0.0))
    body = BodyPlan(temperature_c=37.0, outer_faces="insulated")
    tissue = TissueGrid(grid, index, tuple(names))
    state, _ = build_state(tissue, no_probes(), PerfusionPlan(), body, 0)
    state.temperature[...] = ends.high_c
    material.enthalpy_from_temperature(state.temperature, state.index, state.table, state.energy)
    state.temperature[:, :, 0] = ends.low_c
    state.resistivity[:, :, [0, -1]] = bioheat.HELD_RESISTIVITY
    march(state, 3600 * HOURS, dataclasses.replace(WHOLE_GRID, largest_step_s=600.0, growth=0.1))
    found = state.temperature[INNER][0, 0].copy()
    x = (np.arange(len(found)) + 0.5) * spacing_mm
    k = LAYERS[0][2] if ends.frozen else LAYERS[0][1]
    through = k * (found[0] - ends.low_c) / (0.5e-3 * spacing_mm)
    return x, found, float(through)


def study(grids_mm: Sequence[float] = GRIDS_MM) -> Evidence:
    checks: list[Check] = []
    rows: list[tuple[str, ...]] = []
    shown = []
    for ends in ENDS:
        for spacing in grids_mm:
            x, found, through = solve(ends, spacing)
            error = float(np.abs(found - exact_c(ends, x)).max())
            flux = through / heat_flux_w_m2(ends) - 1
            voxels = f"{ends.name}, {spacing:g} mm voxels"
            checks.append(Check(f"{voxels}: largest error", error, 0, 1e-6, "C"))
            checks.append(Check(f"{voxels}: heat flux", flux, -1e-7, 1e-7, "relative"))
            rows.append((ends.name, f"{spacing:g}", f"{error:.1e}", f"{flux:.1e}"))
        shown.append((ends, x, found))
    header = ("layers", "voxel, mm", "largest error, C", "heat flux, relative error")
    return Evidence(tuple(checks), header, tuple(rows), lambda figure: _draw(figure, shown), NOTES)


NOTES = (
    "With borders on voxel faces the harmonic mean of the conductivities is exact on any grid, so "
    "nothing is left but rounding and the last of the approach to the steady state.",
)


def _draw(figure: Any, shown: Sequence[tuple[Ends, F64, F64]]) -> None:
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    borders = np.cumsum([0.0, *(layer[3] for layer in LAYERS)])
    fine = np.linspace(0.0, borders[-1], 400)
    for panel, (ends, x, found) in zip(panels, shown, strict=True):
        span = ends.high_c - ends.low_c
        panel.set_ylim(ends.low_c - 0.1 * span, ends.high_c + 0.05 * span)
        panel.plot(x, found, "o", color=COLORS[2], label="computed")
        panel.plot(fine, exact_c(ends, fine), color=EXACT, linewidth=1, label="exact")
        for border, layer in zip(borders[:-1], LAYERS, strict=True):
            panel.axvline(border, color=EXACT, linestyle=":", linewidth=1)
            panel.annotate(layer[0], (border + 0.3, ends.low_c - 0.08 * span), fontsize="small")
        panel.set_title(ends.name)
        panel.set_xlabel("distance from the cold end, mm")
        panel.set_ylabel("temperature, °C")
        panel.legend()


CASES = (
    Case(
        name="layered-slab",
        title="Steady conduction through layers of tissue",
        kind="verification",
        equation=(
            "`d/dx (k dT/dx) = 0` with k constant in each layer, both ends held: resistances in "
            "series."
        ),
        setup=(
            "A row of voxels, 4, 2 and 1 mm: 12 mm muscle, 8 mm bone, 8 mm fat, 4 mm skin, borders "
            "on voxel faces; once thawed between 5 and 37 C, once frozen between -120 and -20 C; "
            "marched for 12 h."
        ),
        source="Fourier's law.",
        run=study,
    ),
)
