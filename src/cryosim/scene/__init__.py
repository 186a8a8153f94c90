"""The iceball in 3-D with PyVista: window, pictures, movies, web pages."""

from .meshes import isotherm_mesh, needle_meshes, structure_mesh
from .output import open_window, save_movie, save_picture, save_web_scene
from .rendering import find_rendering
from .showing import show

__all__ = [
    "find_rendering",
    "isotherm_mesh",
    "needle_meshes",
    "open_window",
    "save_movie",
    "save_picture",
    "save_web_scene",
    "show",
    "structure_mesh",
]
