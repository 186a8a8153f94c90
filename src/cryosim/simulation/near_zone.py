"""Where tissue freezes or touches a probe: a box of voxels, its arrays, and the faces around it."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from cryosim_kernels import near, tissue_rows

from .state import INNER, Real, State

__all__ = ["Box", "NearZone", "box_of", "box_within", "cold_box"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Box:
    """Voxels from `low` to `high` - 1 of the padded grid; along k, j, i."""

    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Cuts the box out of a padded array."""
        first, second, third = (slice(a, b) for a, b in zip(self.low, self.high, strict=True))
        return first, second, third

    @property
    def cells(self) -> int:
        """Voxels in it."""
        return int(np.prod(np.subtract(self.high, self.low)))

    def within(self, other: Box) -> bool:
        """Whether it lies in the other."""
        lower = all(a >= b for a, b in zip(self.low, other.low, strict=True))
        return lower and all(a <= b for a, b in zip(self.high, other.high, strict=True))

    def joined(self, other: Box) -> Box:
        """Smallest box that holds both."""
        low = np.minimum(self.low, other.low)
        return box_of(low, np.maximum(self.high, other.high))

    def widened(self, voxels: int, shape: tuple[int, ...]) -> Box:
        """Box with so many voxels more on every side, in a padded grid of a shape.

        With a voxel next to the grid's ghosts it holds those too.
        """
        low, high = np.subtract(self.low, voxels), np.add(self.high, voxels)
        low = np.where(low <= 1, 0, low)
        return box_of(low, np.where(high >= np.subtract(shape, 1), shape, high))


def box_of(low: I64, high: I64) -> Box:
    """Box from two corners, (3,)."""
    return Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))


def cold_box(temperature: Real, index: U8, limits_c: F32) -> Box | None:
    """Smallest box that holds all tissue colder than its limit; `limits_c` (256,) by tissue."""
    cold = (index < tissue_rows.CLOSED) & (temperature < limits_c[index])
    if not cold.any():
        return None
    places = np.argwhere(cold)
    return box_of(places.min(axis=0), places.max(axis=0) + 1)


def box_within(extent: I64) -> Box | None:
    """Smallest box around what each plane holds, `extent` as `near.finish_near_step` fills it."""
    planes = np.flatnonzero(extent[:, 1])
    if len(planes) == 0:
        return None
    found = extent[planes]
    low = (planes[0], found[:, 0].min(), found[:, 2].min())
    return box_of(np.array(low), np.array((planes[-1] + 1, found[:, 1].max(), found[:, 3].max())))


