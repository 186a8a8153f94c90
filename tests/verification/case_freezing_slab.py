"""C1, C2 and ice that follows temperature: a half space that freezes from its wall."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryosim.simulation.state import State
from cryosim.simulation.tissue_table import column
from evidence import Case, Check, Evidence
from verification.marching import COLORS, EXACT, F64, march, observed_orders, signed
from verification.slab import (
    GEL,
    GEL_SHARP,
    WATER,
    Medium,
    freeze_slab,
    neumann,
    similarity_profile,
    slab_state,
    three_region,
)

LENGTH_MM, SECONDS = 120.0, 600.0
COUNTS = (60, 120, 240)
Profile = Callable[[Any, float], Any]


def ice_mm(state: State, spacing_mm: float) -> float:
    """Thickness of the ice, counted by the latent heat that has gone."""
    melted = state.energy[1, 1, 1:-1] * column(state.table, "inverse_mushy_energy")[0]
    return float((1 - np.clip(melted, 0, 1)).sum()) * spacing_mm


def centers_m(count: int) -> F64:
    found: F64 = (np.arange(count) + 0.5) * LENGTH_MM / count * 1e-3
    return found


# C1: an (almost) isothermal front.


@dataclass(frozen=True)
class Front:
    """A problem of C1 and the tabulated numbers of its solution."""

    name: str
    medium: Medium
    cold_c: float
    start_c: float
    freezing_c: float
    similarity: float
    # At 60, 300 and 600 s.
    fronts_mm: tuple[float, float, float]
    # At 5, 10, 20 and 30 mm, 600 s.
    temperatures_c: tuple[float, float, float, float]


FRONTS = (
    Front(
        "water, -40 C",
        WATER,
        -40.0,
        20.0,
        0.0,
        0.282781,
        (4.7149, 10.5429, 14.9099),
        (-26.2688, -12.7820, 10.0336, 18.2602),
    ),
    Front(
        "water, -150 C",
        WATER,
        -150.0,
        20.0,
        0.0,
        0.525323,
        (8.7589, 19.5855, 27.6981),
        (-120.5003, -91.5257, -37.0871, 7.2120),
    ),
    Front(
        "gel, -140 C",
        GEL_SHARP,
        -140.0,
        37.0,
        -1.0,
        0.504980,
        (8.2546, 18.4577, 26.1032),
        (-111.1849, -82.9032, -29.8994, 19.2798),
    ),
)


def study_fronts(fronts: Sequence[Front] = FRONTS, counts: Sequence[int] = COUNTS) -> Evidence:
    checks: list[Check] = []
    rows: list[tuple[str, ...]] = []
    shown: list[tuple[str, Profile, list[F64]]] = []
    for front in fronts:
        lam, speed, exact = neumann(front.medium, front.cold_c, front.start_c, front.freezing_c)
        checks += _neumann_table_checks(front, lam, speed, exact)
        runs = [_follow_front(front, speed, count) for count in counts]
        last, typical = [run[0] for run in runs], [run[1] for run in runs]
        finest = f"{front.name}: ice, {LENGTH_MM / counts[-1]:g} mm voxels"
        checks.append(Check(f"{finest}, 600 s", last[-1], -0.3, 0.3, "%"))
        checks.append(Check(f"{finest}, 60 to 600 s", typical[-1], 0, 0.06, "mm"))
        orders = observed_orders(typical)
        checks.append(Check(f"{front.name}: mean order", float(np.mean(orders)), 0.8, 2.0))
        rows += [
            (front.name, f"{LENGTH_MM / count:g}", signed(end), f"{error:.3f}", order)
            for count, end, error, order in zip(
                counts, last, typical, ["", *(f"{order:.2f}" for order in orders)], strict=True
            )
        ]
        shown.append((front.name, exact, [run[2] for run in runs]))
    header = ("case", "voxel, mm", "ice at 600 s, %", "ice, 60 to 600 s, mm", "observed order")
    return Evidence(
        tuple(checks), header, tuple(rows), lambda figure: _draw(figure, shown), FRONT_NOTES
    )


FRONT_NOTES = (
    "Errors of the thickness of the ice: at the end, and the root mean square of all steps from 60 "
    "to 600 s, which averages over where the front happens to be in its voxel; the order is that "
    "of the latter.",
)


def _follow_front(front: Front, speed: float, count: int) -> tuple[float, float, F64]:
    """Error of the thickness at the end (%) and typically (mm), and the temperatures at the end."""
    state = slab_state(front.medium, LENGTH_MM, count, front.cold_c, front.start_c)
    errors: list[float] = []

    def compare(now: float) -> None:
        if now >= 60.0:
            errors.append(ice_mm(state, LENGTH_MM / count) - 1e3 * speed * np.sqrt(now))

    march(state, SECONDS, after_step=compare)
    last = errors[-1] / (1e3 * speed * np.sqrt(SECONDS))
    typical = float(np.sqrt(np.mean(np.square(errors))))
    return 100 * last, typical, state.temperature[1, 1, 1:-1].copy()


def _neumann_table_checks(front: Front, lam: float, speed: float, exact: Profile) -> list[Check]:
    """The formulas against the tabulated numbers."""
    fronts = speed * np.sqrt([60.0, 300.0, 600.0]) * 1e3
    temperatures = exact(np.array([5.0, 10.0, 20.0, 30.0]) * 1e-3, 600.0)
    name = f"{front.name}: formula minus table"
    return [
        Check(f"{name}, lambda", abs(lam - front.similarity), 0, 1e-6),
        Check(f"{name}, front", float(np.abs(fronts - front.fronts_mm).max()), 0, 1e-4, "mm"),
        Check(
            f"{name}, temperature",
            float(np.abs(temperatures - front.temperatures_c).max()),
            0,
            2e-4,
            "C",
        ),
    ]


# C2: solid, mushy and liquid, whose profile is smooth enough to compare point by point.


@dataclass(frozen=True)
class Slab:
    """A slab whose exact profile is known, and the largest mean error allowed on the finest."""

    name: str
    medium: Medium
    cold_c: float
    exact: Callable[[], Profile]
    limit_c: float
    numbers: tuple[tuple[str, Any], ...] = ()


def _one_conductivity() -> Profile:
    return three_region(ONE_CONDUCTIVITY, -140.0, 37.0, [4e-4, 4.5e-4])[2]


ONE_CONDUCTIVITY = dataclasses.replace(GEL, k_frozen=1.25, k_unfrozen=1.25)
MUSHY_SLABS = (
    Slab("k 1.25 everywhere (closed form)", ONE_CONDUCTIVITY, -140.0, _one_conductivity, 0.03),
    Slab(
        "k linear in T (shooting)",
        GEL,
        -140.0,
        lambda: similarity_profile(GEL, -140.0, 37.0, (3e5, 6e5)),
        0.015,
    ),
)
ICE_SLABS = (
    Slab(
        "k and c of ice (shooting)",
        GEL,
        -150.0,
        lambda: similarity_profile(GEL, -150.0, 37.0, (3e5, 2e6), ice_law=True),
        0.03,
        (("frozen_law", "ice"),),
    ),
)


def study_profiles(
    slabs: Sequence[Slab], counts: Sequence[int] = COUNTS, more: Sequence[Check] = ()
) -> Evidence:
    checks: list[Check] = list(more)
    rows: list[tuple[str, ...]] = []
    shown: list[tuple[str, Profile, list[F64]]] = []
    for slab in slabs:
        exact, errors, worst, fields = slab.exact(), [], [], []
        for count in counts:
            state = slab_state(
                slab.medium, LENGTH_MM, count, slab.cold_c, 37.0, **dict(slab.numbers)
            )
            found, _ = freeze_slab(state, SECONDS)
            error = np.abs(found - exact(centers_m(count), SECONDS))
            errors.append(float(error.mean()))
            worst.append(float(error.max()))
            fields.append(found)
        order = float(np.mean(observed_orders(errors)))
        checks.append(Check(f"{slab.name}: mean order", order, 0.9, 2.5))
        name = f"{slab.name}: mean error, {LENGTH_MM / counts[-1]:g} mm voxels"
        checks.append(Check(name, errors[-1], 0, slab.limit_c, "C"))
        orders = ["", *(f"{order:.2f}" for order in observed_orders(errors))]
        rows += [
            (slab.name, f"{LENGTH_MM / count:g}", f"{mean:.3g}", f"{largest:.3g}", order)
            for count, mean, largest, order in zip(counts, errors, worst, orders, strict=True)
        ]
        shown.append((slab.name, exact, fields))
    header = ("case", "voxel, mm", "mean error, C", "largest error, C", "observed order")
    notes = ("The largest error is that of the voxel that is freezing at the moment.",)
    return Evidence(tuple(checks), header, tuple(rows), lambda figure: _draw(figure, shown), notes)


def _mushy_table_checks() -> list[Check]:
    """The closed form against the tabulated numbers, and against the production's k(T)."""
    solid, mushy, published = three_region(GEL, -140.0, 37.0, [5e-4, 5.3e-4])
    found = published(np.array([5.0, 10.0, 20.0, 30.0]) * 1e-3, SECONDS)
    worst = np.abs(found - (-111.2673, -83.0664, -30.2141, 19.2251)).max()
    cooler = three_region(GEL, -140.0, 20.0, [5e-4, 5.8e-4])[:2]
    constants = np.abs(np.divide((solid, mushy), (5.030771e-4, 5.331681e-4)) - 1).max()
    edges = np.abs(2e3 * np.sqrt(SECONDS) * np.array(cooler) - (26.7152, 28.6515)).max()
    x = np.linspace(0.001, 0.06, 60)
    linear = similarity_profile(GEL, -140.0, 37.0, (3e5, 6e5))
    apart = np.abs(published(x, SECONDS) - linear(x, SECONDS)).max()
    return [
        Check("closed form minus table, interface constants", float(constants), 0, 1e-6),
        Check("closed form minus table, interfaces from 20 C", float(edges), 0, 2e-4, "mm"),
        Check("closed form minus table, temperature", float(worst), 0, 2e-4, "C"),
        Check("closed form (k 1.25 between) against k linear in T", float(apart), 0, 1.2, "C"),
    ]


