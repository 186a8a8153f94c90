"""The same tissue on fewer voxels, for what is simulated many times."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from .tissue_grid import TissueGrid

__all__ = ["coarsened"]


def coarsened(tissue: TissueGrid, factors: Sequence[int]) -> TissueGrid:
    """Keep one voxel of each block, where it is; of structures the mean around it.

    Parameters
    ----------
    factors : voxels of a block along k, j, i.
    """
    from scipy import ndimage

    grid = tissue.grid
    kept = [_kept(count, factor) for count, factor in zip(grid.shape, factors, strict=True)]
    at = np.ix_(*kept)

    def thinned(field: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if field is None else field[at]

    first = grid.to_world([[axis[0] for axis in reversed(kept)]])[0]
    spacing_mm = grid.spacing_mm * np.array(factors)[::-1]
    # An odd number of voxels, so that their middle is the voxel that is kept.
    around = [factor | 1 for factor in factors]
    return dataclasses.replace(
        tissue,
        grid=Grid.from_spacing([len(axis) for axis in kept], spacing_mm, first, grid.direction),
        index=tissue.index[at],
        structures={
            name: ndimage.uniform_filter(share, around, mode="nearest")[at]
            for name, share in tissue.structures.items()
        },
        heat_sink=thinned(tissue.heat_sink),
        outside_air=thinned(tissue.outside_air),
        held=thinned(tissue.held),
        start_c=thinned(tissue.start_c),
        film_w_m2k=thinned(tissue.film_w_m2k),
        things=None,
        image=None,
        modality=None,
    )


def _kept(count: int, factor: int) -> NDArray[np.intp]:
    """Which of so many voxels are kept; the last one again where the box would end before it."""
    even = factor % 2 == 0
    blocks = -(-(count + even) // factor)
    return np.minimum((factor - 1) // 2 + factor * np.arange(blocks), count - 1)
