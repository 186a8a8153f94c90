"""Organs at risk: how cold, for how long, how near the ice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..plan import ICE_C, OrganAtRisk
from ..quantities import OrganReport
from ..simulation import Result
from ..surfaces import sample, share_at_or_below, signed_distance_mm, structure_points_mm

__all__ = ["evaluate_organ", "frozen_skin_cm2"]


def evaluate_organ(result: Result, organ: OrganAtRisk) -> OrganReport:
    """Evaluate one organ at risk on its voxels and on its surface between them."""
    grid = result.tissue.grid
    share = result.tissue.share_of(organ.name)
    points = structure_points_mm(grid, share)
    coldest_c = result.plan.body.temperature_c
    nearest = np.inf
    if len(points):
        coldest_c = min(coldest_c, float(sample(grid, result.coldest_c, points).min()))
        nearest = float((-signed_distance_mm(grid, result.coldest_c, ICE_C, points)).min())
    is_skin = organ.name == result.plan.skin.name
    limit = organ.min_temperature_c
    below = longest = None
    if limit is not None and coldest_c > limit:
        below = longest = 0.0
    elif limit is not None:
        below = _volume_ml(result, share, limit)
        # Results from before skin had a limit did not count how long it was below.
        seconds = result.time_below_s.get(limit)
        longest = None if seconds is None else float(sample(grid, seconds, points).max())
    return OrganReport(
        name=organ.name,
        volume_ml=float(share.sum(dtype=np.float64)) * grid.cell_volume_ml,
        coldest_c=coldest_c,
        limit_c=limit,
        volume_below_limit_ml=below,
        longest_below_limit_s=longest,
        volume_frozen_ml=_volume_ml(result, share, ICE_C) if coldest_c <= ICE_C else 0.0,
        ice_distance_mm=nearest if np.isfinite(nearest) else None,
        frozen_cm2=frozen_skin_cm2(result) if is_skin and result.tissue.skin.any() else None,
    )


def frozen_skin_cm2(result: Result) -> float:
    """Area of the voxels next to room air that have been frozen; 0 without room air."""
    frozen = result.tissue.skin & (result.coldest_c <= ICE_C)
    return 1e-2 * result.tissue.grid.cell_face_mm2 * int(frozen.sum())


def _volume_ml(result: Result, share: NDArray[np.float32], level_c: float) -> float:
    cold = share_at_or_below(result.coldest_c, level_c) * share
    return float(cold.sum(dtype=np.float64)) * result.tissue.grid.cell_volume_ml
