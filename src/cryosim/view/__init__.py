"""Pictures: a 3-D scene, three planes that need no graphics library, charts; surfaces as files."""

from .distributions import plot_histogram, plot_margin, plot_margin_map
from .meshes import isotherm_mesh, needle_meshes, structure_mesh
from .over_time import plot_growth, plot_sensors
from .overlay import draw_overlay
from .picture import open_window, save_movie, save_picture, save_web_scene
from .planes import draw_planes, plot_slices
from .rendering import find_rendering
from .seen import draw_seen
from .showing import show
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
    "plot_growth",
    "plot_histogram",
    "plot_margin",
    "plot_margin_map",
    "plot_sensors",
    "plot_slices",
    "save_movie",
    "save_picture",
    "save_web_scene",
    "show",
    "structure_mesh",
    "write_mesh",
]
