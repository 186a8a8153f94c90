"""Find out whether this computer can draw 3-D, without crashing when it cannot.

VTK picks a graphics library at run time, and where none is installed it ends the whole process with
a segmentation fault; nothing in Python can catch that. So a child process draws a small picture
first, with one library after the other.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from ..errors import InputError
from ..files import remember, remembered

__all__ = ["PACKAGES_HINT", "find_rendering", "find_window_rendering", "has_display"]

PACKAGES_HINT = (
    "3-D pictures need a graphics library; on Debian and Ubuntu: "
    "apt install libegl1 libgl1-mesa-dri"
)

OVERRIDE = "CRYOSIM_RENDERING"
_VTK_SETTING = "VTK_DEFAULT_OPENGL_WINDOW"
_WINDOW_CLASS = {"egl": "vtkEGLRenderWindow", "osmesa": "vtkOSOpenGLRenderWindow", "default": None}
_TIMEOUT_S = 60

_TRIAL = """
import pyvista
plotter = pyvista.Plotter(off_screen=True, window_size=(16, 16))
plotter.add_mesh(pyvista.Sphere())
raise SystemExit(0 if plotter.screenshot(return_img=True).std() > 0 else 1)
"""

_found: dict[tuple[str, ...], str | None] = {}


def find_rendering() -> str | None:
    """Find a way to draw 3-D off screen, and set VTK of this process up for it.

    Tried in turn by a child process: EGL, OSMesa, and VTK's own choice; the environment variable
    CRYOSIM_RENDERING (none, egl, osmesa or default) leaves only one. What works is remembered in
    the user's cache folder; what does not is tried anew by each process.

    Returns
    -------
    "egl", "osmesa" or "default"; None when nothing works.
    """
    return _use_first(_candidates())


def find_window_rendering() -> str | None:
    """Like `find_rendering`, for windows on a display: VTK's own choice, or None."""
    allowed = has_display() and "default" in _candidates(on_display=True)
    return _use_first(("default",)) if allowed else None


def has_display() -> bool:
    """Tell whether windows can be opened."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _candidates(*, on_display: bool = False) -> tuple[str, ...]:
    wanted = os.environ.get(OVERRIDE, "").strip().lower()
    if wanted == "none":
        return ()
    if wanted in _WINDOW_CLASS:
        return (wanted,)
    if wanted:
        known = ", ".join(["none", *_WINDOW_CLASS])
        raise InputError(f"{OVERRIDE} = '{wanted}' is unknown; use one of {known}")
    # EGL and OSMesa come with VTK for Linux only.
    anywhere = sys.platform.startswith("linux") and not on_display
    return tuple(_WINDOW_CLASS) if anywhere else ("default",)


def _use_first(ways: tuple[str, ...]) -> str | None:
    if ways not in _found:
        known = remembered("rendering", _facts(ways))
        way = known if known in ways else next((way for way in ways if _draws(way)), None)
        _found[ways] = way
        # A failure may end as soon as a package is installed.
        if way is not None and way != known:
            remember("rendering", _facts(ways), way)
    way = _found[ways]
    if way is not None:
        os.environ.update(_environment(way))
        if _WINDOW_CLASS[way] is None:
            os.environ.pop(_VTK_SETTING, None)
    return way


def _environment(way: str) -> dict[str, str]:
    window_class = _WINDOW_CLASS[way]
    return {} if window_class is None else {_VTK_SETTING: window_class}


def _draws(way: str) -> bool:
    """Tell whether a child process draws something; it may crash, we do not."""
    environment = {key: value for key, value in os.environ.items() if key != _VTK_SETTING}
    try:
        child = subprocess.run(
            [sys.executable, "-c", _TRIAL],
            env={**environment, **_environment(way)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return child.returncode == 0


def _facts(ways: tuple[str, ...]) -> list[str]:
    """All that the answer depends on."""
    try:
        # Changes when system libraries are installed or removed.
        libraries = str(Path("/etc/ld.so.cache").stat().st_mtime_ns)
    except OSError:
        libraries = ""
    return [
        metadata.version("vtk"),
        sys.prefix,
        platform.node(),
        platform.machine(),
        libraries,
        os.environ.get("DISPLAY", ""),
        os.environ.get("WAYLAND_DISPLAY", ""),
        os.environ.get("LD_LIBRARY_PATH", ""),
        *ways,
    ]
