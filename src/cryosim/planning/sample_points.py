"""Points that decide a plan: what must freeze, what must die, what must stay warm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..margin_room import room_around
from ..plan import ICE_C, Plan
from ..plan.metrics import ice_distance, organ_temperature
from ..surfaces import filled_voxels, isosurface, structure_surface
from ..tissue import TissueGrid

__all__ = ["Marks", "place_marks"]

F64 = NDArray[np.float64]

# Enough to see every bulge of a tumor of clinical size; more would only cost time.
_SHELL, _INSIDE, _ORGAN, _HEALTHY, _SKIN = 240, 150, 80, 400, 100
_SKIN_WITHIN_MM = 60.0  # of the target


@dataclass(frozen=True, eq=False)
class Marks:
    """World points by what is asked of them.

    Attributes
    ----------
    points_mm : (n, 3) LPS, all of them.
    shell, inside, healthy : which of `points_mm` lie beyond the target's surface by the margin that
        is asked for there, in the target, and in other tissue around it.
    skin : the same where tissue meets room air.
    organs : the same by key of the goal on an organ at risk: the organ, or what lies as near to it
        as no ice may come. organ_limits_c : what these must not be colder than.
    healthy_ml, skin_cm2 : volume that a point of `healthy` stands for, and area of one of `skin`.
    """

    points_mm: F64
    shell: slice
    inside: slice
    healthy: slice
    skin: slice
    organs: dict[str, slice]
    organ_limits_c: dict[str, float]
    healthy_ml: float
    skin_cm2: float


def place_marks(tissue: TissueGrid, plan: Plan) -> Marks:
    """Choose the points, evenly and without chance.

    Parameters
    ----------
    tissue : the grid of the search, with the structures of the plan.
    """
    grid = tissue.grid
    share = tissue.structures["target"]
    filled = share >= 0.5
    sampling = grid.spacing_mm[::-1]
    # Signed, and to a fraction of a voxel at the surface.
    outside = ndimage.distance_transform_edt(~filled, sampling=sampling)
    within = ndimage.distance_transform_edt(filled, sampling=sampling)
    distance = np.where(filled, 0.5 * sampling.mean() - within, outside - 0.5 * sampling.mean())
    gas = tissue.is_gas
    beyond = distance - _asked_mm(tissue, plan, distance)
    shell = isosurface(grid, beyond.astype(np.float32), 0.0).centers_mm
    shell = _thinned(shell[~gas[tissue.grid.nearest(shell)]], _SHELL)
    inside = _thinned(_centers(tissue, filled), _INSIDE)
    other = ~filled & ~gas & (distance < 40.0)
    every = _centers(tissue, other)
    healthy = _thinned(every, _HEALTHY)
    all_skin = _centers(tissue, tissue.skin & (distance < _SKIN_WITHIN_MM))
    skin = _thinned(all_skin, _SKIN)
    parts = [shell, inside, healthy, skin]
    organs, limits = {}, {}
    at = sum(map(len, parts))
    for name, limit_c, mask in _limited(tissue, plan):
        order = np.argsort(distance[mask], kind="stable")
        near = _thinned(_centers(tissue, mask)[order][: 6 * _ORGAN], _ORGAN)
        organs[name] = slice(at, at + len(near))
        limits[name] = limit_c
        parts.append(near)
        at += len(near)
    first, second, third, fourth = np.cumsum([len(part) for part in parts[:4]]).tolist()
    each_ml = len(every) / max(len(healthy), 1) * grid.cell_volume_ml
    each_cm2 = 1e-2 * len(all_skin) / max(len(skin), 1) * grid.cell_face_mm2
    return Marks(
        np.concatenate(parts), slice(0, first), slice(first, second),
        slice(second, third), slice(third, fourth), organs, limits, each_ml, each_cm2,
    )  # fmt: skip


def _asked_mm(tissue: TissueGrid, plan: Plan, distance: NDArray[np.float64]) -> F64 | float:
    """(k, j, i) margin that is asked for at the nearest point of the target's surface."""
    wanted_mm = plan.target.margin_mm if plan.target is not None else 0.0
    surface = structure_surface(tissue.grid, tissue.structures["target"])
    room = room_around(tissue, plan, surface.centers_mm)
    if not room.ends:
        return wanted_mm
    near = distance < wanted_mm + 2.0 * float(tissue.grid.spacing_mm.max())
    asked = np.full(distance.shape, wanted_mm)
    _, nearest = cKDTree(surface.centers_mm).query(_centers(tissue, near), workers=-1)
    asked[near] = room.asked_mm[nearest]
    return asked


def _limited(tissue: TissueGrid, plan: Plan) -> Iterator[tuple[str, float, NDArray[np.bool_]]]:
    """Say which goal wants which voxels warmer than what."""
    for organ in plan.organs(bool(tissue.skin.any())):
        mask = filled_voxels(tissue.share_of(organ.name))
        if organ.min_temperature_c is not None:
            yield organ_temperature(organ.name), organ.min_temperature_c, mask
        if organ.min_ice_distance_mm is not None and mask.any():
            away = ndimage.distance_transform_edt(~mask, sampling=tissue.grid.spacing_mm[::-1])
            yield ice_distance(organ.name), ICE_C, away <= organ.min_ice_distance_mm


def _centers(tissue: TissueGrid, mask: NDArray[np.bool_]) -> F64:
    return tissue.grid.to_world(np.argwhere(mask)[:, ::-1])


def _thinned(points: F64, count: int) -> F64:
    """Keep about so many, evenly along the list."""
    if len(points) <= count:
        return points
    return points[np.linspace(0, len(points) - 1, count).round().astype(int)]
