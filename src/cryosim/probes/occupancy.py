"""How much of each voxel the probes themselves take up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from .probe import Needle

__all__ = ["axis_coordinates", "inside_probe", "probe_share"]

FloatArray = NDArray[np.float64]

# Sample points across a probe's diameter; volumes come out within one percent.
_SAMPLES_ACROSS = 8


def axis_coordinates(probe: Needle, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance from a probe's axis and height above its tip of (..., 3) world points, mm."""
    offset = points_mm - np.asarray(probe.tip_mm)
    height = offset @ probe.axis
    radius = np.sqrt(np.maximum(np.sum(offset**2, axis=-1) - height**2, 0.0))
    return radius, height


def inside_probe(probe: Needle, radius_mm: FloatArray, height_mm: FloatArray) -> NDArray[np.bool_]:
    """Tell which points lie in the capsule or the shaft above it."""
    half = probe.diameter_mm / 2
    in_tip = np.hypot(radius_mm, height_mm - half) < half
    inside: NDArray[np.bool_] = in_tip | ((radius_mm < half) & (height_mm >= half))
    return inside


def probe_share(grid: Grid, probes: Sequence[Needle]) -> NDArray[np.float32]:
    """Return the share of each voxel, (k, j, i) in 0..1, that lies inside a probe or its shaft."""
    share = np.zeros(grid.shape, dtype=np.float32)
    reach = float(np.linalg.norm(grid.spacing_mm)) / 2
    for probe in probes:
        offsets = _samples(grid, probe)
        cells = _cells_near_axis(grid, probe, probe.diameter_mm / 2 + reach)
        points = grid.to_world(cells[:, None, ::-1] + offsets)
        filled = inside_probe(probe, *axis_coordinates(probe, points)).mean(axis=1)
        at = tuple(cells.T)
        share[at] = np.maximum(share[at], filled.astype(np.float32))
    return share


def _samples(grid: Grid, probe: Needle) -> FloatArray:
    """Points (n, 3; i, j, k) spread evenly over a voxel, densely for the probe's thickness."""
    counts = np.ceil(_SAMPLES_ACROSS * grid.spacing_mm / probe.diameter_mm).astype(int)
    ticks = [(np.arange(n) + 0.5) / n - 0.5 for n in np.clip(counts, 3, 16)]
    return np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)


def _cells_near_axis(grid: Grid, probe: Needle, reach_mm: float) -> NDArray[np.int64]:
    """Voxels (n, 3; k, j, i) whose center is near the needle, tip to the grid's edge."""
    step = 0.5 * float(grid.spacing_mm.min())
    length = float(np.linalg.norm(grid.size_mm)) + float(
        np.linalg.norm(grid.to_world(np.zeros(3)) - np.asarray(probe.tip_mm))
    )
    heights = np.arange(0.0, length, step)
    on_axis = np.asarray(probe.tip_mm) + heights[:, None] * probe.axis
    on_axis = on_axis[grid.contains(on_axis)]
    span = np.ceil(reach_mm / grid.spacing_mm).astype(int) + 1
    ranges = [np.arange(-n, n + 1) for n in span]
    around = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    base = np.unique(np.rint(grid.to_index(on_axis)).astype(np.int64), axis=0)
    index = np.unique((base[:, None, :] + around).reshape(-1, 3), axis=0)
    index = index[np.all((index >= 0) & (index < np.asarray(grid.shape[::-1])), axis=1)]
    radius, height = axis_coordinates(probe, grid.to_world(index))
    near = (radius <= reach_mm) & (height >= -reach_mm)
    cells: NDArray[np.int64] = index[near][:, ::-1]
    return cells
