"""A tissue's table row: enthalpy, conductivity and its integral as functions of temperature.

Below the solidus there is ice, whose conductivity falls and whose heat capacity rises with
temperature (or stay constant); between solidus and liquidus latent heat is spread evenly and the
conductivity is linear; above it all is constant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import F32_3, F64_1, F64_2, F64_3, U8_3
from .tissue_rows import (
    C_SLOPE,
    C_SOLIDUS,
    CLOSED,
    COLDEST_ICE_C,
    INV_MUSHY,
    INV_UNFROZEN,
    K_FALL,
    K_SLOPE,
    K_SOLIDUS,
    MUSHY,
    MUSHY_SLOPE,
    SOLIDUS,
)

__all__ = [
    "enthalpy_from_temperature",
    "enthalpy_of",
    "ice_potential",
    "ice_resistivity",
    "ice_rise",
    "potential_of",
    "stored_heat",
]

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


@kernel(parallel=False)
def ice_rise(energy: float, row: F64) -> float:
    """Temperature above the solidus (negative) of ice of a negative enthalpy, K.

    h = c x + s x^2 / 2 solved for x in the form that also holds for s = 0.
    """
    c = row[C_SOLIDUS]
    slowest = c + row[C_SLOPE] * (COLDEST_ICE_C - row[SOLIDUS])
    return 2.0 * energy / (c + np.sqrt(max(c * c + 2.0 * row[C_SLOPE] * energy, slowest * slowest)))


@kernel(parallel=False)
def ice_resistivity(temperature: float, row: F64) -> float:
    """1/k of ice, K m/W."""
    rise = max(temperature, COLDEST_ICE_C) - row[SOLIDUS]
    return (1.0 + row[K_FALL] * rise) / row[K_SOLIDUS]


@kernel(parallel=False)
def ice_potential(temperature: float, row: F64) -> float:
    """Kirchhoff integral of k from the solidus down to ice of a temperature (negative), W/m."""
    rise = temperature - row[SOLIDUS]
    u = row[K_FALL] * (max(temperature, COLDEST_ICE_C) - row[SOLIDUS])
    return row[K_SOLIDUS] * rise * (np.log1p(u) / u if u != 0.0 else 1.0)


@kernel(parallel=False)
def potential_of(temperature: float, row: F64) -> float:
    """Kirchhoff integral of k of one tissue from its solidus to a temperature, W/m."""
    rise = temperature - row[SOLIDUS]
    if rise <= 0.0:
        return ice_potential(temperature, row)
    width = row[MUSHY] * row[MUSHY_SLOPE]
    slope = row[K_SLOPE] / row[MUSHY_SLOPE]
    mushy = rise if rise < width else width
    return mushy * (row[K_SOLIDUS] + 0.5 * slope * mushy) + (rise - mushy) * (
        row[K_SOLIDUS] + slope * width
    )


@kernel(parallel=False)
def enthalpy_of(temperature: float, row: F64) -> float:
    """Return the enthalpy of one tissue at a temperature, J/m3."""
    rise = temperature - row[SOLIDUS]
    if rise <= 0.0:
        return rise * (row[C_SOLIDUS] + 0.5 * row[C_SLOPE] * rise)
    mushy_width = row[MUSHY] * row[MUSHY_SLOPE]
    if rise <= mushy_width:
        return rise / row[MUSHY_SLOPE]
    return row[MUSHY] + (rise - mushy_width) / row[INV_UNFROZEN]


@kernel(parallel=False)
def enthalpy_from_temperature(temperature: F32_3, index: U8_3, table: F64_2, energy: F64_3) -> None:
    """Fill `energy` (J/m3) from temperatures; HELD and CLOSED cells get zero."""
    nz, ny, nx = temperature.shape
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                tissue = index[k, j, i]
                if tissue >= CLOSED:
                    energy[k, j, i] = 0.0
                else:
                    energy[k, j, i] = enthalpy_of(temperature[k, j, i], table[tissue])


@kernel(parallel=False)
def stored_heat(energy: F64_3, index: U8_3, table: F64_2, latent: F64_1, planes: F64_2) -> None:
    """Sum enthalpy and the latent heat in it over tissue, plane by plane, J/m3 times voxels.

    `latent` (n,) by tissue, J/m3; `planes` (nz+2, 2) output.
    """
    nz, ny, nx = energy.shape
    for k in range(1, nz - 1):
        total = 0.0
        melted = 0.0
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                m = index[k, j, i]
                if m < CLOSED:
                    h = energy[k, j, i]
                    total += h
                    melted += min(max(h * table[m, INV_MUSHY], 0.0), 1.0) * latent[m]
        planes[k, 0] = total
        planes[k, 1] = melted
