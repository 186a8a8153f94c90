"""Two segmentations of one thing, such as ice seen by two people: volumes, Dice and distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError, expect_type
from ..evaluation import Agreement, Shape, compare_shapes, shape_of_mask
from ..images import Labels, check_overlap

__all__ = ["MaskComparison", "compare_masks", "label_of_mask", "thick_voxels"]

_THICK_MM = 2.0
_LISTED = 20


@dataclass(frozen=True)
class MaskComparison:
    """Two masks against each other.

    Attributes
    ----------
    names : what they are called. labels : the values that were compared.
    volumes_ml : counts of voxels, as other programs give them.
    agreement : Dice and distances; `mean_signed_mm` is positive where the first is larger.
    notes : what makes the numbers hard to trust.
    """

    names: tuple[str, str]
    labels: tuple[int, int]
    volumes_ml: tuple[float, float]
    agreement: Agreement
    notes: tuple[str, ...]

    @property
    def relative_volume_difference(self) -> float:
        """Second minus first, as a share of the first."""
        first, second = self.volumes_ml
        return (second - first) / first


def compare_masks(
    first: Labels,
    second: Labels,
    *,
    labels: tuple[int | str | None, int | str | None] = (None, None),
    names: tuple[str, str] = ("first", "second"),
) -> MaskComparison:
    """Compare two segmentations in one world, on any grids.

    Parameters
    ----------
    labels : value or name in each; needed where one holds several.
    names : what they are called, for table and file.

    Raises
    ------
    InputError
        When a mask is empty, holds several labels to choose from, or the grids lie apart.
    """
    for mask in (first, second):
        expect_type("compare_masks", mask, Labels, "read_labels returns one")
    check_overlap(" and ".join(names), first.grid, second.grid)
    first_label, first_ml, first_shape = _shape_of(first, labels[0])
    second_label, second_ml, second_shape = _shape_of(second, labels[1])
    agreement = compare_shapes(first_shape, second_shape)
    notes = [*thick_voxels(first, names[0]), *thick_voxels(second, names[1])]
    if agreement.dice == 0:
        notes.append("the masks do not meet; check that their images are registered to each other")
    return MaskComparison(
        names, (first_label, second_label), (first_ml, second_ml), agreement, tuple(notes)
    )


def _shape_of(mask: Labels, label: int | str | None) -> tuple[int, float, Shape]:
    """Return the value that is meant, its volume in ml, and its shape."""
    value = label_of_mask(mask, label, "meant")
    filled = mask.values == value
    volume_ml = float(np.count_nonzero(filled)) * mask.grid.cell_volume_ml
    return value, volume_ml, shape_of_mask(mask.grid, filled)


def label_of_mask(mask: Labels, label: int | str | None, wanted: str) -> int:
    """Return the value that was asked for, or the only one there is.

    Parameters
    ----------
    wanted : how messages call what is asked for.

    Raises
    ------
    InputError
        When there is none, or several and none was asked for.
    """
    if label is not None:
        return mask.value_of(label)
    present = mask.present[mask.present != 0]
    where = mask.source or "the mask"
    if len(present) == 0:
        raise InputError(f"{where}: holds no label; segment it first")
    if len(present) > 1:
        listed = ", ".join(
            f"{value} ({mask.names[value]})" if value in mask.names else str(value)
            for value in present[:_LISTED].tolist()
        )
        raise InputError(
            f"{where}: holds several labels ({listed}); say which one is {wanted} with --label"
        )
    return int(present[0])


def thick_voxels(mask: Labels, name: str) -> tuple[str, ...]:
    """Say so where voxels are too thick for small distances."""
    thickest = float(mask.grid.spacing_mm.max())
    if thickest <= _THICK_MM:
        return ()
    return (
        f"{name} has voxels of up to {thickest:.2g} mm: distances below half of that say little",
    )
