"""What the validation cases share: parallel probes in a uniform box, and sizes of isotherms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.probes import find_model
from cryosim.simulation import Result, Settings, simulate
from cryosim.surfaces import isosurface, share_at_or_below
from cryosim.tissue import Tissue, TissueGrid

__all__ = ["GRAY", "MEASURED", "SIMULATED", "areas_mm2", "extents_mm", "freeze", "parallel"]

MEASURED, SIMULATED, GRAY = "#c1440e", "#1f5a92", "#888888"


def parallel(positions_mm: Sequence[tuple[float, float]], **numbers: Any) -> list[dict[str, Any]]:
    """Probes along z at (x, y) positions, the middle of their active parts at z = 0.

    `numbers` may be a `model` of the catalog, with what differs.
    """
    length = numbers.get("active_length_mm") or find_model(numbers["model"]).active_length_mm
    half = length / 2
    return [
        {"tip_mm": (x, y, -half), "entry_mm": (x, y, half + 100.0), **numbers}
        for x, y in positions_mm
    ]


def freeze(
    tissue: Tissue,
    probes: Sequence[dict[str, Any]],
    protocol: str,
    *,
    size_mm: Sequence[float],
    spacing_mm: float,
    start_c: float,
    **sections: Any,
) -> Result:
    """Simulate a protocol in a box whose outer faces are held at the start temperature."""
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform", "size_mm": size_mm},
            "probe": list(probes),
            "protocol": {"text": protocol},
            "body": {"temperature_c": start_c},
            **sections,
        }
    )
    grid = Grid.centered(size_mm, spacing_mm)
    return simulate(TissueGrid.uniform(grid, tissue), plan, Settings())


def extents_mm(result: Result, field_c: NDArray[np.float32], level_c: float) -> NDArray[np.float64]:
    """Extent of an isotherm along x, y and z; zeros where there is none."""
    corners = isosurface(result.tissue.grid, field_c, level_c).triangles_mm.reshape(-1, 3)
    extents: NDArray[np.float64] = np.ptp(corners, axis=0) if len(corners) else np.zeros(3)
    return extents


def areas_mm2(result: Result, field_c: NDArray[np.float32], level_c: float) -> NDArray[np.float64]:
    """Area within an isotherm in each slice across z, from partial volumes."""
    dx, dy, _ = result.tissue.grid.spacing_mm
    shares = share_at_or_below(field_c, level_c)
    areas: NDArray[np.float64] = shares.sum(axis=(1, 2), dtype=np.float64) * dx * dy
    return areas
