"""A scene as one HTML file that browsers turn and zoom, through PyVista's own export."""

from __future__ import annotations

import asyncio
import html
import importlib.util
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import InputError
from ..pictures.moment import FOOTER
from .legend import ColorSteps, Legend, Row
from .words import INK, Corner

__all__ = ["check_web", "web_scene"]

_STYLE = f"""
.words {{ position: fixed; z-index: 9; font: 15px/1.5 sans-serif; color: {INK};
  background: #ffffffd0; padding: .4em .7em; pointer-events: none; }}
.words h1 {{ font-size: 1.15em; font-weight: normal; margin: 0; }}
.words td {{ padding: 0 0 0 .8em; text-align: right; }}
.words td:first-child {{ padding: 0; text-align: left; }}
.words i {{ display: inline-block; width: .8em; height: .8em; margin-right: .5em; }}
.words .steps {{ display: flex; }} .words .steps b {{ flex: 1; height: .8em; }}
.words .ticks {{ display: flex; justify-content: space-between; font-size: .8em; }}
.words small {{ font-size: .75em; }}
@media (max-width: 600px) {{ .words {{ font-size: 10px; }} }}
"""
# Below the title, and above the hint.
_PLACES: dict[Corner, str] = {
    "top right": "top:.6em;right:.6em",
    "bottom right": "bottom:4.5em;right:.6em",
    "top left": "top:3.2em;left:.6em",
}
# The viewer would ask its maker's site for icons.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'unsafe-inline\' '
    "'unsafe-eval' data: blob:\">"
)
_HINT = "drag turns, wheel zooms; axes: red to the left, green to the back, blue to the head"


def check_web() -> None:
    """Refuse a page before it is drawn.

    Raises
    ------
    InputError
        When the extra for it is not installed.
    """
    if importlib.util.find_spec("trame_pyvista") is None:
        raise InputError("an interactive page needs: pip install 'cryosim[web]'")


def web_scene(plotter: Any, legend: Legend, corner: Corner) -> str:
    """Return the page of a scene that was drawn off screen, with its legend in a corner."""
    from trame_pyvista.jupyter import launch_server

    async def export() -> str:
        server = launch_server()
        await server.ready
        try:
            return str(plotter.trame.export_html(filename=None).getvalue())
        finally:
            await server.stop()

    plotter.render()
    with _nothing_from_the_network():
        page = asyncio.run(export())
    page = page.replace("<head>", f"<head>{_POLICY}", 1)
    before, end, after = page.rpartition("</body>")
    return f"{before}{_words(legend, corner)}{end}{after}"


@contextmanager
def _nothing_from_the_network() -> Iterator[None]:
    """Keep PyVista's server from downloading another renderer, which this export does not use."""
    name = "trame.widgets.vtklocal"
    before = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say: not installed
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before


def _words(legend: Legend, corner: Corner) -> str:
    """Write the legend; the export leaves out all words of the scene."""
    lines = "".join(map(_line, legend.lines))
    return (
        f'<div id="cryosim"><style>{_STYLE}</style>'
        f'<div class="words" style="top:.6em;left:.6em"><h1>{html.escape(legend.title)}</h1></div>'
        f'<div class="words" style="{_PLACES[corner]}"><table>{lines}</table></div>'
        f'<div class="words" style="bottom:.6em;right:.6em">'
        f"<small>{_HINT}<br>{html.escape(FOOTER)}</small></div></div>"
        # The viewer empties the body when it starts.
        "<script>document.documentElement.append(document.getElementById('cryosim'));"
        f"document.title = {json.dumps('cryosim, ' + legend.title)}</script>"
    )


def _line(line: Row | ColorSteps) -> str:
    if isinstance(line, ColorSteps):
        steps = "".join(f'<b style="background:{color}"></b>' for color in line.colors)
        ticks = "".join(f"<span>{html.escape(words)}</span>" for words in line.ticks.values())
        bar = f'<div class="steps">{steps}</div><div class="ticks">{ticks}</div>'
        return f'<tr><td colspan="9">{bar}</td></tr>'
    square = f'<i style="background:{line.color}"></i>' if line.color else ""
    wide = "" if line.values else ' colspan="9"'
    values = "".join(f"<td>{html.escape(value)}</td>" for value in line.values)
    return f"<tr><td{wide}>{square}{html.escape(line.label)}</td>{values}</tr>"
