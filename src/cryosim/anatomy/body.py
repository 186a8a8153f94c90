"""Where a CT shows the patient, and where what lies around: room air, table, mattress, blankets.

Tissue is denser than `_TISSUE_HU`. What is left of it when a few millimeters are taken off
everywhere falls apart into the body and the cores of other things: sheets, tubes and covers vanish,
also where they touch the skin. The part that holds the target, else the largest, is put on again by
as much. Room air is what air at the sides of the image reaches without crossing tissue, foam
included; gas that the body walls for the most part is part of it: bowel, and lung, which room air
may reach through a windpipe.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid, read_only
from ..images import Labels, Volume, resample_labels, resample_volume
from ..tissue import Tissue, TissueGrid, look_up

__all__ = ["Body", "find_body", "given_body", "labelled_body", "leave_out"]

Mask = NDArray[np.bool_]

# Half a voxel of fat and half of air is darker; foam, lung and most blankets are, too.
_TISSUE_HU = -300.0
# Air, smoothed; lung is not as dark, if at most in bronchi.
_ROOM_HU = -950.0
_SMOOTHED_MM = 1.5
# Things of up to twice this thickness fall off the skin; no part of the body is as thin.
_SHEET_MM = 3.0
# Air at the side of the image is the room's where it is as deep. Larger than bronchi.
_DEEP_AIR_MM = 4.0
# What scanners write where they have seen nothing.
_PADDING_HU = -1100.0
# Gas is the body's where so much of its wall is. A loop of bowel under the skin has 0.8 and more, a
# foam between its cover and the skin 0.5 at most.
_OWN_WALL = 0.65
# Fine enough for the thickness of sheets, and ten times faster than on a fine CT.
_SPACING_MM = 2.0
# Lung that the room's air reaches is no smaller.
_LUNG_ML = 30.0
# Foam of mattresses is -700 to -450 HU; blankets are lighter.
_THINGS_HU = -850.0
# Gas in the blurred edge of the skin belongs to the room, too.
_BLURRED_VOXELS = 2
_MENTIONED_ML = 1.0


@dataclass(frozen=True, eq=False)
class Body:
    """What of an image is the patient.

    Attributes
    ----------
    grid : voxels of `inside` and `things`, along the axes of the image.
    inside : (k, j, i) bool; the body, with the gas in it.
    things : (k, j, i) bool; outside, dense and no sheet: table, mattress, another limb.
    """

    grid: Grid
    inside: Mask
    things: Mask

    def __post_init__(self) -> None:
        for name in ("inside", "things"):
            object.__setattr__(self, name, read_only(getattr(self, name)))


def find_body(volume: Volume, target: tuple[Grid, Mask] | None = None) -> Body | None:
    """Tell the body in a CT from what lies around it.

    Parameters
    ----------
    volume : the image, axes running closest to x, y, z.
    target : what the body holds; without it the largest part counts.

    Returns
    -------
    None where the image is no CT, or shows no tissue.
    """
    if volume.modality != "ct":
        return None
    grid = _coarser(volume.grid)
    hu = volume.values if grid.matches(volume.grid) else resample_volume(volume, grid)
    tissue = hu > _TISSUE_HU
    room = _room(hu, ~tissue, grid)
    if not room.any():
        # The image ends within the body.
        everything = np.ones(grid.shape, dtype=np.bool_)
        return Body(grid, everything, ~everything)
    own = _main_part(tissue, room, grid, target)
    if own is None:
        return None
    gas = _walled(~tissue & ~room, own, tissue | room) | _reached_lung(hu, room, own, grid)
    # Walls between gas and room, such as bowel's under thin skin, may be as thin as sheets.
    inside = own | gas | (tissue & _dilated(gas, _SHEET_MM, grid))
    # What floats in the gas: vessels and nodules in lung.
    inside = _filled(inside)
    return Body(grid, inside, _things(inside, hu, grid))


def given_body(volume: Volume | None, grid: Grid, inside: Mask) -> Body:
    """Take the body from a mask, with what it encloses; what else the CT shows is things."""
    inside = _filled(inside)
    if volume is None or volume.modality != "ct":
        return Body(grid, inside, np.zeros_like(inside))
    return Body(grid, inside, _things(inside, resample_volume(volume, grid), grid))


def labelled_body(labels: Labels) -> Body:
    """Take what has a label as the body, with the gas that it encloses, and no things."""
    return given_body(None, labels.grid, labels.values != 0)


def leave_out(tissue: TissueGrid, body: Body, gas: Tissue) -> TissueGrid:
    """Take what lies around the body as room air, in contact with the skin as a film.

    Within a voxel of `body` about its surface Hounsfield units decide, where there are any, as they
    are finer.

    Parameters
    ----------
    gas : what room air is made of.
    """
    by_hu = tissue.modality == "ct"
    near = _grown(body.inside) if by_hu else body.inside
    # All on the grid at once: bits of one label map. Beyond it nothing is body.
    kinds = body.inside + np.int32(2) * near + np.int32(4) * body.things
    kind = resample_labels(Labels(body.grid, kinds), tissue.grid)
    outside, surely = kind & 1 == 0, kind & 2 == 0
    lung = look_up(np.array([each.name == "lung" for each in tissue.tissues]), tissue.index)
    # Lung is nowhere as near to the room as the blurred edge of the skin.
    edge = _grown(outside, _BLURRED_VOXELS)
    taken = (surely & ~tissue.is_gas) | (edge & lung)
    tissues, index = tissue.tissues, tissue.index.copy()
    if taken.any():
        if gas not in tissues:
            tissues = (*tissues, gas)
        index[taken] = tissues.index(gas)
    is_gas = tissue.is_gas | taken
    air = surely | (is_gas & edge)
    notes, taken_ml = [], float(taken.sum()) * tissue.grid.cell_volume_ml
    if taken_ml > _MENTIONED_ML:
        notes.append(
            f"{taken_ml:.0f} ml around the body, such as table, mattress and blankets, are taken "
            "as room air"
        )
    lost_ml = float((surely & lung).sum()) * tissue.grid.cell_volume_ml
    warnings = []
    if lost_ml > _LUNG_ML:
        warnings.append(
            f"{lost_ml:.0f} ml as dark as lung are taken as foam or room air around the body; look "
            "at 'cryosim check --picture', and give anatomy.body if they are lung"
        )
    sinks = tissue.heat_sink
    return dataclasses.replace(
        tissue,
        index=index,
        tissues=tissues,
        heat_sink=None if sinks is None else sinks & ~taken,
        outside_air=air if air.any() else None,
        things=kind >= 4,
        assumptions=(*tissue.assumptions, *notes),
        warnings=(*tissue.warnings, *warnings),
    )


def _filled(mask: Mask) -> Mask:
    from scipy import ndimage

    filled: Mask = ndimage.binary_fill_holes(mask)
    return filled


def _things(inside: Mask, hu: NDArray[np.float32], grid: Grid) -> Mask:
    """What is dense outside the body, sheets aside."""
    return _dilated(_eroded(~inside & (hu > _THINGS_HU), _SHEET_MM, grid), _SHEET_MM, grid)


def _grown(mask: Mask, voxels: int = 1) -> Mask:
    """Put so many layers of voxels on a mask, through faces."""
    for _ in range(voxels):
        grown = mask.copy()
        for axis in range(3):
            before, after = [slice(None)] * 3, [slice(None)] * 3
            before[axis], after[axis] = slice(None, -1), slice(1, None)
            grown[tuple(after)] |= mask[tuple(before)]
            grown[tuple(before)] |= mask[tuple(after)]
        mask = grown
    return mask


def _coarser(image: Grid) -> Grid:
    """Voxels of about `_SPACING_MM` that cover the image, but none finer than its own."""
    factor = np.maximum(np.floor(_SPACING_MM / image.spacing_mm), 1.0)
    spacing = image.spacing_mm * factor
    count = np.maximum(np.floor(np.array(image.shape)[::-1] / factor), 1).astype(int)
    origin = image.to_world((factor - 1.0) / 2.0)
    return Grid.from_spacing(count[::-1].tolist(), spacing, origin, image.direction)


def _eroded(mask: Mask, by_mm: float, grid: Grid) -> Mask:
    """Take so much off a mask along each axis; it goes on beyond the image."""
    from scipy import ndimage

    found: Mask = ndimage.minimum_filter(mask, _window(by_mm, grid), mode="nearest")
    return found


def _dilated(mask: Mask, by_mm: float, grid: Grid) -> Mask:
    """Put so much on a mask along each axis."""
    from scipy import ndimage

    found: Mask = ndimage.maximum_filter(mask, _window(by_mm, grid), mode="nearest")
    return found


def _window(reach_mm: float, grid: Grid) -> tuple[int, ...]:
    reach = np.maximum(np.rint(reach_mm / grid.spacing_mm[::-1]), 1)
    return tuple(int(n) for n in 2 * reach + 1)


def _main_part(
    tissue: Mask, room: Mask, grid: Grid, target: tuple[Grid, Mask] | None
) -> Mask | None:
    """The tissue that the target lies in, or the largest part of it, without sheets on it.

    A target that no room air reaches, such as a nodule in lung, is within a larger part.
    """
    from scipy import ndimage

    cores, count = ndimage.label(_eroded(tissue, _SHEET_MM, grid))
    if count == 0:
        return None
    sizes = np.bincount(cores.ravel())
    if target is not None:
        held = np.bincount(cores[_on(grid, *target)], minlength=count + 1)
        if held[1:].any():
            part = _without_sheets(cores == 1 + int(held[1:].argmax()), tissue, grid)
            if (_grown(part) & room).any():
                return part
    return _without_sheets(cores == 1 + int(sizes[1:].argmax()), tissue, grid)


def _without_sheets(core: Mask, tissue: Mask, grid: Grid) -> Mask:
    # Erosion by a box takes off a little more than dilation puts on where the skin is round.
    return tissue & _grown(_dilated(core, _SHEET_MM, grid))


def _on(grid: Grid, other: Grid, mask: Mask) -> Mask:
    return resample_labels(Labels(other, mask.astype(np.int32)), grid) > 0


def _room(hu: NDArray[np.float32], gas: Mask, grid: Grid) -> Mask:
    """The gas that deep air at the sides of the image reaches."""
    if not (hu < _ROOM_HU).any():
        return np.zeros(grid.shape, dtype=np.bool_)
    from scipy import ndimage

    parts, _ = ndimage.label(gas)
    reached = np.unique(parts[_room_air(hu, grid)])
    return np.isin(parts, reached[reached > 0])


def _room_air(hu: NDArray[np.float32], grid: Grid) -> Mask:
    """Deep air at the sides of the image; a windpipe ends at the first or last slice."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(hu, _SMOOTHED_MM / grid.spacing_mm[::-1], mode="nearest")
    deep = _eroded((smooth < _ROOM_HU) & (hu > _PADDING_HU), _DEEP_AIR_MM, grid)
    deep[:, 1:-1, 1:-1] = False
    return deep


