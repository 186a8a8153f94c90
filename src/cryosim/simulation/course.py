"""Recording the course of a treatment: what has frozen so far, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import Grid, read_only
from ..margin_room import room_around
from ..plan import ICE_C, LETHAL_HOLD_S, Plan, Target
from ..probes import probe_share
from ..surfaces import Surface, share_at_or_below, structure_surface
from ..tissue import TissueGrid
from .near_zone import Box, box_of
from .result import Course
from .sensors import ColdestOf, PointSamples
from .state import INNER, State

__all__ = ["CourseRecorder", "beyond_mm", "nearest_mm"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Margins are followed so far beyond the one that is asked for.
_BEYOND_MM = 10.0
_ROOM = 2  # voxels around what is looked at, for gradients


class CourseRecorder:
    """Looks every so often at what has frozen so far, when a step has ended."""

    def __init__(
        self,
        tissue: TissueGrid,
        plan: Plan,
        state: State,
        thresholds_c: Sequence[float],
        every_s: float,
    ) -> None:
        self._state, self._every_s, self._next_s = state, every_s, 0.0
        self._ice = _Ice(tissue, plan)
        self._target = _target_of(tissue, plan)
        lethal_c = ICE_C if plan.target is None else plan.target.lethal_c
        self._lethal = list(thresholds_c).index(lethal_c)
        self._organs = {
            organ.name: ColdestOf(tissue, tissue.share_of(organ.name), plan.body.temperature_c)
            for organ in plan.organs(bool(tissue.skin.any()))
        }
        self._times: list[float] = []
        self._rows: list[dict[tuple[str, Any], float]] = []

    def record(self, time_s: float, *, asked: bool = False) -> None:
        """Take a sample when it is time for one, or asked for, as at the ends of stages."""
        due = time_s >= self._next_s
        if due or (asked and time_s > self._times[-1]):
            self._take(time_s)
        if due:
            self._next_s = (time_s // self._every_s + 1.0) * self._every_s

    def course(self, end_s: float) -> Course:
        """Everything up to the end."""
        if not self._times or self._times[-1] < end_s:
            self._take(end_s)

        def of(kind: str) -> dict[Any, F64]:
            names = [name for found, name in self._rows[-1] if found == kind]
            return {
                name: read_only(np.array([row[kind, name] for row in self._rows])) for name in names
            }

        return Course(
            times_s=read_only(np.array(self._times)),
            volume_ml=of("volume"),
            healthy_ml=of("healthy")[ICE_C],
            coverage=of("coverage"),
            margin_mm=of("margin"),
            organs_c=of("organ"),
        )

    def _take(self, time_s: float) -> None:
        row = self._ice.seen(self._state)
        if self._target is not None:
            state = self._state
            row |= self._target.seen(state.coldest, state.time_below[self._lethal])
        for name, organ in self._organs.items():
            row["organ", name] = organ.of(self._state.coldest)
        self._times.append(time_s)
        self._rows.append(row)


class _Window:
    """A box of the grid, in which fields are continued through gas."""

    def __init__(self, tissue: TissueGrid, box: Box) -> None:
        self.box = box
        gas, nearest = tissue.gas_and_nearest
        at = np.array(np.unravel_index(gas, tissue.grid.shape)) - np.array(box.low)[:, None]
        inside = ((at >= 0) & (at < np.subtract(box.high, box.low)[:, None])).all(axis=0)
        self._gas = tuple(at[:, inside])
        self._nearest = np.unravel_index(nearest[inside], tissue.grid.shape)

    def of(self, padded: F32) -> F32:
        """Return its part of a field that has a ghost layer."""
        inner = padded[INNER]
        part: F32 = inner[self.box.slices].copy()
        part[self._gas] = inner[self._nearest]
        return part


class _Ice:
    """Volumes within isotherms, in a box that grows with them."""

    def __init__(self, tissue: TissueGrid, plan: Plan) -> None:
        self._tissue = tissue
        # Only the few voxels that needles touch are kept.
        share = probe_share(tissue.grid, plan.needles)
        self._touched = np.nonzero(share)
        self._free = 1.0 - share[self._touched]
        self._levels = sorted({ICE_C, *plan.report.isotherms_c}, reverse=True)
        self._window: _Window | None = None

    def seen(self, state: State) -> dict[tuple[str, Any], float]:
        """Return volumes in ml by isotherm, and of frozen tissue outside the target."""
        self._grow(state)
        found = {("volume", level): 0.0 for level in self._levels} | {("healthy", ICE_C): 0.0}
        if self._window is None:
            return found
        coldest_c = self._window.of(state.coldest)
        for level in self._levels:
            share = share_at_or_below(coldest_c, level)
            found["volume", level] = self._ml(share, self._counted)
            if level == ICE_C:
                found["healthy", level] = self._ml(share, self._healthy)
        return found

    def _ml(self, share: F32, counted: F32) -> float:
        return self._tissue.grid.cell_volume_ml * float((share * counted).sum(dtype=np.float64))

    def _grow(self, state: State) -> None:
        """Put the box around everything that has been cold enough, and what it held before."""
        shape = self._tissue.grid.shape
        rows = _around(state.exposed[1:-1, 1:-1, None])
        if rows is None:
            return
        k, j, _ = rows.slices
        box = _around(state.coldest[INNER][k, j] <= self._levels[0], (rows.low[0], rows.low[1], 0))
        if box is None:
            return
        box = _with_room(box, _ROOM, shape)
        if self._window is None or not box.within(self._window.box):
            self._look_at(box if self._window is None else box.joined(self._window.box))

    def _look_at(self, box: Box) -> None:
        tissue, at = self._tissue, box.slices
        self._window = _Window(tissue, box)
        counted = np.ones(tissue.grid.shape, dtype=np.float32)
        counted[self._touched] = self._free
        counted.reshape(-1)[tissue.gas_and_nearest[0]] = 0.0
        self._counted = counted[at].copy()
        target = tissue.structures.get("target")
        self._healthy = self._counted if target is None else self._counted * (1.0 - target[at])


class _Target:
    """How much of the target was cold enough, and how far beyond it."""

    def __init__(self, tissue: TissueGrid, plan: Plan, target: Target, filled: Box) -> None:
        grid, share = tissue.grid, tissue.structures["target"]
        self._lethal_c = target.lethal_c
        self._levels = sorted({*plan.report.isotherms_c, target.lethal_c}, reverse=True)
        reach_mm = target.margin_mm + _BEYOND_MM
        room = np.ceil(reach_mm / grid.spacing_mm[::-1]).astype(int)
        box = _with_room(filled, room, grid.shape)
        self._window = _Window(tissue, box)
        surface = structure_surface(grid, share)
        # The margin of ice is judged where neither skin nor a barrier is in its way.
        roomy = surface.part(room_around(tissue, plan, surface.centers_mm).whole)
        self._margins = {}
        if not surface.empty:
            self._margins[self._lethal_c] = _Margin(tissue, surface, share, box, reach_mm)
        if roomy is surface and not surface.empty:
            self._margins[ICE_C] = self._margins[self._lethal_c]
        elif not roomy.empty:
            self._margins[ICE_C] = _Margin(tissue, roomy, share, box, reach_mm)
        core = _with_room(filled, _ROOM, grid.shape)
        self._core = box_of(np.subtract(core.low, box.low), np.subtract(core.high, box.low)).slices
        self._share = share[core.slices]
        self._whole = float(self._share.sum(dtype=np.float64))

    def seen(self, coldest_c: F32, lethal_s: F32) -> dict[tuple[str, Any], float]:
        """Return coverage and margin by isotherm.

        Parameters
        ----------
        coldest_c, lethal_s : coldest temperature, and time at or below the lethal one, with ghosts.
        """
        cold = self._window.of(coldest_c)
        found = {}
        for level in self._levels:
            share = share_at_or_below(cold[self._core].copy(), level)
            if level == self._lethal_c:
                seconds = self._window.of(lethal_s)[self._core]
                share = np.minimum(share, share_at_or_below(-seconds, -LETHAL_HOLD_S))
            covered = float((share * self._share).sum(dtype=np.float64))
            found["coverage", level] = covered / self._whole
        for level, margin in self._margins.items():
            found["margin", level] = margin.of(coldest_c, cold, level)
        return found


class _Margin:
    """How far from a part of the target's surface the nearest tissue is that was not so cold."""

    def __init__(
        self, tissue: TissueGrid, surface: Surface, share: F32, box: Box, reach_mm: float
    ) -> None:
        self._points = PointSamples(tissue.grid, surface.centers_mm, tissue)
        self._beyond_mm = beyond_mm(tissue.grid, surface, share, box, reach_mm)

    def of(self, coldest_c: F32, part_c: F32, level_c: float) -> float:
        """Return it; negative until the surface has been so cold.

        Parameters
        ----------
        coldest_c : with a ghost layer. part_c : of the box.
        """
        covered = bool(self._points.of(coldest_c).max() <= level_c)
        return nearest_mm(part_c, level_c, np.abs(self._beyond_mm) if covered else self._beyond_mm)


