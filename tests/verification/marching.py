"""What the verification cases share: steps through the production integrator, needles, orders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cases import plan
from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.probes import couple
from cryosim.simulation import Settings
from cryosim.simulation.drives import Drives
from cryosim.simulation.integrators import make_integrator
from cryosim.simulation.state import INNER, State, build_state
from cryosim.simulation.stepping import HEAT_TERMS
from cryosim.simulation.tissue_table import column
from cryosim.tissue import Tissue, TissueGrid

__all__ = [
    "COLORS",
    "EXACT",
    "WHOLE_GRID",
    "liquid_fraction",
    "march",
    "needle_in_plane",
    "observed_orders",
    "plane_radius_mm",
    "signed",
]

F64 = NDArray[np.float64]

# Okabe and Ito's colors, told apart by everybody; one for each grid, coarse to fine.
COLORS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7")
EXACT = "#000000"


# States whose held voxels change, or have a source more, are marched in double precision with all
# voxels alike.
WHOLE_GRID = Settings(integrator="rkl2", smallest_step_s=0.25, largest_step_s=10.0, growth=0.02)


def march(
    state: State,
    seconds: float,
    settings: Settings | None = None,
    *,
    before_step: Callable[[float], None] | None = None,
    after_step: Callable[[float], None] | None = None,
    longest_step_s: float = math.inf,
) -> F64:
    """Advance a state as a run does; return the heat given to the tissue, J, by term.

    Parameters
    ----------
    before_step : called with the middle of each step, s from the start, to set what is held.
    after_step : called with the end of each step.
    longest_step_s : limits explicit steps, too, which the settings do not.
    """
    integrator = make_integrator(settings or WHOLE_GRID, state)
    integrator.refresh()
    heat = np.zeros(HEAT_TERMS)
    now = 0.0
    while now < seconds - 1e-9:
        coldest_c = _coldest_c(state)
        step = min(integrator.next_step_s(now, coldest_c), longest_step_s)
        step = (seconds - now) / math.ceil((seconds - now) / step - 1e-9)
        if before_step is not None:
            before_step(now + step / 2)
            integrator.refresh()
        heat += integrator.advance(step, coldest_c)
        now += step
        if after_step is not None:
            after_step(now)
    return heat


def _coldest_c(state: State) -> float:
    """Coldest that anything is or is driven to."""
    driven = state.drives[:, 0]
    return float(min(state.temperature.min(), np.nanmin(driven, initial=np.inf)))


def needle_in_plane(
    tissue: Tissue,
    width_mm: float,
    spacing_mm: float,
    offset: tuple[float, float],
    start_c: float,
    probe: dict[str, Any],
) -> tuple[State, Grid]:
    """One layer of voxels, all faces insulated, crossed at the world's origin by a freezing probe.

    The active part reaches far beyond the layer on either side, which `simulate` would refuse; so
    the production's coupling, drives and state are put together here.

    Parameters
    ----------
    offset : where the axis lies in its voxel, in voxels from the center along x and y.
    probe : the numbers of the probe that do not say where it is.
    """
    count = round(width_mm / spacing_mm)
    corner = [-(count // 2 + share) * spacing_mm for share in offset]
    grid = Grid.from_spacing((1, count, count), spacing_mm, (*corner, 0.0))
    half = probe["active_length_mm"] / 2
    content = plan(
        "freeze 10 min", probes=[{"tip_mm": (0, 0, -half), "entry_mm": (0, 0, 2 * half), **probe}]
    )
    body = BodyPlan(temperature_c=start_c, outer_faces="insulated")
    uniform = TissueGrid.uniform(grid, tissue)
    state, _ = build_state(uniform, couple(grid, content.needles), PerfusionPlan(), body, 0)
    Drives(content, state).switch(0.0)
    return state, grid


def plane_radius_mm(grid: Grid) -> F64:
    """Distance of each voxel's center of a layer from the world's z axis."""
    j, i = np.meshgrid(*(np.arange(n) for n in grid.shape[1:]), indexing="ij")
    points = grid.to_world(np.stack([i, j, np.zeros_like(i)], axis=-1))
    radius: F64 = np.hypot(points[..., 0], points[..., 1])
    return radius


def liquid_fraction(state: State) -> F64:
    """Liquid fraction of each voxel of a single tissue by the latent heat it holds; 0 in probes."""
    melted = state.energy[INNER] * column(state.table, "inverse_mushy_energy")[0]
    fraction: F64 = np.clip(melted, 0.0, 1.0)
    return fraction


def observed_orders(errors: Sequence[float], ratio: float = 2.0) -> list[float]:
    """Order of convergence between each grid and the next, `ratio` times finer."""
    sizes = np.maximum(np.abs(errors), 1e-300)
    return [float(order) for order in np.log(sizes[:-1] / sizes[1:]) / np.log(ratio)]


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign, for tables."""
    return f"{value:+.{digits}g}"
