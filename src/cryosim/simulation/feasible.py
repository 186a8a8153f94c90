"""What can be simulated on a grid, found out before anything large is allocated."""

from __future__ import annotations

from ..geometry import Grid
from ..plan import Plan, check_sensors
from ..probes import check_placement
from .memory import check_memory

__all__ = ["check_run"]


def check_run(grid: Grid, plan: Plan, snapshots: int) -> int:
    """Return the bytes that a run with so many snapshots will need.

    Raises
    ------
    InputError
        When a probe or sensor lies outside the grid, two probes are in one place, or memory does
        not suffice.
    """
    check_placement(grid, plan.needles)
    check_sensors(grid, plan.sensor)
    return check_memory(grid, plan, snapshots)
