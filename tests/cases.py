"""Small cases that several tests simulate."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import Result, Settings, simulate
from cryosim.tissue import Tissue, TissueGrid

REFERENCE_TISSUE: dict[str, Any] = {
    "name": "ref",
    "k_unfrozen_w_mk": 0.5,
    "k_frozen_w_mk": 2.0,
    "rho_c_unfrozen_j_m3k": 3.6e6,
    "rho_c_frozen_j_m3k": 1.8e6,
    "latent_heat_j_m3": 2.5e8,
    "solidus_c": -8.0,
    "liquidus_c": -1.0,
}


def probe(tip=(0.0, 0.0, -10.0), entry=(0.0, 0.0, 100.0), **numbers: Any) -> dict[str, Any]:
    """A 17G probe as a plan gives it."""
    return {
        "tip_mm": tip,
        "entry_mm": entry,
        "diameter_mm": 1.5,
        "active_length_mm": 20.0,
        "surface_c": -150.0,
        **numbers,
    }


def plan(text: str = "freeze 3 min; thaw 1 min", probes=None, **sections: Any) -> Plan:
    """A plan in a uniform box."""
    return Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform", "size_mm": [60, 60, 60]},
            "probe": probes or [probe()],
            "protocol": {"text": text},
            **sections,
        }
    )


def box(spacing_mm: float = 2.0, size_mm=(60, 60, 60), **numbers: Any) -> TissueGrid:
    """A box of the reference tissue."""
    tissue = Tissue(**{**REFERENCE_TISSUE, **numbers})
    return TissueGrid.uniform(Grid.centered(size_mm, spacing_mm), tissue)


def ball_share(grid: Grid, center_mm, radius_mm: float) -> np.ndarray:
    """Share of each voxel filled by a ball, smooth at its surface."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    points = grid.to_world(np.stack([i, j, k], axis=-1))
    depth = radius_mm - np.linalg.norm(points - np.asarray(center_mm), axis=-1)
    return np.clip(0.5 + depth / grid.spacing_mm.mean(), 0, 1).astype(np.float32)


@functools.cache
def small_result() -> Result:
    """One probe, one freeze and thaw, with a target and an organ at risk."""
    tissue = box(perfusion_1_s=0.0007)
    grid = tissue.grid
    tissue = TissueGrid(
        grid,
        tissue.index,
        tissue.tissues,
        structures={
            "target": ball_share(grid, (0, 0, 0), 6.0),
            "nerve": ball_share(grid, (16.0, 0, 0), 3.0),
        },
        image=np.random.default_rng(1).normal(40, 10, grid.shape).astype(np.float32),
    )
    content = plan(
        target={"label": 1, "margin_mm": 3.0},
        organ_at_risk=[{"name": "nerve", "label": 2, "min_temperature_c": 10.0}],
        report={"times_s": [60]},
    )
    return simulate(tissue, content, Settings())
