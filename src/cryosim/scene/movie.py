"""A movie of the growing iceball: one picture after the other into a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["MOVIE_ENDINGS", "check_movie", "write_movie"]

MOVIE_ENDINGS = (".mp4", ".gif")
FRAME_MS = 400
_LAST_MS = 2000

Picture = NDArray[np.uint8]


def check_movie(path: Path) -> None:
    """Refuse a movie that could not be written, before it is drawn.

    Raises
    ------
    InputError
        When the name ends otherwise, or an extra is missing.
    """
    if path.suffix.lower() not in MOVIE_ENDINGS:
        raise InputError(
            f"movie {path}: give a file name that ends in {' or '.join(MOVIE_ENDINGS)}"
        )
    if path.suffix.lower() == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError:
            raise InputError(
                f"movie {path}: mp4 needs: pip install 'cryosim[movie]'; gif needs nothing"
            ) from None


def write_movie(path: Path, pictures: Iterator[Picture]) -> None:
    """Write pictures of one size, the last one longer."""
    if path.suffix.lower() == ".gif":
        _write_gif(path, pictures)
    else:
        _write_mp4(path, pictures)


def _write_gif(path: Path, pictures: Iterator[Picture]) -> None:
    from PIL import Image

    # A palette that keeps the colors of small things, such as those of the legend.
    first, *others = [
        Image.fromarray(picture).quantize(method=Image.Quantize.MAXCOVERAGE) for picture in pictures
    ]
    durations = [FRAME_MS] * len(others) + [_LAST_MS]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0)


def _write_mp4(path: Path, pictures: Iterator[Picture]) -> None:
    from imageio_ffmpeg import write_frames

    first = next(pictures)
    rate = 1000 / FRAME_MS
    size = first.shape[1::-1]
    # Many players show nothing of a movie with fewer than some ten frames a second.
    smooth = ["-vf", f"fps=25,tpad=stop_mode=clone:stop_duration={_LAST_MS / 1000:g}"]
    writer = write_frames(
        path, size, fps=rate, quality=8, macro_block_size=2, ffmpeg_log_level="error",
        output_params=smooth,
    )  # fmt: skip
    writer.send(None)
    try:
        for picture in [first, *pictures]:
            writer.send(np.ascontiguousarray(picture))
    finally:
        writer.close()