def _target_of(tissue: TissueGrid, plan: Plan) -> _Target | None:
    share = tissue.structures.get("target")
    filled = None if share is None else _around(share > 0)
    if plan.target is None or filled is None:
        return None
    return _Target(tissue, plan, plan.target, filled)


def beyond_mm(grid: Grid, surface: Surface, share: F32, box: Box, reach_mm: float) -> F32:
    """Distance of the voxels of a box from a part of a structure's surface.

    Negative in the structure, of which `share` is that of each voxel of the grid; inf far away.
    """
    filled = share[box.slices] >= 0.5
    rough = ndimage.distance_transform_edt(~filled, sampling=grid.spacing_mm[::-1])
    near = np.argwhere(rough <= reach_mm)
    distance = surface.distance_mm(grid.to_world((near + box.low)[:, ::-1]))
    found = np.full(filled.shape, np.inf, dtype=np.float32)
    found[tuple(near.T)] = np.where(filled[tuple(near.T)], -distance, distance)
    return found


def nearest_mm(field_c: F32, level_c: float, distance_mm: F32) -> float:
    """Smallest distance at which a field is above a level, linear between voxels."""
    warm = field_c > level_c
    if not warm.any():
        return float("inf")
    nearest = float(distance_mm[warm].min())
    for axis in range(3):
        warm_here, field_here, distance_here = (
            np.moveaxis(values, axis, 0) for values in (warm, field_c, distance_mm)
        )
        known = np.isfinite(distance_here)
        at = np.nonzero((warm_here[:-1] != warm_here[1:]) & known[:-1] & known[1:])
        begin_mm, end_mm = distance_here[:-1][at], distance_here[1:][at]
        begin_c, end_c = field_here[:-1][at], field_here[1:][at]
        share = (level_c - begin_c) / (end_c - begin_c)
        crossed_mm = (1.0 - share) * begin_mm + share * end_mm
        nearest = min(nearest, float(crossed_mm.min(initial=np.inf)))
    return nearest


def _around(mask: NDArray[np.bool_], low: Sequence[int] = (0, 0, 0)) -> Box | None:
    """Smallest box around what is true; None around nothing.

    Parameters
    ----------
    low : where the mask begins in the grid.
    """
    if not mask.any():
        return None
    true = [np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    first, last = (np.array([found[end] for found in true], dtype=np.int64) for end in (0, -1))
    return box_of(first + low, last + low + 1)


def _with_room(box: Box, voxels: Any, shape: Sequence[int]) -> Box:
    """Box with some voxels more on every side, as far as the grid has them."""
    low, high = np.array(box.low) - voxels, np.array(box.high) + voxels
    return box_of(np.maximum(low, 0), np.minimum(high, np.array(shape)))
