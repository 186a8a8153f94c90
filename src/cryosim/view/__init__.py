"""Pictures: a 3-D scene, and three planes that need no graphics library; surfaces as files."""

from .meshes import isotherm_mesh, needle_meshes, structure_mesh
from .overlay import draw_overlay
from .picture import open_window, save_picture
from .planes import draw_planes
from .rendering import find_rendering
from .scene import show
from .seen import draw_seen
from .surface_files import SURFACE_ENDINGS, write_mesh

__all__ = [
    "SURFACE_ENDINGS",
    "draw_overlay",
    "draw_planes",
    "draw_seen",
    "find_rendering",
    "isotherm_mesh",
    "needle_meshes",
    "open_window",
    "save_picture",
    "show",
    "structure_mesh",
    "write_mesh",
]
