"""The freezing cube in each code that `peers.py` compares.

Every function imports its code, poses the problem and freezes the cube; what it returns says how
long the freezing alone took, so that the rest of the call is set-up.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .freezing_cube import BODY_C, CORNER_VOXELS, FreezingCube, Gel

if TYPE_CHECKING:
    import cryosim

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a code found.

    Attributes
    ----------
    temperature_c : (k, j, i) at the end.
    wall_s : stepping alone, without imports, compiling and building.
    steps : time steps. evaluations : how often the heat balance of the whole grid was evaluated:
        stages of a super-time-stepping scheme, sweeps of an implicit one.
    """

    temperature_c: Array
    wall_s: float
    steps: int
    evaluations: int


def run_plain(cube: FreezingCube, refinement: int = 1) -> Outcome:
    """Plain explicit Numba; the step is the stability limit's, or finer."""
    from .plain_explicit import freeze

    freeze(cube, 1, 1e-9)  # compiles
    steps = cube.explicit_steps(refinement)
    started = time.perf_counter()
    found = freeze(cube, steps, cube.simulated_s)
    return Outcome(found, time.perf_counter() - started, steps, steps)


def run_cryosim(cube: FreezingCube, integrator: str) -> Outcome:
    """Cryosim through its public interface."""
    import cryosim

    class Stopwatch(cryosim.Callback):
        """Times the stepping."""

        def on_start(self, duration_s: float) -> None:  # noqa: ARG002
            self.started = time.perf_counter()

        def on_end(self) -> None:
            self.wall_s = time.perf_counter() - self.started

    watch = Stopwatch()
    settings = cryosim.Settings(integrator=integrator, snapshot_every_s=cube.simulated_s)
    result = cryosim.simulate(_tissue(cube), _plan(cube), settings, [watch])
    if np.nan_to_num(result.curves.needle_power_w).any():
        raise RuntimeError("the idle probe in the held corner exchanged heat with free voxels")
    done = result.performance
    found = result.temperatures_c[-1].astype(np.float64)
    return Outcome(found, watch.wall_s, done.steps, done.stages)


def _tissue(cube: FreezingCube) -> cryosim.TissueGrid:
    """The cube for cryosim; half a voxel of tissue lies between a held center and its face."""
    import cryosim

    gel = cube.gel
    tissue = cryosim.Tissue("gel", **{key: getattr(gel, key) for key in Gel.__dataclass_fields__})
    conductivity = np.where(cube.line, gel.k_frozen_w_mk, gel.k_unfrozen_w_mk)
    return cryosim.TissueGrid(
        cryosim.Grid.centered((cube.edge_voxels * cube.spacing_mm,) * 3, cube.spacing_mm),
        np.zeros(cube.shape, dtype=np.uint8),
        (tissue,),
        held=cube.held,
        start_c=cube.start_c,
        film_w_m2k=np.where(cube.held, conductivity / (cube.spacing_m / 2), np.nan),
    )


def _plan(cube: FreezingCube) -> cryosim.Plan:
    """Return a plan whose only probe lies in the held corner, where it meets no free voxel."""
    import cryosim

    corner_mm = -cube.edge_voxels * cube.spacing_mm / 2
    tip_mm = corner_mm + (CORNER_VOXELS / 2 - 0.1) * cube.spacing_mm
    probe = cryosim.Probe(
        diameter_mm=0.5,
        active_length_mm=1.0,
        surface_c=BODY_C - 100.0,
        tip_mm=(tip_mm,) * 3,
        entry_mm=(corner_mm - 10.0 * cube.spacing_mm,) * 3,
    )
    freeze = cryosim.Stage(kind="freeze", minutes=cube.simulated_s / 60)
    return cryosim.Plan(
        anatomy={"phantom": "uniform"},
        probe=(probe,),
        protocol=cryosim.Protocol(stages=(freeze,)),
        body={"temperature_c": BODY_C},
    )


def run_py_pde(cube: FreezingCube, backend: str = "numba") -> Outcome:
    """py-pde: the enthalpy as a symbolic equation, explicit Euler steps, compiled by Numba."""
    import pde

    gel = cube.gel
    k_frozen, k_unfrozen = gel.k_frozen_w_mk, gel.k_unfrozen_w_mk
    c_frozen, c_unfrozen = gel.rho_c_frozen_j_m3k, gel.rho_c_unfrozen_j_m3k
    mushy, width = gel.mushy_enthalpy_j_m3, gel.freezing_range_k

    def potential(h: Array) -> Array:
        melted = np.minimum(np.maximum(h, 0.0), mushy)
        return (
            k_frozen / c_frozen * np.minimum(h, 0.0)
            + width / mushy * melted * (k_frozen + (k_unfrozen - k_frozen) / mushy * melted / 2)
            + k_unfrozen / c_unfrozen * np.maximum(h - mushy, 0.0)
        )

    grid = pde.CartesianGrid([[0.0, cube.edge_voxels * cube.spacing_m]] * 3, cube.shape)
    equation = pde.PDE(
        {"h": "free * laplace(potential(h))"},
        bc={"value": float(gel.potential_w_m(BODY_C))},
        user_funcs={"potential": potential},
        consts={"free": pde.ScalarField(grid, np.where(cube.held, 0.0, 1.0))},
    )
    steps = cube.explicit_steps()
    found, info = equation.solve(
        pde.ScalarField(grid, gel.enthalpy_j_m3(cube.start_c)),
        t_range=cube.simulated_s,
        dt=cube.simulated_s / steps,
        solver="euler",
        backend=backend,
        tracker=None,
        ret_info=True,
    )
    wall_s = info["controller"]["profiler"]["solver"]
    return Outcome(gel.temperature_c(found.data), wall_s, info["solver"]["steps"], steps)


