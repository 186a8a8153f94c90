"""Temperatures at points between voxels; curves of sensors and needles, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid, read_only
from ..plan import Sensor
from ..surfaces import filled_voxels, structure_surface
from ..tissue import TissueGrid
from .result import Curves
from .state import State

__all__ = ["ColdestOf", "CurveRecorder", "PointSamples"]


class PointSamples:
    """Trilinear values of padded fields at points; the edge value outside the grid.

    Parameters
    ----------
    points_mm : (n, 3) LPS.
    through_gas_of : gas has the values of the nearest tissue there; of its own when not given.
    """

    def __init__(
        self,
        grid: Grid,
        points_mm: NDArray[np.float64],
        through_gas_of: TissueGrid | None = None,
    ) -> None:
        shape = np.array(grid.shape)
        index = np.clip(grid.to_index(points_mm)[:, ::-1], 0, shape - 1.0)
        low = np.minimum(np.floor(index), np.maximum(shape - 2, 0)).astype(np.int64)
        share = index - low
        corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1)
        corners = corners.reshape(8, 3)
        self._weights = np.prod(np.where(corners, share[:, None], 1 - share[:, None]), axis=-1)
        cells = np.minimum(low[:, None] + corners, shape - 1)
        if through_gas_of is not None:
            cells = _through_gas(cells, through_gas_of)
        self._cells = np.ravel_multi_index(tuple(np.moveaxis(cells + 1, -1, 0)), tuple(shape + 2))

    def of(self, padded: NDArray[Any]) -> NDArray[np.float64]:
        """(n,) values of a field with a ghost layer around the grid."""
        values: NDArray[np.float64] = (padded.reshape(-1)[self._cells] * self._weights).sum(axis=1)
        return values


def _through_gas(voxels: NDArray[np.int64], tissue: TissueGrid) -> NDArray[np.int64]:
    """Return (..., 3) voxels, k, j, i, with the nearest of tissue instead of gas."""
    gas, nearest = tissue.gas_and_nearest
    if len(gas) == 0:
        return voxels
    flat = np.ravel_multi_index(tuple(np.moveaxis(voxels, -1, 0)), tissue.grid.shape)
    at = np.minimum(np.searchsorted(gas, flat), len(gas) - 1)
    flat = np.where(gas[at] == flat, nearest[at], flat)
    return np.stack(np.unravel_index(flat, tissue.grid.shape), axis=-1)


class ColdestOf:
    """The coldest of any part of a structure: of its voxels, and of its surface between them.

    Parameters
    ----------
    share : (k, j, i) in 0..1, of each voxel that it fills. body_c : what is colder counts.
    """

    def __init__(self, tissue: TissueGrid, share: NDArray[np.float32], body_c: float) -> None:
        grid = tissue.grid
        filled = _through_gas(np.argwhere(filled_voxels(share) & (share > 0)), tissue)
        self._cells = np.ravel_multi_index(tuple(filled.T + 1), tuple(np.array(grid.shape) + 2))
        self._surface = PointSamples(grid, structure_surface(grid, share).centers_mm, tissue)
        self._body_c = body_c

    def of(self, padded: NDArray[Any]) -> float:
        """Look for it in a field with a ghost layer."""
        inside = padded.reshape(-1)[self._cells].min(initial=self._body_c)
        return float(min(inside, self._surface.of(padded).min(initial=self._body_c)))


class CurveRecorder:
    """Collects sensor temperatures (trilinear between voxels), needle powers and surfaces."""

    def __init__(self, grid: Grid, sensors: Sequence[Sensor], state: State) -> None:
        self._names = [sensor.name for sensor in sensors]
        points_mm = np.array([sensor.at_mm for sensor in sensors], dtype=float).reshape(-1, 3)
        self._points = PointSamples(grid, points_mm)
        self._state = state
        self._times: list[float] = []
        self._temperatures: list[NDArray[np.float64]] = []
        self._powers: list[NDArray[np.float64]] = []
        self._surfaces: list[NDArray[np.float64]] = []

    def record(self, time_s: float) -> None:
        """Take one sample of everything."""
        self._times.append(time_s)
        self._temperatures.append(self._points.of(self._state.temperature))
        self._powers.append(-self._state.probe_heat)
        self._surfaces.append(self._state.probe_surface.copy())

    def curves(self) -> Curves:
        """Everything so far."""
        temperatures = read_only(np.array(self._temperatures).T)
        return Curves(
            times_s=read_only(np.array(self._times)),
            sensors_c={name: temperatures[n] for n, name in enumerate(self._names)},
            needle_power_w=read_only(np.array(self._powers).T),
            needle_surface_c=read_only(np.array(self._surfaces).T),
        )