class NearZone:
    """The arrays of a box, with a ghost layer; see `cryosim_kernels.near`.

    Held voxels and the grid's own ghosts may be in it. Those collect the energy that crosses into
    them.

    Attributes
    ----------
    box : where it is. low : its first voxel, (3,).
    faces, rim : those that heat crosses, within the box and at its rim.
    """

    def __init__(self, state: State, box: Box) -> None:
        self.box = box
        self.low = np.array(box.low, dtype=np.int64)
        self._shape = tuple(int(n) + 2 for n in np.subtract(box.high, box.low))
        self._allocate(state)
        self.faces = self._find_faces(state.inverse_spacing_squared.astype(np.float32))
        self.rim = self._find_rim(state)
        k, j, i = np.array(np.unravel_index(state.coupled_cells, state.index.shape))
        own = np.array([k, j, i]) - np.array(box.low)[:, None] + 1
        self.coupled_cells = np.ravel_multi_index(tuple(own), self._shape).astype(np.int64)

    def _allocate(self, state: State) -> None:
        shape = self._shape
        self.index = np.full(shape, tissue_rows.HELD, dtype=np.uint8)
        self.temperature, self.resistivity, self.perfusable = np.ones((3, *shape), dtype=np.float32)
        self.resistivity[...] = np.inf
        for own, whole in (
            (self.index, state.index),
            (self.temperature, state.temperature),
            (self.resistivity, state.resistivity),
        ):
            own[INNER] = whole[self.box.slices]
        self.start, self.now, self.held = np.zeros((3, *shape), dtype=np.float32)
        self.moved, self.second, self.third, self.start_moved = np.zeros(
            (4, *shape), dtype=np.float32
        )
        self.increment, self.increment_before = np.zeros((2, *shape), dtype=np.float32)
        self.slab_heat = np.zeros((shape[0], 2))
        self.cold_extent = np.zeros((shape[0] - 2, 4), dtype=np.int64)
        self.work = np.zeros((numba.get_num_threads(), 3, *shape[1:]), dtype=np.float32)

    def begin(self, state: State) -> None:
        """Take over enthalpies and what still carries blood; clear the increments."""
        self.start[INNER] = state.energy[self.box.slices]
        self.perfusable[INNER] = state.perfusable[self.box.slices]
        self.increment[...] = self.increment_before[...] = 0.0

    def _find_faces(self, inverse_spacing_squared: F32) -> near.Faces:
        index, planes = self.index, self._shape[0] + 1
        links = np.zeros(self._shape, dtype=np.uint8)
        near.find_links(index, links)
        span_starts, plane_starts = np.zeros((2, planes), dtype=np.int64)
        found = 0
        # First to count, then to keep; the same below.
        for _ in range(2):
            spans = np.zeros((found, 4), dtype=np.int64)
            found = near.tissue_spans(index, span_starts, spans)
        found = 0
        for _ in range(2):
            cells, others = np.zeros((2, found), dtype=np.int64)
            weights = np.zeros(found, dtype=np.float32)
            found = near.find_mixed_faces(
                index, inverse_spacing_squared, plane_starts, cells, others, weights
            )
        pairs, border, starts, blocks = self._find_border(np.stack([cells, others], axis=1))
        return near.Faces(
            tissue=index,
            links=links,
            span_starts=span_starts,
            spans=spans,
            plane_starts=plane_starts,
            mixed_cells=cells,
            mixed_pairs=pairs,
            mixed_weights=weights,
            border_starts=starts,
            border_blocks=blocks,
            border_cells=border,
            border_temperature=self.temperature.reshape(-1)[border],
            border_resistivity=self.resistivity.reshape(-1)[border],
        )

    def _find_border(self, pairs: I64) -> tuple[I64, I64, I64, I64]:
        """List the voxels at mixed faces by plane and tissue, held ones as they are held.

        Parameters
        ----------
        pairs : (n, 2) flat indices of the voxels on both sides.

        Returns
        -------
        (n, 2) entries of the list that the pairs are; the list of flat indices; starts and blocks
        as of `near.Faces`.
        """
        flat_index = self.index.reshape(-1)
        cells, entry = np.unique(pairs, return_inverse=True)
        plane = self._shape[1] * self._shape[2]
        order = np.lexsort((flat_index[cells], cells // plane))
        border = cells[order]
        tissues, planes = flat_index[border], border // plane
        first = np.flatnonzero(np.diff(tissues, prepend=-1) | np.diff(planes, prepend=-1))
        last = np.append(first, len(tissues))[1:]
        free = tissues[first] < tissue_rows.CLOSED
        blocks = np.stack([first, last, tissues[first]], axis=1)[free].astype(np.int64)
        starts = np.searchsorted(planes[blocks[:, 0]], np.arange(self._shape[0] + 1))
        return np.argsort(order)[entry].reshape(-1, 2), border, starts, blocks

    def _find_rim(self, state: State) -> near.Rim:
        """Find faces between a tissue voxel of the zone and one outside."""
        near_cells, far_cells, own_cells, conductances = [], [], [], []
        low = np.array(self.box.low) - 1
        for axis in range(3):
            weight = 2.0 * float(state.inverse_spacing_squared[2 - axis])
            for side, step in ((1, -1), (self._shape[axis] - 2, 1)):
                if not 0 <= side + step + low[axis] < state.index.shape[axis]:
                    continue
                face = [slice(1, -1)] * 3
                face[axis] = slice(side, side + 1)
                free = np.argwhere(self.index[tuple(face)] < tissue_rows.CLOSED)
                cells = free + [side if n == axis else 1 for n in range(3)]
                own = cells + low
                other = own.copy()
                other[:, axis] += step
                resistance = state.resistivity[tuple(own.T)] + state.resistivity[tuple(other.T)]
                near_cells.append(np.ravel_multi_index(tuple(cells.T), self._shape))
                far_cells.append(np.ravel_multi_index(tuple(other.T), state.index.shape))
                own_cells.append(np.ravel_multi_index(tuple(own.T), state.index.shape))
                conductances.append(weight / resistance)
        none = np.zeros(0)
        found = np.concatenate([none, *near_cells]).astype(np.int64)
        order = np.argsort(found, kind="stable")
        plane = self._shape[1] * self._shape[2]
        return near.Rim(
            starts=np.searchsorted(found[order], plane * np.arange(self._shape[0] + 1)),
            near=found[order],
            far=np.concatenate([none, *far_cells]).astype(np.int64)[order],
            own=np.concatenate([none, *own_cells]).astype(np.int64)[order],
            conductances=np.concatenate([none, *conductances]).astype(np.float32)[order],
        )

    def holds(self, flat: I64, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Whether flat indices into the padded grid are in the box."""
        position = np.array(np.unravel_index(flat, shape))
        low, high = np.array(self.box.low)[:, None], np.array(self.box.high)[:, None]
        return np.all((position >= low) & (position < high), axis=0)
