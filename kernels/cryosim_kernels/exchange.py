"""Heat exchange between probes and the cells around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._compile import kernel
from .material import CLOSED, potential_of

__all__ = ["exchange_with_probes"]

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


@kernel(parallel=False)
def _surface_behind_film(driving: float, film: float, cell_potential: float, row: F64) -> float:
    """Surface temperature where Theta(T) - Theta(cell) = film (driving - T).

    The left side rises with T and the right side falls: bisection between far limits, with Newton's
    steps where they stay inside.
    """
    low, high = -273.0, 100.0
    surface = driving
    for _ in range(60):
        excess = potential_of(surface, row) - cell_potential + film * (surface - driving)
        if excess > 0.0:
            high = surface
        else:
            low = surface
        step = 1e-4
        slope = (potential_of(surface + step, row) - potential_of(surface, row)) / step + film
        following = surface - excess / slope
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - surface) < 1e-9:
            return following
        surface = following
    return surface


@kernel(parallel=False)
def _probe_heat(
    first: int,
    last: int,
    driving: float,
    film: float,
    cells: NDArray[np.int64],
    lengths: F64,
    flat_potential: F64,
    flat_index: U8,
    table: F64,
    heat: F64,
) -> float:
    """Heat from one probe to each of its cells, W, into heat[first:last]; returns the sum."""
    total = 0.0
    for entry in range(first, last):
        cell = cells[entry]
        tissue = flat_index[cell]
        if tissue >= CLOSED:
            heat[entry] = 0.0
            continue
        row = table[tissue]
        surface = driving
        if film > 0.0:
            surface = _surface_behind_film(driving, film, flat_potential[cell], row)
        heat[entry] = lengths[entry] * (potential_of(surface, row) - flat_potential[cell])
        total += heat[entry]
    return total


@kernel(parallel=False)
def exchange_with_probes(
    starts: NDArray[np.int64],
    cells: NDArray[np.int64],
    lengths: F64,
    drives: F64,
    cell_volume: float,
    potential: F64,
    index: U8,
    table: F64,
    source: F64,
    heat: F64,
    probe_heat: F64,
    probe_surface: F64,
) -> None:
    """Add the heat that probes give to the cells around them to `source`.

    The exchange is L (Theta(T_surface) - Theta(T_cell)) with Theta the Kirchhoff integral of the
    cell's own conductivity, because k varies fourfold between probe and ice edge. Behind a film the
    surface of each cell finds its own temperature; a probe at the limit of its power has the
    temperature, between that of its drive and that of its warmest cell, at which it takes just that
    much.

    Parameters
    ----------
    starts : (p + 1,) first entry of each probe in `cells` and `lengths`.
    cells : (m,) flat indices into the padded arrays. lengths : (m,) coupling lengths, m.
    drives : (p, 4) temperature of the surface, or of what flows behind the film, C (NaN for a probe
        that is off); film conductance per coupling length, W/m/K (0: none); largest power, W;
        share of the time that it is on.
    cell_volume : m3. potential : as of `update_state`.
    source : padded array, W/m3, added to. heat : (m,) work space, W.
    probe_heat : (p,) output, W given by each probe.
    probe_surface : (p,) output, mean temperature of its surface, C; NaN for a probe that is off.
    """
    flat_potential = potential.reshape(-1)
    flat_index = index.reshape(-1)
    flat_source = source.reshape(-1)
    for probe in range(len(starts) - 1):
        probe_heat[probe] = 0.0
        probe_surface[probe] = np.nan
        driving, film, limit, share = drives[probe]
        first, last = starts[probe], starts[probe + 1]
        if np.isnan(driving) or first == last:
            continue
        total = _probe_heat(
            first, last, driving, film, cells, lengths, flat_potential, flat_index, table, heat
        )
        if abs(total) > limit:
            sign = -1.0 if total < 0.0 else 1.0
            strong = driving
            weak = _mildest(first, last, cells, flat_potential, flat_index, table, sign)
            for _ in range(50):
                driving = 0.5 * (strong + weak)
                total = _probe_heat(
                    first, last, driving, film, cells, lengths, flat_potential, flat_index, table,
                    heat,
                )  # fmt: skip
                if abs(total) > limit and total * sign > 0.0:
                    strong = driving
                else:
                    weak = driving
                if abs(strong - weak) < 1e-9:
                    break
        weight = 0.0
        surface_sum = 0.0
        for entry in range(first, last):
            cell = cells[entry]
            tissue = flat_index[cell]
            if tissue >= CLOSED:
                continue
            row = table[tissue]
            surface = driving
            if film > 0.0:
                surface = _surface_behind_film(driving, film, flat_potential[cell], row)
            weight += lengths[entry]
            surface_sum += lengths[entry] * surface
            given = share * heat[entry]
            flat_source[cell] += given / cell_volume
            probe_heat[probe] += given
        if weight > 0.0:
            probe_surface[probe] = surface_sum / weight


@kernel(parallel=False)
def _mildest(
    first: int,
    last: int,
    cells: NDArray[np.int64],
    flat_potential: F64,
    flat_index: U8,
    table: F64,
    sign: float,
) -> float:
    """A surface temperature at which no cell exchanges heat in the direction of `sign`."""
    mildest = -273.0 if sign < 0.0 else 100.0
    for entry in range(first, last):
        tissue = flat_index[cells[entry]]
        if tissue >= CLOSED:
            continue
        temperature = _temperature_of(flat_potential[cells[entry]], table[tissue])
        mildest = max(mildest, temperature) if sign < 0.0 else min(mildest, temperature)
    return mildest


@kernel(parallel=False)
def _temperature_of(potential: float, row: F64) -> float:
    """Temperature at which the Kirchhoff integral has a value; bisection."""
    low, high = -273.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if potential_of(middle, row) < potential:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
