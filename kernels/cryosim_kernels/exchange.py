"""Heat exchange between probes and the cells around them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import F32_3, F64_1, F64_2, I64_1
from .material import potential_of

__all__ = ["Probes", "deposit", "exchange_with_probes"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# No surface and no tissue is outside these, C.
_COLDEST_C, _WARMEST_C = -273.0, 100.0


class Probes(NamedTuple):
    """Probes, the cells that they touch, and what goes on between them.

    Attributes
    ----------
    starts : (p + 1,) first entry of each probe in what has m entries, one for each cell it touches.
    lengths : (m,) coupling lengths, m. tissues : (m,) rows of the table of tissues.
    drives : (p, 4) temperature of the surface, or of what flows behind the film, C (NaN for a probe
        that is off); film conductance per coupling length, W/m/K (0: none); largest power, W;
        share of the time that it is on.
    potentials : (m,) Kirchhoff potential of the cells, as of `bioheat.update_state`.
    heat : (m,) W given to each cell. probe_heat : (p,) W given by each probe.
    probe_surface : (p,) mean temperature of its surface, C; NaN for a probe that is off.
    """

    starts: I64
    lengths: F64
    tissues: I64
    drives: F64
    potentials: F64
    heat: F64
    probe_heat: F64
    probe_surface: F64


@kernel(parallel=False)
def exchange_with_probes(
    starts: I64_1,
    lengths: F64_1,
    tissues: I64_1,
    drives: F64_2,
    potentials: F64_1,
    heat: F64_1,
    probe_heat: F64_1,
    probe_surface: F64_1,
    table: F64_2,
) -> None:
    """Find the heat that probes give to the cells around them.

    The exchange is L (Theta(T_surface) - Theta(T_cell)) with Theta the Kirchhoff integral of the
    cell's own conductivity, because k varies fourfold between probe and ice edge. Behind a film the
    surface of each cell finds its own temperature; a probe at the limit of its power has the
    temperature, between that of its drive and that of its mildest cell, at which it takes just that
    much.

    Parameters
    ----------
    starts, ..., probe_surface : as of `Probes`; the last three are filled. table : (n, 13).
    """
    heat[:] = 0.0
    for probe in range(len(starts) - 1):
        probe_heat[probe] = 0.0
        probe_surface[probe] = np.nan
        driving, film, limit, share = drives[probe]
        first, last = starts[probe], starts[probe + 1]
        if np.isnan(driving) or first == last:
            continue
        own_lengths, own_tissues = lengths[first:last], tissues[first:last]
        own_potentials, own_heat = potentials[first:last], heat[first:last]
        total, surface = _heat_of(
            driving, film, own_lengths, own_tissues, own_potentials, table, own_heat
        )
        if abs(total) > limit:
            total, surface = _limited_heat_of(
                driving, film, limit, total, own_lengths, own_tissues, own_potentials, table,
                own_heat,
            )  # fmt: skip
        for entry in range(last - first):
            own_heat[entry] *= share
        probe_heat[probe] = share * total
        probe_surface[probe] = surface


@kernel(parallel=False)
def deposit(cells: I64_1, heat: F64_1, weight: float, target: F32_3) -> None:
    """Add weight times `heat`, (n,) W, to the cells, flat indices into `target`."""
    flat = target.reshape(-1)
    for n in range(len(cells)):
        flat[cells[n]] += weight * heat[n]


@kernel(parallel=False)
def _heat_of(
    driving: float,
    film: float,
    lengths: F64,
    tissues: I64,
    potentials: F64,
    table: F64,
    heat: F64,
) -> tuple[float, float]:
    """Heat to each cell, W, into `heat`; returns its sum and the mean surface temperature, C."""
    total = 0.0
    weight = 0.0
    surface_sum = 0.0
    # Without a film all cells of one tissue see one potential of the surface.
    known = -1
    driving_potential = 0.0
    for entry in range(len(lengths)):
        tissue = tissues[entry]
        surface = driving
        if film > 0.0:
            surface = _surface_behind_film(driving, film, potentials[entry], table[tissue])
            driving_potential = potential_of(surface, table[tissue])
        elif tissue != known:
            known = tissue
            driving_potential = potential_of(surface, table[tissue])
        heat[entry] = lengths[entry] * (driving_potential - potentials[entry])
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
    lengths: F64,
    tissues: I64,
    potentials: F64,
    table: F64,
    heat: F64,
) -> tuple[float, float]:
    """As `_heat_of` with the drive made milder until no more than `limit`, W, flows; bisection."""
    sign = -1.0 if unlimited < 0.0 else 1.0
    strong = driving
    weak = _mildest_drive(sign, tissues, potentials, table)
    total, surface = unlimited, driving
    for _ in range(50):
        middle = 0.5 * (strong + weak)
        total, surface = _heat_of(middle, film, lengths, tissues, potentials, table, heat)
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
def _mildest_drive(sign: float, tissues: I64, potentials: F64, table: F64) -> float:
    """A surface temperature, C, at which no cell exchanges heat in the direction of `sign`."""
    mildest = _COLDEST_C if sign < 0.0 else _WARMEST_C
    for entry in range(len(tissues)):
        temperature = _temperature_of(potentials[entry], table[tissues[entry]])
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
