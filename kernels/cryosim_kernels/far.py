"""The tissue that does not freeze in a run: linear conduction, perfusion and metabolism.

There the temperature is the unknown and single precision suffices: a super step works on its
increment D since the step began, whose small values keep their digits. All arrays are padded by a
ghost layer as in `bioheat`. `index` is HELD where a voxel is not an unknown here.

`runs` (m, 4) covers the unknowns by pieces of rows along i: j, first and last + 1 i, and which
tissue all voxels of the piece and their neighbors are of, or MIXED. `run_starts` (nz+3,) says where
those of each plane k begin. Runs of one tissue, most voxels in smooth anatomy, need neither
look-ups nor divisions.
"""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import F32_1, F32_2, F32_3, F64_1, F64_2, F64_3, I64_1, U8_1, U8_3, U64_2
from .material import enthalpy_of
from .tissue_rows import (
    ARTERIAL,
    CLOSED,
    HELD,
    INV_UNFROZEN,
    K_SLOPE,
    K_SOLIDUS,
    METABOLISM,
    MUSHY,
)
from .tissue_rows import BLOOD as BLOOD_COEFFICIENT

__all__ = [
    "MIXED",
    "NEIGHBORS",
    "advance_far_stage",
    "find_held_faces",
    "find_runs",
    "finish_far_step",
    "linear_table",
    "sink_heat",
    "start_far_step",
    "store_far_energy",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
U8 = NDArray[np.uint8]

# A run that has to look at each voxel; shorter ones of one tissue are not worth their beginning.
MIXED = 255
_SHORTEST_RUN = 6

# Loops over a run count with unsigned numbers: an index that might be negative for all the compiler
# knows would keep them from being vectorized; and slices would take longer than short runs.
_ONE = np.uint64(1)

# Columns of the table of linear properties, 256 rows: 1/(rho c), m3 K/J; k, W/m/K; blood
# coefficient b, W/m3/K; b T_a + metabolism, W/m3. Zero for reserved indices.
CAPACITY, CONDUCTION, BLOOD, GAIN = range(4)

# From a voxel to its six neighbors along k, j, i.
NEIGHBORS = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))


@kernel(parallel=False)
def store_far_energy(
    temperature: F32_3,
    carry: F32_3,
    index: U8_3,
    table: F64_2,
    kept_low: I64_1,
    kept_high: I64_1,
    energy: F64_3,
) -> None:
    """Fill the enthalpy, J/m3, of tissue outside a box from `kept_low` to `kept_high` - 1, (3,)."""
    nz, ny, nx = temperature.shape
    for k in range(1, nz - 1):
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


@kernel(parallel=False)
def _kind_of(tissues: U8, k: int, j: int, i: int) -> int:
    """Tissue of a voxel if its neighbors are of it too, ghosts at the ends of rows aside."""
    m = tissues[k, j, i]
    same = tissues[k, j - 1, i] == m and tissues[k, j + 1, i] == m
    same = same and tissues[k - 1, j, i] == m and tissues[k + 1, j, i] == m
    same = same and (i == 1 or tissues[k, j, i - 1] == m)
    return m if same and (i == tissues.shape[2] - 2 or tissues[k, j, i + 1] == m) else MIXED


@kernel(parallel=False)
def find_runs(
    first: int, last: int, index: U8_3, tissues: U8_3, run_starts: I64_1, runs: U64_2
) -> None:
    """Fill the runs of planes `first` to `last` - 1, ghosts not counted, where `run_starts` says.

    With no room in `runs`, count those of plane k in `run_starts[k + 1]` instead. `tissues` is as
    `index` and says of what voxels are that are not unknowns here.
    """
    _, ny, nx = index.shape
    for k in range(first + 1, last + 1):
        count = 0
        base = run_starts[k]
        for j in range(1, ny - 1):
            begin, kind, before, kind_before = 0, -1, 0, -1
            for i in range(1, nx):
                found = _kind_of(tissues, k, j, i) if index[k, j, i] < CLOSED else -1
                if found == kind and i < nx - 1:
                    continue
                if kind >= 0:
                    short = i - begin < _SHORTEST_RUN
                    kind = MIXED if short else kind
                    if not (kind == MIXED and kind_before == MIXED and before == begin):
                        if len(runs) > 0:
                            runs[base + count, 0], runs[base + count, 1] = j, begin
                            runs[base + count, 3] = kind
                        count += 1
                    if len(runs) > 0:
                        runs[base + count - 1, 2] = i
                    before, kind_before = i, kind
                begin, kind = i, found
        if len(runs) == 0:
            run_starts[k + 1] = count


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
            (field[k, j, i - _ONE] - t) / (r + resistivity[k, j, i - _ONE])
            + (field[k, j, i + _ONE] - t) / (r + resistivity[k, j, i + _ONE])
        )
        + cy
        * (
            (field[k, j - _ONE, i] - t) / (r + resistivity[k, j - _ONE, i])
            + (field[k, j + _ONE, i] - t) / (r + resistivity[k, j + _ONE, i])
        )
        + cz
        * (
            (field[k - _ONE, j, i] - t) / (r + resistivity[k - _ONE, j, i])
            + (field[k + _ONE, j, i] - t) / (r + resistivity[k + _ONE, j, i])
        )
    )


