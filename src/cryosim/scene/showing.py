"""Scenes in a window: one result, or two side by side under one camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, expect_type
from ..pictures.moment import Moment
from ..simulation import Result
from .composition import compose
from .controls import Controls
from .rendering import PACKAGES_HINT, find_rendering, find_window_rendering
from .scene import ColorBy, Scene

if TYPE_CHECKING:
    import pyvista

__all__ = ["Look", "build_scenes", "show"]

F64 = NDArray[np.float64]

_WINDOW_SIZE = (1400, 1000)
_LETTERS = "AB"
_BACKGROUND = "#e8edf1"  # bone is white


class Look(TypedDict, total=False):
    """How `show` draws, apart from where."""

    isotherms_c: Sequence[float] | None
    time_s: float | None
    color_target_by: ColorBy
    window: str | None
    compare_with: Result | None


def show(
    result: Result,
    *,
    isotherms_c: Sequence[float] | None = None,
    time_s: float | None = None,
    color_target_by: ColorBy = "ice",
    window: str | None = None,
    compare_with: Result | None = None,
    off_screen: bool = False,
    plotter: pyvista.Plotter | None = None,
) -> pyvista.Plotter:
    """Draw a result in 3-D; call ``.show()`` on what comes back to open the window.

    In a notebook use the backend "static" or "trame"; "html" leaves out all words. In a window, a
    slider moves through the snapshots, and keys, listed there, play them, hide
    parts, change the gray values of the image and turn the view.

    Parameters
    ----------
    isotherms_c : levels of the surfaces; those of the plan's report by default.
    time_s : time of a snapshot; the end of the last freeze by default.
    color_target_by : which margin, of the whole procedure, the target's surface shows.
    window : of a CT: "soft-tissue" (the default), "bone" or "lung".
    compare_with : a second result, beside the first under the same camera; they are A and B.
    off_screen : draw without a window, for ``.screenshot()``.
    plotter : draw into this one instead of a new one; two results need one of shape (1, 2).

    Returns
    -------
    The plotter; coordinates are LPS millimeters. Actors are named "isotherm -20", "structure
    bowel", "smallest margin", "probe 0 active", "probe 0 shaft", "warmer 0 active", "sensor 0",
    "image axial".

    Raises
    ------
    InputError
        When this computer cannot draw 3-D, there is no snapshot at `time_s`, `window` does not go
        with the image, or `plotter` has no room for two results.
    """
    expect_type("show: result", result, Result, "simulate and load_result return one")
    plotter, scenes = build_scenes(
        result,
        off_screen=off_screen,
        plotter=plotter,
        isotherms_c=isotherms_c,
        time_s=time_s,
        color_target_by=color_target_by,
        window=window,
        compare_with=compare_with,
    )
    if not plotter.off_screen or getattr(plotter, "notebook", False):
        Controls(plotter, scenes)
    return plotter


def build_scenes(
    result: Result, *, off_screen: bool, plotter: Any = None, **look: Unpack[Look]
) -> tuple[Any, list[Scene]]:
    """Draw one or two results as `show` does, without its controls."""
    second, window = look.get("compare_with"), look.get("window")
    results = [result] if second is None else [result, second]
    moments = [Moment.of(one, look.get("time_s")) for one in results]
    if window is not None:
        for moment in moments:
            moment.gray_window(window)  # refused before anything is drawn
    if plotter is None:
        plotter = _new_plotter(off_screen=off_screen, columns=len(results))
    elif len(plotter.renderers) < len(results):
        raise InputError("plotter: two results need pyvista.Plotter(shape=(1, 2))")
    scenes = []
    for number, moment in enumerate(moments):
        if len(moments) > 1:
            plotter.subplot(0, number)
        color_by = look.get("color_target_by", "ice")
        letter = _LETTERS[number] if len(moments) > 1 else ""
        scenes.append(Scene(plotter, moment, look.get("isotherms_c"), color_by, window, letter))
    together = [scene for scene in scenes if _meet(scenes[0], scene)]
    for group in (together, *([scene] for scene in scenes if scene not in together)):
        compose(group)
    return plotter, scenes


def _new_plotter(*, off_screen: bool, columns: int) -> Any:
    way = None if off_screen else find_window_rendering()
    if way is None and find_rendering() is None:
        raise InputError(f"this computer cannot draw 3-D; {PACKAGES_HINT}")
    import pyvista

    # Any: to mypy, pyvista's wrapped methods lack their self.
    plotter: Any = pyvista.Plotter(
        off_screen=off_screen, window_size=list(_WINDOW_SIZE), shape=(1, columns)
    )
    plotter.set_background(_BACKGROUND, all_renderers=True)
    # VTK blends translucent surfaces in any order, four times faster than by depth peeling; under
    # multisampling Mesa draws none at all.
    plotter.disable_anti_aliasing(all_renderers=True)
    plotter.render_window.SetMultiSamples(0)
    return plotter


def _meet(first: Scene, second: Scene) -> bool:
    """Tell whether two simulated boxes overlap, along the axes of the first."""
    axes = first.moment.grid.direction
    corners = [scene.moment.grid.corners_mm() @ axes for scene in (first, second)]
    (low, high), (other_low, other_high) = [(c.min(axis=0), c.max(axis=0)) for c in corners]
    return bool(np.all((low < other_high) & (other_low < high)))
