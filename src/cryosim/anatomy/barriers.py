"""Barriers of a plan on the simulation grid: beyond them no margin is asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..images import Labels, occupancy
from ..plan import Plan
from ..tissue import TissueGrid, TissueLibrary

__all__ = ["with_barriers"]

_KEY = "target.barriers"


def with_barriers(
    tissue: TissueGrid, plan: Plan, library: TissueLibrary, labels: Labels | None
) -> TissueGrid:
    """Add the barriers of a plan to the structures, where the grid holds some of them.

    Raises
    ------
    InputError
        When one is neither an organ at risk, nor a tissue, nor a label.
    """
    if plan.target is None:
        return tissue
    shares = dict(tissue.structures)
    for barrier, name in zip(plan.target.barriers, plan.target.barrier_names, strict=True):
        if name not in shares:
            share = _share(tissue, barrier, library, labels)
            if share.any():
                shares[name] = share
    added = [name for name in plan.target.barrier_names if name in shares]
    if not added:
        return tissue
    note = f"no margin is asked for beyond {', '.join(added)} ({_KEY})"
    return dataclasses.replace(tissue, structures=shares, assumptions=(*tissue.assumptions, note))


def _share(
    tissue: TissueGrid, barrier: int | str, library: TissueLibrary, labels: Labels | None
) -> NDArray[np.float32]:
    """Share of each voxel that a tissue or label fills."""
    known = library.find_name(barrier) if isinstance(barrier, str) else None
    if known is not None:
        of_it = np.array([each.is_called(known) for each in tissue.tissues])
        filled: NDArray[np.float32] = of_it[tissue.index].astype(np.float32)
        return filled
    if labels is None:
        raise InputError(
            f"{_KEY}: {barrier!r} is no tissue of the library, and the plan has no label map; "
            "'cryosim list tissues' shows tissues"
        )
    return occupancy(labels.grid, labels.voxels_of(barrier, _KEY), tissue.grid)