@kernel(parallel=True, reorder=True)
def start_far_step(
    temperature: F32_3,
    resistivity: F32_3,
    index: U8_3,
    run_starts: I64_1,
    runs: U64_2,
    table: F32_2,
    inverse_spacing_squared: F32_1,
    weight: np.float32,
    rate: F32_3,
    increment: F32_3,
    slab_heat: F64_1,
) -> None:
    """Find dT/dt of every far voxel, and the first stage's increment, weight dT/dt.

    Parameters
    ----------
    temperature : (nz+2, ny+2, nx+2) C. resistivity : same shape; 1/k, K m/W.
    index : same shape; row of the table. run_starts, runs, table : see above.
    inverse_spacing_squared : (3,) along i, j, k, 1/m2.
    weight : s. rate : output, K/s. increment : output, K.
    slab_heat : (nz+2,) output; per slab blood and metabolic heat, W/m3 times voxels.
    """
    nz, _, nx = temperature.shape
    two = np.float32(2.0)
    cx = two * inverse_spacing_squared[0]
    cy = two * inverse_spacing_squared[1]
    cz = two * inverse_spacing_squared[2]
    for slab in prange(1, nz - 1):
        k = np.uint64(slab)
        slab_sum = 0.0
        for run in range(run_starts[slab], run_starts[slab + 1]):
            j, first, last, m = runs[run, 0], runs[run, 1], runs[run, 2], runs[run, 3]
            total = np.float32(0.0)
            if m == MIXED:
                for i in range(first, last):
                    t = temperature[k, j, i]
                    flow = _flow(temperature, resistivity, k, j, i, cx, cy, cz)
                    n = index[k, j, i]
                    source = table[n, GAIN] - table[n, BLOOD] * t
                    speed = table[n, CAPACITY] * (flow + source)
                    rate[k, j, i] = speed
                    increment[k, j, i] = weight * speed
                    total += source
                slab_sum += np.float64(total)
                continue
            capacity, blood, gain = table[m, CAPACITY], table[m, BLOOD], table[m, GAIN]
            half = np.float32(0.5) * table[m, CONDUCTION]
            ax, ay, az = half * cx, half * cy, half * cz
            for i in range(first, last):
                t = temperature[k, j, i]
                # Differences first: temperatures are large beside them.
                west, east = temperature[k, j, i - _ONE] - t, temperature[k, j, i + _ONE] - t
                south, north = temperature[k, j - _ONE, i] - t, temperature[k, j + _ONE, i] - t
                down, up = temperature[k - _ONE, j, i] - t, temperature[k + _ONE, j, i] - t
                flow = ax * (west + east) + ay * (south + north) + az * (down + up)
                speed = capacity * ((gain - blood * t) + flow)
                rate[k, j, i] = speed
                increment[k, j, i] = weight * speed
                total += t
            slab_sum += np.float64(gain) * np.float64(last - first)
            slab_sum -= np.float64(blood) * np.float64(total)
            # Only the ends of rows have another neighbor, the ghosts.
            for end, ghost in ((_ONE, _ONE - _ONE), (np.uint64(nx - 2), np.uint64(nx - 1))):
                if first <= end < last:
                    more = cx / (resistivity[k, j, end] + resistivity[k, j, ghost]) - ax
                    speed = capacity * more * (temperature[k, j, ghost] - temperature[k, j, end])
                    rate[k, j, end] += speed
                    increment[k, j, end] += weight * speed
        slab_heat[slab] = slab_sum


