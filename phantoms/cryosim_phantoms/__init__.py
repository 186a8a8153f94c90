"""Cases with a known answer: gel, uniform boxes and organs, as images, labels and plans."""

from .catalog import build_phantom, phantom_descriptions, phantom_names
from .phantom import Phantom
from .writing import write_phantom

__all__ = [
    "Phantom",
    "build_phantom",
    "phantom_descriptions",
    "phantom_names",
    "write_phantom",
]
