"""Words on a scene: title, legend, keys; their size follows that of the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..pictures.moment import FOOTER
from .legend import ColorSteps, Legend, Row

__all__ = ["INK", "PALE", "Corner", "Words"]

INK, PALE = "#20262c", "#5b636a"
# Height of the letters: of the renderer's height and width, but never less than can be read.
_OF_HEIGHT, _OF_WIDTH, _AT_LEAST_PX = 0.024, 0.029, 11
_LINE = 1.5  # heights of letters from line to line
_TITLE, _SMALL, _SQUARE = 1.25, 0.75, 1.3  # of the height of letters
_SMALLEST_PX = 8
_PANEL = "#ffffffc8"

# Above the slider of a window, and the axes.
_ABOVE_BOTTOM = 0.15  # of the height

Box = tuple[float, float, float, float, str]  # left, bottom, right, top, color
Corner = Literal["top right", "bottom right", "top left"]


@dataclass(frozen=True)
class _Layout:
    """A legend before it has a place, in pixels.

    Attributes
    ----------
    texts, widths : of the words of each line. ends : of its columns, from the left edge.
    wide, high : all of it.
    """

    texts: list[list[Any]]
    widths: list[list[float]]
    ends: list[float]
    wide: float
    high: float


class Words:
    """What is written on one renderer; written again when its size changes.

    Attributes
    ----------
    legend : what to write; set it and call `write`.
    corner : where; set it and call `write`.
    covers : left, bottom, right, top of the legend, as shares of the renderer.
    notes : lines at the other edge.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self._actors: list[Any] = []
        self._size: tuple[int, int] = (0, 0)
        self.legend = Legend("", ())
        self.corner: Corner = "top right"
        self.covers = (1.0, 1.0, 1.0, 1.0)
        self.notes: tuple[str, ...] = ()
        renderer.AddObserver("StartEvent", self._follow_size)

    def write(self) -> None:
        """Write everything anew."""
        for actor in self._actors:
            self._renderer.RemoveViewProp(actor)
        self._actors.clear()
        width, height = self._size = tuple(self._renderer.GetSize())
        letter = max(min(_OF_HEIGHT * height, _OF_WIDTH * width), _AT_LEAST_PX)
        title = self._text(self.legend.title, _TITLE * letter)
        self._put(title, letter, height - letter - _TITLE * letter)
        below_title = height - letter - _LINE * _TITLE * letter
        footer = self._text(FOOTER, max(_SMALL * letter, _SMALLEST_PX), PALE)
        self._put(footer, width - letter - self._width(footer), letter / 2)
        boxes = self._write_notes(letter, below_title - letter)
        layout = self._lay_out(letter)
        left = letter if self.corner == "top left" else width - letter - layout.wide
        # Beside the title where there is room, or else below it.
        beside = left > 2.5 * letter + self._width(title)
        top = height - letter if beside else below_title - letter / 2
        if self.corner == "bottom right":
            top = min(_ABOVE_BOTTOM * height + layout.high, top)
        boxes += self._write_legend(layout, left, top, letter)
        self.covers = (
            (left - letter / 2) / width,
            (top - layout.high - letter / 2) / height,
            (left + layout.wide + letter / 2) / width,
            (top + letter / 2) / height,
        )
        boxes.append(
            (
                letter / 2,
                below_title,
                1.5 * letter + self._width(title),
                height - letter / 2,
                _PANEL,
            )
        )
        self._actors.insert(0, self._squares(boxes))  # behind the words
        for actor in self._actors:
            self._renderer.AddViewProp(actor)

    def _follow_size(self, *_: Any) -> None:
        # Of a picture that is drawn in tiles VTK scales the words itself.
        in_tiles = self._renderer.GetVTKWindow().GetTileScale() != (1, 1)
        if not in_tiles and tuple(self._renderer.GetSize()) != self._size:
            self.write()

    def _text(self, words: str, letter: float, color: str = INK) -> Any:
        from pyvista import Color
        from vtkmodules.vtkRenderingCore import vtkTextActor

        actor = vtkTextActor()
        actor.SetInput(words)
        look = actor.GetTextProperty()
        look.SetFontFamilyToArial()
        look.SetFontSize(round(letter))
        look.SetColor(Color(color).float_rgb)
        actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        self._actors.append(actor)
        return actor

    def _put(self, text: Any, left: float, bottom: float) -> None:
        text.SetPosition(left / self._size[0], bottom / self._size[1])

    def _width(self, text: Any) -> float:
        size = [0.0, 0.0]
        text.GetSize(self._renderer, size)
        return size[0]

    def _write_notes(self, letter: float, top: float) -> list[Box]:
        """Write lines below there, at the edge without the legend; return what is behind them."""
        if not self.notes:
            return []
        small = max(_SMALL * letter, _SMALLEST_PX)
        texts = [self._text(note, small, PALE) for note in self.notes]
        half, wide = small / 2, max(map(self._width, texts))
        left = self._size[0] - letter - wide if self.corner == "top left" else letter
        for number, text in enumerate(texts):
            self._put(text, left, top - (number + 1) * _LINE * small)
        low = top - len(texts) * _LINE * small
        return [(left - half, low - half, left + wide + half, top + half, _PANEL)]

    def _lay_out(self, letter: float) -> _Layout:
        """Write the words of the legend anywhere, to know how large it is."""
        lines = self.legend.lines
        texts = [
            [self._text(words, letter) for words in (line.label, *line.values)]
            if isinstance(line, Row)
            else []
            for line in lines
        ]
        widths = [[self._width(text) for text in row] for row in texts]
        columns = [
            letter + max((row[n] for row in widths if len(row) > n), default=0.0)
            for n in range(1, max(map(len, widths), default=1))
        ]
        label = max((row[0] for row in widths if len(row) > 1), default=0.0)
        alone = max((row[0] for row in widths if len(row) == 1), default=0.0)
        wide = _SQUARE * letter + max(label + sum(columns), alone)
        ends = [wide - sum(columns[n:]) for n in range(len(columns) + 1)]
        steps = sum(isinstance(line, ColorSteps) for line in lines)
        high = _LINE * letter * (len(lines) + _SMALL * steps)
        return _Layout(texts, widths, ends, wide, high)

    def _write_legend(self, layout: _Layout, left: float, top: float, letter: float) -> list[Box]:
        """Put the legend with its upper left corner there; return its colors."""
        boxes = []
        right, at = left + layout.wide, top
        for line, texts, widths in zip(self.legend.lines, layout.texts, layout.widths, strict=True):
            at -= _LINE * letter
            if isinstance(line, ColorSteps):
                boxes += self._write_steps(line, (left, right), at, letter)
                at -= _LINE * _SMALL * letter
                continue
            if line.color is not None:
                boxes.append((left, at, left + 0.8 * letter, at + 0.8 * letter, line.color))
            for number, (text, width) in enumerate(zip(texts, widths, strict=True)):
                start = _SQUARE * letter if number == 0 else layout.ends[number] - width
                self._put(text, left + start, at)
        half = letter / 2
        return [(left - half, at - half, right + half, top + half, _PANEL), *boxes]

    def _write_steps(
        self, steps: ColorSteps, between: tuple[float, float], at: float, letter: float
    ) -> list[Box]:
        """Write the numbers under a bar of colors; return the bar."""
        left, right = between
        wide = (right - left) / len(steps.colors)
        for edge, words in steps.ticks.items():
            tick = self._text(words, _SMALL * letter, PALE)
            start = left + edge * wide - self._width(tick) / 2
            start = min(max(start, left), right - self._width(tick))
            self._put(tick, start, at - _SMALL * _LINE * letter)
        return [
            (left + n * wide, at, left + (n + 1) * wide, at + 0.8 * letter, color)
            for n, color in enumerate(steps.colors)
        ]

    def _squares(self, boxes: Sequence[Box]) -> Any:
        """Filled boxes in pixels of the renderer, later ones on top."""
        import pyvista
        from vtkmodules.vtkRenderingCore import vtkActor2D, vtkCoordinate, vtkPolyDataMapper2D

        corners = [
            [(left, low, 0.0), (right, low, 0.0), (right, high, 0.0), (left, high, 0.0)]
            for left, low, right, high, _ in boxes
        ]
        faces = [(4, *range(4 * n, 4 * n + 4)) for n in range(len(boxes))]
        mesh = pyvista.PolyData(
            np.concatenate(corners) / (*self._size, 1), faces=np.concatenate(faces)
        )
        shades = [pyvista.Color(color).int_rgba for *_, color in boxes]
        mesh.cell_data["color"] = np.array(shades, dtype=np.uint8)
        mesh.set_active_scalars("color", preference="cell")
        place = vtkCoordinate()
        place.SetCoordinateSystemToNormalizedViewport()
        mapper = vtkPolyDataMapper2D()
        mapper.SetInputData(mesh)
        mapper.SetTransformCoordinate(place)
        mapper.SetScalarModeToUseCellData()
        actor = vtkActor2D()
        actor.SetMapper(mapper)
        return actor
