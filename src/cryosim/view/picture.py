"""Pictures in files and windows on screens."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..simulation import Result
from .moment import Moment
from .planes import draw_planes
from .rendering import PACKAGES_HINT, find_rendering, has_display
from .scene import show

__all__ = ["open_window", "save_picture"]

_SUPERSAMPLING = 2  # in place of anti-aliasing, which does not go with translucent surfaces
_DOTS_PER_INCH = 110


def save_picture(result: Result, path: str | Path) -> str:
    """Write a PNG of the 3-D scene, or of three planes where 3-D cannot be drawn.

    Returns
    -------
    A sentence that says which of the two it is, and in the second case what 3-D would need.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"picture {path}: give a file name that ends in .png")
    try:
        if find_rendering() is None:
            draw_planes(result).savefig(path, dpi=_DOTS_PER_INCH)
            return f"The picture shows three planes; {PACKAGES_HINT}"
        _save_scene(result, path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"picture {path}: cannot be written ({reason})") from None
    return f"The picture shows the scene in 3-D at the {Moment.of(result).title}."


def open_window(result: Result) -> None:
    """Open a window with the 3-D scene and wait until it is closed.

    Raises
    ------
    InputError
        When there is no display, or 3-D cannot be drawn on it.
    """
    if not has_display():
        raise InputError("there is no display to open a window on; use --screenshot FILE.png")
    plotter = show(result)
    plotter.show(title="cryosim")


def _save_scene(result: Result, path: Path) -> None:
    from PIL import Image

    plotter = show(result, off_screen=True)
    try:
        fine = np.asarray(plotter.screenshot(return_img=True, scale=_SUPERSAMPLING))
    finally:
        plotter.close()
    rows, columns = (edge // _SUPERSAMPLING for edge in fine.shape[:2])
    blocks = fine.reshape(rows, _SUPERSAMPLING, columns, _SUPERSAMPLING, -1)
    Image.fromarray(blocks.mean(axis=(1, 3)).round().astype(np.uint8)).save(path)
