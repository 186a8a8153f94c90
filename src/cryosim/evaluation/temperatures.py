"""How much of a structure has been how cold: the temperature-volume histogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..simulation import Result
from ..surfaces import share_at_or_below

__all__ = ["share_by_temperature"]


def share_by_temperature(
    result: Result, structure: str, levels_c: Sequence[float]
) -> NDArray[np.float64]:
    """Share of a structure's volume, in 0..1, that has ever been at or below each temperature.

    Parameters
    ----------
    structure : "target", or the name of an organ at risk. levels_c : temperatures.

    Raises
    ------
    InputError
        When there is no such structure, or none of it lies in the simulated box.
    """
    structures = result.tissue.structures
    if structure not in structures:
        known = ", ".join(structures) or "none"
        raise InputError(f"structure '{structure}' is not in the result; known: {known}")
    filled = structures[structure] > 0
    if not filled.any():
        raise InputError(f"structure '{structure}' lies outside the simulated box")
    box = _around(filled)
    share = structures[structure][box].astype(float)
    coldest = result.tissue.continued_through_gas(result.coldest_c)[box]
    found = [float((share_at_or_below(coldest, level) * share).sum()) for level in levels_c]
    return np.array(found) / share.sum()


def _around(filled: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Box around voxels with a neighbor on each side, which partial volumes look at."""
    cells = np.argwhere(filled)
    low, high = cells.min(axis=0), cells.max(axis=0)
    return tuple(slice(max(a - 1, 0), b + 2) for a, b in zip(low, high, strict=True))
