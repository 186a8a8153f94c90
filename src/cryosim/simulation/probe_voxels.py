"""What voxels inside probes show: they are not unknowns, but pictures and isotherms cross them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from ..probes import ProbeCoupling
from .state import INNER, State

__all__ = ["ProbeVoxels"]

F64 = NDArray[np.float64]

# Voxels inside a probe show a mean of so many voxels around it, none farther than so many voxels.
_FILL_COUNT = 18
_FILL_REACH = 4


class ProbeVoxels:
    """Gives voxels inside probes the surface's temperature, or their neighbors'."""

    def __init__(self, grid: Grid, coupling: ProbeCoupling) -> None:
        self._coupling = coupling
        self._neighbors, self._weights = _open_neighbors(grid, coupling.inside)

    def fill(self, state: State) -> None:
        """Write into the state's temperatures; nothing is computed from them."""
        inner = state.temperature[INNER]
        surface = state.probe_surface[self._coupling.inside_owners]
        shown = self._coupling.inside_active & ~np.isnan(surface)
        around = (inner[tuple(self._neighbors.T)].T * self._weights).sum(axis=1)
        inner[tuple(self._coupling.inside.T)] = np.where(shown, surface, around)


def _open_neighbors(grid: Grid, inside: NDArray[np.int64]) -> tuple[NDArray[np.int64], F64]:
    """For each of n voxels inside a probe some of the nearest outside, and their weights.

    Returns
    -------
    neighbors : (n, m, 3) k, j, i. weights : (n, m), falling to zero at the last, so that it does
        not matter which of several equally far voxels is left out.
    """
    from scipy import ndimage
    from scipy.spatial import cKDTree

    if len(inside) == 0:
        return np.zeros((0, 1, 3), dtype=np.int64), np.zeros((0, 1))
    low = np.maximum(inside.min(axis=0) - _FILL_REACH, 0)
    shape = inside.max(axis=0) + _FILL_REACH + 1 - low
    taken = np.zeros(np.minimum(shape, np.asarray(grid.shape) - low), dtype=bool)
    taken[tuple((inside - low).T)] = True
    near = ndimage.binary_dilation(taken, np.ones((3, 3, 3), dtype=bool), iterations=_FILL_REACH)
    candidates = np.argwhere(near & ~taken) + low
    scale = grid.spacing_mm[::-1]
    found = cKDTree(candidates * scale).query(inside * scale, k=_FILL_COUNT)
    distance, nearest = np.asarray(found[0]), np.asarray(found[1])
    weights = 1.0 + 1e-9 - distance / distance[:, -1:]
    neighbors: NDArray[np.int64] = candidates[nearest]
    return neighbors, weights / weights.sum(axis=1, keepdims=True)