def _draw(figure: Any, shown: Sequence[tuple[str, Profile, list[F64]]]) -> None:
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    x = np.linspace(0.05, 60, 600)
    for panel, (name, exact, fields) in zip(panels, shown, strict=True):
        for field, color, size in zip(fields, COLORS, (5, 3.5, 2), strict=False):
            millimeters = 1e3 * centers_m(len(field))
            near = millimeters < 60
            panel.plot(
                millimeters[near],
                field[near],
                "o",
                color=color,
                markersize=size,
                label=f"{LENGTH_MM / len(field):g} mm voxels",
            )
        panel.plot(x, exact(x * 1e-3, SECONDS), color=EXACT, linewidth=1, label="exact")
        panel.set_title(f"{name}, {SECONDS:g} s", fontsize="medium")
        panel.set_xlabel("distance from the wall, mm")
        panel.legend()
    panels[0].set_ylabel("temperature, °C")


ROW = (
    "A row of voxels 120 mm long, 2, 1 and 0.5 mm; the face at one end held at the wall's "
    "temperature, all others insulated; 600 s with default steps (RKL2). "
)
CASES = (
    Case(
        name="neumann-slab",
        title="Two-phase freezing of a half space (Neumann)",
        kind="verification",
        equation=(
            "`dH/dt = d/dx (k dT/dx)`, two phases, latent heat `L` at `T_f`; `T = T_0` at the "
            "wall, `T = T_i` at the start. The front is at `s = 2 lambda sqrt(a_f t)` with "
            "`k_f (T_f - T_0) exp(-lambda^2) / (sqrt(pi a_f) erf(lambda)) - k_u (T_i - T_f) "
            "exp(-n^2) / (sqrt(pi a_u) erfc(n)) = L lambda sqrt(a_f)`, "
            "`n = lambda sqrt(a_f / a_u)`."
        ),
        setup=ROW + "Freezing ranges 0.1 C wide about 0 C (water) and -1 C (gel).",
        source=(
            "Neumann's solution (Carslaw and Jaeger, *Conduction of Heat in Solids*, chapter XI); "
            "evaluated here and checked against independently tabulated values."
        ),
        run=study_fronts,
    ),
    Case(
        name="mushy-slab",
        title="Freezing of a half space over a range of temperatures",
        kind="verification",
        equation=(
            "As the two-phase slab, with latent heat spread evenly between solidus and liquidus. "
            "With one conductivity in the mushy range the profile is made of error functions in "
            "three regions. The production model has k linear in T there: with "
            "`z = x / (2 sqrt(t))`, `(k T')' = -2 z c T'`, solved by shooting."
        ),
        setup=(
            ROW + "Gel: k 2 and 0.5 W/m/K, 250 MJ/m3 between -8 and -1 C, wall -140 C, start 37 C; "
            "once with k 1.25 W/m/K throughout, where the closed form is exact."
        ),
        source=(
            "Three-region similarity solution, checked against independently tabulated values; "
            "similarity profile by numerical integration to 1e-10."
        ),
        run=lambda: study_profiles(MUSHY_SLABS, more=_mushy_table_checks()),
    ),
    Case(
        name="ice-law-slab",
        title="Freezing of a half space whose ice follows temperature",
        kind="verification",
        equation=(
            "As the slab that freezes over a range of temperatures, with `k = 2 * 233.15 / T` and "
            "`rho c` in proportion to `152.5 + 7.122 T` (T in kelvin) below the solidus: "
            "`(k(T) T')' = -2 z c(T) T'`, `z = x / (2 sqrt(t))`, solved by shooting."
        ),
        setup=ROW + 'Gel with `frozen_law = "ice"`, wall -150 C, start 37 C.',
        source="Similarity profile by numerical integration to 1e-10.",
        run=lambda: study_profiles(ICE_SLABS),
    ),
)
