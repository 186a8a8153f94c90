"""Volumes enclosed by isotherms, to a fraction of a voxel."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ..simulation import Result
from ..surfaces import share_at_or_below

__all__ = [
    "isotherm_field",
    "isotherm_volume_ml",
    "of_tissue",
    "share_exposed",
]

F32 = NDArray[np.float32]


def share_exposed(seconds: F32, at_least_s: float) -> F32:
    """Share of each voxel that has been exposed for at least so many seconds."""
    return share_at_or_below(-seconds, -at_least_s)


def isotherm_volume_ml(result: Result, field_c: F32, level_c: float) -> float:
    """Volume of tissue at or below a temperature, the probes' own volume and gas excluded.

    Parameters
    ----------
    field_c : (k, j, i) temperatures on the result's grid, a snapshot or the coldest-ever field.
    """
    field_c = result.tissue.continued_through_gas(field_c)
    tissue = share_at_or_below(field_c, level_c) * (1 - result.probe_share)
    tissue[result.tissue.is_gas] = 0.0
    return float(tissue.sum(dtype=np.float64)) * result.tissue.grid.cell_volume_ml


def isotherm_field(result: Result, field_c: F32, level_c: float) -> F32:
    """Return a field whose isotherm at a level encloses tissue and probes, but no gas.

    Gas has the temperature of the nearest tissue, mirrored at the level where that is colder, so
    that a surface through linear interpolation ends at the faces of gas voxels, as volumes do.

    Parameters
    ----------
    field_c : (k, j, i) temperatures on the result's grid.
    """
    gas = result.tissue.is_gas
    if not gas.any():
        return field_c
    continued = result.tissue.continued_through_gas(field_c)
    mirrored = np.float32(level_c) + np.abs(continued - np.float32(level_c))
    field: F32 = np.where(gas, mirrored, continued)
    return field


def of_tissue(result: Result) -> Result:
    """Continue the fields that margins are measured in from the tissue through gas."""
    through = result.tissue.continued_through_gas
    return dataclasses.replace(
        result,
        coldest_c=through(result.coldest_c),
        time_below_s={level: through(seconds) for level, seconds in result.time_below_s.items()},
    )
