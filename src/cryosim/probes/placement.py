"""Checks that probes are where probes can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid
from .probe import Needle

__all__ = ["check_placement"]


def check_placement(grid: Grid, probes: Sequence[Needle]) -> None:
    """Refuse probes whose active part leaves the image, and two probes in one place.

    Parameters
    ----------
    grid : the voxels of the image.

    Raises
    ------
    InputError
        Names the probe, its position and the extent of the image.
    """
    for number, probe in enumerate(probes):
        ends = {"tip": np.asarray(probe.tip_mm), "end of the active part": probe.active_end_mm}
        for name, point in ends.items():
            if not grid.contains(point):
                raise InputError(_outside(number, name, point, grid))
        for other in range(number):
            gap = _gap_mm(probes[other], probe)
            if gap < 0:
                raise InputError(
                    f"probe.{number} and probe.{other} are in one place: their active parts "
                    f"overlap by {-gap:.2f} mm; move one of them"
                )


def _outside(number: int, name: str, point: NDArray[np.float64], grid: Grid) -> str:
    corners = grid.corners_mm()
    extent = ", ".join(
        f"{axis} {low:.0f} to {high:.0f}"
        for axis, low, high in zip("xyz", corners.min(axis=0), corners.max(axis=0), strict=True)
    )
    at = ", ".join(f"{value:g}" for value in np.round(point, 1))
    return (
        f"probe.{number}: the {name} at [{at}] lies outside the image, which covers {extent} mm "
        "(LPS); check tip_mm, entry_mm and their signs"
    )


def _gap_mm(one: Needle, other: Needle) -> float:
    """Smallest gap between the surfaces of two active parts, sampled along both axes."""
    share = np.linspace(0, 1, 101)[:, None]

    def along(probe: Needle) -> NDArray[np.float64]:
        tip = np.asarray(probe.tip_mm)
        points: NDArray[np.float64] = tip + share * (probe.active_end_mm - tip)
        return points

    gap = np.linalg.norm(along(one)[:, None] - along(other)[None], axis=-1).min()
    return float(gap) - (one.diameter_mm + other.diameter_mm) / 2
