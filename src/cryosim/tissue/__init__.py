"""Tissues: the library with its sources, and the mapping from labels and HU to tissue."""

from .hosts import flow_from_hosts
from .library import TissueLibrary, citations, define_tissue, library_with, read_library
from .mapping import build_tissue
from .tissue_grid import Tissue, TissueGrid, look_up

__all__ = [
    "Tissue",
    "TissueGrid",
    "TissueLibrary",
    "build_tissue",
    "citations",
    "define_tissue",
    "flow_from_hosts",
    "library_with",
    "look_up",
    "read_library",
]
