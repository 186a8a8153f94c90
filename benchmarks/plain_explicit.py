"""The freezing cube in plain explicit Numba: the yardstick of `peers.py`.

What someone who needs this one problem would write: enthalpy in double precision, two loops a step,
one tissue, no records, nothing tuned.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from .freezing_cube import BODY_C, FreezingCube

Array = NDArray[np.float64]


@numba.njit(parallel=True)
def find_potential(enthalpy, wall, properties, potential):
    """Kirchhoff's integral of k of every voxel; ghost voxels put `wall` on the outer faces."""
    k_frozen, k_unfrozen, c_frozen, c_unfrozen, mushy, width = properties
    nz, ny, nx = enthalpy.shape
    for k in numba.prange(nz):
        for j in range(ny):
            for i in range(nx):
                h = enthalpy[k, j, i]
                melted = min(max(h, 0.0), mushy)
                potential[k + 1, j + 1, i + 1] = (
                    k_frozen / c_frozen * min(h, 0.0)
                    + width / mushy * melted
                    * (k_frozen + (k_unfrozen - k_frozen) / mushy * melted / 2)
                    + k_unfrozen / c_unfrozen * max(h - mushy, 0.0)
                )  # fmt: skip
    potential[0] = 2 * wall - potential[1]
    potential[-1] = 2 * wall - potential[-2]
    potential[:, 0] = 2 * wall - potential[:, 1]
    potential[:, -1] = 2 * wall - potential[:, -2]
    potential[:, :, 0] = 2 * wall - potential[:, :, 1]
    potential[:, :, -1] = 2 * wall - potential[:, :, -2]


@numba.njit(parallel=True)
def take_step(potential, free, weight, enthalpy):
    """Add to each free voxel the heat of a step, weight = seconds / spacing^2."""
    nz, ny, nx = enthalpy.shape
    for k in numba.prange(nz):
        for j in range(ny):
            for i in range(nx):
                enthalpy[k, j, i] += free[k, j, i] * weight * (
                    potential[k + 1, j + 1, i]
                    + potential[k + 1, j + 1, i + 2]
                    + potential[k + 1, j, i + 1]
                    + potential[k + 1, j + 2, i + 1]
                    + potential[k, j + 1, i + 1]
                    + potential[k + 2, j + 1, i + 1]
                    - 6.0 * potential[k + 1, j + 1, i + 1]
                )  # fmt: skip


def freeze(cube: FreezingCube, steps: int, simulated_s: float) -> Array:
    """Return the temperatures (k, j, i) after so many equal steps."""
    gel = cube.gel
    properties = (
        gel.k_frozen_w_mk,
        gel.k_unfrozen_w_mk,
        gel.rho_c_frozen_j_m3k,
        gel.rho_c_unfrozen_j_m3k,
        gel.mushy_enthalpy_j_m3,
        gel.freezing_range_k,
    )
    enthalpy = gel.enthalpy_j_m3(cube.start_c)
    potential = np.zeros([n + 2 for n in cube.shape])
    free = np.where(cube.held, 0.0, 1.0)
    wall = float(gel.potential_w_m(BODY_C))
    weight = simulated_s / steps / cube.spacing_m**2
    for _ in range(steps):
        find_potential(enthalpy, wall, properties, potential)
        take_step(potential, free, weight, enthalpy)
    return gel.temperature_c(enthalpy)
