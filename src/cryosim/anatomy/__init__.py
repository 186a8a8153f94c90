"""A plan's images put on the simulation grid, with protection, air and skin."""

from .body import Body, find_body, leave_out
from .needle_ways import FAR_FROM_AXIAL_DEG
from .placing import Anatomy, phantom_plan, place_anatomy, read_anatomy
from .protection import protect
from .support import Support, find_support

__all__ = [
    "FAR_FROM_AXIAL_DEG",
    "Anatomy",
    "Body",
    "Support",
    "find_body",
    "find_support",
    "leave_out",
    "phantom_plan",
    "place_anatomy",
    "protect",
    "read_anatomy",
]
