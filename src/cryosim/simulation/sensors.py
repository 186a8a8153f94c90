"""Curves recorded at every step: temperature sensors, and what each needle does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid, read_only
from ..plan import Sensor
from .result import Curves
from .state import State

__all__ = ["CurveRecorder"]


class CurveRecorder:
    """Collects sensor temperatures (trilinear between voxels), needle powers and surfaces."""

    def __init__(self, grid: Grid, sensors: Sequence[Sensor], state: State) -> None:
        self._names = [sensor.name for sensor in sensors]
        self._corners, self._weights = _interpolation(grid, sensors, state.temperature.shape)
        self._state = state
        self._times: list[float] = []
        self._temperatures: list[NDArray[np.float64]] = []
        self._powers: list[NDArray[np.float64]] = []
        self._surfaces: list[NDArray[np.float64]] = []

    def record(self, time_s: float) -> None:
        """Take one sample of everything."""
        values = self._state.temperature.reshape(-1)[self._corners]
        self._times.append(time_s)
        self._temperatures.append((values * self._weights).sum(axis=1))
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


def _interpolation(
    grid: Grid, sensors: Sequence[Sensor], padded: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Flat indices (n, 8) into padded arrays, and trilinear weights."""
    points = np.array([sensor.at_mm for sensor in sensors], dtype=float).reshape(-1, 3)
    index = np.clip(grid.to_index(points)[:, ::-1], 0, np.array(grid.shape) - 1.0)
    low = np.minimum(np.floor(index), np.maximum(np.array(grid.shape) - 2, 0)).astype(np.int64)
    share = index - low
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
    weights = np.prod(np.where(corners, share[:, None], 1 - share[:, None]), axis=-1)
    cells = low[:, None] + corners + 1
    flat = np.ravel_multi_index(tuple(np.moveaxis(cells, -1, 0)), padded)
    return flat.astype(np.int64), weights
