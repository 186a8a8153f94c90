"""A box of one tissue: for verification, and for probe data sheets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.tissue import read_library

from .hounsfield import HU_OF_TISSUE
from .phantom import Phantom

__all__ = ["DESCRIPTION", "build_uniform"]

DESCRIPTION = "a box of one tissue, one probe; world origin at the center"

_DEFAULT_SIZE_MM: tuple[float, ...] = (120.0, 120.0, 150.0)
_LARGEST_CELL_COUNT = 500_000  # nothing is to be seen in it: coarse voxels do
_FINEST_SPACING_MM = 2.0


def build_uniform(size_mm: Sequence[float] | None = None, tissue: str | None = None) -> Phantom:
    """Build a box without noise.

    Parameters
    ----------
    size_mm : edge lengths (x, y, z); the outer faces lie at half of them. 120, 120, 150 by default.
    tissue : of the tissue library; "soft-tissue" by default.

    Raises
    ------
    InputError
        When the size is not three lengths of 5 to 1000 mm, or the tissue is unknown.
    """
    size = _DEFAULT_SIZE_MM if size_mm is None else tuple(size_mm)
    if len(size) != 3 or not all(5 <= edge <= 1000 for edge in size):
        raise InputError(f"phantom 'uniform': size_mm = {list(size)}: use three of 5 to 1000 mm")
    name = read_library()[tissue or "soft-tissue"].name
    spacing_mm = max(_FINEST_SPACING_MM, (math.prod(size) / _LARGEST_CELL_COUNT) ** (1 / 3))
    grid = Grid.centered(size, spacing_mm)
    source = "phantom uniform"
    return Phantom(
        "uniform",
        DESCRIPTION,
        Volume(grid, np.full(grid.shape, HU_OF_TISSUE[name], dtype=np.float32), "ct", source),
        Labels(grid, np.ones(grid.shape, dtype=np.int32), {1: name}, source),
        {
            "anatomy": {"tissues": {name: name}},
            # The middle of the active 30 mm lies at the origin.
            "probe": [
                {"model": "argon-17g", "tip_mm": [0.0, 0.0, -15.0], "entry_mm": [0.0, 0.0, 100.0]}
            ],
            "protocol": {"text": "freeze 20 min; thaw 10 min"},
            "grid": {"spacing_mm": 1.0},
        },
    )
