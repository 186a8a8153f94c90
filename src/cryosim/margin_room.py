"""How far a margin can be asked for: to the skin, and to barriers that the plan names.

Beyond the skin there is nothing to freeze, so that a point of the target's surface 4 mm under it
has 4 mm of margin at most. Nor is all of that asked for where skin has a limit: ice that reaches it
freezes it. So what is asked for there, and around there, ends some way before the skin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from .geometry import Grid, direction_words
from .plan import Plan
from .quantities import MarginLimit
from .surfaces import isosurface, sample
from .tissue import TissueGrid

__all__ = ["End", "Room", "end_words", "limit_words", "room_around"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# In still air skin of 5 C lies some 5 mm beyond the edge of the ice (assumption: steady, muscle).
_SKIN_ROOM_MM = 5.0
# Halfway between air and tissue; voxels count as tissue from there on.
_SKIN_HU, _AIR_HU, _TISSUE_HU = -500.0, -1000.0, 0.0
# Takes the steps of voxels off a mask.
_SMOOTHING_VOXELS = 0.7
_BESIDE_VOXELS = 4


@dataclass(frozen=True, eq=False)
class End:
    """Where margins end: the skin, or a barrier.

    Attributes
    ----------
    name : "skin", or the barrier's. side : of the target, in anatomical words.
    ends_tissue : whether nothing beyond it can freeze.
    away_mm : (n,) distance of each point of the target's surface; inf where it does not matter.
    asked_mm : (n,) margin that is asked for at each point, as far as this end goes.
    """

    name: str
    side: str
    ends_tissue: bool
    away_mm: F64
    asked_mm: F64


@dataclass(frozen=True, eq=False)
class Room:
    """The margin that is asked for at points of the target's surface.

    Attributes
    ----------
    wanted_mm : where nothing is in the way. count : of points.
    ends : those that are nearer to a point than the wanted margin.
    """

    wanted_mm: float
    count: int
    ends: tuple[End, ...]

    @property
    def asked_mm(self) -> F64:
        """(n,) margin that is asked for."""
        asked = np.full(self.count, self.wanted_mm)
        for end in self.ends:
            asked = np.minimum(asked, end.asked_mm)
        return asked

    @property
    def whole(self) -> NDArray[np.bool_]:
        """(n,) whether the whole wanted margin is asked for."""
        whole: NDArray[np.bool_] = self.asked_mm >= self.wanted_mm
        return whole

    def of_tissue(self, margin_mm: F64) -> F64:
        """(n,) margins as far as there is tissue: they are not counted through air."""
        for end in self.ends:
            if end.ends_tissue:
                through = (margin_mm > end.away_mm) & (end.away_mm < self.wanted_mm)
                margin_mm = np.where(through, end.away_mm, margin_mm)
        return margin_mm

    def limits(self, ice_margin_mm: F64, areas_mm2: F64) -> tuple[MarginLimit, ...]:
        """Say what each end leaves of the margin, and what the ice reaches there.

        Parameters
        ----------
        ice_margin_mm : (n,) of tissue. areas_mm2 : (n,) that points stand for.
        """
        return tuple(self._limit(end, ice_margin_mm, areas_mm2) for end in self.ends)

    def _limit(self, end: End, ice_margin_mm: F64, areas_mm2: F64) -> MarginLimit:
        there = np.flatnonzero(end.asked_mm < self.wanted_mm)
        asked_mm = self.asked_mm[there]
        worst = int((asked_mm - ice_margin_mm[there]).argmax())
        reached_mm = float(ice_margin_mm[there][worst])
        known = bool(np.isfinite(ice_margin_mm[there]).all())
        return MarginLimit(
            by=end.name,
            side=end.side,
            surface_share=float(areas_mm2[there].sum() / areas_mm2.sum()),
            room_mm=float(end.away_mm.min()),
            smallest_mm=float(ice_margin_mm[there].min()) if known else None,
            reached_mm=reached_mm if known else None,
            asked_mm=round(float(asked_mm[worst]), 1),
        )


def end_words(name: str) -> str:
    """Return what an end of margins is called in a sentence."""
    return "the skin" if name == "skin" else name


def limit_words(limit: MarginLimit) -> str:
    """Say it: "limited to 4 mm by the skin, posterior side: 1.3 mm reached there at least"."""
    room = f"{limit.room_mm:.1f}".removesuffix(".0")
    reached = "none" if limit.smallest_mm is None else f"{limit.smallest_mm:.1f} mm"
    where = f"{room} mm by {end_words(limit.by)}, {limit.side} side"
    return f"limited to {where}: {reached} reached there at least"


def room_around(tissue: TissueGrid, plan: Plan, points_mm: F64) -> Room:
    """Find what is nearer to points of the target's surface than the wanted margin.

    Distances are to a fraction of a voxel where a CT shows the skin, and where a barrier's share of
    voxels is known.

    Parameters
    ----------
    points_mm : (n, 3) LPS.
    """
    wanted_mm = plan.target.margin_mm if plan.target is not None else 0.0
    if wanted_mm == 0.0 or len(points_mm) == 0:
        return Room(wanted_mm, len(points_mm), ())
    fields = _fields(tissue, plan, points_mm, wanted_mm)
    ends = (_end(*field, points_mm, wanted_mm) for field in fields)
    return Room(wanted_mm, len(points_mm), tuple(end for end in ends if end is not None))


def _fields(
    tissue: TissueGrid, plan: Plan, points_mm: F64, wanted_mm: float
) -> Iterator[tuple[str, Grid, F32, float]]:
    """Give each end's name, its field (0 at its surface, negative inside), and what ice leaves."""
    keep_mm = _skin_keeps_mm(plan)
    grid, box = _box_around(tissue.grid, points_mm, wanted_mm + keep_mm)
    if tissue.outside_air is not None and tissue.outside_air[box].any():
        yield plan.skin.name, grid, _air_field(tissue, box), keep_mm
    for name in plan.target.barrier_names if plan.target is not None else ():
        share = tissue.structures.get(name)
        if share is not None and share[box].any():
            yield name, grid, 0.5 - share[box], 0.0


