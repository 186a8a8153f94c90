"""The tissue around ice and probes: phase change, in enthalpy form, single precision increments.

The near zone is a box of voxels with one ghost layer, in arrays of their own. Heat crosses a face
here only between two voxels of the box; what comes through its rim is held during an inner
integration and part of `held`. Held voxels in the box collect the energy that crosses into them, as
in `bioheat`.

Across faces between voxels of one tissue, nearly all, the flux is the difference of Kirchhoff's
potential; `links` has a bit for each. The others, to another tissue or a held voxel, are a list. So
the main loops have no branch, no look-up and no division, and run over whole planes of the box.

`spans` (m, 4) says where tissues are: plane k, first and last + 1 flat index in the box, tissue;
those of one tissue in a plane do not overlap. `span_starts` (nz+3,) says where those of each plane
begin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import F32_1, F32_2, F32_3, F32_4, F64_1, F64_2, F64_3, I64_1, I64_2, U8_3
from .exchange import deposit, exchange_with_probes
from .far import NEIGHBORS
from .material import ice_rise, potential_of
from .tissue_rows import (
    ARTERIAL,
    BLOOD,
    C_SLOPE,
    C_SOLIDUS,
    CLOSED,
    COLDEST_ICE_C,
    INV_MUSHY,
    INV_UNFROZEN,
    K_FALL,
    K_SLOPE,
    K_SOLIDUS,
    METABOLISM,
    MUSHY,
    MUSHY_SLOPE,
    SOLIDUS,
)

__all__ = [
    "Faces",
    "Rim",
    "combine_near_stage",
    "find_coupled_potentials",
    "find_links",
    "find_mixed_faces",
    "finish_near_step",
    "integrate_near",
    "potential_of_span",
    "tissue_spans",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


# Kernels take the fields of these one by one: Numba takes longer to look into named tuples than a
# stage on a small grid may last.


class Faces(NamedTuple):
    """What is in the box, and the faces within it that heat crosses.

    Attributes
    ----------
    tissue : (nz+2, ny+2, nx+2) of each voxel, row of the table or HELD, CLOSED.
    links : same shape, see `find_links`.
    span_starts, spans : where tissues are, see above.
    plane_starts : (nz+3,) where the mixed faces of each plane begin.
    mixed_cells, mixed_pairs, mixed_weights : flat index of the voxel that receives the heat of a
        mixed face, entries in the lists of voxels at mixed faces for it and the other one, and
        2/dx^2.
    border_starts, border_blocks : (nz+3,) where the blocks of each plane begin, and (b, 3) their
        first and last + 1 entry in those lists, and tissue.
    border_cells, border_temperature, border_resistivity : (n,) flat index; temperature, C, and 1/k,
        K m/W, overwritten for those in blocks.
    """

    tissue: U8
    links: U8
    span_starts: I64
    spans: I64
    plane_starts: I64
    mixed_cells: I64
    mixed_pairs: I64
    mixed_weights: F32
    border_starts: I64
    border_blocks: I64
    border_cells: I64
    border_temperature: F32
    border_resistivity: F32


class Rim(NamedTuple):
    """The faces of the zone's rim that heat crosses.

    Attributes
    ----------
    starts : (nz+3,) where the faces of each plane begin.
    near, far, own : (n,) flat indices of the voxels on both sides of each face: the inner one in
        the box, the outer and the inner one in the grid.
    conductances : (n,) over the voxel's volume, W/m3/K.
    """

    starts: I64
    near: I64
    far: I64
    own: I64
    conductances: F32


# A span goes on over so many voxels of other tissues: to look at those in vain costs less than to
# begin anew.
_LONGEST_GAP = 48


@kernel(parallel=False)
def tissue_spans(index: U8_3, span_starts: I64_1, spans: I64_2) -> int:
    """Find the spans of each plane and return how many there are; none is kept beyond the room."""
    nz, ny, nx = index.shape
    plane = ny * nx
    count = 0
    open_span = np.empty(CLOSED, dtype=np.int64)
    last = np.empty(CLOSED, dtype=np.int64)
    for k in range(nz):
        span_starts[k] = count
        open_span[:] = -1
        for j in range(ny):
            for i in range(nx):
                m = np.int64(index[k, j, i])
                if m >= CLOSED:
                    continue
                flat = k * plane + j * nx + i
                if open_span[m] < 0 or flat - last[m] > _LONGEST_GAP:
                    open_span[m] = count
                    count += 1
                    if count <= len(spans):
                        spans[count - 1, 0], spans[count - 1, 1] = k, flat
                        spans[count - 1, 3] = m
                last[m] = flat
                if open_span[m] < len(spans):
                    spans[open_span[m], 2] = flat + 1
    span_starts[nz] = count
    return count


@kernel(parallel=False)
def find_links(index: U8_3, links: U8_3) -> None:
    """Set bit n of `links` where heat crosses face n to a voxel of the same tissue.

    Faces towards lower and higher i, j and k have the bits 0 to 5. The ghost layer has none.
    """
    nz, ny, nx = index.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                m = index[k, j, i]
                bits = 0
                if m < CLOSED:
                    bits += 1 if i > 1 and index[k, j, i - 1] == m else 0
                    bits += 2 if i < nx - 2 and index[k, j, i + 1] == m else 0
                    bits += 4 if j > 1 and index[k, j - 1, i] == m else 0
                    bits += 8 if j < ny - 2 and index[k, j + 1, i] == m else 0
                    bits += 16 if k > 1 and index[k - 1, j, i] == m else 0
                    bits += 32 if k < nz - 2 and index[k + 1, j, i] == m else 0
                links[k, j, i] = bits


@kernel(parallel=False)
def _is_mixed(index: U8, k: int, j: int, i: int, a: int, b: int, c: int) -> bool:
    """Whether heat crosses between two voxels of the box that are not of one tissue."""
    nz, ny, nx = index.shape
    for n, size in ((k, nz), (a, nz), (j, ny), (b, ny), (i, nx), (c, nx)):
        if n < 1 or n > size - 2:
            return False
    own, other = index[k, j, i], index[a, b, c]
    return own != other and max(own, other) != CLOSED and min(own, other) != CLOSED


@kernel(parallel=False)
def find_mixed_faces(
    index: U8_3,
    inverse_spacing_squared: F32_1,
    plane_starts: I64_1,
    cells: I64_1,
    others: I64_1,
    weights: F32_1,
) -> int:
    """Fill flat indices of both voxels of each such face, and 2/dx^2; return how many there are.

    Each face counts once a side; sorted by the voxel that receives the heat. `plane_starts` (nz+3,)
    says where those of each plane begin. None is kept beyond the room.
    """
    nz, ny, nx = index.shape
    count = 0
    for k in range(nz):
        plane_starts[k] = count
        for j in range(ny):
            for i in range(nx):
                for face in range(6):
                    dk, dj, di = NEIGHBORS[face]
                    a, b, c = k + dk, j + dj, i + di
                    if not _is_mixed(index, k, j, i, a, b, c):
                        continue
                    count += 1
                    if count <= len(cells):
                        cells[count - 1] = (k * ny + j) * nx + i
                        others[count - 1] = (a * ny + b) * nx + c
                        weights[count - 1] = 2.0 * inverse_spacing_squared[2 - face // 2]
    plane_starts[nz] = count
    return count


# Loops below run over slices from zero: an index that might be negative for all the compiler knows
# would keep them from being vectorized.


@kernel(parallel=False)
def _phases(h: np.float32, mushy: np.float32) -> tuple[np.float32, np.float32, np.float32]:
    """Split an enthalpy, J/m3 from the solidus, into that of ice, of melting, of warming."""
    zero = np.float32(0.0)
    ice = h if h < zero else zero
    melted = h - ice
    melted = melted if melted < mushy else mushy
    return ice, melted, h - ice - melted


@kernel(parallel=False)
def _rise_of_ice(
    ice: np.float32, c: np.float32, slope: np.float32, least_root: np.float32
) -> np.float32:
    """Temperature of ice above the solidus, K; the law goes on linearly below `least_root`."""
    root = c * c + np.float32(2.0) * slope * ice
    return np.float32(2.0) * ice / (c + np.sqrt(root if root > least_root else least_root))


@kernel(parallel=False)
def _atanh_over(square: np.float32) -> np.float32:
    """Return atanh(z) / z for z^2 up to 0.335 (u down to -0.73 below) to single precision.

    Interpolates at Chebyshev's points to 2e-8: no branch, nothing singular at z = 0.
    """
    series = np.float32(0.24690224)
    series = series * square + np.float32(-0.00533445)
    series = series * square + np.float32(0.13536399)
    series = series * square + np.float32(0.13985294)
    series = series * square + np.float32(0.2001731)
    series = series * square + np.float32(0.33332965)
    return series * square + np.float32(1.0)


@kernel(parallel=False)
def _potential_of_ice(
    ice: np.float32, c: np.float32, slope: np.float32, k_ice: np.float32, fall: np.float32
) -> np.float32:
    """Kirchhoff potential of ice, W/m, k_ice rise log(1 + u) / u with u = fall rise.

    That is 2 k_ice z / fall (1 + z^2/3 + z^4/5 + ...) with z = u / (2 + u), and
    z / fall = ice / (c + root + fall ice): one division.
    """
    share = ice / (c + np.sqrt(c * c + np.float32(2.0) * slope * ice) + fall * ice)
    z = fall * share
    return np.float32(2.0) * k_ice * share * _atanh_over(z * z)


@kernel(parallel=False)
def potential_of_span(
    tissue: int,
    index: U8,
    base: F32,
    share: np.float32,
    increment: F32,
    row: F32,
    potential: F32,
) -> None:
    """Kirchhoff potential of all voxels of one tissue, free of branches."""
    c, slope = row[C_SOLIDUS], row[C_SLOPE]
    k_ice, fall, k_slope = row[K_SOLIDUS], row[K_FALL], row[K_SLOPE]
    mushy, mushy_slope = row[MUSHY], row[MUSHY_SLOPE]
    half_slope = np.float32(0.5) * k_slope
    warm = row[INV_UNFROZEN] * (k_ice + k_slope * mushy)
    coldest_rise = np.float32(COLDEST_ICE_C) - row[SOLIDUS]
    coldest = coldest_rise * (c + np.float32(0.5) * slope * coldest_rise)
    beyond = _potential_of_ice(coldest, c, slope, k_ice, fall) / coldest
    for i in range(len(base)):
        ice, melted, warmed = _phases(base[i] + share * increment[i], mushy)
        lawful = ice if ice > coldest else coldest
        p = (
            _potential_of_ice(lawful, c, slope, k_ice, fall)
            + beyond * (ice - lawful)
            + melted * mushy_slope * (k_ice + half_slope * melted)
            + warmed * warm
        )
        potential[i] = p if index[i] == tissue else potential[i]


@kernel(parallel=False, reorder=True)
def _settle_span(
    tissue: int,
    index: U8,
    enthalpy: F32,
    perfusable: F32,
    row: F32,
    temperature: F32,
    held: F32,
) -> tuple[float, float]:
    """Fill temperature and sources of all voxels of one tissue; return the sums of both kinds."""
    zero, one = np.float32(0.0), np.float32(1.0)
    solidus, c, slope = row[SOLIDUS], row[C_SOLIDUS], row[C_SLOPE]
    mushy, mushy_slope, warm = row[MUSHY], row[MUSHY_SLOPE], row[INV_UNFROZEN]
    blood, arterial = row[BLOOD], row[ARTERIAL]
    metabolism, melting = row[METABOLISM], row[INV_MUSHY]
    slowest = c + slope * (np.float32(COLDEST_ICE_C) - solidus)
    blood_sum = 0.0
    alive_sum = 0.0
    for i in range(len(held)):
        ice, melted, warmed = _phases(enthalpy[i], mushy)
        rise = _rise_of_ice(ice, c, slope, slowest * slowest)
        t = solidus + rise + melted * mushy_slope + warmed * warm
        liquid = melted * melting
        liquid = liquid if liquid < one else one
        alive = perfusable[i] if perfusable[i] < liquid else liquid
        alive = alive if index[i] == tissue else zero
        from_blood = alive * blood * (arterial - t)
        temperature[i] = t if index[i] == tissue else temperature[i]
        held[i] = from_blood + alive * metabolism if index[i] == tissue else held[i]
        blood_sum += np.float64(from_blood)
        alive_sum += np.float64(alive)
    return blood_sum, alive_sum * np.float64(metabolism)


@kernel(parallel=False)
def _settle_plane(
    k: int,
    index: U8,
    span_starts: I64,
    spans: I64,
    table: F32,
    now: F32,
    perfusable: F32,
    temperature: F32,
    held: F32,
    slab_heat: F64,
) -> None:
    """Find temperature, C, and sources, W/m3, of a plane from its enthalpy, J/m3.

    Blood and metabolic heat go into `held`, and their sums into `slab_heat`, (nz+2, 2).
    `perfusable` is the liquid fraction that still carries blood at most; `table` (m, 13) is as
    `tissue_rows.COLUMNS`.
    """
    flat_index, flat_h, flat_t = index.reshape(-1), now.reshape(-1), temperature.reshape(-1)
    flat_perfusable, flat_held = perfusable.reshape(-1), held.reshape(-1)
    slab_heat[k, 0] = 0.0
    slab_heat[k, 1] = 0.0
    for span in range(span_starts[k], span_starts[k + 1]):
        a, b = spans[span, 1], spans[span, 2]
        blood, metabolism = _settle_span(
            spans[span, 3],
            flat_index[a:b],
            flat_h[a:b],
            flat_perfusable[a:b],
            table[spans[span, 3]],
            flat_t[a:b],
            flat_held[a:b],
        )
        slab_heat[k, 0] += blood
        slab_heat[k, 1] += metabolism


@kernel(parallel=False)
def find_coupled_potentials(
    cells: I64_1,
    tissues: I64_1,
    base: F32_3,
    share: float,
    increment: F32_3,
    table: F64_2,
    potentials: F64_1,
) -> None:
    """Find the Kirchhoff potentials, W/m, of (n,) cells, flat indices into the box."""
    flat_base, flat_increment = base.reshape(-1), increment.reshape(-1)
    for n in range(len(cells)):
        h = np.float64(flat_base[cells[n]]) + share * np.float64(flat_increment[cells[n]])
        row = table[tissues[n]]
        t = row[SOLIDUS] + ice_rise(min(h, 0.0), row)
        t += min(max(h, 0.0), row[MUSHY]) * row[MUSHY_SLOPE]
        t += max(h - row[MUSHY], 0.0) * row[INV_UNFROZEN]
        potentials[n] = potential_of(t, row)


@kernel(parallel=False)
def _state_of_cells(
    cells: I64,
    now: F32,
    share: np.float32,
    increment: F32,
    row: F32,
    temperature: F32,
    resistivity: F32,
) -> None:
    """Temperature, C, and 1/k, K m/W, of (n,) voxels of one tissue at mixed faces."""
    solidus, c, slope = row[SOLIDUS], row[C_SOLIDUS], row[C_SLOPE]
    k_ice, fall, k_slope = row[K_SOLIDUS], row[K_FALL], row[K_SLOPE]
    mushy, mushy_slope, warm = row[MUSHY], row[MUSHY_SLOPE], row[INV_UNFROZEN]
    coldest_rise = np.float32(COLDEST_ICE_C) - solidus
    least_u = fall * coldest_rise
    slowest = c + slope * coldest_rise
    for n in range(len(cells)):
        ice, melted, warmed = _phases(now[cells[n]] + share * increment[cells[n]], mushy)
        rise = _rise_of_ice(ice, c, slope, slowest * slowest)
        u = fall * rise
        u = u if u > least_u else least_u
        temperature[n] = solidus + rise + melted * mushy_slope + warmed * warm
        # Either u or `melted` is zero.
        resistivity[n] = (np.float32(1.0) + u) / (k_ice + k_slope * melted)


@kernel(parallel=True)
def advance_near_stage(
    index: U8_3,
    links: U8_3,
    span_starts: I64_1,
    spans: I64_2,
    plane_starts: I64_1,
    mixed_cells: I64_1,
    mixed_pairs: I64_2,
    mixed_weights: F32_1,
    border_starts: I64_1,
    border_blocks: I64_2,
    border_cells: I64_1,
    border_temperature: F32_1,
    border_resistivity: F32_1,
    table: F32_2,
    inverse_spacing_squared: F32_1,
    now: F32_3,
    held: F32_3,
    weights: F32_1,
    previous: F32_3,
    before: F32_3,
    target: F32_3,
    work: F32_4,
) -> None:
    """Take one Runge-Kutta-Legendre stage of the change since a start, J/m3.

    target = mu previous + nu before + mu' rate, the rate being that of the enthalpy
    now + share previous. Between tissues the flux goes with the harmonic mean, see
    `bioheat.advance_stage`.

    Each thread takes some planes and finds potentials and what mixed faces need one plane ahead, so
    that they never leave its cache. Two threads may find the same of a plane between them.

    Parameters
    ----------
    index, ..., border_resistivity : as of `Faces`.
    weights : (4,) mu, nu, mu' (s), share. target : none of the others.
    work : (threads, 3, ny+2, nx+2) finite numbers, overwritten.
    """
    nz, ny, nx = index.shape
    plane = ny * nx
    threads = work.shape[0]
    mu, nu, rate_weight, share = weights[0], weights[1], weights[2], weights[3]
    cx, cy, cz = inverse_spacing_squared[0], inverse_spacing_squared[1], inverse_spacing_squared[2]
    zero = np.float32(0.0)
    flat_index, flat_links = index.reshape(-1), links.reshape(-1)
    flat_now, flat_held, flat_previous = now.reshape(-1), held.reshape(-1), previous.reshape(-1)
    flat_before, flat_target = before.reshape(-1), target.reshape(-1)
    for thread in prange(threads):
        low = 1 + (nz - 2) * thread // threads
        high = 1 + (nz - 2) * (thread + 1) // threads
        potentials = work[thread].reshape(3, plane)
        for ahead in range(low - 1, high + 1):
            shift = ahead * plane
            for span in range(span_starts[ahead], span_starts[ahead + 1]):
                a, b = spans[span, 1], spans[span, 2]
                potential_of_span(
                    spans[span, 3],
                    flat_index[a:b],
                    flat_now[a:b],
                    share,
                    flat_previous[a:b],
                    table[spans[span, 3]],
                    potentials[ahead % 3, a - shift : b - shift],
                )
            for block in range(border_starts[ahead], border_starts[ahead + 1]):
                a, b = border_blocks[block, 0], border_blocks[block, 1]
                _state_of_cells(
                    border_cells[a:b],
                    flat_now,
                    share,
                    flat_previous,
                    table[border_blocks[block, 2]],
                    border_temperature[a:b],
                    border_resistivity[a:b],
                )
            k = ahead - 1
            if k < low:
                continue
            a, b = nx + 1, plane - nx - 1
            p_own, p_down = potentials[k % 3], potentials[(k - 1) % 3, a:b]
            p_up, own = potentials[(k + 1) % 3, a:b], p_own[a:b]
            p_west, p_east = p_own[a - 1 : b - 1], p_own[a + 1 : b + 1]
            p_south, p_north = p_own[a - nx : b - nx], p_own[a + nx : b + nx]
            a, b = a + k * plane, b + k * plane
            bits, given = flat_links[a:b], flat_held[a:b]
            one_back, two_back, out = flat_previous[a:b], flat_before[a:b], flat_target[a:b]
            for i in range(len(out)):
                p = own[i]
                bit = bits[i]
                west = p_west[i] - p if bit & 1 else zero
                east = p_east[i] - p if bit & 2 else zero
                south = p_south[i] - p if bit & 4 else zero
                north = p_north[i] - p if bit & 8 else zero
                down = p_down[i] - p if bit & 16 else zero
                up = p_up[i] - p if bit & 32 else zero
                rate = cx * (west + east) + cy * (south + north) + cz * (down + up) + given[i]
                out[i] = mu * one_back[i] + nu * two_back[i] + rate_weight * rate
            for face in range(plane_starts[k], plane_starts[k + 1]):
                own_entry, other = mixed_pairs[face, 0], mixed_pairs[face, 1]
                flat_target[mixed_cells[face]] += (
                    rate_weight
                    * mixed_weights[face]
                    * (border_temperature[other] - border_temperature[own_entry])
                    / (border_resistivity[other] + border_resistivity[own_entry])
                )


@kernel(parallel=False)
def integrate_near(
    stages: int,
    seconds: float,
    index: U8_3,
    links: U8_3,
    span_starts: I64_1,
    spans: I64_2,
    plane_starts: I64_1,
    mixed_cells: I64_1,
    mixed_pairs: I64_2,
    mixed_weights: F32_1,
    border_starts: I64_1,
    border_blocks: I64_2,
    border_cells: I64_1,
    border_temperature: F32_1,
    border_resistivity: F32_1,
    table: F32_2,
    inverse_spacing_squared: F32_1,
    now: F32_3,
    held: F32_3,
    probe_starts: I64_1,
    probe_lengths: F64_1,
    probe_tissues: I64_1,
    drives: F64_2,
    coupled_potentials: F64_1,
    coupled_heat: F64_1,
    probe_heat: F64_1,
    probe_surface: F64_1,
    probe_cells: I64_1,
    exact_table: F64_2,
    cell_volume: float,
    moved: F32_3,
    second: F32_3,
    third: F32_3,
    work: F32_4,
) -> float:
    """Integrate conduction in the zone and exchange with probes, all else held.

    First-order Runge-Kutta-Legendre (Meyer, Balsara, Aslam, J. Comput. Phys. 257 (2014) 594):
    stable while rate times seconds is at most s^2 + s.

    Parameters
    ----------
    stages, seconds : how many, and how long.
    now : enthalpy at the start, J/m3.
    probe_starts, ..., probe_surface : as of `exchange.Probes`. probe_cells : (m,) flat indices
        into the box. exact_table : `table` in double precision, for the exchange with probes.
    moved, second, third : work space; `moved` holds the change of enthalpy, J/m3, in the
        end.
    The others are as of `advance_near_stage`.

    Returns
    -------
    The heat from probes, J.
    """
    weights = np.zeros(4, dtype=np.float32)
    unit = 2.0 * seconds / (stages * stages + stages)
    heat = 0.0
    heat_before = 0.0
    previous, before, target = second, third, moved
    for stage in range(1, stages + 1):
        mu, nu = (2.0 * stage - 1.0) / stage, (1.0 - stage) / stage
        rate_weight = mu * unit
        # There is no change yet before the first stage.
        share = 1.0 if stage > 1 else 0.0
        mu, nu = share * mu, nu if stage > 2 else 0.0
        # The last one falls on `moved`.
        turn = (stages - stage) % 3
        target = moved if turn == 0 else (second if turn == 1 else third)
        find_coupled_potentials(
            probe_cells, probe_tissues, now, share, previous, exact_table, coupled_potentials
        )
        exchange_with_probes(
            probe_starts, probe_lengths, probe_tissues, drives, coupled_potentials, coupled_heat,
            probe_heat, probe_surface, exact_table,
        )  # fmt: skip
        weights[0], weights[1], weights[2], weights[3] = mu, nu, rate_weight, share
        advance_near_stage(
            index, links, span_starts, spans, plane_starts, mixed_cells, mixed_pairs,
            mixed_weights, border_starts, border_blocks, border_cells, border_temperature,
            border_resistivity, table, inverse_spacing_squared, now, held, weights, previous,
            before, target, work,
        )  # fmt: skip
        deposit(probe_cells, coupled_heat, rate_weight / cell_volume, target)
        heat, heat_before = mu * heat + nu * heat_before + rate_weight * probe_heat.sum(), heat
        before, previous = previous, target
    return heat


@kernel(parallel=False)
def _meet_rim(
    k: int,
    rim_starts: I64,
    rim_near: I64,
    rim_far: I64,
    rim_own: I64,
    rim_conductances: F32,
    begun: bool,
    far_start: F32,
    far_increment: F32,
    temperature: F32,
    held: F32,
) -> None:
    """Add what a plane gets through the zone's rim to `held`, and show its voxels to far tissue.

    Parameters
    ----------
    rim_starts, ..., rim_conductances : as of `Rim`.
    begun : whether increments count already. far_start : C, in the grid.
    far_increment : K; that of the inner voxels is overwritten.
    """
    share = np.float32(1.0 if begun else 0.0)
    flat_t, flat_held = temperature.reshape(-1), held.reshape(-1)
    flat_start, flat_increment = far_start.reshape(-1), far_increment.reshape(-1)
    for n in range(rim_starts[k], rim_starts[k + 1]):
        far, own, t = rim_far[n], rim_own[n], flat_t[rim_near[n]]
        flat_held[rim_near[n]] += rim_conductances[n] * (
            flat_start[far] + share * flat_increment[far] - t
        )
        flat_increment[own] = share * (t - flat_start[own])


@kernel(parallel=True)
def combine_near_stage(
    weights: F32_1,
    start: F32_3,
    moved: F32_3,
    start_moved: F32_3,
    previous: F32_3,
    index: U8_3,
    span_starts: I64_1,
    spans: I64_2,
    table: F32_2,
    perfusable: F32_3,
    rim_starts: I64_1,
    rim_near: I64_1,
    rim_far: I64_1,
    rim_own: I64_1,
    rim_conductances: F32_1,
    begun: bool,
    far_start: F32_3,
    far_increment: F32_3,
    target: F32_3,
    now: F32_3,
    temperature: F32_3,
    held: F32_3,
    slab_heat: F64_2,
) -> None:
    """Take one stage of the super step with the mean rate that an inner integration found.

    target = mu previous + nu target + mu' moved / eta + gamma' start_moved / eta, J/m3, with
    `weights` (4,) mu, nu, mu' / eta, gamma' / eta; and now = start + target. What follows from that
    is brought up to date, see `_settle_plane` and `_meet_rim`. A step begins with weights of zero.
    """
    mu, nu, moved_weight, start_weight = weights[0], weights[1], weights[2], weights[3]
    nz, ny, nx = moved.shape
    for k in prange(1, nz - 1):
        for j in range(ny):
            for i in range(nx):
                d = (
                    mu * previous[k, j, i]
                    + nu * target[k, j, i]
                    + moved_weight * moved[k, j, i]
                    + start_weight * start_moved[k, j, i]
                )
                target[k, j, i] = d
                now[k, j, i] = start[k, j, i] + d
        _settle_plane(
            k, index, span_starts, spans, table, now, perfusable, temperature, held, slab_heat
        )
        _meet_rim(
            k, rim_starts, rim_near, rim_far, rim_own, rim_conductances, begun, far_start,
            far_increment, temperature, held,
        )  # fmt: skip


@kernel(parallel=True)
def finish_near_step(
    low: I64_1,
    increment: F32_3,
    index: U8_3,
    temperature: F32_3,
    energy: F64_3,
    grid_temperature: F32_3,
    coldest: F32_3,
    row_coldest: F32_2,
    limits: F32_1,
    extent: I64_2,
) -> None:
    """Add the increments to the grid's enthalpies, copy temperatures there, and see what is cold.

    `energy`, `grid_temperature`, `coldest` so far and `row_coldest` now, C, are the grid's, where
    the box begins at `low` (k, j, i), and brought up to date. The others are the box's, and have a
    ghost layer on every side.

    Parameters
    ----------
    limits : (256,) by tissue, C.
    extent : (nz, 4) output; first and last + 1 voxel along j and i that is colder than its limit in
        each plane; none: first = n, last = 0.
    """
    nz, ny, nx = increment.shape[0] - 2, increment.shape[1] - 2, increment.shape[2] - 2
    dk, dj, di = low[0], low[1], low[2]
    for k in prange(nz):
        first_j, last_j, first_i, last_i = ny, 0, nx, 0
        for j in range(ny):
            for i in range(nx):
                energy[k + dk, j + dj, i + di] += np.float64(increment[k + 1, j + 1, i + 1])
                m = index[k + 1, j + 1, i + 1]
                if m < CLOSED:
                    t = temperature[k + 1, j + 1, i + 1]
                    grid_temperature[k + dk, j + dj, i + di] = t
                    coldest[k + dk, j + dj, i + di] = min(coldest[k + dk, j + dj, i + di], t)
                    row_coldest[k + dk, j + dj] = min(row_coldest[k + dk, j + dj], t)
                    if t < limits[m]:
                        first_j, last_j = min(first_j, j), j + 1
                        first_i, last_i = min(first_i, i), max(last_i, i + 1)
        extent[k, 0], extent[k, 1], extent[k, 2], extent[k, 3] = first_j, last_j, first_i, last_i
