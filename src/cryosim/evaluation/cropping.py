"""The part of a result that matters for ice and target, for quick measurements on large grids."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..geometry import Grid
from ..simulation import Result

__all__ = ["Box", "crop_to_ice"]

Box = tuple[slice, slice, slice]

_BESIDE_MM = 10.0
_ROOM_MM = 20.0  # beyond ice and target; there, what lies behind gas decides no margin


def crop_to_ice(result: Result, level_c: float) -> tuple[Result, Box]:
    """Cut out what was ever at or below a temperature, and the target, with room around both.

    Volumes, coverage of the target and margins up to that temperature are there what they are in
    the whole. Of the rest only the plan's lethal exposure is kept: no snapshots.

    Returns
    -------
    The part, and where it lies in arrays of the whole, (k, j, i).
    """
    tissue, target = result.tissue, result.tissue.structures.get("target")
    wanted = result.coldest_c <= level_c
    if target is not None:
        wanted |= target > 0
    if not wanted.any():
        wanted[:] = True
    spacing = tissue.grid.spacing_mm[::-1]
    plan = result.plan.target
    # What limits a margin lies within it.
    kept_mm = _ROOM_MM if plan is None else max(_ROOM_MM, plan.margin_mm + _BESIDE_MM)
    low, high = [], []
    for axis, others in enumerate(((1, 2), (0, 2), (0, 1))):
        filled = np.flatnonzero(wanted.any(axis=others))
        room = int(np.ceil(kept_mm / spacing[axis]))
        low.append(max(int(filled[0]) - room, 0))
        high.append(min(int(filled[-1]) + 1 + room, wanted.shape[axis]))
    box = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
    grid = Grid.from_spacing(
        tissue.index[box].shape,
        tissue.grid.spacing_mm,
        tissue.grid.to_world(low[::-1]),
        tissue.grid.direction,
    )
    lethal_c = None if plan is None else plan.lethal_c
    kept = [level for level in result.thresholds_c if level == lethal_c]
    names = ("target", *(plan.barrier_names if plan is not None else ()))
    structures = {n: s[box] for n, s in tissue.structures.items() if n in names}
    part = dataclasses.replace(
        tissue, grid=grid, index=tissue.index[box], things=None,
        image=None if tissue.image is None else tissue.image[box],
        outside_air=None if tissue.outside_air is None else tissue.outside_air[box],
        held=None, heat_sink=None, start_c=None, film_w_m2k=None, structures=structures,
    )  # fmt: skip
    cropped = dataclasses.replace(
        result, tissue=part, times_s=(), temperatures_c=(), coldest_c=result.coldest_c[box],
        time_below_s={level: result.time_below_s[level][box] for level in kept},
        freezes_below={}, cooling_rate_k_min=result.cooling_rate_k_min[box],
        thawing_rate_k_min=result.thawing_rate_k_min[box], probe_share=result.probe_share[box],
    )  # fmt: skip
    return cropped, box
