"""Heat exchange between probes and the cells around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._compile import kernel
from .material import potential_of

__all__ = ["exchange_with_probes"]

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]

# No surface and no tissue is outside these, C.
_COLDEST_C, _WARMEST_C = -273.0, 100.0


@kernel(parallel=False)
def exchange_with_probes(
    starts: I64,
    cells: I64,
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
    temperature, between that of its drive and that of its mildest cell, at which it takes just that
    much.

    Parameters
    ----------
    starts : (p + 1,) first entry of each probe in `cells` and `lengths`.
    cells : (m,) flat indices into the padded arrays. lengths : (m,) coupling lengths, m.
    drives : (p, 4) temperature of the surface, or of what flows behind the film, C (NaN for a probe
        that is off); film conductance per coupling length, W/m/K (0: none); largest power, W;
        share of the time that it is on.
    cell_volume : m3. potential : as of `bioheat.update_state`.
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
        own_cells, own_lengths, own_heat = cells[first:last], lengths[first:last], heat[first:last]
        total, surface = _heat_of(
            driving, film, own_cells, own_lengths, flat_potential, flat_index, table, own_heat
        )
        if abs(total) > limit:
            total, surface = _limited_heat_of(
                driving, film, limit, total, own_cells, own_lengths, flat_potential, flat_index,
                table, own_heat,
            )  # fmt: skip
        for entry in range(last - first):
            flat_source[own_cells[entry]] += share * own_heat[entry] / cell_volume
        probe_heat[probe] = share * total
        probe_surface[probe] = surface


@kernel(parallel=False)
def _heat_of(
    driving: float,
    film: float,
    cells: I64,
    lengths: F64,
    potential: F64,
    index: U8,
    table: F64,
    heat: F64,
) -> tuple[float, float]:
    """Heat to each cell, W, into `heat`; returns its sum and the mean surface temperature, C."""
    total = 0.0
    weight = 0.0
    surface_sum = 0.0
    for entry in range(len(cells)):
        cell = cells[entry]
        row = table[index[cell]]
        surface = driving
        if film > 0.0:
            surface = _surface_behind_film(driving, film, potential[cell], row)
        heat[entry] = lengths[entry] * (potential_of(surface, row) - potential[cell])
        total += heat[entry]
        weight += lengths[entry]
        surface_sum += lengths[entry] * surface
    return total, surface_sum / weight


@kernel(parallel=False)
def _limited_heat_of(
    driving: float,
    film: float,
    limit: float,
    unlimited: float,
    cells: I64,
    lengths: F64,
    potential: F64,
    index: U8,
    table: F64,
    heat: F64,
) -> tuple[float, float]:
    """As `_heat_of` with the drive made milder until no more than `limit`, W, flows; bisection."""
    sign = -1.0 if unlimited < 0.0 else 1.0
    strong = driving
    weak = _mildest_drive(sign, cells, potential, index, table)
    total, surface = unlimited, driving
    for _ in range(50):
        middle = 0.5 * (strong + weak)
        total, surface = _heat_of(middle, film, cells, lengths, potential, index, table, heat)
        if total * sign > limit:
            strong = middle
        else:
            weak = middle
        if abs(strong - weak) < 1e-9:
            break
    return total, surface


@kernel(parallel=False)
def _surface_behind_film(driving: float, film: float, cell_potential: float, row: F64) -> float:
    """Surface temperature, C, where Theta(T) - Theta(cell) = film (driving - T).

    The left side rises with T and the right side falls: bisection between far limits, with Newton's
    steps where they stay inside.
    """
    low, high = _COLDEST_C, _WARMEST_C
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
def _mildest_drive(sign: float, cells: I64, potential: F64, index: U8, table: F64) -> float:
    """A surface temperature, C, at which no cell exchanges heat in the direction of `sign`."""
    mildest = _COLDEST_C if sign < 0.0 else _WARMEST_C
    for cell in cells:
        temperature = _temperature_of(potential[cell], table[index[cell]])
        mildest = max(mildest, temperature) if sign < 0.0 else min(mildest, temperature)
    return mildest


@kernel(parallel=False)
def _temperature_of(potential: float, row: F64) -> float:
    """Temperature, C, at which the Kirchhoff integral, W/m, has a value; bisection."""
    low, high = _COLDEST_C, _WARMEST_C
    for _ in range(60):
        middle = 0.5 * (low + high)
        if potential_of(middle, row) < potential:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
