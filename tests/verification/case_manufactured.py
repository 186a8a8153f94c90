"""C7: a manufactured solution in ice whose conductivity and heat capacity follow temperature."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.simulation import Settings
from cryosim.simulation.state import INNER, State, build_state
from cryosim.tissue import Tissue, TissueGrid
from cryosim_kernels import material
from evidence import Case, Check, Evidence
from verification.marching import COLORS, EXACT, F64, march, observed_orders
from verification.slab import no_probes

Integrator = Literal["rkl2", "explicit"]

EDGE_M, SECONDS, DECAY_S = 0.04, 60.0, 60.0
MEAN_C, SWING_C = -80.0, 35.0
TISSUE = Tissue(
    name="ice",
    k_unfrozen_w_mk=0.5,
    k_frozen_w_mk=2.0,
    rho_c_unfrozen_j_m3k=3.6e6,
    rho_c_frozen_j_m3k=1.8e6,
    latent_heat_j_m3=250e6,
    solidus_c=-8.0,
    liquidus_c=-1.0,
    frozen_law="ice",
)
COUNTS = (8, 16, 32)
# On the grid of 8^3 voxels, where explicit steps may be two seconds long.
STEPS_S: dict[Integrator, tuple[float, ...]] = {
    "rkl2": (20.0, 10.0, 5.0),
    "explicit": (1.0, 0.5, 0.25),
}


def conductivity(t_k: Any) -> Any:
    """Of ice by its law, 2 W/m/K at -40 C, from kelvin."""
    return 2.0 * 233.15 / t_k


def heat_capacity(t_k: Any) -> Any:
    """Of ice by its law, 1.8 MJ/m3/K at -40 C, from kelvin."""
    return 1.8e6 * (152.5 + 7.122 * t_k) / (152.5 + 7.122 * 233.15)


@dataclasses.dataclass
class ManufacturedState(State):
    """A state with one more source, which makes the manufactured temperature a solution."""

    manufactured: F64 | None = None

    def refresh(self, energy: F64) -> F64:
        rates = super().refresh(energy)
        if self.manufactured is not None:
            self.source[INNER] += self.manufactured
        return rates


class Manufactured:
    """T = T_a + A sin sin sin exp(-t / tau) in a cube of n voxels along each edge."""

    def __init__(self, count: int) -> None:
        x = (np.arange(count) + 0.5) / count * np.pi
        s, c = np.sin(x), np.cos(x)
        shape = np.einsum("k,j,i->kji", s, s, s)
        slopes = [np.einsum(axes, s, s, c) for axes in ("k,j,i->kji", "k,i,j->kji", "i,j,k->kji")]
        self.count, self.shape = count, shape
        self.slope_squared = sum(slope**2 for slope in slopes) * (np.pi / EDGE_M) ** 2

    def temperature(self, t: float) -> F64:
        found: F64 = MEAN_C + SWING_C * self.shape * np.exp(-t / DECAY_S)
        return found

    def source(self, t: float) -> F64:
        """rho c dT/dt - div(k grad T), with dk/dT = -k/T (T in kelvin) of k ~ 1/T."""
        swing = SWING_C * np.exp(-t / DECAY_S)
        t_k = MEAN_C + 273.15 + swing * self.shape
        k = conductivity(t_k)
        laplacian = -3 * (np.pi / EDGE_M) ** 2 * swing * self.shape
        bending = swing**2 * self.slope_squared
        warming = -swing * self.shape / DECAY_S
        found: F64 = heat_capacity(t_k) * warming - k * laplacian + k / t_k * bending
        return found

    def state(self) -> ManufacturedState:
        spacing = 1e3 * EDGE_M / self.count
        grid = Grid.from_spacing((self.count,) * 3, spacing, (spacing / 2,) * 3)
        body = BodyPlan(temperature_c=37.0, outer_faces="held")
        tissue = TissueGrid.uniform(grid, TISSUE)
        plain, _ = build_state(tissue, no_probes(), PerfusionPlan(), body, 0)
        state = ManufacturedState(**vars(plain))
        # The layer of ghosts holds the faces, where the sines vanish.
        state.temperature[...] = MEAN_C
        state.temperature[INNER] = self.temperature(0.0)
        material.enthalpy_from_temperature(
            state.temperature, state.index, state.table, state.energy
        )
        return state

    def solve(self, step_s: float, integrator: Integrator = "rkl2") -> F64:
        """March in equal steps with the source at the middle of each."""
        state = self.state()
        settings = Settings(integrator, smallest_step_s=step_s, largest_step_s=step_s)

        def at_middle(middle_s: float) -> None:
            state.manufactured = self.source(middle_s)

        march(state, SECONDS, settings, before_step=at_middle, longest_step_s=step_s)
        return state.temperature[INNER].copy()


def study(counts: Sequence[int] = COUNTS) -> Evidence:
    in_space = _errors_in_space(counts)
    in_time = {name: _errors_in_time(name, steps) for name, steps in STEPS_S.items()}
    names = {"rkl2": "RKL2", "explicit": "explicit"}
    checks = [
        Check("order in space", min(observed_orders(in_space)), 1.8, 2.2),
        Check(f"largest error, {counts[-1]}^3 voxels", in_space[-1], 0, 0.02, "C"),
        Check("order in time, RKL2", min(observed_orders(in_time["rkl2"])), 1.8, 2.4),
        Check("order in time, explicit", min(observed_orders(in_time["explicit"])), 0.9, 1.1),
    ]
    spacings = [1e3 * EDGE_M / count for count in counts]
    rows = _rows("space", "mm", spacings, in_space)
    for name, steps in STEPS_S.items():
        rows += _rows(f"time, {names[name]}", "s", steps, in_time[name])
    header = ("refined", "step", "largest error, C", "observed order")
    return Evidence(
        tuple(checks),
        header,
        tuple(rows),
        lambda figure: _draw(figure, spacings, in_space, in_time),
        NOTES,
    )


NOTES = (
    "Errors in time are against the same grid with steps of 0.05 s. The flux through a held face "
    "is taken with the conductivity of the voxel inside it, off by first order in the spacing over "
    "half a voxel; the temperature stays of second order.",
)


def _errors_in_space(counts: Sequence[int]) -> list[float]:
    """Largest temperature error on each grid with steps so short that they do not matter."""
    problems = [Manufactured(count) for count in counts]
    return [
        float(np.abs(problem.solve(0.5) - problem.temperature(SECONDS)).max())
        for problem in problems
    ]


def _errors_in_time(integrator: Integrator, steps_s: Sequence[float]) -> list[float]:
    problem = Manufactured(COUNTS[0])
    reference = problem.solve(0.05)
    return [
        float(np.abs(problem.solve(step_s, integrator) - reference).max()) for step_s in steps_s
    ]


def _rows(
    what: str, unit: str, steps: Sequence[float], errors: Sequence[float]
) -> list[tuple[str, ...]]:
    orders = ["", *(f"{order:.2f}" for order in observed_orders(errors))]
    return [
        (what, f"{step:g} {unit}", f"{error:.3g}", order)
        for step, error, order in zip(steps, errors, orders, strict=True)
    ]


def _draw(
    figure: Any,
    spacings: Sequence[float],
    in_space: Sequence[float],
    in_time: dict[Integrator, list[float]],
) -> None:
    left, right = figure.subplots(1, 2)
    left.loglog(spacings, in_space, "o-", color=COLORS[2], label="computed")
    guide = [in_space[-1] * (spacing / spacings[-1]) ** 2 for spacing in spacings]
    left.loglog(spacings, guide, "--", color=EXACT, linewidth=1, label="second order")
    left.set_xlabel("voxel, mm")
    for (name, errors), color, order in zip(in_time.items(), COLORS, (2, 1), strict=False):
        steps = STEPS_S[name]
        right.loglog(steps, errors, "o-", color=color, label=name)
        guide = [errors[-1] * (step / steps[-1]) ** order for step in steps]
        right.loglog(steps, guide, "--", color=EXACT, linewidth=1, label=f"order {order}")
    right.set_xlabel("step, s")
    for panel in (left, right):
        panel.set_ylabel("largest temperature error, °C")
        panel.legend()


CASES = (
    Case(
        name="manufactured",
        title="Manufactured solution in ice with k(T) and c(T)",
        kind="verification",
        equation=(
            "`rho c(T) dT/dt = div(k(T) grad T) + S` in ice: `k = 2 * 233.15 / T`, `rho c` in "
            "proportion to `152.5 + 7.122 T` and 1.8 MJ/m3/K at -40 C, T in kelvin. `S` is chosen "
            "so that `T = T_a + A sin(pi x/L) sin(pi y/L) sin(pi z/L) exp(-t/tau)` with "
            "`T_a` = -80 C, `A` = 35 C, `L` = 40 mm, `tau` = 60 s."
        ),
        setup=(
            "A cube of 8, 16 and 32 voxels along each edge, faces held at -80 C, 60 s; `S` is "
            "added to the state's source, at the middle of each step. In space: steps of 0.5 s. In "
            "time, 8 voxels along each edge: RKL2 steps of 20, 10, 5 s; explicit steps of 1, 0.5, "
            "0.25 s."
        ),
        source="Method of manufactured solutions (Roache, J. Fluids Eng. 124 (2002) 4).",
        run=study,
    ),
)
