"""Thermoprotection: injected gas or fluid and warm packs on the skin, put into a tissue grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry import Grid
from ..images import Labels, resample_labels
from ..plan import Plan, Protection, SkinPack
from ..probes import Probe
from ..tissue import Tissue, TissueGrid, TissueLibrary

__all__ = ["protect"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

_FULL = 0.5  # a structure's share from which a voxel is its own
_BONE = "bone"  # names of the library's bones start with it


def protect(
    tissue: TissueGrid, plan: Plan, library: TissueLibrary, labels: Labels | None = None
) -> TissueGrid:
    """Fill the shapes of a plan's protections, in their order, and lay its packs on the skin.

    A voxel belongs to a shape when its center does. Target, organs at risk, held vessels and the
    room keep their voxels; so does bone, unless a label says where the fluid is.

    Parameters
    ----------
    tissue : the patient; room air found before, so that injected gas is not taken for it.
    library : the tissues to fill in, the plan's own included.
    labels : the label map, for shapes that are a label.

    Returns
    -------
    TissueGrid
        With a sentence for all that was put in, and a warning for what was left out.

    Raises
    ------
    InputError
        When a shape holds no voxel that can be filled, a layer has no target, a pack touches no
        skin, or a probe would freeze within fluid that is held at its temperature.
    """
    for shape in plan.protection:
        tissue = _fill(tissue, shape, library[shape.tissue], _voxels_of(tissue, shape, labels))
        if shape.held:
            tissue = _warn_of_probes(tissue, shape, plan.probe)
    for number, pack in enumerate(plan.skin_pack):
        tissue = _lay(tissue, f"skin_pack.{number}", pack)
    return tissue


def _voxels_of(tissue: TissueGrid, shape: Protection, labels: Labels | None) -> Mask:
    """Voxels of a protection's shape, whatever they are now."""
    name = f"protection '{shape.name}'"
    if shape.center_mm is not None and shape.radius_mm is not None:
        end_mm = shape.to_mm or shape.center_mm
        found = _capsule(tissue.grid, shape.center_mm, end_mm, shape.radius_mm)
        way_out = "check center_mm and its signs, and radius_mm against grid.spacing_mm"
    elif shape.beside is not None and shape.thickness_mm is not None:
        found = _layer(tissue, name, shape.beside, shape.thickness_mm)
        way_out = "use a larger thickness_mm or a smaller grid.spacing_mm"
    else:
        found = _label(tissue.grid, name, shape.label, labels)
        way_out = "use a larger grid.padding_mm"
    if not found.any():
        raise InputError(
            f"{name}: its shape holds no voxel of the simulated box, which covers "
            f"{tissue.grid.extent()}; {way_out}"
        )
    return found


def _label(grid: Grid, name: str, label: int | str | None, labels: Labels | None) -> Mask:
    if labels is None or label is None:
        raise InputError(
            f"{name}: label = {label!r}, but the plan has no label map; give center_mm with "
            "radius_mm, or beside with thickness_mm"
        )
    try:
        value = labels.value_of(label)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return resample_labels(labels, grid) == value