def _end(
    name: str, grid: Grid, field: F32, keep_mm: float, points_mm: F64, wanted_mm: float
) -> End | None:
    """Measure how far an end is away; None where it is farther than the wanted margin."""
    surface = isosurface(grid, field, 0.0)
    away_mm, patch = np.full(len(points_mm), np.inf), np.zeros(0, dtype=np.intp)
    if not surface.empty:
        # Patches are at most a voxel wide.
        within_mm = wanted_mm + keep_mm + 2.0 * float(grid.spacing_mm.max())
        tree = cKDTree(surface.centers_mm)
        patch = np.asarray(tree.query(points_mm, distance_upper_bound=within_mm)[1])
        near = patch < len(surface.centers_mm)
        away_mm[near] = surface.distance_mm(points_mm[near])
    beyond = sample(grid, field, points_mm) <= 0.0
    away_mm[beyond] = 0.0
    nearest = int(away_mm.argmin())
    if away_mm[nearest] >= wanted_mm:
        return None
    # A target that reaches beyond it does so on the side of the points that do.
    if beyond.any():
        toward_mm = points_mm[beyond].mean(axis=0) - points_mm.mean(axis=0)
    else:
        toward_mm = surface.centers_mm[patch[nearest]] - points_mm[nearest]
    asked_mm = np.clip(away_mm - keep_mm, 0.0, wanted_mm)
    return End(name, direction_words(toward_mm), name == "skin", away_mm, asked_mm)


def _skin_keeps_mm(plan: Plan) -> float:
    """Return how far from the skin ice is not asked for."""
    (skin,) = (organ for organ in plan.organs(True) if organ.name == plan.skin.name)
    if skin.min_ice_distance_mm is not None:
        return skin.min_ice_distance_mm
    return 0.0 if skin.min_temperature_c is None else _SKIN_ROOM_MM


def _air_field(tissue: TissueGrid, box: tuple[slice, slice, slice]) -> F32:
    """Negative in room air; a CT says where between two voxels it begins."""
    air = tissue.outside_air[box] if tissue.outside_air is not None else np.zeros(0, np.bool_)
    if tissue.image is None or tissue.modality != "ct":
        smooth = ndimage.gaussian_filter(air.astype(np.float32), _SMOOTHING_VOXELS, mode="nearest")
        field: F32 = np.float32(0.5) - smooth
        return field
    hu = np.clip(tissue.image[box], _AIR_HU, _TISSUE_HU)
    # Things that lie on the skin, and gas in the body.
    hu = np.where(air & (hu > _SKIN_HU), _AIR_HU, hu)
    hu = np.where(~air & (hu <= _SKIN_HU), _TISSUE_HU, hu)
    return (hu - _SKIN_HU).astype(np.float32)


def _box_around(
    grid: Grid, points_mm: F64, by_mm: float
) -> tuple[Grid, tuple[slice, slice, slice]]:
    """Cut out the voxels around points, with some to spare."""
    index = grid.to_index(points_mm)
    reach = np.ceil(by_mm / grid.spacing_mm) + _BESIDE_VOXELS
    low = np.clip(np.floor(index.min(axis=0) - reach), 0, None).astype(int)
    stop = np.minimum(np.ceil(index.max(axis=0) + reach).astype(int) + 1, grid.shape[::-1])
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, stop, strict=True))
    shape = (stop - low)[::-1].tolist()
    start = grid.to_world(low)
    return Grid.from_spacing(shape, grid.spacing_mm, start, grid.direction), (k, j, i)
