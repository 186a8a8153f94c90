"""The Pennes bioheat equation in conservative enthalpy form on a voxel grid.

State is the volumetric enthalpy H (J/m3), zero at the tissue's solidus. All (k, j, i) arrays carry
one layer of ghost cells on every side, so the stencil has no edges to ask about. Two reserved
tissue indices mark cells that are not unknowns:

- `HELD`: temperature never changes (vessels, ghost cells); a tiny resistivity puts that temperature
  on the cell's face.
- `CLOSED`: no heat crosses its faces (cells inside a probe); an infinite resistivity does that.

Energy that crosses into a `HELD` cell inside the grid is collected in that cell's H, which is how
the heat given by vessels is counted without another pass.
"""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import F32_3, F64_1, U8_3
from .material import ice_potential, ice_resistivity, ice_rise
from .tissue_rows import (
    ARTERIAL,
    BLOOD,
    CLOSED,
    HELD,
    INV_MUSHY,
    INV_UNFROZEN,
    K_SLOPE,
    K_SOLIDUS,
    METABOLISM,
    MUSHY,
    MUSHY_SLOPE,
    SOLIDUS,
)

__all__ = [
    "HELD_RESISTIVITY",
    "add_scaled",
    "advance_stage",
    "boundary_heat",
    "exchange_rate",
    "update_state",
]

HELD_RESISTIVITY = 1e-9  # K m/W

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@kernel(parallel=True)
def update_state(
    energy: F64,
    index: U8,
    table: F64,
    perfusable: F32,
    temperature: F64,
    resistivity: F64,
    potential: F64,
    source: F64,
    slabs: F64,
) -> None:
    """Find temperature, conduction and the Pennes source of every cell from its enthalpy.

    Parameters
    ----------
    energy : (nz+2, ny+2, nx+2) H, J/m3.
    index : same shape; row of `table`, or HELD, CLOSED.
    table : (n, 13) tissue properties, columns as `tissue_rows.COLUMNS`.
    perfusable : same shape; the liquid fraction that still carries blood at most (1: all).
    temperature, resistivity, source : outputs, C, 1/k in K m/W and W/m3.
    potential : output; Kirchhoff's integral of k over temperature from the solidus, W/m.
    slabs : (nz+2, 3) output; per slab blood and metabolic heat, W/m3 times cells, and the coldest
        temperature, C.
    """
    nz, ny, nx = energy.shape
    for k in prange(1, nz - 1):
        blood_sum = 0.0
        metabolism_sum = 0.0
        coldest = np.inf
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                row = index[k, j, i]
                if row >= CLOSED:
                    source[k, j, i] = 0.0
                    continue
                h = energy[k, j, i]
                if h <= 0.0:
                    t = table[row, SOLIDUS] + ice_rise(h, table[row])
                    resistivity[k, j, i] = ice_resistivity(t, table[row])
                    potential[k, j, i] = ice_potential(t, table[row])
                    source[k, j, i] = 0.0
                else:
                    mushy = table[row, MUSHY]
                    melted = h if h < mushy else mushy
                    warmed = (h - melted) * table[row, INV_UNFROZEN]
                    mushy_slope = table[row, MUSHY_SLOPE]
                    t = table[row, SOLIDUS] + melted * mushy_slope + warmed
                    k_frozen = table[row, K_SOLIDUS]
                    k_slope = table[row, K_SLOPE]
                    resistivity[k, j, i] = 1.0 / (k_frozen + melted * k_slope)
                    potential[k, j, i] = melted * mushy_slope * (
                        k_frozen + 0.5 * k_slope * melted
                    ) + warmed * (k_frozen + k_slope * mushy)
                    limit = np.float64(perfusable[k, j, i])
                    liquid = melted * table[row, INV_MUSHY]
                    alive = liquid if liquid < limit else limit
                    blood = alive * table[row, BLOOD] * (table[row, ARTERIAL] - t)
                    metabolism = alive * table[row, METABOLISM]
                    source[k, j, i] = blood + metabolism
                    blood_sum += blood
                    metabolism_sum += metabolism
                temperature[k, j, i] = t
                coldest = t if t < coldest else coldest
        slabs[k, 0] = blood_sum
        slabs[k, 1] = metabolism_sum
        slabs[k, 2] = coldest


