"""The tissue that does not freeze in a run: linear conduction, perfusion and metabolism.

There the temperature is the unknown and single precision suffices: a super step works on its
increment D since the step began, whose small values keep their digits. All arrays are padded by a
ghost layer as in `bioheat`. `index` is HELD where a voxel is not an unknown here.

`kinds` says of each row of voxels along i which tissue it and all its neighbors are of, or MIXED.
Rows of one tissue, most of them in smooth anatomy, need neither look-ups nor divisions.
"""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ._compile import kernel
from .material import (
    ARTERIAL,
    CLOSED,
    HELD,
    INV_UNFROZEN,
    K_SLOPE,
    K_SOLIDUS,
    METABOLISM,
    MUSHY,
    enthalpy_of,
)
from .material import BLOOD as BLOOD_COEFFICIENT

__all__ = [
    "MIXED",
    "NEIGHBORS",
    "advance_far_stage",
    "find_held_faces",
    "finish_far_step",
    "linear_table",
    "row_kinds",
    "sink_heat",
    "start_far_step",
    "store_far_energy",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

# A row that has to look at each voxel.
MIXED = 255

# Columns of the table of linear properties, 256 rows: 1/(rho c), m3 K/J; k, W/m/K; blood
# coefficient b, W/m3/K; b T_a + metabolism, W/m3. Zero for reserved indices.
CAPACITY, CONDUCTION, BLOOD, GAIN = range(4)

# From a voxel to its six neighbors along k, j, i.
NEIGHBORS = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))


