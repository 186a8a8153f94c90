"""Organs at risk: how cold, for how long, how near the ice."""

from __future__ import annotations

import numpy as np

from ..plan import OrganAtRisk
from ..simulation import Result
from .isotherms import share_at_or_below
from .report import OrganReport
from .surfaces import sample, signed_distance_mm
from .target import ICE_C, structure_surface

__all__ = ["evaluate_organ"]


def evaluate_organ(result: Result, organ: OrganAtRisk) -> OrganReport:
    """Evaluate one organ at risk on its voxels and on its surface between them."""
    grid = result.tissue.grid
    share = result.tissue.structures[organ.name]
    inside = share >= 0.5
    surface = structure_surface(grid, share)
    centers = surface.centers_mm
    coldest = [result.plan.body.temperature_c]
    coldest += [float(result.coldest_c[inside].min())] if inside.any() else []
    if not surface.empty:
        coldest += [float(sample(grid, result.coldest_c, centers).min())]
    distance = -signed_distance_mm(grid, result.coldest_c, ICE_C, centers)
    nearest = float(distance.min()) if len(distance) else np.inf
    limit = organ.min_temperature_c
    below = longest = None
    if limit is not None and min(coldest) > limit:
        below = longest = 0.0
    elif limit is not None:
        below = _volume_ml(result, organ.name, limit)
        seconds = result.time_below_s[limit]
        longest = float(seconds[inside].max()) if inside.any() else 0.0
        if not surface.empty:
            longest = max(longest, float(sample(grid, seconds, centers).max()))
    return OrganReport(
        name=organ.name,
        volume_ml=float(share.sum(dtype=np.float64)) * grid.cell_volume_ml,
        coldest_c=min(coldest),
        limit_c=limit,
        volume_below_limit_ml=below,
        longest_below_limit_s=longest,
        volume_frozen_ml=_volume_ml(result, organ.name, ICE_C) if min(coldest) <= ICE_C else 0.0,
        ice_distance_mm=nearest if np.isfinite(nearest) else None,
    )


def _volume_ml(result: Result, name: str, level_c: float) -> float:
    cold = share_at_or_below(result.coldest_c, level_c) * result.tissue.structures[name]
    return float(cold.sum(dtype=np.float64)) * result.tissue.grid.cell_volume_ml
