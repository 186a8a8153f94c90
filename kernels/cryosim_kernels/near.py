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

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ._compile import kernel
from .exchange import deposit, exchange_with_probes
from .far import NEIGHBORS
from .material import (
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
    ice_rise,
    potential_of,
)

__all__ = [
    "add_rim_heat",
    "begin_near_step",
    "clear_rim",
    "cold_extent",
    "combine_near_stage",
    "find_border_state",
    "find_coupled_potentials",
    "find_links",
    "find_mixed_faces",
    "find_near_sources",
    "find_near_temperature",
    "finish_near_step",
    "integrate_near",
    "show_rim",
    "tissue_spans",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

# A span goes on over so many voxels of other tissues: to look at those in vain costs less than to
# begin anew.
_LONGEST_GAP = 48


@kernel(parallel=False)
def tissue_spans(index: U8, span_starts: I64, spans: I64) -> int:
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


@kernel(parallel=True)
def find_links(index: U8, links: U8) -> None:
    """Set bit n of `links` where heat crosses face n to a voxel of the same tissue.

    Faces towards lower and higher i, j and k have the bits 0 to 5. The ghost layer has none.
    """
    nz, ny, nx = index.shape
    for k in prange(1, nz - 1):
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
    index: U8,
    inverse_spacing_squared: F32,
    plane_starts: I64,
    cells: I64,
    others: I64,
    weights: F32,
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
def _log1p_over(u: np.float32, q: np.float32) -> np.float32:
    """Return log(1 + u) / u, q = 1 / (2 + u), to 1e-7 for u > -0.73 (73 K in ice).

    2 q (1 + z^2/3 + z^4/5 + ...) with z = u q: no branch, no look-up, nothing singular at u = 0.
    """
    z = u * q
    z2 = z * z
    series = np.float32(1.0 / 25.0)
    series = series * z2 + np.float32(1.0 / 23.0)
    series = series * z2 + np.float32(1.0 / 21.0)
    series = series * z2 + np.float32(1.0 / 19.0)
    series = series * z2 + np.float32(1.0 / 17.0)
    series = series * z2 + np.float32(1.0 / 15.0)
    series = series * z2 + np.float32(1.0 / 13.0)
    series = series * z2 + np.float32(1.0 / 11.0)
    series = series * z2 + np.float32(1.0 / 9.0)
    series = series * z2 + np.float32(1.0 / 7.0)
    series = series * z2 + np.float32(1.0 / 5.0)
    series = series * z2 + np.float32(1.0 / 3.0)
    return np.float32(2.0) * q * (series * z2 + np.float32(1.0))


@kernel(parallel=False)
def _potential_of_span(
    tissue: int,
    index: U8,
    base: F32,
    share: np.float32,
    increment: F32,
    row: F32,
    potential: F32,
) -> None:
    """Kirchhoff potential of all voxels of one tissue, free of branches."""
    one, two, zero = np.float32(1.0), np.float32(2.0), np.float32(0.0)
    c, slope = row[C_SOLIDUS], row[C_SLOPE]
    k_ice, fall, k_slope = row[K_SOLIDUS], row[K_FALL], row[K_SLOPE]
    mushy, mushy_slope, warm = row[MUSHY], row[MUSHY_SLOPE], row[INV_UNFROZEN]
    half_slope = np.float32(0.5) * k_slope
    k_warm = k_ice + k_slope * mushy
    coldest_rise = np.float32(COLDEST_ICE_C) - row[SOLIDUS]
    least_u = fall * coldest_rise
    slowest = c + slope * coldest_rise
    least_root = slowest * slowest
    for i in range(len(base)):
        h = base[i] + share * increment[i]
        ice = h if h < zero else zero
        melted = h - ice
        melted = melted if melted < mushy else mushy
        warmed = (h - ice - melted) * warm
        root = c * c + two * slope * ice
        rise = two * ice / (c + np.sqrt(root if root > least_root else least_root))
        softening = melted * mushy_slope
        u = fall * rise
        u = u if u > least_u else least_u
        q = one / (two + u)
        p = (
            k_ice * rise * _log1p_over(u, q)
            + softening * (k_ice + half_slope * melted)
            + warmed * k_warm
        )
        potential[i] = p if index[i] == tissue else potential[i]


@kernel(parallel=False)
def _temperature_of_span(tissue: int, index: U8, enthalpy: F32, row: F32, temperature: F32) -> None:
    """Temperature of all voxels of one tissue, from enthalpy, J/m3."""
    two, zero = np.float32(2.0), np.float32(0.0)
    solidus, c, slope = row[SOLIDUS], row[C_SOLIDUS], row[C_SLOPE]
    mushy, mushy_slope, warm = row[MUSHY], row[MUSHY_SLOPE], row[INV_UNFROZEN]
    slowest = c + slope * (np.float32(COLDEST_ICE_C) - solidus)
    least_root = slowest * slowest
    for i in range(len(enthalpy)):
        h = enthalpy[i]
        ice = h if h < zero else zero
        melted = h - ice
        melted = melted if melted < mushy else mushy
        warmed = (h - ice - melted) * warm
        root = c * c + two * slope * ice
        rise = two * ice / (c + np.sqrt(root if root > least_root else least_root))
        t = solidus + rise + melted * mushy_slope + warmed
        temperature[i] = t if index[i] == tissue else temperature[i]


@kernel(parallel=True)
def find_near_temperature(
    index: U8, span_starts: I64, spans: I64, table: F32, enthalpy: F32, temperature: F32
) -> None:
    """Find temperature, C, from enthalpy, J/m3; `table` (m, 13) is as `material.COLUMNS`."""
    flat_index, flat_h, flat_t = index.reshape(-1), enthalpy.reshape(-1), temperature.reshape(-1)
    for k in prange(1, index.shape[0] - 1):
        for span in range(span_starts[k], span_starts[k + 1]):
            a, b = spans[span, 1], spans[span, 2]
            _temperature_of_span(
                spans[span, 3], flat_index[a:b], flat_h[a:b], table[spans[span, 3]], flat_t[a:b]
            )


@kernel(parallel=False)
def find_coupled_potentials(
    cells: I64, tissues: I64, base: F32, share: float, increment: F32, table: F64, potentials: F64
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


@kernel(parallel=True)
def find_near_sources(
    index: U8,
    span_starts: I64,
    spans: I64,
    table: F32,
    enthalpy: F32,
    temperature: F32,
    perfusable: F32,
    held: F32,
    slab_heat: F64,
) -> None:
    """Find blood and metabolic heat, W/m3, into `held`, and their sums into `slab_heat`, (nz+2, 2).

    `perfusable` is the liquid fraction that still carries blood at most.
    """
    flat_index, flat_h, flat_t = index.reshape(-1), enthalpy.reshape(-1), temperature.reshape(-1)
    flat_perfusable, flat_held = perfusable.reshape(-1), held.reshape(-1)
    for k in prange(1, index.shape[0] - 1):
        slab_heat[k, 0] = 0.0
        slab_heat[k, 1] = 0.0
        for span in range(span_starts[k], span_starts[k + 1]):
            a, b = spans[span, 1], spans[span, 2]
            row = table[spans[span, 3]]
            blood, metabolism = _sources_of_span(
                spans[span, 3],
                flat_index[a:b],
                flat_h[a:b],
                flat_t[a:b],
                flat_perfusable[a:b],
                row,
                flat_held[a:b],
            )
            slab_heat[k, 0] += blood
            slab_heat[k, 1] += metabolism


@kernel(parallel=False, reorder=True)
def _sources_of_span(
    tissue: int, index: U8, enthalpy: F32, temperature: F32, perfusable: F32, row: F32, held: F32
) -> tuple[float, float]:
    """Fill the sources of all voxels of one tissue and return the sums of both kinds."""
    zero, one = np.float32(0.0), np.float32(1.0)
    blood, arterial = row[BLOOD], row[ARTERIAL]
    metabolism, melting = row[METABOLISM], row[INV_MUSHY]
    blood_sum = 0.0
    alive_sum = 0.0
    for i in range(len(held)):
        liquid = enthalpy[i] * melting
        liquid = liquid if liquid > zero else zero
        liquid = liquid if liquid < one else one
        alive = perfusable[i] if perfusable[i] < liquid else liquid
        alive = alive if index[i] == tissue else zero
        from_blood = alive * blood * (arterial - temperature[i])
        given = from_blood + alive * metabolism
        held[i] = given if index[i] == tissue else held[i]
        blood_sum += np.float64(from_blood)
        alive_sum += np.float64(alive)
    return blood_sum, alive_sum * np.float64(metabolism)


@kernel(parallel=False)
def add_rim_heat(
    near_temperature: F32,
    far_start: F32,
    far_increment: F32,
    begun: bool,
    near_cells: I64,
    far_cells: I64,
    conductances: F32,
    held: F32,
) -> None:
    """Add what flows to near voxels through the rim to `held`, W/m3.

    Parameters
    ----------
    begun : whether the increments count already.
    near_cells : (n,) flat indices into the box. far_cells : (n,) flat indices into the grid.
    conductances : (n,) of the faces, over the voxel's volume, W/m3/K.
    """
    share = np.float32(1.0 if begun else 0.0)
    flat_near, flat_held = near_temperature.reshape(-1), held.reshape(-1)
    flat_start, flat_increment = far_start.reshape(-1), far_increment.reshape(-1)
    for n in range(len(near_cells)):
        near, far = near_cells[n], far_cells[n]
        flat_held[near] += conductances[n] * (
            flat_start[far] + share * flat_increment[far] - flat_near[near]
        )


@kernel(parallel=True)
def find_border_state(
    blocks: I64,
    cells: I64,
    table: F32,
    now: F32,
    share: np.float32,
    increment: F32,
    temperature: F32,
    resistivity: F32,
) -> None:
    """Find temperature, C, and 1/k, K m/W, of the voxels at mixed faces.

    Parameters
    ----------
    blocks : (b, 3) first and last + 1 entry and tissue of parts of what has n entries.
    cells : (n,) flat indices into the box, those of one tissue together.
    now, share, increment : the enthalpy is now + share increment, J/m3.
    temperature, resistivity : (n,) outputs.
    """
    flat_now, flat_increment = now.reshape(-1), increment.reshape(-1)
    for block in prange(len(blocks)):
        a, b = blocks[block, 0], blocks[block, 1]
        _state_of_cells(
            cells[a:b], flat_now, share, flat_increment, table[blocks[block, 2]],
            temperature[a:b], resistivity[a:b],
        )  # fmt: skip


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
    one, two, zero = np.float32(1.0), np.float32(2.0), np.float32(0.0)
    solidus, c, slope = row[SOLIDUS], row[C_SOLIDUS], row[C_SLOPE]
    k_ice, fall, k_slope = row[K_SOLIDUS], row[K_FALL], row[K_SLOPE]
    mushy, mushy_slope, warm = row[MUSHY], row[MUSHY_SLOPE], row[INV_UNFROZEN]
    coldest_rise = np.float32(COLDEST_ICE_C) - solidus
    least_u = fall * coldest_rise
    slowest = c + slope * coldest_rise
    least_root = slowest * slowest
    for n in range(len(cells)):
        h = now[cells[n]] + share * increment[cells[n]]
        ice = h if h < zero else zero
        melted = h - ice
        melted = melted if melted < mushy else mushy
        warmed = (h - ice - melted) * warm
        root = c * c + two * slope * ice
        rise = two * ice / (c + np.sqrt(root if root > least_root else least_root))
        u = fall * rise
        u = u if u > least_u else least_u
        temperature[n] = solidus + rise + melted * mushy_slope + warmed
        # Either u or `melted` is zero.
        resistivity[n] = (one + u) / (k_ice + k_slope * melted)


@kernel(parallel=True)
def advance_near_stage(
    index: U8,
    links: U8,
    span_starts: I64,
    spans: I64,
    plane_starts: I64,
    mixed_cells: I64,
    mixed_pairs: I64,
    mixed_weights: F32,
    border_temperature: F32,
    border_resistivity: F32,
    table: F32,
    inverse_spacing_squared: F32,
    now: F32,
    held: F32,
    weights: F32,
    previous: F32,
    before: F32,
    target: F32,
    work: F32,
) -> None:
    """Take one Runge-Kutta-Legendre stage of the change since a start, J/m3.

    target = mu previous + nu before + mu' rate, the rate being that of the enthalpy
    now + share previous. Between tissues the flux goes with the harmonic mean, see
    `bioheat.advance_stage`.

    Each thread takes some planes and finds the potentials of one plane ahead, so that they never
    leave its cache.

    Parameters
    ----------
    mixed_cells, mixed_pairs, mixed_weights : flat index of the voxel that receives the heat of a
        mixed face, entries of `border_temperature` and `border_resistivity` for it and the other
        one, and 2/dx^2.
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
                _potential_of_span(
                    spans[span, 3],
                    flat_index[a:b],
                    flat_now[a:b],
                    share,
                    flat_previous[a:b],
                    table[spans[span, 3]],
                    potentials[ahead % 3, a - shift : b - shift],
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
    index: U8,
    links: U8,
    span_starts: I64,
    spans: I64,
    plane_starts: I64,
    mixed_cells: I64,
    mixed_pairs: I64,
    mixed_weights: F32,
    border_blocks: I64,
    border_cells: I64,
    border_temperature: F32,
    border_resistivity: F32,
    table: F32,
    inverse_spacing_squared: F32,
    now: F32,
    held: F32,
    probe_starts: I64,
    probe_cells: I64,
    probe_lengths: F64,
    probe_tissues: I64,
    drives: F64,
    exact_table: F64,
    cell_volume: float,
    coupled_potentials: F64,
    coupled_heat: F64,
    probe_heat: F64,
    probe_surface: F64,
    moved: F32,
    second: F32,
    third: F32,
    work: F32,
) -> float:
    """Integrate conduction in the zone and exchange with probes, all else held.

    First-order Runge-Kutta-Legendre (Meyer, Balsara, Aslam, J. Comput. Phys. 257 (2014) 594):
    stable while rate times seconds is at most s^2 + s.

    Parameters
    ----------
    stages, seconds : how many, and how long.
    now : enthalpy at the start, J/m3.
    probe_cells : (m,) flat indices into the box. probe_starts, ..., probe_surface : as of
        `exchange.exchange_with_probes`, whose table is `exact_table`.
    moved, second, third : work space; `moved` holds the change of enthalpy, J/m3, in the
        end.
    The others are as of `advance_near_stage` and `find_border_state`.

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
            probe_starts, probe_lengths, probe_tissues, drives, coupled_potentials, exact_table,
            coupled_heat, probe_heat, probe_surface,
        )  # fmt: skip
        weights[0], weights[1], weights[2], weights[3] = mu, nu, rate_weight, share
        find_border_state(
            border_blocks, border_cells, table, now, weights[3], previous, border_temperature,
            border_resistivity,
        )  # fmt: skip
        advance_near_stage(
            index, links, span_starts, spans, plane_starts, mixed_cells, mixed_pairs,
            mixed_weights, border_temperature, border_resistivity, table, inverse_spacing_squared,
            now, held, weights, previous, before, target, work,
        )  # fmt: skip
        deposit(probe_cells, coupled_heat, rate_weight / cell_volume, target)
        heat, heat_before = mu * heat + nu * heat_before + rate_weight * probe_heat.sum(), heat
        before, previous = previous, target
    return heat


@kernel(parallel=True)
def combine_near_stage(
    weights: F32,
    start: F32,
    moved: F32,
    start_moved: F32,
    previous: F32,
    target: F32,
    now: F32,
) -> None:
    """Take one stage of the super step with the mean rate that an inner integration found.

    target = mu previous + nu target + mu' moved / eta + gamma' start_moved / eta, J/m3, with
    `weights` (4,) mu, nu, mu' / eta, gamma' / eta; and now = start + target.
    """
    mu, nu, moved_weight, start_weight = weights[0], weights[1], weights[2], weights[3]
    nz, ny, nx = moved.shape
    for k in prange(nz):
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


@kernel(parallel=True)
def begin_near_step(
    energy: F64,
    grid_perfusable: F32,
    start: F32,
    now: F32,
    perfusable: F32,
    increment: F32,
    other: F32,
) -> None:
    """Copy enthalpies, J/m3, and what still carries blood; clear the increments.

    `energy` and `grid_perfusable` are the box's part of the grid; the others have a ghost layer
    more on every side.
    """
    nz, ny, nx = energy.shape
    for k in prange(nz):
        for j in range(ny):
            for i in range(nx):
                h = np.float32(energy[k, j, i])
                start[k + 1, j + 1, i + 1] = h
                now[k + 1, j + 1, i + 1] = h
                perfusable[k + 1, j + 1, i + 1] = grid_perfusable[k, j, i]
                increment[k + 1, j + 1, i + 1] = 0.0
                other[k + 1, j + 1, i + 1] = 0.0


@kernel(parallel=True)
def finish_near_step(
    increment: F32,
    index: U8,
    temperature: F32,
    energy: F64,
    grid_temperature: F32,
    coldest: F32,
    row_coldest: F32,
) -> None:
    """Add the increments to the grid's enthalpies, and copy temperatures there.

    `energy`, `grid_temperature`, `coldest` so far and `row_coldest` now, C, are the box's part of
    the grid and brought up to date; the others have a ghost layer more on every side.
    """
    nz, ny, nx = energy.shape
    for k in prange(nz):
        for j in range(ny):
            for i in range(nx):
                energy[k, j, i] += np.float64(increment[k + 1, j + 1, i + 1])
                if index[k + 1, j + 1, i + 1] < CLOSED:
                    t = temperature[k + 1, j + 1, i + 1]
                    grid_temperature[k, j, i] = t
                    coldest[k, j, i] = min(coldest[k, j, i], t)
                    row_coldest[k, j] = min(row_coldest[k, j], t)


@kernel(parallel=False)
def show_rim(
    temperature: F32, near_cells: I64, grid_cells: I64, start: F32, increment: F32
) -> None:
    """Write how far the voxels at the rim have come since `start`, C, into `increment`.

    `near_cells` and `grid_cells` are flat indices of the same voxels into box and grid.
    """
    flat, flat_start = temperature.reshape(-1), start.reshape(-1)
    flat_increment = increment.reshape(-1)
    for n in range(len(near_cells)):
        own = grid_cells[n]
        flat_increment[own] = flat[near_cells[n]] - flat_start[own]


@kernel(parallel=False)
def clear_rim(grid_cells: I64, increment: F32) -> None:
    """Take away what `show_rim` wrote."""
    flat = increment.reshape(-1)
    for n in range(len(grid_cells)):
        flat[grid_cells[n]] = 0.0


@kernel(parallel=True)
def cold_extent(temperature: F32, index: U8, limits: F32, extent: I64) -> None:
    """Find the box around all tissue colder than its limit, plane by plane.

    Parameters
    ----------
    limits : (256,) by tissue, C.
    extent : (nz, 4) output; first and last + 1 voxel along j and i; empty: first = n, last = 0.
    """
    nz, ny, nx = temperature.shape
    for k in prange(nz):
        first_j, last_j, first_i, last_i = ny, 0, nx, 0
        for j in range(ny):
            for i in range(nx):
                m = index[k, j, i]
                if m < CLOSED and temperature[k, j, i] < limits[m]:
                    first_j, last_j = min(first_j, j), j + 1
                    first_i, last_i = min(first_i, i), max(last_i, i + 1)
        extent[k, 0], extent[k, 1], extent[k, 2], extent[k, 3] = first_j, last_j, first_i, last_i
