"""Keys and a time slider for a window with scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..pictures.moment import WINDOWS_HU
from .scene import Scene
from .words import PALE

__all__ = ["Controls"]

_PLAY_MS = 400  # a snapshot
# Without those that VTK and PyVista use: b, e, f, i (switches axes off), m, p, q, r, s, u, v, w, 3.
_KEYS = (
    "space  play, stop",
    "Left, Right  earlier, later",
    "d  isotherms: all, each alone, none",
    "t, o, g  target, organs, image",
    "n  needles and sensors",
    "h  gray values: soft tissue, bone, lung",
    "a, c, l  see from feet, front, left",
    "k  this list;  q  close",
)
# Where the viewer stands (LPS), and what is up.
_VIEWS = {
    "a": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
    "c": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "l": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
}


class Controls:
    """Moves all scenes of a plotter through time, and shows and hides their parts.

    Attributes
    ----------
    playing : whether time runs.
    """

    def __init__(self, plotter: Any, scenes: Sequence[Scene]) -> None:
        self._plotter, self._scenes = plotter, scenes
        self._times_s = sorted({t for scene in scenes for t in scene.result.times_s})
        self._step = int(np.argmin(np.abs(np.array(self._times_s) - scenes[0].moment.time_s)))
        self._levels = sorted({level for scene in scenes for level in scene.levels_c})[::-1]
        self._alone = 0  # of 0: all levels, 1, 2, ...: only that one; last: none
        self.playing = False
        self._timer: int | None = None
        self._slider = self._add_slider()
        plotter.iren.add_observer("TimerEvent", self._tick)
        for key, act in self._actions().items():
            plotter.add_key_event(key, act)
        if not plotter.off_screen:  # keys do not reach a notebook
            self._list_keys(shown=True)

    def _add_slider(self) -> Any:
        self._scenes[0].activate()
        minutes = [time_s / 60 for time_s in self._times_s]
        return self._plotter.add_slider_widget(
            self._slide, (minutes[0], max(minutes[-1], 1e-3)), value=minutes[self._step],
            pointa=(0.3, 0.07), pointb=(0.7, 0.07), fmt="%.0f min", interaction_event="always",
            color=PALE, slider_width=0.02, tube_width=0.004, title_height=0.02,
        )  # fmt: skip

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "space": self._play,
            "Left": lambda: self._go(self._step - 1),
            "Right": lambda: self._go(self._step + 1),
            "d": self._next_isotherm,
            "t": lambda: self._toggle("structure target", "smallest"),
            "o": lambda: self._toggle(*self._organs()),
            "g": lambda: self._toggle("image"),
            "n": lambda: self._toggle("probe", "warmer", "sensor"),
            "h": self._next_window,
            "k": lambda: self._list_keys(shown=not self._scenes[0].words.notes),
            **{
                key: partial(self._turn, toward=toward, up=up)
                for key, (toward, up) in _VIEWS.items()
            },
        }

    def _organs(self) -> list[str]:
        names = {name for scene in self._scenes for name in scene.moment.structures}
        return [f"structure {name}" for name in names if name != "target"]

    def _slide(self, minutes: float) -> None:
        self._go(int(np.argmin(np.abs(np.array(self._times_s) - 60 * minutes))))

    def _go(self, step: int) -> None:
        """Show another of the snapshots."""
        if not 0 <= step < len(self._times_s) or step == self._step:
            return
        self._step = step
        self._slider.GetRepresentation().SetValue(self._times_s[step] / 60)
        for scene in self._scenes:
            scene.show_time(self._times_s[step])
        self._plotter.render()

    def _play(self) -> None:
        """Start, from the beginning after the end, or stop."""
        self.playing = not self.playing
        if not self.playing:
            if self._timer is not None:
                self._plotter.iren.destroy_timer(self._timer)
            return
        if self._step == len(self._times_s) - 1:
            self._go(0)
        self._timer = self._plotter.iren.create_timer(_PLAY_MS)

    def _tick(self, *_: Any) -> None:
        if not self.playing:
            return
        self._go(self._step + 1)
        if self._step == len(self._times_s) - 1:
            self._play()

    def _toggle(self, *names: str) -> None:
        for scene in self._scenes:
            scene.hide(scene.hidden ^ set(names))
        self._plotter.render()

    def _next_isotherm(self) -> None:
        self._alone = (self._alone + 1) % (len(self._levels) + 2)
        names = [f"isotherm {level:g}" for level in self._levels]
        seen = names if self._alone == 0 else names[self._alone - 1 : self._alone]
        for scene in self._scenes:
            scene.hide((scene.hidden - set(names)) | (set(names) - set(seen)))
        self._plotter.render()

    def _next_window(self) -> None:
        presets = list(WINDOWS_HU)
        for scene in self._scenes:
            if scene.moment.is_ct:
                now = presets.index(scene.window or presets[0])
                scene.show_window(presets[(now + 1) % len(presets)])
        self._plotter.render()

    def _turn(self, toward: tuple[float, ...], up: tuple[float, ...]) -> None:
        """See the same point from as far, from another side."""
        for scene in self._scenes:
            camera = scene.renderer.camera
            focus = np.array(camera.focal_point)
            camera.position = tuple(focus + camera.distance * np.array(toward))
            camera.up = up
            scene.renderer.reset_camera_clipping_range()
        self._plotter.render()

    def _list_keys(self, *, shown: bool) -> None:
        self._scenes[0].words.notes = _KEYS if shown else ()
        self._scenes[0].words.write()
        self._plotter.render()
