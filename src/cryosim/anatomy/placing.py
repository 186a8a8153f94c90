"""From the plan's anatomy section to tissue on the simulation grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, expect_type
from ..geometry import Grid
from ..images import (
    Labels,
    Volume,
    check_overlap,
    occupancy,
    read_labels,
    read_volume,
    resample_volume,
)
from ..plan import OrganAtRisk, Plan, Target, plan_from_dict
from ..probes import check_placement
from ..simulation import absent_from_box, check_run
from ..tissue import (
    Tissue,
    TissueGrid,
    TissueLibrary,
    build_tissue,
    flow_from_hosts,
    library_with,
)
from ..tissue.structures import tissue_of_structure
from .barriers import with_barriers
from .body import Body, find_body, given_body, labelled_body, leave_out
from .image_end import ends_near_target
from .needle_ways import far_from_axial, through_things
from .protection import protect
from .support import find_support

if TYPE_CHECKING:
    from cryosim_phantoms import Phantom

__all__ = ["Anatomy", "phantom_plan", "place_anatomy", "read_anatomy"]

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

_BODY = "anatomy.body"  # among the masks

# What anatomy.tissues calls voxels that have no label.
_UNLABELLED = "0"
_BODY_UNKNOWN = (
    "without a CT nobody knows where the body ends: all is tissue, and no skin is judged; name the "
    'body in anatomy.body, or say 0 = "gas" in anatomy.tissues where what has no label is room air'
)

# Fields kept by a usual run, for the check of memory before anything is put on the grid.
_SNAPSHOTS = 8
# An active part farther than this from the target does not freeze it.
_FAR_FROM_TARGET_MM = 15.0
# No mask is drawn as exactly.
_TOUCHES_MM = 1.0
# Where the other end would be so much nearer, tip and entry may be swapped.
_NEARER_MM = 5.0
# So much of a target may lie in the blurred edge of the skin, outside the body.
_LOST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What a plan's anatomy section and masks name, once read; axes run closest to x, y, z.

    Attributes
    ----------
    volume : the image; None for the phantom "uniform", and where labels are all there is.
    labels : the label map, where there is one.
    masks : label maps that are the masks of target ("target"), organs, and the body
        ("anatomy.body"), by name.
    tissues : label value or name to tissue name, the phantom's and the plan's.
    image_grid : the voxels of the image, else of the label map, as the file has them, axes not
        turned; None where unknown.
    """

    volume: Volume | None
    labels: Labels | None = None
    masks: Mapping[str, Labels] = field(default_factory=dict)
    tissues: Mapping[str, str] = field(default_factory=dict)
    image_grid: Grid | None = None

    @property
    def frame(self) -> Grid | None:
        """What there is of the world: the image's voxels, else the label map's."""
        seen = self.volume or self.labels
        return None if seen is None else seen.grid


@dataclass(frozen=True, eq=False)
class _Structure:
    """The target or an organ at risk, on its own grid.

    Attributes
    ----------
    grid : the voxels of `mask`. mask : (k, j, i).
    """

    grid: Grid
    mask: Mask

    @cached_property
    def voxels(self) -> NDArray[np.int64]:
        """(n, 3); indices (i, j, k) of its voxels."""
        return np.argwhere(self.mask)[:, ::-1]

    @cached_property
    def voxels_mm(self) -> NDArray[np.float64]:
        """(n, 3); their centers."""
        return self.grid.to_world(self.voxels)

    def lies_in(self, box: Grid) -> bool:
        """Whether the center of any voxel lies in a box; the first plane that has one tells."""
        for k, plane in enumerate(self.mask):
            j, i = np.nonzero(plane)
            index = np.stack([i, j, np.full(len(i), k)], axis=1)
            if box.contains(self.grid.to_world(index)).any():
                return True
        return False


