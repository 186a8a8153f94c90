"""The ice that a CT showed during the procedure, and the ice that was predicted for that time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation import Agreement, Shape, compare_shapes, isotherm_field, shape_of_mask
from ..images import Labels, check_overlap
from ..plan import ICE_C
from ..simulation import Result

__all__ = ["SeenComparison", "compare_with_seen"]

# Less than this share of the ice outside is not worth a word.
_OUTSIDE = 0.01
_THICK_MM = 2.0


@dataclass(frozen=True, eq=False)
class SeenComparison:
    """Predicted ice against seen ice at one time.

    Attributes
    ----------
    result : the prediction. seen : the segmentation. label : the value of ice in it.
    time_s : time since the first freeze began. isotherm_c : that of the predicted ice.
    predicted, ice : both as shapes; the predicted one holds the probes, as on a CT.
    predicted_ml, seen_ml : volumes; the seen one counts voxels, as other programs do.
    agreement : Dice and distances; the first is the prediction, so that `mean_signed_mm` is
        positive where it is larger than what was seen.
    notes : what makes the numbers hard to trust.
    """

    result: Result
    seen: Labels
    label: int
    time_s: float
    isotherm_c: float
    predicted: Shape
    ice: Shape
    predicted_ml: float
    seen_ml: float
    agreement: Agreement
    notes: tuple[str, ...]


def compare_with_seen(
    result: Result, seen: Labels, *, time_s: float | None = None, label: int | str | None = None
) -> SeenComparison:
    """Compare the 0 C ice of a result with ice segmented in an image of the same patient.

    Parameters
    ----------
    seen : on any grid; its image registered to that of the plan.
    time_s : time of a snapshot; the end of the last freeze by default.
    label : value or name of the ice; needed when there are several labels.

    Raises
    ------
    InputError
        When there is no snapshot at that time, no ice in one of both, several labels to choose
        from, or the grids lie apart.
    """
    number = result.snapshot_number(time_s)
    time_s = result.times_s[number]
    value = _label_of_ice(seen, label)
    mask = seen.values == value
    check_overlap("the seen ice and the result", result.tissue.grid, seen.grid)
    field = isotherm_field(result, result.temperatures_c[number], ICE_C)
    predicted = Shape(result.tissue.grid, field, ICE_C)
    if predicted.empty:
        raise InputError(
            f"time_s = {time_s:g}: the result has no tissue at or below {ICE_C:g} C then, so that "
            "there is no ice to compare with; choose another time"
        )
    ice = shape_of_mask(seen.grid, mask)
    agreement = compare_shapes(predicted, ice)
    return SeenComparison(
        result=result,
        seen=seen,
        label=value,
        time_s=time_s,
        isotherm_c=ICE_C,
        predicted=predicted,
        ice=ice,
        predicted_ml=agreement.first_ml,
        seen_ml=float(np.count_nonzero(mask)) * seen.grid.cell_volume_ml,
        agreement=agreement,
        notes=_notes(predicted, seen, mask, agreement),
    )


def _label_of_ice(seen: Labels, label: int | str | None) -> int:
    """Return the value of the ice: the one that was asked for, or the only one there is."""
    if label is not None:
        return seen.value_of(label)
    present = np.unique(seen.values)
    present = present[present != 0]
    if len(present) == 0:
        raise InputError(f"{seen.source or 'the seen ice'}: holds no label; segment the ice first")
    if len(present) > 1:
        listed = ", ".join(
            f"{value} ({seen.names[value]})" if value in seen.names else str(value)
            for value in present[:20].tolist()
        )
        raise InputError(
            f"{seen.source or 'the seen ice'}: holds several labels ({listed}); say which one is "
            "the ice with --label"
        )
    return int(present[0])


def _notes(
    predicted: Shape, seen: Labels, mask: NDArray[np.bool_], agreement: Agreement
) -> tuple[str, ...]:
    found = []
    points = seen.grid.to_world(np.argwhere(mask)[:, ::-1])
    beyond = float(np.mean(~predicted.grid.contains(points)))
    if beyond > _OUTSIDE:
        found.append(
            f"{100 * beyond:.0f} % of the seen ice lies outside the simulated box, where there is "
            "no prediction; use a larger grid.padding_mm"
        )
    surface = predicted.surface
    cut = ~seen.grid.contains(surface.centers_mm)
    share = float(surface.areas_mm2[cut].sum() / surface.areas_mm2.sum())
    if share > _OUTSIDE:
        found.append(
            f"{100 * share:.0f} % of the predicted ice's surface lies outside the image in which "
            "the ice was segmented; there, distances mean nothing"
        )
    if agreement.dice == 0:
        found.append(
            "predicted and seen ice do not meet; check that both images are registered to each "
            "other"
        )
    thickest = float(seen.grid.spacing_mm.max())
    if thickest > _THICK_MM:
        found.append(
            f"the seen ice has voxels of up to {thickest:.2g} mm: distances below half of that say "
            "little"
        )
    return tuple(found)
