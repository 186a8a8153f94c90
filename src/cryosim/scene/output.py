"""Pictures, movies and pages in files, and windows on screens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import replacing
from ..pictures import draw_planes
from ..pictures.moment import Moment
from ..simulation import Result
from .movie import check_movie, write_movie
from .rendering import PACKAGES_HINT, find_rendering, has_display
from .scene import Scene
from .showing import Look, build_scenes, show
from .web import check_web, web_scene

__all__ = ["open_window", "save_movie", "save_picture", "save_web_scene"]

_SUPERSAMPLING = 2  # in place of anti-aliasing, which does not go with translucent surfaces
_DOTS_PER_INCH = 110


def save_picture(result: Result, path: str | Path, **look: Unpack[Look]) -> str:
    """Write a PNG of the 3-D scene, or of three planes where 3-D cannot be drawn.

    Parameters
    ----------
    look : as in `show`.

    Returns
    -------
    A sentence that says which of the two it is, and in the second case what 3-D would need.

    Raises
    ------
    InputError
        When the file cannot be written, or the scene not be drawn as asked.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"picture {path}: give a file name that ends in .png")
    with replacing(path, "picture") as partial:
        if find_rendering() is None and "compare_with" not in look:
            draw_planes(result, time_s=look.get("time_s")).savefig(partial, dpi=_DOTS_PER_INCH)
            return f"The picture shows three planes; {PACKAGES_HINT}"
        from PIL import Image

        plotter = show(result, off_screen=True, **look)
        try:
            Image.fromarray(_smooth_picture(plotter)).save(partial)
        finally:
            plotter.close()
    moment = Moment.of(result, look.get("time_s"))
    return f"The picture shows the scene in 3-D: {moment.title}."


def save_movie(result: Result, path: str | Path, **look: Unpack[Look]) -> None:
    """Write an mp4 or gif of the growing iceball, one picture for each snapshot.

    Parameters
    ----------
    look : as in `show`, but for the time.

    Raises
    ------
    InputError
        When 3-D cannot be drawn, the file cannot be written, or mp4 needs the extra `movie`.
    """
    path = Path(path)
    check_movie(path)
    with _scenes(result, look) as (plotter, scenes), replacing(path, "movie") as partial:

        def pictures() -> Iterator[NDArray[np.uint8]]:
            for time_s in sorted({t for scene in scenes for t in scene.result.times_s}):
                for scene in scenes:
                    scene.show_time(time_s)
                plotter.render()
                yield np.asarray(plotter.screenshot(return_img=True))

        write_movie(partial, pictures())


def save_web_scene(result: Result, path: str | Path, **look: Unpack[Look]) -> None:
    """Write the scene as one HTML file that browsers turn and zoom without a network.

    Parameters
    ----------
    look : as in `show`, but for a second result.

    Raises
    ------
    InputError
        When 3-D cannot be drawn, the file cannot be written, or the extra `web` is missing.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise InputError(f"page {path}: give a file name that ends in .html")
    check_web()
    with _scenes(result, look) as (plotter, scenes), replacing(path, "page") as partial:
        words = scenes[0].words
        partial.write_text(web_scene(plotter, words.legend, words.corner), encoding="utf-8")


def open_window(result: Result, **look: Unpack[Look]) -> None:
    """Open a window with the 3-D scene and wait until it is closed.

    Parameters
    ----------
    look : as in `show`.

    Raises
    ------
    InputError
        When there is no display, or 3-D cannot be drawn on it.
    """
    if not has_display():
        raise InputError("there is no display to open a window on; use --screenshot FILE.png")
    plotter = show(result, **look)
    plotter.show(title="cryosim")


@contextmanager
def _scenes(result: Result, look: Look) -> Iterator[tuple[Any, list[Scene]]]:
    plotter, scenes = build_scenes(result, off_screen=True, **look)
    try:
        yield plotter, scenes
    finally:
        plotter.close()


def _smooth_picture(plotter: Any) -> NDArray[np.uint8]:
    with _moved_in_tiles(plotter):
        fine = np.asarray(plotter.screenshot(return_img=True, scale=_SUPERSAMPLING))
    rows, columns = (edge // _SUPERSAMPLING for edge in fine.shape[:2])
    blocks = fine.reshape(rows, _SUPERSAMPLING, columns, _SUPERSAMPLING, -1)
    picture: NDArray[np.uint8] = blocks.mean(axis=(1, 3)).round().astype(np.uint8)
    return picture


@contextmanager
def _moved_in_tiles(plotter: Any) -> Iterator[None]:
    """Move scenes as far aside as in a window: in tiles VTK moves them by a share of the tile."""
    cameras = {id(one.camera): (one.camera, one.GetViewport()) for one in plotter.renderers}
    before = [(camera, camera.GetWindowCenter()) for camera, _ in cameras.values()]
    for camera, (left, bottom, right, top) in cameras.values():
        tiles = _SUPERSAMPLING * np.array([right - left, top - bottom])
        camera.SetWindowCenter(*(tiles * camera.GetWindowCenter()))
    try:
        yield
    finally:
        for camera, center in before:
            camera.SetWindowCenter(*center)
