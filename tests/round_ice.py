"""Results whose ice is a ball of known place and size, on any grid."""

from __future__ import annotations

import dataclasses

import numpy as np

import cases
from cryosim.geometry import Grid
from cryosim.simulation import Result
from cryosim.tissue import Tissue, TissueGrid

GAS = Tissue("gas", 0.025, 0.025, 1.2e3, 1.2e3, 0.0, -8.0, -1.0)
TISSUE = Tissue(**cases.REFERENCE_TISSUE)


def turned(*angles: float) -> np.ndarray:
    """Axes turned about z and then about x."""
    a, b = angles
    about_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    return np.array(about_z) @ np.array(about_x)


def grid_about(center_mm, size_mm: float, spacing_mm, direction=None) -> Grid:
    """A grid whose middle is at a place."""
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    unit = np.eye(3) if direction is None else direction
    count = np.ceil(size_mm / spacing).astype(int)
    start = np.asarray(center_mm) - unit @ (spacing * (count - 1) / 2)
    return Grid.from_spacing(count[::-1].tolist(), spacing, start, unit)


def points_of(grid: Grid) -> np.ndarray:
    """World positions of all voxel centers."""
    k, j, i = np.indices(grid.shape)
    return grid.to_world(np.stack([i, j, k], axis=-1))


def depth_mm(grid: Grid, center_mm, radius_mm: float) -> np.ndarray:
    """Distance of voxel centers from the surface of a ball, negative inside."""
    away = np.linalg.norm(points_of(grid) - np.asarray(center_mm), axis=-1)
    return (away - radius_mm).astype(np.float32)


def round_result(grid: Grid, center_mm, radius_mm: float, gas: np.ndarray | None = None) -> Result:
    """Ice that is a ball, 2 K warmer each millimeter; gas where told."""
    cold = np.minimum(2 * depth_mm(grid, center_mm, radius_mm), 37.0).astype(np.float32)
    none = np.zeros(grid.shape, dtype=np.float32)
    index = np.zeros(grid.shape, np.uint8) if gas is None else gas.astype(np.uint8)
    small = cases.small_result()
    plan = cases.plan(
        probes=[
            cases.probe(
                tuple(np.add(center_mm, (0.0, 0.0, -10.0))),
                tuple(np.add(center_mm, (0.0, 0.0, 90.0))),
            )
        ]
    )
    tissue = TissueGrid(
        grid,
        index,
        (TISSUE,) if gas is None else (TISSUE, GAS),
        structures={"target": cases.ball_share(grid, center_mm, radius_mm / 2)},
    )
    warm = np.full(grid.shape, 37.0, dtype=np.float32)
    return dataclasses.replace(
        small,
        tissue=tissue,
        plan=plan,
        times_s=(0.0, 180.0, 240.0),
        temperatures_c=(warm, cold, warm),
        coldest_c=cold,
        time_below_s=dict.fromkeys(small.time_below_s, none),
        freezes_below={level: (cold <= level).astype(np.uint8) for level in small.freezes_below},
        cooling_rate_k_min=none,
        thawing_rate_k_min=none,
        probe_share=none,
    )
