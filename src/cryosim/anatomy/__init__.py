"""A plan's images put on the simulation grid, with protection, air and skin."""

from .body import Body, find_body, leave_out
from .placing import Anatomy, phantom_plan, place_anatomy, read_anatomy
from .protection import protect

__all__ = [
    "Anatomy",
    "Body",
    "find_body",
    "leave_out",
    "phantom_plan",
    "place_anatomy",
    "protect",
    "read_anatomy",
]
