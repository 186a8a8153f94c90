"""A plan's images put on the simulation grid, with protection, air and skin."""

from .air import outside_air
from .placing import Anatomy, phantom_plan, place_anatomy, read_anatomy
from .protection import protect

__all__ = [
    "Anatomy",
    "outside_air",
    "phantom_plan",
    "place_anatomy",
    "protect",
    "read_anatomy",
]
