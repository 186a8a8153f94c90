"""Where the image ends near the target: its outer faces keep ice from growing there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid, direction_words
from ..plan import Plan, Target
from ..tissue import TissueGrid

__all__ = ["ends_near_target"]

# Ice this near to the outer faces is no longer free to grow.
_GROWTH_MM = 10.0
# What ends there, and what has to be larger.
_IMAGE, _PADDING = ("image", "image"), ("simulated box", "grid.padding_mm")


@dataclass(frozen=True)
class _Face:
    """A face of the box at which there is tissue: how far beyond the target, and on which side."""

    away_mm: float
    side: str
    of_image: bool


def ends_near_target(tissue: TissueGrid, image: Grid, plan: Plan) -> list[str]:
    """Warn where the box ends within the wanted margin of the target and some growth.

    Faces at which there is only room air do not count: there the skin ends the margin.

    Parameters
    ----------
    tissue : the simulated box, along the axes of the image.

    Raises
    ------
    InputError
        When the image ends within the wanted margin.
    """
    if plan.target is None or "target" not in tissue.structures:
        return []
    within_mm = plan.target.margin_mm + _GROWTH_MM
    faces = sorted(_faces(tissue, image, within_mm), key=lambda face: face.away_mm)
    _refuse(plan.target, faces, tissue)
    held = plan.body.outer_faces == "held"
    faces_are = f"held at {plan.body.temperature_c:g} C" if held else "insulated"
    return [
        f"the {box} ends {face.away_mm:.0f} mm beyond the target, {face.side} side; its faces are "
        f"{faces_are}: ice and margin there come out too {'small' if held else 'large'}; use a "
        f"larger {larger}"
        for face in faces
        for box, larger in [_IMAGE if face.of_image else _PADDING]
    ]


def _refuse(target: Target, faces: list[_Face], tissue: TissueGrid) -> None:
    """Refuse a margin that has no room in the image; the grid knows lengths to half a voxel.

    A target that the image cuts off is run: it has a warning of its own, and no margin there.
    """
    voxel_mm = float(tissue.grid.spacing_mm.max())
    for face in faces:
        if face.of_image and voxel_mm < face.away_mm < target.margin_mm - voxel_mm / 2:
            unknown = tissue.modality == "mr" and tissue.outside_air is None
            raise InputError(
                f"target.margin_mm = {target.margin_mm:g}: the image ends {face.away_mm:.0f} mm "
                f"beyond the target, {face.side} side; use a larger image, or a smaller margin_mm"
                f"{', or say with anatomy.body where the skin is' * unknown}"
            )


def _faces(tissue: TissueGrid, image: Grid, within_mm: float) -> Iterator[_Face]:
    """Give the faces of the box at which tissue is as near to the target."""
    filled = tissue.structures["target"] >= 0.5
    if not filled.any():
        return
    grid = tissue.grid
    near = [(axis, end) for axis in range(3) for end in _near_ends(filled, axis, grid, within_mm)]
    if not near:
        return
    from scipy import ndimage

    away = ndimage.distance_transform_edt(~filled, sampling=grid.spacing_mm[::-1])
    if tissue.outside_air is not None:
        away = np.where(tissue.outside_air, np.inf, away)
    for axis, end in near:
        # From the target's outer face to that of the last voxel, as between their centers.
        nearest = float(np.take(away, end, axis=axis).min())
        if nearest < within_mm:
            outward = (-1.0 if end == 0 else 1.0) * grid.direction[:, 2 - axis]
            yield _Face(nearest, direction_words(outward), _meets(grid, image, outward))


def _near_ends(filled: NDArray[np.bool_], axis: int, grid: Grid, within_mm: float) -> Iterator[int]:
    """Give the ends of an axis, 0 and -1, that some of the target is so near to along it."""
    others = tuple(other for other in range(3) if other != axis)
    planes = np.flatnonzero(filled.any(axis=others))
    step_mm = grid.spacing_mm[2 - axis]
    if planes[0] * step_mm < within_mm:
        yield 0
    if (filled.shape[axis] - 1 - planes[-1]) * step_mm < within_mm:
        yield -1


def _meets(grid: Grid, image: Grid, outward: np.ndarray) -> bool:
    """Whether a face of the box is one of the image, to a voxel of the box."""
    reach = [float((one.corners_mm() @ outward).max()) for one in (grid, image)]
    return reach[1] - reach[0] < float(grid.spacing_mm.max())