def run_fipy(cube: FreezingCube, step_s: float) -> Outcome:
    """FiPy: implicit steps, the enthalpy as a source linear in temperature, swept to convergence.

    Its manual asks for sources that are linearized, sweeps until the residual has fallen, fixed
    inner values by a large source, and names conjugate gradients without a preconditioner among the
    fastest solvers.
    """
    freezing = _FiPyFreezing(cube)
    steps = math.ceil(cube.simulated_s / step_s)
    started = time.perf_counter()
    for _ in range(steps):
        freezing.step(cube.simulated_s / steps)
    wall_s = time.perf_counter() - started
    return Outcome(freezing.temperature_c(), wall_s, steps, freezing.sweeps)


class _FiPyFreezing:
    """The cube as a FiPy equation, and one implicit step of it."""

    # Tighter ones change no volume by more than a part in ten thousand.
    RESIDUAL_DROP = 1e-3
    SOLVER_TOLERANCE = 1e-4
    # Voxels at the solidus may go to and fro for ever; half a correction stops them.
    RELAXED_FROM, MOST_SWEEPS = 8, 50

    def __init__(self, cube: FreezingCube) -> None:
        import fipy
        from fipy.solvers import LinearCGSolver

        size, spacing = cube.edge_voxels, cube.spacing_m
        mesh = fipy.Grid3D(nx=size, ny=size, nz=size, dx=spacing, dy=spacing, dz=spacing)
        self.gel, self.shape, self.held = cube.gel, cube.shape, cube.held.ravel()
        self.field = fipy.CellVariable(mesh=mesh, value=cube.start_c.ravel())
        self.field.constrain(BODY_C, mesh.exteriorFaces)
        self.slope, self.source = fipy.CellVariable(mesh=mesh), fipy.CellVariable(mesh=mesh)
        self.conductivity = fipy.FaceVariable(mesh=mesh)
        self.equation = (
            fipy.DiffusionTerm(coeff=self.conductivity)
            - fipy.ImplicitSourceTerm(coeff=self.slope)
            + self.source
        )
        self.solver = LinearCGSolver(
            tolerance=self.SOLVER_TOLERANCE, criterion="initial", iterations=1000
        )
        self.one, self.other = (np.ma.filled(ids, -1) for ids in mesh.faceCellIDs)
        self.outer = np.asarray(mesh.exteriorFaces.value)
        large = 1e6 * cube.gel.k_frozen_w_mk / spacing**2
        self.holding = np.where(self.held, large, 0.0)
        self.holding_source = self.holding * cube.start_c.ravel()
        self.enthalpy = self.gel.enthalpy_j_m3(cube.start_c.ravel())
        self.sweeps = 0

    def step(self, step_s: float) -> None:
        """Sweep one implicit step until the residual has fallen."""
        before, first = self.enthalpy.copy(), math.inf
        for sweep in range(self.MOST_SWEEPS):
            residual = self._sweep(before, step_s, 1.0 if sweep < self.RELAXED_FROM else 0.5)
            first = residual if sweep == 0 else first
            if sweep > 0 and residual < self.RESIDUAL_DROP * first:
                return
        raise RuntimeError(f"FiPy: {self.MOST_SWEEPS} sweeps did not converge")

    def _sweep(self, before: Array, step_s: float, relaxation: float) -> float:
        """Solve once about the temperatures of the last sweep; return the residual before."""
        guess = np.array(self.field.value)
        capacity = self.gel.heat_capacity_j_m3k(guess)
        stored = capacity * guess - (self.enthalpy - before)
        self.slope.setValue(capacity / step_s + self.holding)
        self.source.setValue(stored / step_s + self.holding_source)
        self.conductivity.setValue(self._face_conductivity(guess))
        residual = self.equation.sweep(
            var=self.field, solver=self.solver, underRelaxation=relaxation
        )
        self.sweeps += 1
        found = np.array(self.field.value)
        # A temperature that jumped across a kink of the enthalpy is put back on its curve.
        moved = self.enthalpy + capacity * (found - guess)
        self.enthalpy = np.where(self.held, self.enthalpy, moved)
        self.field.setValue(np.where(self.held, found, self.gel.temperature_c(self.enthalpy)))
        return float(residual)

    def _face_conductivity(self, temperature_c: Array) -> Array:
        """Kirchhoff's integral between two voxels over their difference in temperature."""
        potential = self.gel.potential_w_m(temperature_c)
        one = temperature_c[self.one]
        other = np.where(self.outer, BODY_C, temperature_c[self.other])
        wall = self.gel.potential_w_m(BODY_C)
        rise = np.where(self.outer, wall, potential[self.other]) - potential[self.one]
        level = np.abs(other - one) < 1e-6
        mean = rise / np.where(level, 1.0, other - one)
        return np.where(level, self.gel.conductivity_w_mk(one), mean)

    def temperature_c(self) -> Array:
        """Temperatures (k, j, i) now."""
        return np.array(self.field.value).reshape(self.shape)


def integrators() -> tuple[str, ...]:
    """Names of the integrators that cryosim offers."""
    import typing

    from cryosim import Settings

    names: tuple[Any, ...] = typing.get_args(typing.get_type_hints(Settings)["integrator"])
    return names