@kernel(parallel=True, reorder=True)
def advance_far_stage(
    resistivity: F32_3,
    index: U8_3,
    run_starts: I64_1,
    runs: U64_2,
    table: F32_2,
    inverse_spacing_squared: F32_1,
    weights: F32_1,
    start_rate: F32_3,
    previous: F32_3,
    target: F32_3,
    slab_heat: F64_1,
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
    nz, _, nx = previous.shape
    two = np.float32(2.0)
    cx = two * inverse_spacing_squared[0]
    cy = two * inverse_spacing_squared[1]
    cz = two * inverse_spacing_squared[2]
    mu, nu, rate_weight, start_weight = weights[0], weights[1], weights[2], weights[3]
    for slab in prange(1, nz - 1):
        k = np.uint64(slab)
        slab_sum = 0.0
        for run in range(run_starts[slab], run_starts[slab + 1]):
            j, first, last, m = runs[run, 0], runs[run, 1], runs[run, 2], runs[run, 3]
            total = np.float32(0.0)
            if m == MIXED:
                for i in range(first, last):
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
                    total += lost
                slab_sum -= np.float64(total)
                continue
            speed = rate_weight * table[m, CAPACITY]
            half = speed * np.float32(0.5) * table[m, CONDUCTION]
            ax, ay, az = half * cx, half * cy, half * cz
            own = mu - speed * table[m, BLOOD] - two * (ax + ay + az)
            for i in range(first, last):
                d = previous[k, j, i]
                target[k, j, i] = (
                    own * d
                    + nu * target[k, j, i]
                    + ax * (previous[k, j, i - _ONE] + previous[k, j, i + _ONE])
                    + ay * (previous[k, j - _ONE, i] + previous[k, j + _ONE, i])
                    + az * (previous[k - _ONE, j, i] + previous[k + _ONE, j, i])
                    + start_weight * start_rate[k, j, i]
                )
                total += d
            slab_sum -= np.float64(table[m, BLOOD]) * np.float64(total)
            # Only the ends of rows have another neighbor, the ghosts.
            for end, ghost in ((_ONE, _ONE - _ONE), (np.uint64(nx - 2), np.uint64(nx - 1))):
                if first <= end < last:
                    more = speed * cx / (resistivity[k, j, end] + resistivity[k, j, ghost]) - ax
                    target[k, j, end] -= more * previous[k, j, end]
        slab_heat[slab] = slab_sum


@kernel(parallel=True)
def finish_far_step(
    increment: F32_3,
    run_starts: I64_1,
    runs: U64_2,
    carry: F32_3,
    temperature: F32_3,
    coldest: F32_3,
    row_coldest: F32_2,
) -> None:
    """Add the increments to the temperatures and keep the coldest.

    Parameters
    ----------
    increment : K. temperature : C, updated.
    carry : what the temperatures' precision could not hold of earlier increments, K, updated; small
        steps would lose all they do without it.
    coldest : coldest temperature so far, C, updated.
    row_coldest : (nz+2, ny+2) output; coldest far temperature of each row now, C; infinite where
        there is none.
    """
    for slab in prange(1, temperature.shape[0] - 1):
        k = np.uint64(slab)
        row_coldest[k, :] = np.inf
        for run in range(run_starts[slab], run_starts[slab + 1]):
            j, first, last = runs[run, 0], runs[run, 1], runs[run, 2]
            for i in range(first, last):
                change = increment[k, j, i] + carry[k, j, i]
                before = temperature[k, j, i]
                t = before + change
                carry[k, j, i] = change - (t - before)
                temperature[k, j, i] = t
                coldest[k, j, i] = t if t < coldest[k, j, i] else coldest[k, j, i]
            coldest_now = _coldest_of(temperature, k, j, first, last)
            row_coldest[k, j] = min(row_coldest[k, j], coldest_now)


@kernel(parallel=False, reorder=True)
def _coldest_of(temperature: F32, k: int, j: int, first: int, last: int) -> np.float32:
    coldest = np.float32(np.inf)
    for i in range(first, last):
        t = temperature[k, j, i]
        coldest = t if t < coldest else coldest
    return coldest


@kernel(parallel=False)
def sink_heat(
    field: F32_3, cells: I64_1, sinks: I64_1, conductances: F32_1, kinds: U8_1, heat: F64_1
) -> None:
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
    index: U8_3,
    resistivity: F32_3,
    inverse_spacing_squared: F64_1,
    cells: I64_1,
    sinks: I64_1,
    conductances: F32_1,
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
    """Return the (256, 4) linear properties of unfrozen tissue from `tissue_rows.COLUMNS`."""
    linear = np.zeros((256, 4), dtype=np.float32)
    rows = len(table)
    linear[:rows, CAPACITY] = table[:, INV_UNFROZEN]
    linear[:rows, CONDUCTION] = table[:, K_SOLIDUS] + table[:, K_SLOPE] * table[:, MUSHY]
    linear[:rows, BLOOD] = table[:, BLOOD_COEFFICIENT]
    linear[:rows, GAIN] = table[:, BLOOD_COEFFICIENT] * table[:, ARTERIAL] + table[:, METABOLISM]
    return linear
