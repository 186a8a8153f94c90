"""How the patient lies, and what is below: no shaft comes through the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from ..images import Position
from .body import Body

__all__ = ["Support", "find_support"]

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

# LPS, from the patient to the table.
_DOWN: dict[Position, tuple[float, float, float]] = {
    "supine": (0.0, 1.0, 0.0),
    "prone": (0.0, -1.0, 0.0),
    "left lateral": (1.0, 0.0, 0.0),
    "right lateral": (-1.0, 0.0, 0.0),
}
# A table is no farther below the body than this, is below most of it, and goes on beside it, as
# another leg does not.
_BELOW_MM, _BESIDE_MM, _MOST = 60.0, 20.0, 0.5


@dataclass(frozen=True, eq=False)
class Support:
    """What the patient lies on.

    Attributes
    ----------
    position : how he lies. known_from : in words.
    level_mm : where the table begins, along `down`.
    grid : what the image shows. cut_off : it ends before the body does, so that the table is only
        known below the image itself.
    things : (k, j, i) bool on `grid`; what the image shows around the body that shafts cannot pass.
    notes : what was taken for granted.
    """

    position: Position
    known_from: str
    level_mm: float
    grid: Grid
    cut_off: bool
    things: Mask
    notes: tuple[str, ...]

    @property
    def down(self) -> F64:
        """(3,) LPS unit vector to the table."""
        return np.array(_DOWN[self.position])

    @property
    def words(self) -> str:
        """How the patient lies, and how that is known."""
        return f"the patient lies {self.position}, as {self.known_from}"

    def holds(self, points_mm: F64) -> Mask:
        """Tell which of (..., 3) points lie in the table or under it."""
        below: Mask = points_mm @ self.down > self.level_mm
        if self.cut_off and below.any():
            axis = _axis(self.grid, self.down)
            index = np.delete(self.grid.to_index(points_mm), axis, axis=-1)
            count = np.delete(np.array(self.grid.shape[::-1]), axis)
            below &= np.all((index > -0.5) & (index < count - 0.5), axis=-1)
        return below


def find_support(body: Body, said: Position | None, in_header: Position | None) -> Support | None:
    """Find out how the patient lies: as said, else as the header says, else as the table shows.

    Parameters
    ----------
    body : what of the image is the patient. said : of the plan. in_header : of the image.

    Returns
    -------
    None where nobody knows.
    """
    seen = _over_a_table(body)
    shown = in_header or seen
    position = said or shown
    if position is None:
        return None
    if said:
        known_from = "the plan says"
    else:
        known_from = "the image's header says" if in_header else "the table in the image shows"
    things, notes = body.things, []
    if shown is not None and shown != position:
        things = _without_table(body, np.array(_DOWN[shown]))
        notes.append(
            f"the image shows the patient {shown}: its table is not in the way, but organs are "
            "taken to lie as in the image"
        )
    down = np.array(_DOWN[position])
    return Support(
        position, known_from, _level_mm(body, down), body.grid, _is_cut_off(body, down), things,
        tuple(notes),
    )  # fmt: skip


def _level_mm(body: Body, down: F64) -> float:
    """How far the body reaches down."""
    axis = 2 - _axis(body.grid, down)
    others = tuple(n for n in range(3) if n != axis)
    filled = np.flatnonzero(body.inside.any(axis=others))
    corners = np.zeros((2, 3))
    corners[:, 2 - axis] = filled[0] - 0.5, filled[-1] + 0.5
    return float((body.grid.to_world(corners) @ down).max())


def _is_cut_off(body: Body, down: F64) -> bool:
    faces = np.moveaxis(body.inside, 2 - _axis(body.grid, down), 0)
    last = faces[-1] if _runs_down(body.grid, down) else faces[0]
    return bool(last.any())


def _over_a_table(body: Body) -> Position | None:
    """Return the position in which what lies around the body is below it, and beside that."""
    if not body.things.any() or not body.inside.any():
        return None
    shares = {one: _share_over_a_table(body, np.array(down)) for one, down in _DOWN.items()}
    best = max(shares, key=lambda position: shares[position])
    return best if shares[best] > _MOST else None


def _share_over_a_table(body: Body, down: F64) -> float:
    """How much of the body, and of what is beside it, has things below, as seen from above."""
    axis = _axis(body.grid, down)
    inside, things = (np.moveaxis(mask, 2 - axis, 0) for mask in (body.inside, body.things))
    if not _runs_down(body.grid, down):
        inside, things = inside[::-1], things[::-1]
    filled = np.asarray(inside.any(axis=0))
    lowest = len(inside) - 1 - inside[::-1].argmax(axis=0)
    below = np.arange(len(things))[:, None, None] - lowest
    reach = _BELOW_MM / body.grid.spacing_mm[axis]
    over = (things & (below > 0) & (below <= reach)).any(axis=0)[filled].mean()
    step_mm = np.delete(body.grid.spacing_mm, axis)[::-1]
    from scipy import ndimage

    away_mm = ndimage.distance_transform_edt(~filled, sampling=step_mm)
    beside: Mask = (away_mm > 0.0) & (away_mm <= _BESIDE_MM)
    on = np.asarray(things.any(axis=0))[beside].mean() if beside.any() else 0.0
    return float(min(over, on))


def _without_table(body: Body, down: F64) -> Mask:
    """Leave out of the things around the body those that reach below it."""
    from scipy import ndimage

    parts, count = ndimage.label(body.things)
    cells = np.argwhere(body.things)
    below = body.grid.to_world(cells[:, ::-1]) @ down > _level_mm(body, down)
    kept = np.ones(count + 1, dtype=np.bool_)
    kept[np.unique(parts[tuple(cells[below].T)])] = False
    return body.things & kept[parts]


def _axis(grid: Grid, down: F64) -> int:
    """Which of i, j, k runs nearest to the way down."""
    return int(np.argmax(np.abs(grid.direction.T @ down)))


def _runs_down(grid: Grid, down: F64) -> bool:
    return bool((grid.direction.T @ down)[_axis(grid, down)] > 0)