def read_anatomy(plan: Plan) -> Anatomy:
    """Read the images, labels and masks that a plan names, or build its phantom.

    Raises
    ------
    InputError
        When a file cannot be used, or lies elsewhere in the world than the image.
    """
    expect_type("read_anatomy: plan", plan, Plan, "read_plan returns one")
    source = plan.anatomy
    masks = {
        name: read_labels(plan.folder / part.mask).canonical()
        for name, part in _structures(plan).items()
        if part.mask is not None
    }
    if source.phantom == "uniform":
        return Anatomy(None, masks=masks)
    if source.body_mask is not None:
        masks[_BODY] = read_labels(plan.folder / source.body_mask).canonical()
    if source.phantom is not None:
        phantom = _phantom(source.phantom)
        volume, labels = phantom.volume.canonical(), phantom.labels.canonical()
        defaults = phantom.plan.get("anatomy", {}).get("tissues", {})
        tissues = {**defaults, **source.tissues}
        return Anatomy(volume, labels, masks, tissues, phantom.volume.grid)
    found = _read_images(plan)
    for name, mask in masks.items():
        if found.frame is not None:
            check_overlap(name if name == _BODY else f"the mask of {name}", found.frame, mask.grid)
    return dataclasses.replace(found, masks=masks)


def _read_images(plan: Plan) -> Anatomy:
    """Read image and label map, of which there is one at least."""
    source = plan.anatomy
    volume = labels = grid = None
    if source.labels is not None:
        names = plan.folder / source.label_names if source.label_names else None
        stored = read_labels(plan.folder / source.labels, names)
        labels, grid = stored.canonical(), stored.grid
    if source.image is not None:
        image = read_volume(plan.folder / source.image, source.modality)
        volume, grid = image.canonical(), image.grid
    if volume is not None and labels is not None:
        check_overlap("anatomy.labels", volume.grid, labels.grid)
    return Anatomy(volume, labels, tissues=dict(source.tissues), image_grid=grid)


def phantom_plan(name: str) -> Plan:
    """Return the plan that a shipped phantom comes with.

    Raises
    ------
    InputError
        When there is no such phantom.
    """
    content = dict(_phantom(name).plan)
    content["anatomy"] = {**content.get("anatomy", {}), "phantom": name}
    return plan_from_dict(content, Path(), f"phantom {name}")


def _phantom(name: str, size_mm: Sequence[float] | None = None) -> Phantom:
    """Build a shipped phantom; images of patients do without importing any."""
    from cryosim_phantoms import build_phantom

    return build_phantom(name, size_mm)


def place_anatomy(anatomy: Anatomy, plan: Plan) -> TissueGrid:
    """Put an anatomy on the grid that the plan's probes and target need.

    The grid is a box around target and active probe parts with `grid.padding_mm` of room, along
    the axes of the image and inside it, or of the label map where there is no image; the phantom
    "uniform" is simulated whole.

    Raises
    ------
    InputError
        When a label is empty or unknown, a probe leaves the image, a sensor or protection the
        box, the target's margin has no room in the image, or a tissue is not defined.
    """
    expect_type("place_anatomy: anatomy", anatomy, Anatomy, "read_anatomy returns one")
    expect_type("place_anatomy: plan", plan, Plan, "read_plan returns one")
    library = library_with(plan.tissue)
    volume, frame = anatomy.volume, anatomy.frame
    if frame is None:
        return _place_uniform(anatomy, plan, library)
    check_placement(frame, plan.needles)
    shapes = {name: _shape(name, part, anatomy) for name, part in _structures(plan).items()}
    grid = frame.box_around(
        _points_of_interest(plan, shapes), plan.grid.padding_mm, plan.grid.spacing_mm
    )
    check_run(grid, plan, _SNAPSHOTS)
    shares = {name: occupancy(shape.grid, shape.mask, grid) for name, shape in shapes.items()}
    _check_resolved(shares, plan)
    if plan.anatomy.tissue is not None:
        tissue = TissueGrid.uniform(grid, library[plan.anatomy.tissue])
        tissue = dataclasses.replace(tissue, structures=shares)
        if volume is not None:
            image = resample_volume(volume, grid)
            tissue = dataclasses.replace(tissue, image=image, modality=volume.modality)
    else:
        tissue = _tissue_in_body(anatomy, plan, library, grid, shapes, shares)
    tissue = flow_from_hosts(tissue)
    placed = dataclasses.replace(
        tissue,
        image_grid=anatomy.image_grid,
        warnings=(
            *tissue.warnings,
            *_warnings(frame, grid, shapes),
            *_far_probes(plan, shapes),
            *_probes_in_air(plan, tissue),
            *_near_the_skin(plan, tissue),
            *ends_near_target(tissue, frame, plan),
            *far_from_axial(plan.probe),
            *absent_from_box(plan, tissue),
        ),
    )
    protected = protect(placed, plan, library, anatomy.labels)
    return with_barriers(protected, plan, library, anatomy.labels)