@kernel(parallel=True)
def advance_stage(
    index: U8,
    temperature: F64,
    resistivity: F64,
    potential: F64,
    source: F64,
    inverse_spacing_squared: F64,
    weights: F64,
    start: F64,
    start_rate: F64,
    previous: F64,
    target: F64,
) -> None:
    """Take one Runge-Kutta-Legendre stage of dH/dt = div(k grad T) + source.

    target = mu previous + nu target + (1 - mu - nu) start + mu' rate + gamma' start_rate, with the
    rate of the temperatures given. An explicit Euler step has mu = 1, nu = 0, mu' = dt, gamma' = 0.

    Both forms are computed and one selected, so that the loop stays free of branches.

    Between cells of one tissue the flux is the difference of Kirchhoff's potential, which is exact
    for any k(T): with a harmonic mean an ice front inside a face would see k jump fourfold at the
    wrong place (measured on a slab: ten times the error). Between tissues it is the harmonic mean.

    Parameters
    ----------
    index, temperature, resistivity, potential, source : as of `update_state`.
    inverse_spacing_squared : (3,) 1/dx^2 along i, j, k, 1/m2.
    weights : (4,) mu, nu, mu' (s), gamma' (s).
    start, start_rate : enthalpy and its rate where the step began.
    previous : enthalpy the temperatures belong to. target : the stage before it; overwritten.
    """
    nz, ny, nx = temperature.shape
    cx, cy, cz = inverse_spacing_squared
    mu, nu, rate_weight, start_weight = weights[0], weights[1], weights[2], weights[3]
    rest = 1.0 - mu - nu
    for k in prange(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                m = index[k, j, i]
                t = temperature[k, j, i]
                r = resistivity[k, j, i]
                p = potential[k, j, i]
                west = 2.0 * (temperature[k, j, i - 1] - t) / (r + resistivity[k, j, i - 1])
                west = potential[k, j, i - 1] - p if index[k, j, i - 1] == m else west
                east = 2.0 * (temperature[k, j, i + 1] - t) / (r + resistivity[k, j, i + 1])
                east = potential[k, j, i + 1] - p if index[k, j, i + 1] == m else east
                south = 2.0 * (temperature[k, j - 1, i] - t) / (r + resistivity[k, j - 1, i])
                south = potential[k, j - 1, i] - p if index[k, j - 1, i] == m else south
                north = 2.0 * (temperature[k, j + 1, i] - t) / (r + resistivity[k, j + 1, i])
                north = potential[k, j + 1, i] - p if index[k, j + 1, i] == m else north
                down = 2.0 * (temperature[k - 1, j, i] - t) / (r + resistivity[k - 1, j, i])
                down = potential[k - 1, j, i] - p if index[k - 1, j, i] == m else down
                up = 2.0 * (temperature[k + 1, j, i] - t) / (r + resistivity[k + 1, j, i])
                up = potential[k + 1, j, i] - p if index[k + 1, j, i] == m else up
                rate = (
                    cx * (west + east) + cy * (south + north) + cz * (down + up) + source[k, j, i]
                )
                target[k, j, i] = (
                    mu * previous[k, j, i]
                    + nu * target[k, j, i]
                    + rest * start[k, j, i]
                    + rate_weight * rate
                    + start_weight * start_rate[k, j, i]
                )


@kernel(parallel=False)
def _flow_in(
    index: U8,
    temperature: F32,
    resistivity: F32,
    weight: float,
    inside: tuple[int, int, int],
    outside: tuple[int, int, int],
) -> float:
    """Heat through a face, W/m3, weight 2/dx^2; none into a held cell."""
    if index[inside] == HELD:
        return 0.0
    return (
        weight
        * (temperature[outside] - temperature[inside])
        / (resistivity[outside] + resistivity[inside])
    )


@kernel(parallel=True)
def boundary_heat(
    index: U8_3,
    temperature: F32_3,
    resistivity: F32_3,
    inverse_spacing_squared: F64_1,
    slab_heat: F64_1,
) -> None:
    """Sum the heat entering tissue through the six outer faces, per slab.

    Held cells at a face (room air, a vessel cut by the box) exchange none with the ghosts outside.

    Parameters
    ----------
    slab_heat : (nz+2,) output, W/m3 times cells.
    """
    nz, ny, nx = temperature.shape
    cx = 2.0 * inverse_spacing_squared[0]
    cy = 2.0 * inverse_spacing_squared[1]
    cz = 2.0 * inverse_spacing_squared[2]
    for k in prange(1, nz - 1):
        total = 0.0
        for j in range(1, ny - 1):
            for inner, ghost in ((1, 0), (nx - 2, nx - 1)):
                inside, outside = (k, j, inner), (k, j, ghost)
                total += _flow_in(index, temperature, resistivity, cx, inside, outside)
        for inner, ghost in ((1, 0), (ny - 2, ny - 1)):
            for i in range(1, nx - 1):
                inside, outside = (k, inner, i), (k, ghost, i)
                total += _flow_in(index, temperature, resistivity, cy, inside, outside)
        for inner, ghost in ((1, 0), (nz - 2, nz - 1)):
            if k == inner:
                for j in range(1, ny - 1):
                    for i in range(1, nx - 1):
                        inside, outside = (inner, j, i), (ghost, j, i)
                        total += _flow_in(index, temperature, resistivity, cz, inside, outside)
        slab_heat[k] = total


@kernel(parallel=True)
def add_scaled(start: F64, rate: F64, weight: float, target: F64) -> None:
    """Set target = start + weight * rate inside the ghost layer."""
    nz, ny, nx = start.shape
    for k in prange(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                target[k, j, i] = start[k, j, i] + weight * rate[k, j, i]


@kernel(parallel=False)
def exchange_rate(
    resistivity: F64, inverse_capacity: F64, inverse_spacing_squared: F64, rate: F64
) -> None:
    """Find how fast each cell follows its neighbors, 1/s: sum of face conductances over capacity.

    Twice the largest rate bounds the spectrum of the diffusion operator (Gershgorin), so an
    explicit step may not exceed its inverse.

    Parameters
    ----------
    resistivity : padded, K m/W, the smallest that each cell can have.
    inverse_capacity : padded, m3 K/J, the largest that each cell can have.
    rate : padded output, 1/s.
    """
    nz, ny, nx = rate.shape
    cx = 2.0 * inverse_spacing_squared[0]
    cy = 2.0 * inverse_spacing_squared[1]
    cz = 2.0 * inverse_spacing_squared[2]
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                r = resistivity[k, j, i]
                faces = (
                    cx / (r + resistivity[k, j, i - 1])
                    + cx / (r + resistivity[k, j, i + 1])
                    + cy / (r + resistivity[k, j - 1, i])
                    + cy / (r + resistivity[k, j + 1, i])
                    + cz / (r + resistivity[k - 1, j, i])
                    + cz / (r + resistivity[k + 1, j, i])
                )
                rate[k, j, i] = faces * inverse_capacity[k, j, i]
