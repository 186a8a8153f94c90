"""Tissues: the library with its sources, and the mapping from labels and HU to tissue."""

from .coarsening import coarsened
from .hosts import ORGAN_FLOW_1_S, flow_from_hosts
from .library import TissueLibrary, citations, define_tissue, library_with, read_library
from .mapping import build_tissue
from .tissue_grid import BY_CT, Tissue, TissueGrid, look_up
from .variations import (
    TissueVariation,
    flows_in_reach,
    flows_without_range,
    tissue_variations,
)

__all__ = [
    "BY_CT",
    "ORGAN_FLOW_1_S",
    "Tissue",
    "TissueGrid",
    "TissueLibrary",
    "TissueVariation",
    "build_tissue",
    "citations",
    "coarsened",
    "define_tissue",
    "flow_from_hosts",
    "flows_in_reach",
    "flows_without_range",
    "library_with",
    "look_up",
    "read_library",
    "tissue_variations",
]
