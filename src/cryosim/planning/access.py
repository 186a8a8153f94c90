"""Which ways lead from the skin to a place: what a shaft must not cross."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import Anatomy, place_anatomy
from ..errors import InputError
from ..geometry import Grid
from ..images import occupancy, resample_labels
from ..plan import GridPlan, Plan, Search
from ..surfaces import filled_voxels
from ..tissue import TissueGrid

__all__ = ["Access", "Paths", "map_access"]

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

# Free, beyond the skin, beyond the image, and from then on what is forbidden, one number a name.
FREE, OUTSIDE, BEYOND, _FIRST_NAME = 0, 1, 2, 3

# What lies around the body, in words.
THINGS = "table or other things"

_SPACING_MM = 2.0
_LARGEST_MAP = 12_000_000  # voxels
_STEP_MM = 1.5
# So much bone around a target says that it lies in bone.
_IN_BONE_SHARE = 0.15
_OWN_BONE_MM = 20.0
# An organ at risk that is around so much of a target holds it; beside it is less than half.
_SURROUNDED_SHARE = 0.7
_AROUND_TARGET_MM = 5.0
# A structure of which so much is skin is the skin.
_SKIN_SHARE = 0.5

# What no shaft may cross, by tissue of the library.
_VITAL = {
    "blood": "vessels", "spinal-cord": "nerves", "nerve": "nerves", "brain": "brain",
    "heart": "heart", "bowel-wall": "bowel", "stomach-wall": "stomach", "body-fluid": "fluid",
    "bladder-wall": "bladder",
}  # fmt: skip


# What no shaft may cross unless the target lies in it.
_ORGANS = ("kidney", "liver", "spleen", "pancreas", "lung", "prostate", "cartilage")


@dataclass(frozen=True, eq=False)
class Paths:
    """Ways of shafts from tip to skin.

    Attributes
    ----------
    depth_mm : (n,) from the tip to the skin; inf where it is not reached within the image and
        the longest way, or the tip does not lie in the body.
    blocked_mm : (n, m) length within each of what is forbidden: in the body, and of things around
        it, such as the table, also beyond the skin.
    entry_missed_mm : (n,) how far the entry lies outside the region it has to be in.
    """

    depth_mm: F64
    blocked_mm: F64
    entry_missed_mm: F64


@dataclass(frozen=True, eq=False)
class Access:
    """What lies around the target, as far as a shaft reaches.

    Attributes
    ----------
    grid : its voxels. kind : (k, j, i) FREE, OUTSIDE, or 3 + number of what is forbidden.
    names : of what is forbidden.
    beyond : of what lies beyond `grid`: BEYOND, or OUTSIDE where the image shows no skin.
    entry_distance_mm : (k, j, i) float32, to the region of entry; None: anywhere.
    max_depth_mm : longest way that is looked for.
    notes : what was taken for granted.
    """

    grid: Grid
    kind: U8
    names: tuple[str, ...]
    beyond: int
    entry_distance_mm: NDArray[np.float32] | None
    max_depth_mm: float
    notes: tuple[str, ...]

    def paths(self, tips_mm: F64, axes: F64) -> Paths:
        """Follow shafts from their tips.

        Parameters
        ----------
        tips_mm : (n, 3) LPS. axes : (n, 3) unit vectors from tip to skin.
        """
        distance = np.arange(0.0, self.max_depth_mm + _STEP_MM, _STEP_MM)
        points = tips_mm[:, None] + distance[:, None] * axes[:, None]
        kind = self._at(points)
        out = (kind == OUTSIDE) | (kind == BEYOND)
        first = np.where(out.any(axis=1), out.argmax(axis=1), len(distance))
        inside = np.arange(len(distance)) < first[:, None]
        blocked = np.stack(
            [
                ((kind == _FIRST_NAME + n) & (inside | (name == THINGS))).sum(axis=1)
                for n, name in enumerate(self.names)
            ],
            axis=1,
        ) if self.names else np.zeros((len(tips_mm), 0))  # fmt: skip
        last = np.clip(first - 1, 0, None)
        at_skin = kind[np.arange(len(kind)), np.minimum(first, len(distance) - 1)] == OUTSIDE
        reached = np.where(at_skin & (first > 0), np.append(distance, np.inf)[first], np.inf)
        missed = np.zeros(len(tips_mm))
        if self.entry_distance_mm is not None:
            entries = points[np.arange(len(points)), last]
            missed = self.entry_distance_mm[self.grid.nearest(entries)].astype(float)
        return Paths(reached, _STEP_MM * blocked, missed)

    def _at(self, points_mm: F64) -> U8:
        found: U8 = self.kind[self.grid.nearest(points_mm)]
        found[~self.grid.contains(points_mm)] = self.beyond
        return found


def map_access(anatomy: Anatomy, plan: Plan, search: Search) -> Access:
    """Map what shafts may cross on their way to the plan's target.

    Raises
    ------
    InputError
        When the plan has no target, or names a label that the label map does not have.
    """
    whole = _whole(anatomy, plan, search)
    outside = np.zeros(whole.grid.shape, dtype=np.bool_)
    if whole.outside_air is not None:
        outside |= whole.outside_air
    if whole.things is not None:
        outside &= ~whole.things
    forbidden, notes = _forbidden(anatomy, plan, search, whole, outside)
    allowed = np.zeros_like(outside)
    for label in search.allowed:
        allowed |= _label(anatomy, "allowed", label, whole.grid)
    kind = np.where(outside, OUTSIDE, FREE).astype(np.uint8)
    present = {name: mask & ~allowed for name, mask in forbidden.items() if mask.any()}
    for number, mask in enumerate(present.values()):
        kind[_widened(mask, whole.grid, search.clearance_mm) & ~outside] = _FIRST_NAME + number
    beyond = BEYOND
    if not outside.any():
        beyond = OUTSIDE
        notes.append("no room air in the image: a shaft that reaches the edge of the image is out")
    entry = _entry(anatomy, search, whole.grid)
    return Access(
        whole.grid, kind, tuple(present), beyond, entry, search.max_depth_mm, tuple(notes)
    )


def _forbidden(
    anatomy: Anatomy, plan: Plan, search: Search, whole: TissueGrid, outside: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.bool_]], list[str]]:
    """Return what no shaft may cross, by name, and what was taken for granted."""
    target = whole.structures["target"] >= 0.5
    tissues = np.array([tissue.name for tissue in whole.tissues])
    forbidden: dict[str, NDArray[np.bool_]] = {}
    notes: list[str] = []
    bone = np.char.startswith(tissues, "bone")[whole.index] & ~target
    if _lies_in(target, bone, whole.grid):
        own = _own_bone(anatomy, target, bone, whole.grid)
        notes.append(
            f"the target lies in bone: shafts may cross it within {_OWN_BONE_MM:g} mm of the "
            "target, and all of the labelled bone that the target is in"
        )
        bone = bone & ~own & ~_widened(target, whole.grid, _OWN_BONE_MM)
    forbidden["bone"] = bone
    for tissue, name in _VITAL.items():
        found = (tissues == tissue)[whole.index]
        forbidden[name] = forbidden.get(name, np.zeros_like(found)) | found
    for tissue in _ORGANS:
        found = (tissues == tissue)[whole.index] & ~target
        if _lies_in(target, found, whole.grid):
            notes.append(f"the target lies in {tissue}, which shafts cross")
        else:
            forbidden[tissue] = found
    if whole.things is not None:
        forbidden[THINGS] = whole.things
    forbidden["gas"] = whole.is_gas & ~outside & ~forbidden.get(THINGS, np.zeros_like(outside))
    for organ in plan.organ_at_risk:
        filled = filled_voxels(whole.structures[organ.name])
        if _is_skin(filled, tissues[whole.index]):
            notes.append(f"{organ.name} is skin, which shafts cross")
        elif _lies_in(target, filled & ~target, whole.grid, _SURROUNDED_SHARE):
            notes.append(f"the target lies in {organ.name}, which shafts cross")
        else:
            forbidden[organ.name] = filled
    for label in search.forbidden:
        forbidden[f"label {label}"] = _label(anatomy, "forbidden", label, whole.grid)
    return forbidden, notes


def _entry(anatomy: Anatomy, search: Search, grid: Grid) -> NDArray[np.float32] | None:
    """Return the distance of each voxel to the region of entry, where there is one."""
    if search.entry_label is None:
        return None
    region = _label(anatomy, "entry_label", search.entry_label, grid)
    if not region.any():
        raise InputError(
            f"optimize.entry_label = {search.entry_label!r}: there is none within "
            f"max_depth_mm = {search.max_depth_mm:g} of the target; choose another label"
        )
    return _distance_to(region, grid)


def _whole(anatomy: Anatomy, plan: Plan, search: Search) -> TissueGrid:
    """Put the anatomy on a grid as far as shafts reach, without probes and protections."""
    spacing = _SPACING_MM
    if anatomy.volume is not None:
        size = np.minimum(anatomy.volume.grid.size_mm, 2 * search.max_depth_mm + 60.0)
        spacing = max(spacing, float((np.prod(size) / _LARGEST_MAP) ** (1 / 3)))
    bare = plan.model_copy(
        update={
            "probe": (), "warmer": (), "protection": (), "skin_pack": (), "sensor": (),
            "grid": GridPlan(spacing_mm=spacing, padding_mm=min(300.0, search.max_depth_mm)),
        }
    )  # fmt: skip
    return place_anatomy(anatomy, bare)


def _lies_in(
    target: NDArray[np.bool_], tissue: NDArray[np.bool_], grid: Grid, share: float = _IN_BONE_SHARE
) -> bool:
    """Whether so much of what is around the target is of a tissue or organ."""
    around = _widened(target, grid, _AROUND_TARGET_MM) & ~target
    return bool(tissue[around].mean() > share) if around.any() else False


def _own_bone(
    anatomy: Anatomy, target: NDArray[np.bool_], bone: NDArray[np.bool_], grid: Grid
) -> NDArray[np.bool_]:
    """Return the voxels of the one bone of the label map that the target borders on most."""
    if anatomy.labels is None:
        return np.zeros_like(bone)
    values = resample_labels(anatomy.labels, grid)
    around = values[_widened(target, grid, _AROUND_TARGET_MM) & ~target & bone]
    around = around[around > 0]
    if len(around) == 0:
        return np.zeros_like(bone)
    own: NDArray[np.bool_] = (values == np.bincount(around).argmax()) & bone
    return own


def _is_skin(structure: NDArray[np.bool_], tissue: NDArray[np.str_]) -> bool:
    return bool(structure.any() and (tissue[structure] == "skin").mean() > _SKIN_SHARE)


def _label(anatomy: Anatomy, key: str, label: int | str, grid: Grid) -> NDArray[np.bool_]:
    if anatomy.labels is None:
        raise InputError(f"optimize.{key}: label {label!r} needs anatomy.labels; add a label map")
    voxels = anatomy.labels.voxels_of(label, f"optimize.{key}")
    return filled_voxels(occupancy(anatomy.labels.grid, voxels, grid))


def _widened(mask: NDArray[np.bool_], grid: Grid, by_mm: float) -> NDArray[np.bool_]:
    """Add what lies within a distance; half a voxel lies between a center and its surface."""
    widened: NDArray[np.bool_] = _distance_to(mask, grid) <= by_mm
    return widened


def _distance_to(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.float32]:
    """Distance of each voxel's center from a region's surface, 0 inside."""
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    half = float(grid.spacing_mm.mean()) / 2
    distance = ndimage.distance_transform_edt(~mask, sampling=grid.spacing_mm[::-1])
    found: NDArray[np.float32] = np.maximum(distance - half, 0.0).astype(np.float32)
    return found
