"""The target: how much was covered, and by which margin."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..errors import InputError
from ..geometry import direction_words
from ..margin_room import Room, room_around
from ..plan import ICE_C, LETHAL_HOLD_S, Target
from ..quantities import Compliance, Margin, Margins, TargetKill, TargetReport
from ..simulation import Result
from ..surfaces import (
    Surface,
    sample,
    share_at_or_below,
    signed_distance_mm,
    structure_surface,
)
from ..tissue import TissueGrid
from .isotherms import of_tissue
from .kill import killed_by_isotherm

__all__ = [
    "SurfaceMargin",
    "TargetShape",
    "evaluate_target",
    "surface_margin",
    "target_coverage",
]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

_TEN_MM = 10.0
_WHERE = ", where it has room"
# A share counts as everything when less than this is missing: rounding of partial volumes.
_ALL = 0.999


@dataclass(frozen=True, eq=False)
class SurfaceMargin:
    """Margin of an isotherm at every patch of the target's surface.

    Attributes
    ----------
    isotherm_c : the isotherm of the coldest-ever field.
    points_mm : (n, 3) LPS centers of the patches. areas_mm2 : (n,) their areas.
    margin_mm : (n,) signed distance to the isotherm, positive where it lies outside the target, at
        most that to the skin; inf or -inf where there is no such isotherm in the simulated box.
    room : what margin can be asked for at each patch; of ice.
    """

    isotherm_c: float
    points_mm: F64
    areas_mm2: F64
    margin_mm: F64
    room: Room

    @property
    def has_edge(self) -> bool:
        """Whether there is a margin; a target smaller than a voxel has no surface either."""
        return len(self.margin_mm) > 0 and bool(np.all(np.isfinite(self.margin_mm)))

    @property
    def smallest(self) -> int:
        """Which patch has the smallest margin of those where the wanted one has room, if any."""
        whole = self.room.whole
        return int(np.where(whole | ~whole.any(), self.margin_mm, np.inf).argmin())

    @property
    def where(self) -> str:
        """What stands behind "smallest" where it is looked for on a part only."""
        return _WHERE if self.room.ends else ""

    @property
    def weak_side(self) -> str:
        """On which side of the target that is, in anatomical words."""
        return direction_words(self.points_mm[self.smallest] - self.points_mm.mean(axis=0))


@dataclass(frozen=True, eq=False)
class TargetShape:
    """The target on finer voxels than those of a result.

    Attributes
    ----------
    surface : of the target. points_mm : (n, 3) LPS centers of the voxels that it lies in.
    shares : (n,) share of each that it fills.
    """

    surface: Surface
    points_mm: F64
    shares: F64

    @classmethod
    def of(cls, tissue: TissueGrid) -> TargetShape:
        """Return the shape of the target on a tissue grid."""
        share = tissue.structures["target"]
        voxels = np.argwhere(share > 0)
        return cls(
            structure_surface(tissue.grid, share),
            tissue.grid.to_world(voxels[:, ::-1]),
            share[tuple(voxels.T)].astype(float),
        )


def surface_margin(result: Result, isotherm_c: float) -> SurfaceMargin:
    """Measure the margin of an isotherm all over the target's surface.

    Raises
    ------
    InputError
        When the plan has no target.
    """
    if "target" not in result.tissue.structures:
        raise InputError("the plan has no target, and so no margin; add [target] and run again")
    grid, coldest_c = result.tissue.grid, of_tissue(result).coldest_c
    surface = structure_surface(grid, result.tissue.structures["target"])
    margin_mm = signed_distance_mm(grid, coldest_c, isotherm_c, surface.centers_mm)
    room = room_around(result.tissue, result.plan, surface.centers_mm)
    margin_mm = room.of_tissue(margin_mm)
    if isotherm_c != ICE_C:
        # The wanted margin is one of ice.
        room = dataclasses.replace(room, ends=())
    return SurfaceMargin(isotherm_c, surface.centers_mm, surface.areas_mm2, margin_mm, room)


def evaluate_target(
    result: Result,
    target: Target,
    expected_share: float | None,
    shape: TargetShape | None = None,
) -> TargetReport:
    """Coverage, ice and lethal margin, and compliance with the wanted margin.

    Parameters
    ----------
    result : its fields continued through gas, see `of_tissue`.
    expected_share : of its cells that the dose-response expects dead.
    shape : of the target, where it is known better than the result's voxels show it.
    """
    grid = result.tissue.grid
    share = result.tissue.structures["target"]
    surface = structure_surface(grid, share) if shape is None else shape.surface
    points, areas = surface.centers_mm, surface.areas_mm2
    room = room_around(result.tissue, result.plan, points)
    ice, lethal = (
        room.of_tissue(signed_distance_mm(grid, result.coldest_c, level, points))
        for level in (ICE_C, target.lethal_c)
    )
    whole = room.whole
    return TargetReport(
        volume_ml=float(share.sum(dtype=np.float64)) * grid.cell_volume_ml,
        coverage=_coverage(result, [*result.plan.report.isotherms_c, target.lethal_c], shape),
        margin=Margins(
            ice=_margin(ICE_C, ice[whole], areas[whole], _WHERE if room.ends else ""),
            lethal=_margin(target.lethal_c, lethal, areas),
        ),
        compliance=_compliance(result, room, surface, ice),
        kill=TargetKill(expected_share),
        healthy_ml=_healthy_ml(result),
        margin_reached_s=None,
        limits=room.limits(ice, areas),
    )


def _healthy_ml(result: Result) -> float:
    """Frozen tissue outside the target, without probes and gas."""
    frozen = share_at_or_below(result.coldest_c, ICE_C) * (1.0 - result.probe_share)
    frozen *= 1.0 - result.tissue.structures["target"]
    frozen[result.tissue.is_gas] = 0.0
    return float(frozen.sum(dtype=np.float64)) * result.tissue.grid.cell_volume_ml


def target_coverage(result: Result, levels_c: Iterable[float]) -> dict[float, float]:
    """Return which share of the target has been cold enough, by isotherm, warmest first.

    At or below it at any time; at the plan's lethal isotherm for a minute in total.
    """
    return _coverage(of_tissue(result), levels_c, None)


def _coverage(
    result: Result, levels_c: Iterable[float], shape: TargetShape | None
) -> dict[float, float]:
    levels = sorted(set(levels_c), reverse=True)
    if shape is not None:
        points, weights = shape.points_mm, shape.shares
        cold = {level: _cold_at(result, level, points) for level in levels}
    else:
        weights = result.tissue.structures["target"].astype(float)
        cold = {level: _cold_share(result, level) for level in levels}
    return {level: float(np.average(cold[level], weights=weights)) for level in levels}


def _is_lethal(result: Result, level_c: float) -> bool:
    return result.plan.target is not None and level_c == result.plan.target.lethal_c


def _cold_share(result: Result, level_c: float) -> F64:
    """Share of each voxel that has been cold enough."""
    if _is_lethal(result, level_c):
        return killed_by_isotherm(result, level_c).astype(float)
    return share_at_or_below(result.coldest_c, level_c).astype(float)


def _cold_at(result: Result, level_c: float, points_mm: F64) -> F64:
    """1 at the points that have been cold enough, like `_cold_share`."""
    grid = result.tissue.grid
    cold = sample(grid, result.coldest_c, points_mm) <= level_c
    if _is_lethal(result, level_c):
        cold &= sample(grid, result.time_below_s[level_c], points_mm) >= LETHAL_HOLD_S
    return cold.astype(float)


def _margin(isotherm_c: float, margin_mm: F64, areas_mm2: F64, where: str = "") -> Margin:
    total = areas_mm2.sum()
    if total == 0:
        return Margin(isotherm_c, None, None, 0.0, where)
    enough = float(areas_mm2[margin_mm >= _TEN_MM].sum() / total)
    if not np.all(np.isfinite(margin_mm)):
        # Either nothing got so cold, or the ice left the grid altogether.
        return Margin(isotherm_c, None, None, enough, where)
    order = np.argsort(margin_mm)
    below = np.cumsum(areas_mm2[order]) / total
    p05 = float(margin_mm[order][min(int(np.searchsorted(below, 0.05)), len(order) - 1)])
    return Margin(isotherm_c, float(margin_mm.min()), p05, enough, where)


def _compliance(result: Result, room: Room, surface: Surface, ice_margin_mm: F64) -> Compliance:
    areas = surface.areas_mm2
    half = float(result.tissue.grid.spacing_mm.max()) / 2
    total, asked_mm = areas.sum(), room.asked_mm
    exact = float(areas[ice_margin_mm >= asked_mm].sum() / total)
    tolerant = float(areas[ice_margin_mm >= asked_mm - half].sum() / total)
    shell = _shell_frozen(result, surface, asked_mm)
    tolerant_shell = _shell_frozen(result, surface, np.maximum(asked_mm - half, 0.0))
    passed = min(tolerant, tolerant_shell) >= _ALL
    return Compliance(room.wanted_mm, exact, shell, passed)


def _shell_frozen(result: Result, surface: Surface, thickness_mm: F64) -> float:
    """Share of the shell around the target that has been at or below 0 C.

    Only tissue counts: beyond the skin and in bowel gas there is nothing to freeze.

    Parameters
    ----------
    thickness_mm : (p,) at each patch of the surface.
    """
    grid = result.tissue.grid
    share = result.tissue.structures["target"]
    spacing = grid.spacing_mm[::-1]
    rough = ndimage.distance_transform_edt(share < 0.5, sampling=spacing)
    edge = float(spacing.max())
    thickest = float(thickness_mm.max(initial=0.0))
    near = np.argwhere((rough > 0) & (rough < thickest + 3 * edge) | (share > 0) & (share < 1))
    points = grid.to_world(near[:, ::-1])
    distance = surface.distance_mm(points)
    at = tuple(near.T)
    # Of a voxel at the shell's outer side the ice and the shell fill the same part, not parts that
    # have nothing to do with each other; the target has its own part of both.
    thickness = _at_nearest(surface, thickness_mm, points)
    reached = np.clip(0.5 + (thickness - distance) / edge, 0.0, 1.0)
    reached[result.tissue.is_gas[at]] = 0.0
    within = np.maximum(reached - share[at], 0.0)
    if within.sum() == 0:
        return 1.0
    ice = share_at_or_below(result.coldest_c, ICE_C)[at]
    frozen = np.maximum(np.minimum(reached, ice) - share[at], 0.0)
    return float(frozen.sum() / within.sum())


def _at_nearest(surface: Surface, values: F64, points_mm: F64) -> F64:
    """Values of patches at points, each that of the nearest patch."""
    if len(values) == 0 or np.ptp(values) == 0.0:
        return np.full(len(points_mm), values[0] if len(values) else 0.0)
    found: F64 = values[cKDTree(surface.centers_mm).query(points_mm, workers=-1)[1]]
    return found
