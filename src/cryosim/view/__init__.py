"""Pictures: a 3-D scene, and three planes that need no graphics library."""

from .overlay import draw_overlay
from .picture import open_window, save_picture
from .planes import draw_planes
from .rendering import find_rendering
from .scene import show

__all__ = ["draw_overlay", "draw_planes", "find_rendering", "open_window", "save_picture", "show"]