@kernel(parallel=True)
def store_far_energy(
    temperature: F32,
    carry: F32,
    index: U8,
    table: F64,
    kept_low: I64,
    kept_high: I64,
    energy: F64,
) -> None:
    """Fill the enthalpy, J/m3, of tissue outside a box from `kept_low` to `kept_high` - 1, (3,)."""
    nz, ny, nx = temperature.shape
    for k in prange(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                m = index[k, j, i]
                kept = (
                    kept_low[0] <= k < kept_high[0]
                    and kept_low[1] <= j < kept_high[1]
                    and kept_low[2] <= i < kept_high[2]
                )
                if m < CLOSED and not kept:
                    t = np.float64(temperature[k, j, i]) + np.float64(carry[k, j, i])
                    energy[k, j, i] = enthalpy_of(t, table[m])


@kernel(parallel=True)
def row_kinds(index: U8, kinds: U8) -> None:
    """Find the kind of each row, (nz+2, ny+2)."""
    nz, ny, nx = index.shape
    kinds[:] = MIXED
    for k in prange(1, nz - 1):
        for j in range(1, ny - 1):
            m = index[k, j, 1]
            different = 0
            for i in range(1, nx - 1):
                different += (
                    (index[k, j, i] != m)
                    + (index[k, j - 1, i] != m)
                    + (index[k, j + 1, i] != m)
                    + (index[k - 1, j, i] != m)
                    + (index[k + 1, j, i] != m)
                )
            if different == 0 and m < CLOSED:
                kinds[k, j] = m


@kernel(parallel=False)
def _flow(
    field: F32,
    resistivity: F32,
    k: int,
    j: int,
    i: int,
    cx: np.float32,
    cy: np.float32,
    cz: np.float32,
) -> np.float32:
    """Heat into a voxel from its six neighbors, W/m3, by harmonic means; cx is 2/dx^2."""
    t = field[k, j, i]
    r = resistivity[k, j, i]
    return (
        cx
        * (
            (field[k, j, i - 1] - t) / (r + resistivity[k, j, i - 1])
            + (field[k, j, i + 1] - t) / (r + resistivity[k, j, i + 1])
        )
        + cy
        * (
            (field[k, j - 1, i] - t) / (r + resistivity[k, j - 1, i])
            + (field[k, j + 1, i] - t) / (r + resistivity[k, j + 1, i])
        )
        + cz
        * (
            (field[k - 1, j, i] - t) / (r + resistivity[k - 1, j, i])
            + (field[k + 1, j, i] - t) / (r + resistivity[k + 1, j, i])
        )
    )


@kernel(parallel=True, reorder=True)
def start_far_step(
    temperature: F32,
    resistivity: F32,
    index: U8,
    kinds: U8,
    table: F32,
    inverse_spacing_squared: F32,
    weight: np.float32,
    rate: F32,
    increment: F32,
    slab_heat: F64,
) -> None:
    """Find dT/dt of every far voxel, and the first stage's increment, weight dT/dt.

    Parameters
    ----------
    temperature : (nz+2, ny+2, nx+2) C. resistivity : same shape; 1/k, K m/W.
    index : same shape; row of the table. kinds : (nz+2, ny+2). table : (256, 4), see above.
    inverse_spacing_squared : (3,) along i, j, k, 1/m2.
    weight : s. rate : output, K/s. increment : output, K.
    slab_heat : (nz+2,) output; per slab blood and metabolic heat, W/m3 times voxels.
    """
    nz, ny, nx = temperature.shape
    two = np.float32(2.0)
    cx = two * inverse_spacing_squared[0]
    cy = two * inverse_spacing_squared[1]
    cz = two * inverse_spacing_squared[2]
    for k in prange(1, nz - 1):
        slab_sum = 0.0
        for j in range(1, ny - 1):
            row_sum = np.float32(0.0)
            m = kinds[k, j]
            if m != MIXED:
                capacity, blood, gain = table[m, CAPACITY], table[m, BLOOD], table[m, GAIN]
                half = np.float32(0.5) * table[m, CONDUCTION]
                ax, ay, az = half * cx, half * cy, half * cz
                for i in range(1, nx - 1):
                    t = temperature[k, j, i]
                    # Differences first: temperatures are large beside them.
                    speed = capacity * (
                        (gain - blood * t)
                        + ax * ((temperature[k, j, i - 1] - t) + (temperature[k, j, i + 1] - t))
                        + ay * ((temperature[k, j - 1, i] - t) + (temperature[k, j + 1, i] - t))
                        + az * ((temperature[k - 1, j, i] - t) + (temperature[k + 1, j, i] - t))
                    )
                    rate[k, j, i] = speed
                    increment[k, j, i] = weight * speed
                    row_sum += t
                # Only the ends of the row have another neighbor, the ghosts.
                r = resistivity[k, j, 1]
                for i, ghost in ((1, 0), (nx - 2, nx - 1)):
                    more = cx / (r + resistivity[k, j, ghost]) - ax
                    speed = capacity * more * (temperature[k, j, ghost] - temperature[k, j, i])
                    rate[k, j, i] += speed
                    increment[k, j, i] += weight * speed
                slab_sum += np.float64(gain) * (nx - 2) - np.float64(blood) * np.float64(row_sum)
                continue
            for i in range(1, nx - 1):
                t = temperature[k, j, i]
                flow = _flow(temperature, resistivity, k, j, i, cx, cy, cz)
                n = index[k, j, i]
                source = table[n, GAIN] - table[n, BLOOD] * t
                speed = table[n, CAPACITY] * (flow + source)
                rate[k, j, i] = speed
                increment[k, j, i] = weight * speed
                row_sum += source
            slab_sum += np.float64(row_sum)
        slab_heat[k] = slab_sum


@kernel(parallel=True, reorder=True)
def advance_far_stage(
    resistivity: F32,
    index: U8,
    kinds: U8,
    table: F32,
    inverse_spacing_squared: F32,
    weights: F32,
    start_rate: F32,
    previous: F32,
    target: F32,
    slab_heat: F64,
) -> None:
    """Take one Runge-Kutta-Legendre stage of the increments.

    target = mu previous + nu target + mu' (rate of previous) + (mu' + gamma') start_rate; the rate
    is linear in the increment.

    Parameters
    ----------
    weights : (4,) mu, nu, mu' (s), mu' + gamma' (s).
    start_rate : K/s, as `start_far_step` found it. previous, target : increments, K.
    slab_heat : (nz+2,) output; per slab the change of blood heat since the step began, W/m3 times
        voxels.
    The others are as of `start_far_step`.
    """
    nz, ny, nx = previous.shape
    two = np.float32(2.0)
    cx = two * inverse_spacing_squared[0]
    cy = two * inverse_spacing_squared[1]
    cz = two * inverse_spacing_squared[2]
    mu, nu, rate_weight, start_weight = weights[0], weights[1], weights[2], weights[3]
    for k in prange(1, nz - 1):
        slab_sum = 0.0
        for j in range(1, ny - 1):
            row_sum = np.float32(0.0)
            m = kinds[k, j]
            if m != MIXED:
                speed = rate_weight * table[m, CAPACITY]
                half = np.float32(0.5) * table[m, CONDUCTION]
                ax, ay, az = speed * half * cx, speed * half * cy, speed * half * cz
                blood = table[m, BLOOD]
                own = mu - speed * blood - two * (ax + ay + az)
                # Only the ends of the row have another neighbor, the ghosts.
                r = resistivity[k, j, 1]
                west = speed * cx / (r + resistivity[k, j, 0]) - ax
                east = speed * cx / (r + resistivity[k, j, nx - 1]) - ax
                for i in range(1, nx - 1):
                    d = previous[k, j, i]
                    target[k, j, i] = (
                        own * d
                        + nu * target[k, j, i]
                        + ax * (previous[k, j, i - 1] + previous[k, j, i + 1])
                        + ay * (previous[k, j - 1, i] + previous[k, j + 1, i])
                        + az * (previous[k - 1, j, i] + previous[k + 1, j, i])
                        + start_weight * start_rate[k, j, i]
                    )
                    row_sum += d
                target[k, j, 1] -= west * previous[k, j, 1]
                target[k, j, nx - 2] -= east * previous[k, j, nx - 2]
                slab_sum -= np.float64(blood) * np.float64(row_sum)
                continue
            for i in range(1, nx - 1):
                d = previous[k, j, i]
                flow = _flow(previous, resistivity, k, j, i, cx, cy, cz)
                n = index[k, j, i]
                lost = table[n, BLOOD] * d
                target[k, j, i] = (
                    mu * d
                    + nu * target[k, j, i]
                    + rate_weight * table[n, CAPACITY] * (flow - lost)
                    + start_weight * start_rate[k, j, i]
                )
                row_sum += lost
            slab_sum -= np.float64(row_sum)
        slab_heat[k] = slab_sum


@kernel(parallel=True)
def finish_far_step(
    increment: F32,
    index: U8,
    carry: F32,
    temperature: F32,
    coldest: F32,
    row_coldest: F32,
) -> None:
    """Add the increments to the temperatures and keep the coldest.

    Parameters
    ----------
    increment : K; zero where a voxel is not an unknown. temperature : C, updated.
    carry : what the temperatures' precision could not hold of earlier increments, K, updated; small
        steps would lose all they do without it.
    coldest : coldest temperature so far, C, updated.
    row_coldest : (nz+2, ny+2) output; coldest far temperature of each row now, C.
    """
    nz, ny, nx = temperature.shape
    for k in prange(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                change = increment[k, j, i] + carry[k, j, i]
                before = temperature[k, j, i]
                t = before + change
                carry[k, j, i] = change - (t - before)
                temperature[k, j, i] = t
                coldest[k, j, i] = t if t < coldest[k, j, i] else coldest[k, j, i]
            row_coldest[k, j] = _coldest_of(temperature[k, j, 1 : nx - 1], index[k, j, 1 : nx - 1])


@kernel(parallel=False, reorder=True)
def _coldest_of(temperature: F32, index: U8) -> np.float32:
    """Coldest temperature of the unknowns of a row; infinite where there is none."""
    none = np.float32(np.inf)
    coldest = none
    for i in range(len(temperature)):
        t = temperature[i] if index[i] < CLOSED else none
        coldest = t if t < coldest else coldest
    return coldest


@kernel(parallel=False)
def sink_heat(field: F32, cells: I64, sinks: I64, conductances: F32, kinds: U8, heat: F64) -> None:
    """Sum the heat that flows from held voxels to cells, by the kind of the held voxel.

    Parameters
    ----------
    field : temperatures or increments (zero in held voxels), K.
    cells, sinks : (n,) flat indices into it.
    conductances : (n,) of the face between, over the voxel's volume, W/m3/K.
    kinds : (n,). heat : output, by kind, W/m3 times voxels.
    """
    flat = field.reshape(-1)
    heat[:] = 0.0
    for n in range(len(cells)):
        heat[kinds[n]] += conductances[n] * np.float64(flat[sinks[n]] - flat[cells[n]])


@kernel(parallel=False)
def find_held_faces(
    index: U8,
    resistivity: F32,
    inverse_spacing_squared: F64,
    cells: I64,
    sinks: I64,
    conductances: F32,
) -> int:
    """Fill the faces as of `sink_heat`, in the order of the held voxels; return how many there are.

    None is kept beyond the room.
    """
    nz, ny, nx = index.shape
    count = 0
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                if index[k, j, i] != HELD:
                    continue
                for face in range(6):
                    dk, dj, di = NEIGHBORS[face]
                    a, b, c = k + dk, j + dj, i + di
                    outside = a in (0, nz - 1) or b in (0, ny - 1) or c in (0, nx - 1)
                    if outside or index[a, b, c] >= CLOSED:
                        continue
                    count += 1
                    if count > len(cells):
                        continue
                    cells[count - 1] = (a * ny + b) * nx + c
                    sinks[count - 1] = (k * ny + j) * nx + i
                    conductances[count - 1] = (
                        2.0
                        * inverse_spacing_squared[2 - face // 2]
                        / (resistivity[k, j, i] + resistivity[a, b, c])
                    )
    return count


def linear_table(table: F64) -> F32:
    """Return the (256, 4) linear properties of unfrozen tissue from rows of `material.COLUMNS`."""
    linear = np.zeros((256, 4), dtype=np.float32)
    rows = len(table)
    linear[:rows, CAPACITY] = table[:, INV_UNFROZEN]
    linear[:rows, CONDUCTION] = table[:, K_SOLIDUS] + table[:, K_SLOPE] * table[:, MUSHY]
    linear[:rows, BLOOD] = table[:, BLOOD_COEFFICIENT]
    linear[:rows, GAIN] = table[:, BLOOD_COEFFICIENT] * table[:, ARTERIAL] + table[:, METABOLISM]
    return linear
