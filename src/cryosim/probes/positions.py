"""Checks that probes are where probes can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..geometry import Grid
from .probe import Needle, Warmer

__all__ = ["check_inside", "check_placement", "needle_name"]


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
            where = f"{needle_name(probes, number)}: the {name}"
            check_inside(grid, where, point, "image", "tip_mm, entry_mm and their signs")
        for other in range(number):
            gap = _gap_mm(probes[other], probe)
            if gap < 0:
                both = f"{needle_name(probes, number)} and {needle_name(probes, other)}"
                raise InputError(
                    f"{both} are in one place: their active parts overlap by {-gap:.2f} mm; move "
                    "one of them"
                )


def needle_name(needles: Sequence[Needle], number: int) -> str:
    """Name a needle of a plan in a sentence: probes by number, warmers by name."""
    needle = needles[number]
    return f"warmer '{needle.name}'" if isinstance(needle, Warmer) else f"probe.{number}"


def check_inside(grid: Grid, name: str, point_mm: ArrayLike, of: str, to_check: str) -> None:
    """Refuse a point outside the voxels.

    Parameters
    ----------
    name : what lies there. of : what the voxels are. to_check : where the mistake may be.

    Raises
    ------
    InputError
        Names the point, its position and the extent of the voxels.
    """
    if grid.contains(point_mm):
        return
    at = ", ".join(f"{value:g}" for value in np.round(np.asarray(point_mm, dtype=float), 1))
    raise InputError(
        f"{name} at [{at}] lies outside the {of}, which covers {grid.extent()}; check {to_check}"
    )


def _gap_mm(one: Needle, other: Needle) -> float:
    """Smallest gap between the surfaces of two active parts, sampled along both axes."""
    points, others = one.active_points_mm(101), other.active_points_mm(101)
    gap = np.linalg.norm(points[:, None] - others[None], axis=-1).min()
    return float(gap) - (one.diameter_mm + other.diameter_mm) / 2
