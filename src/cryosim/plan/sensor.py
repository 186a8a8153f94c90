"""Checks that what a plan puts somewhere lies where there is something."""

from __future__ import annotations

from collections.abc import Sequence

from ..geometry import Grid
from ..probes import check_inside
from .sections import Sensor

__all__ = ["check_sensors"]


def check_sensors(grid: Grid, sensors: Sequence[Sensor]) -> None:
    """Refuse a sensor outside the simulated box.

    Raises
    ------
    InputError
        Names the sensor, its position and the extent of the box.
    """
    for sensor in sensors:
        name, to_check = f"sensor '{sensor.name}'", "at_mm, its signs and grid.padding_mm"
        check_inside(grid, name, sensor.at_mm, "simulated box", to_check)
