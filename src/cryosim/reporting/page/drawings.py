"""Pictures of the report, as text that a page can hold."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from ...pictures import plot_slices
from ...scene import find_rendering, save_picture
from ...simulation import Result
from .markup import Html, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["chart", "has_scene", "scene", "slices"]

_CHART_INCHES = (5.2, 4.1)
_PLANE_INCHES = 4.6
_PLANE_DOTS_PER_INCH = 120
# The same result gives the same bytes; letters are curves, which need no font.
_SVG: Any = {"svg.fonttype": "path", "svg.hashsalt": "cryosim"}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def chart(draw: Callable[[Axes], Any], words: str) -> Html:
    """Draw a chart as SVG.

    Parameters
    ----------
    words : what it shows, for those who cannot see it.
    """
    figure = Figure(figsize=_CHART_INCHES, layout="constrained", facecolor="white")
    draw(figure.add_subplot())
    content = BytesIO()
    with rc_context(_SVG):
        figure.savefig(content, format="svg", metadata=_NO_METADATA)
    return _image("svg+xml", content.getvalue(), words)


def slices(result: Result, time_s: float) -> Html:
    """Draw the three planes beside each other to one scale, under each other on a phone."""
    size_mm = result.tissue.grid.canonical()[0].size_mm
    wide_mm = [size_mm[0], size_mm[0], size_mm[1]]
    high_mm = [size_mm[1], size_mm[2], size_mm[2]]
    inches_per_mm = _PLANE_INCHES / max(wide_mm)
    figures = [
        Figure(figsize=(width * inches_per_mm, height * inches_per_mm))
        for width, height in zip(wide_mm, high_mm, strict=True)
    ]
    panels = [figure.add_axes((0.0, 0.0, 1.0, 1.0)) for figure in figures]
    plot_slices(result, panels, time_s=time_s)
    pictures = []
    for figure, panel in zip(figures, panels, strict=True):
        title = panel.get_title()
        panel.set_title("")
        content = BytesIO()
        figure.savefig(content, format="png", dpi=_PLANE_DOTS_PER_INCH)
        picture = _image("png", content.getvalue(), f"{title}: isotherms on the image")
        pictures.append(element("figure", picture, element("figcaption", title)))
    columns = " ".join(f"minmax(0, {width / max(wide_mm):.4f}fr)" for width in wide_mm)
    return element("div", *pictures, class_="planes", style=f"--columns: {columns}")


def has_scene() -> bool:
    """Tell whether this computer can draw the 3-D picture."""
    return find_rendering() is not None


def scene(result: Result, drawn: Path | None) -> Html:
    """Put in the 3-D picture.

    Parameters
    ----------
    drawn : a PNG of it, if there is one already.
    """
    if drawn is not None:
        return _image("png", drawn.read_bytes(), _SCENE_WORDS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        save_picture(result, path)
        return _image("png", path.read_bytes(), _SCENE_WORDS)


_SCENE_WORDS = "3-D picture of isotherms, target, organs at risk and probes"


def _image(kind: str, content: bytes, words: str) -> Html:
    coded = base64.b64encode(content).decode("ascii")
    return element("img", src=f"data:image/{kind};base64,{coded}", alt=words)
