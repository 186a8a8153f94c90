"""Surfaces and maps for other programs."""

from .exported import Exported, export_result
from .surface_files import SURFACE_ENDINGS, write_mesh

__all__ = [
    "SURFACE_ENDINGS",
    "Exported",
    "export_result",
    "write_mesh",
]