def _capsule(grid: Grid, start_mm: ArrayLike, end_mm: ArrayLike, radius_mm: float) -> Mask:
    """Voxels whose center lies within a radius of a line between two points, or of one point."""
    start, end = np.asarray(start_mm, dtype=float), np.asarray(end_mm, dtype=float)
    ends = grid.to_index([start, end])
    reach = radius_mm / grid.spacing_mm
    low = np.maximum(np.ceil(ends.min(axis=0) - reach), 0).astype(int)
    stop = np.minimum(np.floor(ends.max(axis=0) + reach) + 1, grid.shape[::-1]).astype(int)
    found = np.zeros(grid.shape, dtype=np.bool_)
    if np.any(stop <= low):
        return found
    k, j, i = np.indices((stop - low)[::-1]) + low[::-1, None, None, None]
    from_start = grid.to_world(np.stack([i, j, k], axis=-1)) - start
    along = end - start
    share = np.clip(from_start @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(from_start - share[..., None] * along, axis=-1)
    found[low[2] : stop[2], low[1] : stop[1], low[0] : stop[0]] = distance <= radius_mm
    return found


def _layer(tissue: TissueGrid, name: str, organ: str, thickness_mm: float) -> Mask:
    """Voxels next to an organ on the side of the target: nearer to it than the organ is there."""
    from scipy.spatial import cKDTree

    if "target" not in tissue.structures:
        raise InputError(
            f"{name}: beside = '{organ}' lies between organ and target, but the plan has no "
            "target; add [target], or give center_mm with radius_mm"
        )
    share = tissue.structures[organ]
    # A nerve may be thinner than a voxel; then the fullest voxels stand for it.
    level = min(_FULL, float(share.max()) / 2)
    if level == 0.0:
        raise InputError(
            f"{name}: beside = '{organ}' has no voxel in the simulated box; use a larger "
            "grid.padding_mm"
        )
    inside, target = share >= level, tissue.structures["target"] >= _FULL
    away, of_organ = _nearest(inside, tissue.grid)
    to_target, of_target = _nearest(target, tissue.grid)
    near = ~inside & ~target & (away <= thickness_mm + float(tissue.grid.spacing_mm.max()))
    found = np.argwhere(near & (to_target < to_target[tuple(of_organ)]))
    found = found[~_crosses(inside, found, of_target[:, *found.T].T)]
    surface = cKDTree(_surface_points_mm(tissue.grid, share, level))
    exactly, _ = surface.query(tissue.grid.to_world(found[:, ::-1]))
    layer = np.zeros(tissue.grid.shape, dtype=np.bool_)
    layer[tuple(found[exactly <= thickness_mm + 1e-6].T)] = True
    return layer


def _nearest(mask: Mask, grid: Grid) -> tuple[F64, NDArray[np.int32]]:
    """Distance of every voxel to the nearest of a mask in millimeters, and (3, k, j, i) which."""
    from scipy import ndimage

    distance, nearest = ndimage.distance_transform_edt(
        ~mask, sampling=grid.spacing_mm[::-1], return_indices=True
    )
    return distance, nearest


def _crosses(mask: Mask, starts: NDArray[Any], ends: NDArray[Any]) -> Mask:
    """Tell which straight lines between voxels, (n, 3) k, j, i, pass through a mask.

    A hollow organ has no layer on the inside of its far wall: the near wall is in the way.
    """
    crossed = np.zeros(len(starts), dtype=np.bool_)
    longest = int(np.abs(ends - starts).max(initial=0))
    for share in np.linspace(0.0, 1.0, 2 * longest + 1):
        crossed |= mask[tuple(np.rint(starts + share * (ends - starts)).astype(int).T)]
    return crossed


def _surface_points_mm(grid: Grid, share: F32, level: float) -> F64:
    """(n, 3) points between neighboring voxels at which a structure's share crosses a level."""
    found = []
    for axis, count in enumerate(share.shape):
        first = np.take(share, range(count - 1), axis=axis)
        second = np.take(share, range(1, count), axis=axis)
        crossed = (first >= level) != (second >= level)
        low, high = first[crossed].astype(float), second[crossed].astype(float)
        index = np.argwhere(crossed).astype(float)
        index[:, axis] += (level - low) / (high - low)
        found.append(index)
    return grid.to_world(np.concatenate(found)[:, ::-1])


def _fill(tissue: TissueGrid, shape: Protection, filling: Tissue, voxels: Mask) -> TissueGrid:
    """Fill voxels with a tissue, but for those that something keeps."""
    name, cell_ml = f"protection '{shape.name}'", tissue.grid.cell_volume_ml
    free, left_out = voxels.copy(), []
    for keeper, kept in _kept(tissue, shape).items():
        count = int(np.count_nonzero(free & kept))
        if count:
            left_out.append(f"{keeper} ({count * cell_ml:.2g} ml)")
            free &= ~kept
    if not free.any():
        raise InputError(
            f"{name}: all of its shape lies in {', '.join(left_out)}, which it cannot displace; "
            "move it or make it larger"
        )
    names = [known.name for known in tissue.tissues]
    displaced = [names[number] for number in np.unique(tissue.index[free])]
    index, held = tissue.index.copy(), _copy_of(tissue.held, np.zeros_like(free))
    start_c = _copy_of(tissue.start_c, np.full(free.shape, np.nan, dtype=np.float32))
    index[free] = names.index(filling.name) if filling.name in names else len(names)
    held[free] = shape.held
    start_c[free] = np.nan if shape.temperature_c is None else shape.temperature_c
    warnings = [f"{name}: left out of its shape: {', '.join(left_out)}"] if left_out else []
    return dataclasses.replace(
        tissue,
        index=index,
        tissues=tissue.tissues if filling.name in names else (*tissue.tissues, filling),
        held=held if held.any() else None,
        start_c=None if np.isnan(start_c).all() else start_c,
        assumptions=(
            *tissue.assumptions,
            f"{name}: {int(free.sum()) * cell_ml:.1f} ml of {filling.name}{_warmth_of(shape)} in "
            f"place of {', '.join(displaced)}",
        ),
        warnings=(*tissue.warnings, *warnings),
    )


def _kept(tissue: TissueGrid, shape: Protection) -> dict[str, Mask]:
    """What a protection cannot displace, by the name for it in a sentence."""
    kept: dict[str, Mask] = {
        name if name == "target" else f"organ '{name}'": share >= _FULL
        for name, share in tissue.structures.items()
    }
    if tissue.heat_sink is not None:
        kept["held vessels"] = tissue.heat_sink
    if tissue.outside_air is not None:
        kept["room air"] = tissue.outside_air
    if shape.label is None:
        # Fluid with contrast is as bright as bone: a label knows better than Hounsfield units.
        bones = np.array([known.name.startswith(_BONE) for known in tissue.tissues])
        kept["bone"] = bones[tissue.index]
    return kept


def _warmth_of(shape: Protection) -> str:
    if shape.temperature_c is None:
        return " at body temperature"
    return f"{' held' if shape.held else ''} at {shape.temperature_c:g} C"


def _warn_of_probes(tissue: TissueGrid, shape: Protection, probes: Sequence[Probe]) -> TissueGrid:
    """Refuse a probe that would freeze within held fluid; warn of one that does so in part."""
    found = []
    for number, probe in enumerate(probes):
        index = np.rint(tissue.grid.to_index(probe.active_points_mm())).astype(int)[:, ::-1]
        at = tuple(np.clip(index, 0, np.array(tissue.grid.shape) - 1).T)
        share = float(tissue.held[at].mean()) if tissue.held is not None else 0.0
        part = f"{100 * share:.0f} % of the active part of probe.{number}"
        words = f"protection '{shape.name}': {part} lies in held fluid, which cannot freeze"
        if share == 1.0:
            raise InputError(f"{words}; move one of them")
        if share > 0.0:
            found.append(words)
    return dataclasses.replace(tissue, warnings=(*tissue.warnings, *found))


def _lay(tissue: TissueGrid, name: str, pack: SkinPack) -> TissueGrid:
    """Let room air within the ball of a pack have its temperature and its heat transfer."""
    air, grid = tissue.outside_air, tissue.grid
    ball = _capsule(grid, pack.center_mm, pack.center_mm, pack.radius_mm)
    covered = ball & air if air is not None else np.zeros_like(ball)
    skin_cm2 = _area_between_cm2(grid, covered, ~air) if air is not None else 0.0
    if skin_cm2 == 0.0:
        raise InputError(
            f"{name}: no skin that meets room air lies within radius_mm = {pack.radius_mm:g} of "
            f"center_mm = {list(pack.center_mm)}; the simulated box covers {grid.extent()}; check "
            "the position, or use a larger grid.padding_mm (packs need a CT that shows the room)"
        )
    empty = np.full(covered.shape, np.nan, dtype=np.float32)
    start_c, film = _copy_of(tissue.start_c, empty), _copy_of(tissue.film_w_m2k, empty)
    start_c[covered], film[covered] = pack.temperature_c, pack.exchange_w_m2k
    return dataclasses.replace(
        tissue,
        start_c=start_c,
        film_w_m2k=film,
        assumptions=(
            *tissue.assumptions,
            f"{name}: {skin_cm2:.0f} cm2 of skin (faces of voxels) meet a pack of "
            f"{pack.temperature_c:g} C at {pack.exchange_w_m2k:g} W/m2/K",
        ),
    )


def _area_between_cm2(grid: Grid, one: Mask, other: Mask) -> float:
    """Area of the voxel faces at which two sets of voxels meet."""
    step, total = grid.spacing_mm[::-1], 0.0
    for axis, count in enumerate(grid.shape):
        face_cm2 = float(np.prod(step) / step[axis]) / 100
        low, high = range(count - 1), range(1, count)
        for first, second in ((low, high), (high, low)):
            meeting = np.take(one, first, axis=axis) & np.take(other, second, axis=axis)
            total += face_cm2 * int(np.count_nonzero(meeting))
    return total


def _copy_of(values: NDArray[Any] | None, empty: NDArray[Any]) -> NDArray[Any]:
    return empty.copy() if values is None else values.copy()
