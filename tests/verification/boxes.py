"""A small box with everything in it, for what shall hold of any case."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import plan
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.tissue import Tissue, TissueGrid

__all__ = ["FAT", "GAS", "ORGAN", "everything_box", "everything_plan"]

ORGAN = Tissue(
    name="organ",
    k_unfrozen_w_mk=0.5,
    k_frozen_w_mk=2.0,
    rho_c_unfrozen_j_m3k=3.6e6,
    rho_c_frozen_j_m3k=1.8e6,
    latent_heat_j_m3=2.5e8,
    solidus_c=-8.0,
    liquidus_c=-1.0,
    perfusion_1_s=5e-3,
    metabolism_w_m3=1e4,
    frozen_law="ice",
)
FAT = Tissue(
    name="fat",
    k_unfrozen_w_mk=0.21,
    k_frozen_w_mk=0.53,
    rho_c_unfrozen_j_m3k=2.1e6,
    rho_c_frozen_j_m3k=1.7e6,
    latent_heat_j_m3=4.1e7,
    solidus_c=-8.0,
    liquidus_c=-0.6,
    perfusion_1_s=5e-4,
    metabolism_w_m3=460.0,
)
GAS = Tissue(
    name="gas",
    k_unfrozen_w_mk=0.026,
    k_frozen_w_mk=0.026,
    rho_c_unfrozen_j_m3k=1.2e3,
    rho_c_frozen_j_m3k=1.2e3,
    latent_heat_j_m3=0.0,
    solidus_c=-1.0,
    liquidus_c=0.0,
)


def everything_box(spacing_mm: float = 2.0) -> TissueGrid:
    """48 x 44 x 40 mm: organ, a slab of fat, gas, a vessel, irrigation and room air on one side."""
    grid = Grid.centered((48.0, 44.0, 40.0), spacing_mm)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    x, y, z = np.moveaxis(grid.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    index = np.zeros(grid.shape, dtype=np.uint8)
    index[x > 10.0] = 1
    index[np.hypot(y + 12.0, z - 6.0) < 4.0] = 2
    air = y > 18.0
    index[air] = 2
    water = (np.abs(x + 18.0) < 3.0) & (np.abs(y) < 5.0) & (np.abs(z) < 6.0)
    start = np.full(grid.shape, np.nan, dtype=np.float32)
    start[water] = 40.0
    film = np.full(grid.shape, np.nan, dtype=np.float32)
    film[water] = 300.0
    return TissueGrid(
        grid,
        index,
        (ORGAN, FAT, GAS),
        heat_sink=(np.hypot(x - 6.0, z + 9.0) < 3.0) & ~air,
        outside_air=air,
        held=water,
        start_c=start,
        film_w_m2k=film,
    )


WHOLE = "freeze 3 min; thaw 1 min active; freeze 1 min; thaw 1 min"


def everything_plan(text: str = WHOLE, **sections: Any) -> Plan:
    """Two oblique probes, one limited in power and one by gas behind a film, and a warmer."""
    shape = {"diameter_mm": 1.5, "active_length_mm": 16.0}
    thaw = {"active_thaw_c": 40.0, "active_thaw_power_w": 6.0}
    probes = [
        {
            "tip_mm": (-4.3, -3.1, -7.7),
            "entry_mm": (10.0, 20.0, 60.0),
            "surface_c": -150.0,
            "power_limit_w": 9.0,
            **shape,
            **thaw,
        },
        {
            "tip_mm": (5.2, 4.4, -8.9),
            "entry_mm": (0.0, 10.0, 70.0),
            "gas_c": -170.0,
            "exchange_w_m2k": 3000.0,
            "cool_down_s": 15.0,
            "duty": 0.8,
            **shape,
            **thaw,
        },
    ]
    warmer = {
        "tip_mm": (-12.0, 10.0, -6.0),
        "entry_mm": (-12.0, 10.0, 60.0),
        "diameter_mm": 2.0,
        "active_length_mm": 12.0,
        "temperature_c": 40.0,
        "power_limit_w": 3.0,
    }
    return plan(
        text,
        probes=probes,
        warmer=[warmer],
        perfusion={"vessel_exchange_w_m2k": 800.0},
        **sections,
    )