def _tissue_in_body(
    anatomy: Anatomy,
    plan: Plan,
    library: TissueLibrary,
    grid: Grid,
    shapes: Mapping[str, _Structure],
    shares: Mapping[str, F32],
) -> TissueGrid:
    """Fill the grid with what labels and Hounsfield units tell, room air around the body."""
    notes: list[str] = []
    mapping = _with_tumor(plan, anatomy, notes)
    tissue = build_tissue(grid, anatomy.volume, anatomy.labels, mapping, library, structures=shares)
    if plan.target is not None and plan.target.mask is not None:
        tissue = _paint_tumor(tissue, library["tumor"], notes)
    body = _body(plan, anatomy, shapes.get("target"))
    if body is None:
        warnings = [_BODY_UNKNOWN]
    else:
        tissue = leave_out(tissue, body, library["gas"])
        _check_in_body(tissue, plan)
        header = None if anatomy.volume is None else anatomy.volume.position
        support = find_support(body, plan.anatomy.position, header)
        notes += () if support is None else (support.words, *support.notes)
        warnings = through_things(plan.probe, body, support)
        if tissue.outside_air is None:
            notes.append("no room air in the simulated box: no skin is seen, and none is judged")
    return dataclasses.replace(
        tissue,
        assumptions=(*tissue.assumptions, *notes),
        warnings=(*tissue.warnings, *warnings),
    )


def _body(plan: Plan, anatomy: Anatomy, target: _Structure | None) -> Body | None:
    """Take the body from the plan, else from the CT, else from what labels leave to room air."""
    volume, named, labels = anatomy.volume, plan.anatomy.body, anatomy.labels
    if named is None:
        near = None if target is None else (target.grid, target.mask)
        found = None if volume is None else find_body(volume, near)
        if found is None and labels is not None and _unlabelled_is_gas(anatomy):
            return labelled_body(labels)
        return found
    mask = anatomy.masks.get(_BODY)
    if mask is not None:
        if not mask.values.any():
            raise InputError(f"anatomy.body: the mask {named} is empty; choose another file")
        return given_body(volume, mask.grid, mask.values != 0)
    if labels is None:
        raise InputError(f"anatomy.body: label = {named!r}, but the plan has no labels; add some")
    return given_body(volume, labels.grid, labels.voxels_of(named, _BODY))


def _unlabelled_is_gas(anatomy: Anatomy) -> bool:
    return anatomy.tissues.get(_UNLABELLED, "").strip().lower() == "gas"


def _check_in_body(tissue: TissueGrid, plan: Plan) -> None:
    """Refuse a target that is taken as room air."""
    target, air = tissue.structures.get("target"), tissue.outside_air
    if target is None or air is None or not target.any():
        return
    lost = float(target[air].sum() / target.sum())
    if lost > _LOST_SHARE:
        given = "anatomy.body" if plan.anatomy.body is not None else "what was found as the body"
        raise InputError(
            f"{100 * lost:.0f} % of the target lie outside {given}; look at the image, and give "
            "the body as a label or mask in anatomy.body"
        )


def _probes_in_air(plan: Plan, tissue: TissueGrid) -> list[str]:
    """Name the probes whose active part is not wholly in the body."""
    if tissue.outside_air is None:
        return []
    found = []
    for number, probe in enumerate(plan.probe):
        cells = tissue.grid.nearest(probe.active_points_mm())
        share = float(tissue.outside_air[cells].mean())
        if share > 0.0:
            found.append(
                f"probe.{number}: {share * probe.active_length_mm:.0f} mm of its active part lie "
                "outside the body; they cool air, and freeze the skin; check tip_mm and entry_mm"
            )
    return found


