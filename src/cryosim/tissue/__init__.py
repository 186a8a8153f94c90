"""Tissues: the library with its sources, and the mapping from labels and HU to tissue."""

from .model import Tissue, TissueGrid

__all__ = ["Tissue", "TissueGrid"]