def _reached_lung(hu: NDArray[np.float32], room: Mask, own: Mask, grid: Grid) -> Mask:
    """Lung that air of the room reaches through a windpipe, or at the edge of the field of view."""
    core = _off_sides(_eroded(room & (hu > _ROOM_HU), _SHEET_MM, grid))
    least = _LUNG_ML / grid.cell_volume_ml
    core = _walled(core, _dilated(own, _SHEET_MM, grid), ~core, least)
    return room & _dilated(core, 2.0 * _SHEET_MM, grid)


def _off_sides(mask: Mask) -> Mask:
    """The parts that do not reach the sides of the image, as a mattress may."""
    from scipy import ndimage

    parts, count = ndimage.label(mask)
    kept = np.ones(count + 1, dtype=np.bool_)
    for side in (parts[:, 0], parts[:, -1], parts[:, :, 0], parts[:, :, -1]):
        kept[np.unique(side)] = False
    return kept[parts] & mask


def _walled(mask: Mask, own: Mask, others: Mask, least: float = 1.0) -> Mask:
    """The parts of a mask that the body walls for the most part.

    Parameters
    ----------
    others : what else may be a wall, the body included. least : voxels of a part.
    """
    from scipy import ndimage

    parts, count = ndimage.label(mask)
    found = np.zeros(count + 1, dtype=np.bool_)
    for part, place in enumerate(ndimage.find_objects(parts), start=1):
        box = tuple(slice(max(side.start - 3, 0), side.stop + 3) for side in place)
        if np.count_nonzero(parts[place] == part) < least:
            continue
        # With what floats in it, such as vessels in lung.
        whole = (parts[box] == part) | ndimage.binary_closing(parts[box] == part, iterations=2)
        wall = _grown(whole) & ~whole & others[box]
        found[part] = wall.any() and (own[box] & wall).sum() > _OWN_WALL * wall.sum()
    return found[parts]