def _near_the_skin(plan: Plan, tissue: TissueGrid) -> list[str]:
    """Say so where the skin leaves no room for the margin."""
    target, air = tissue.structures.get("target"), tissue.outside_air
    if plan.target is None or target is None or air is None or not (target >= 0.5).any():
        return []
    step = tissue.grid.spacing_mm[::-1]
    filled = np.argwhere(target >= 0.5)
    # What lies farther away than the margin does not matter.
    reach = np.ceil(plan.target.margin_mm / step).astype(int) + 2
    low, high = np.maximum(filled.min(axis=0) - reach, 0), filled.max(axis=0) + reach + 1
    box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
    if not air[box].any():
        return []
    from scipy import ndimage

    away = ndimage.distance_transform_edt(~air[box], sampling=step)
    # From the middle of a voxel to the face of the next one.
    under_mm = max(float(away[target[box] >= 0.5].min() - step.max() / 2), 0.0)
    if under_mm >= plan.target.margin_mm:
        return []
    return [
        f"the target comes within its margin of the skin: {plan.target.margin_mm:g} mm of ice have "
        "no room there without freezing it; warm or lift the skin, or ask for less"
    ]


def _structures(plan: Plan) -> dict[str, Target | OrganAtRisk]:
    found: dict[str, Target | OrganAtRisk] = {}
    if plan.target is not None:
        found["target"] = plan.target
    found.update({organ.name: organ for organ in plan.organ_at_risk})
    return found


def _place_uniform(anatomy: Anatomy, plan: Plan, library: TissueLibrary) -> TissueGrid:
    phantom = _phantom("uniform", plan.anatomy.size_mm)
    size_mm = phantom.volume.grid.size_mm
    grid = Grid.centered(size_mm, plan.grid.spacing_mm)
    check_run(grid, plan, _SNAPSHOTS)
    shares = {}
    for name, part in _structures(plan).items():
        if part.mask is None:
            raise InputError(
                f"{name}: label = {part.label!r}, but the phantom 'uniform' has no labels; "
                "give a mask file"
            )
        shape = _shape(name, part, anatomy)
        check_overlap(f"the mask of {name}", grid, shape.grid)
        shares[name] = occupancy(shape.grid, shape.mask, grid)
    _check_resolved(shares, plan)
    tissue = TissueGrid.uniform(grid, library[plan.anatomy.tissue or "soft-tissue"])
    tissue = flow_from_hosts(tissue)
    tissue = dataclasses.replace(tissue, structures=shares, image_grid=phantom.volume.grid)
    warnings = (*ends_near_target(tissue, grid, plan), *absent_from_box(plan, tissue))
    tissue = dataclasses.replace(tissue, warnings=warnings)
    protected = protect(tissue, plan, library, anatomy.labels)
    return with_barriers(protected, plan, library, anatomy.labels)


def _check_resolved(shares: Mapping[str, F32], plan: Plan) -> None:
    """Refuse a target that fills no voxel by half: it has no surface to measure from."""
    if "target" in shares and float(shares["target"].max()) < 0.5:
        raise InputError(
            f"target: smaller than a voxel of {plan.grid.spacing_mm:g} mm, or outside the image; "
            "use a smaller grid.spacing_mm"
        )


def _shape(name: str, part: Target | OrganAtRisk, anatomy: Anatomy) -> _Structure:
    labels = anatomy.labels if part.mask is None else anatomy.masks[name]
    if labels is None:
        raise InputError(
            f"{name}: label = {part.label!r}, but the plan has no anatomy.labels; "
            "add a label map or give a mask file"
        )
    if part.label is not None:
        return _Structure(labels.grid, labels.voxels_of(part.label, name))
    values = labels.present[labels.present != 0]
    if len(values) == 0:
        raise InputError(f"{name}: the mask {part.mask} is empty; choose another file")
    if len(values) > 1:
        listed = ", ".join(str(value) for value in values[:20])
        raise InputError(
            f"{name}: the mask {part.mask} holds several labels, {listed}; say with label = ... "
            "which one is meant"
        )
    return _Structure(labels.grid, labels.values != 0)


def _points_of_interest(plan: Plan, shapes: Mapping[str, _Structure]) -> NDArray[np.float64]:
    """Both ends of the active parts, and the outermost voxels of the target."""
    if not plan.needles and "target" not in shapes:
        raise InputError(
            "the plan has neither probe nor target, so nothing says which part to simulate; add "
            "[[probe]] or [target]"
        )
    points = [np.asarray(needle.tip_mm) for needle in plan.needles]
    points += [needle.active_end_mm for needle in plan.needles]
    if "target" in shapes:
        target = shapes["target"]
        index = target.voxels
        extremes = np.concatenate([index[index.argmin(axis=0)], index[index.argmax(axis=0)]])
        points += list(target.grid.to_world(extremes))
    return np.array(points)


def _with_tumor(plan: Plan, anatomy: Anatomy, notes: list[str]) -> dict[str, str]:
    """Map the target's label to tumor unless plan or name say otherwise."""
    mapping = dict(anatomy.tissues)
    target, labels = plan.target, anatomy.labels
    if target is None or target.mask is not None or target.label is None or labels is None:
        return mapping
    value = labels.value_of(target.label)
    name = labels.names.get(value, "")
    if {str(value), name} & set(mapping) or (name and tissue_of_structure(name)):
        return mapping
    notes.append(f"target label {value} has no tissue in the plan: taken as tumor")
    return {**mapping, str(value): "tumor"}


def _paint_tumor(tissue: TissueGrid, tumor: Tissue, notes: list[str]) -> TissueGrid:
    """Fill the voxels of a target mask with tumor."""
    index = tissue.index.copy()
    index[tissue.structures["target"] >= 0.5] = len(tissue.tissues)
    notes.append("the target's mask is taken as tumor")
    return dataclasses.replace(tissue, index=index, tissues=(*tissue.tissues, tumor))


def _far_probes(plan: Plan, shapes: Mapping[str, _Structure]) -> list[str]:
    """Name the probes whose active part is too far away to freeze the target, or only beside it."""
    if "target" not in shapes:
        return []
    target = shapes["target"]
    # From the middle of a voxel to its face.
    half_voxel_mm = float(target.grid.spacing_mm.max()) / 2
    found, beside = [], []
    for number, probe in enumerate(plan.probe):
        distance = _distance_mm(target.voxels_mm, probe.active_points_mm())
        touches_mm = half_voxel_mm + _TOUCHES_MM + probe.diameter_mm / 2
        if distance <= min(touches_mm, _NEARER_MM):
            continue
        turned = probe.model_copy(update={"tip_mm": probe.entry_mm, "entry_mm": probe.tip_mm})
        turned_mm = _distance_mm(target.voxels_mm, turned.active_points_mm())
        if distance > turned_mm + _NEARER_MM:
            found.append(
                f"probe.{number}: its active part is {distance:.0f} mm away from the target, its "
                "entry nearer; are tip_mm and entry_mm swapped?"
            )
        elif distance > _FAR_FROM_TARGET_MM:
            found.append(
                f"probe.{number}: its active part is {distance:.0f} mm away from the target; check "
                "tip_mm and entry_mm"
            )
        elif distance > touches_mm:
            beside.append(f"probe.{number} ({distance - half_voxel_mm:.0f} mm away)")
    if beside:
        found.append(f"active parts that do not touch the target: {', '.join(beside)}")
    return found


def _distance_mm(voxels: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """Smallest distance between (n, 3) and (m, 3) points."""
    x, y, z = np.ascontiguousarray(voxels.T)
    squares = [((x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2).min() for px, py, pz in points]
    return float(np.sqrt(min(squares)))


def _warnings(image: Grid, box: Grid, shapes: Mapping[str, _Structure]) -> list[str]:
    found = []
    for name, shape in shapes.items():
        if name == "target" and (_touches_a_face(shape.mask) or _leaves(image, shape)):
            found.append(
                "the target reaches the edge of the image: its volume, coverage and margin hold "
                "only for the part inside; use a larger image"
            )
        elif name != "target" and not shape.lies_in(box):
            found.append(f"{name} lies outside the simulated box and is not cooled there")
    return found


def _touches_a_face(mask: Mask) -> bool:
    faces = [mask[0], mask[-1], mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]]
    return any(face.any() for face in faces)


def _leaves(image: Grid, shape: _Structure) -> bool:
    return not image.contains(shape.voxels_mm).all()
