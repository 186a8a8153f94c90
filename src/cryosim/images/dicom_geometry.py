"""From slice headers to a grid, or a refusal: the order and spacing of slices come from positions.

Instance numbers, file names, SliceThickness and SpacingBetweenSlices are never used: all of them
are wrong in some real series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid
from .dicom_files import Slice

__all__ = ["series_grid"]

FloatArray = NDArray[np.float64]

_SAME_POSITION_MM = 0.01
_SPACING_TOLERANCE = 0.01  # of the spacing
_DRIFT_TOLERANCE_MM = 0.1  # sideways, per slice
_TILT_TOLERANCE_DEGREES = 0.1


def series_grid(slices: Sequence[Slice]) -> tuple[list[Slice], Grid]:
    """Sort slices along their normal and return them with the grid they form.

    Raises
    ------
    InputError
        When the slices do not form a regular rectangular grid: missing or differing geometry,
        gantry tilt, duplicate or missing slices, mixed spacing.
    """
    if len(slices) < 2:
        raise InputError(f"the series has one slice ({slices[0].name}), a volume needs more")
    _check_same_in_all(slices)
    first = slices[0]
    row, column = _orientation(first)
    normal = np.cross(row, column)
    positions = np.array([_numbers(each, "ImagePositionPatient", 3) for each in slices])
    heights = positions @ normal
    order = np.argsort(heights, kind="stable")
    slices = [slices[int(n)] for n in order]
    positions, heights = positions[order], heights[order]
    _check_duplicates(slices, heights)
    _check_tilt(slices, positions, normal)
    _check_gaps(slices, heights)
    _check_even(slices, positions)
    between_rows_mm, between_columns_mm = _numbers(first, "PixelSpacing", 2)
    affine = np.eye(4)
    affine[:3, 0] = row * between_columns_mm
    affine[:3, 1] = column * between_rows_mm
    affine[:3, 2] = (positions[-1] - positions[0]) / (len(slices) - 1)
    affine[:3, 3] = positions[0]
    shape = (len(slices), int(first.header.Rows), int(first.header.Columns))
    return slices, Grid(shape, affine)


def _numbers(file: Slice, keyword: str, count: int) -> FloatArray:
    try:
        values = np.array([float(value) for value in file.header[keyword].value])
    except (KeyError, TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (count,) or not np.all(np.isfinite(values)):
        raise InputError(
            f"{file.name} has no usable {keyword} ({count} numbers); without it the position of "
            "the slice is unknown, export the series again"
        )
    return values


def _orientation(file: Slice) -> tuple[FloatArray, FloatArray]:
    """Return the world directions of growing column index (i) and growing row index (j)."""
    numbers = _numbers(file, "ImageOrientationPatient", 6)
    row, column = numbers[:3], numbers[3:]
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs(lengths - 1).max() > 1e-2 or abs(row @ column) > 2e-3:
        raise InputError(
            f"{file.name} has ImageOrientationPatient {np.round(numbers, 4).tolist()}, "
            "two unit vectors at right angles expected"
        )
    return row / lengths[0], column / lengths[1]


def _check_same_in_all(slices: Sequence[Slice]) -> None:
    """Refuse a series whose slices differ in size, pixel spacing or orientation."""
    first = slices[0]
    expected = {
        "ImageOrientationPatient": _numbers(first, "ImageOrientationPatient", 6),
        "PixelSpacing": _numbers(first, "PixelSpacing", 2),
    }
    tolerance = {
        "ImageOrientationPatient": 1e-3,
        "PixelSpacing": 1e-4 * float(expected["PixelSpacing"].max()),
    }
    for each in slices[1:]:
        for keyword in ("Rows", "Columns"):
            if each.header[keyword].value != first.header[keyword].value:
                raise InputError(
                    f"the slices differ in {keyword}: {first.text(keyword)} in {first.name}, "
                    f"{each.text(keyword)} in {each.name}; export one series"
                )
        for keyword, values in expected.items():
            found = _numbers(each, keyword, len(values))
            if np.abs(found - values).max() > tolerance[keyword]:
                raise InputError(
                    f"the slices differ in {keyword}: {values.tolist()} in {first.name}, "
                    f"{found.tolist()} in {each.name}; export one series"
                )


def _check_duplicates(slices: Sequence[Slice], heights: FloatArray) -> None:
    same = np.flatnonzero(np.diff(heights) < _SAME_POSITION_MM)
    if same.size:
        n = int(same[0])
        raise InputError(
            f"{slices[n].name} and {slices[n + 1].name} are at the same position "
            f"({heights[n]:.2f} mm along the normal); remove the duplicate, or export one phase "
            "or echo"
        )


def _check_tilt(slices: Sequence[Slice], positions: FloatArray, normal: FloatArray) -> None:
    """Refuse slices that are stacked at a slant: a grid of right angles would distort them."""
    span = positions[-1] - positions[0]
    along_mm = float(span @ normal)
    sideways_mm = float(np.linalg.norm(span - along_mm * normal))
    drift_mm = sideways_mm / (len(slices) - 1)
    tilt_degrees = math.degrees(math.atan2(sideways_mm, along_mm))
    if drift_mm > _DRIFT_TOLERANCE_MM or tilt_degrees > _TILT_TOLERANCE_DEGREES:
        raise InputError(
            f"gantry tilt of {tilt_degrees:.1f} degrees: from {slices[0].name} to "
            f"{slices[-1].name} the slices drift {drift_mm:.2f} mm sideways each; resample the "
            "series onto a grid of right angles"
        )
    for each in slices:
        stated = each.text("GantryDetectorTilt")
        try:
            stated_degrees = float(stated or 0)
        except ValueError:
            stated_degrees = 0.0
        # Positions without a slant and a tilted gantry contradict each other.
        if abs(stated_degrees) > _TILT_TOLERANCE_DEGREES:
            raise InputError(
                f"{each.name} states a gantry tilt of {stated_degrees:g} degrees "
                "(GantryDetectorTilt), which its positions do not show; if the series has been "
                "corrected for it, convert it to NIfTI"
            )


def _check_gaps(slices: Sequence[Slice], heights: FloatArray) -> None:
    gaps = np.diff(heights)
    usual_mm = float(np.median(gaps))
    allowed_mm = max(_SPACING_TOLERANCE * usual_mm, _SAME_POSITION_MM)
    irregular = np.flatnonzero(np.abs(gaps - usual_mm) > allowed_mm)
    if not irregular.size:
        return
    multiples = np.rint(gaps / usual_mm)
    holes = np.all(multiples[irregular] >= 2) and np.all(
        np.abs(gaps - multiples * usual_mm) <= multiples * allowed_mm
    )
    n = int(irregular[0])
    place = (
        f"{slices[n].name} ({heights[n]:.2f} mm along the normal) and "
        f"{slices[n + 1].name} ({heights[n + 1]:.2f} mm)"
    )
    if holes:
        missing = int((multiples[irregular] - 1).sum())
        raise InputError(
            f"{missing} slice{'s are' if missing > 1 else ' is'} missing, first between {place}, "
            f"where the spacing is {usual_mm:.3g} mm; export the complete series"
        )
    raise InputError(
        f"mixed spacing: {usual_mm:.3g} mm in most places, {gaps[n]:.3g} mm between {place}; "
        "split the series or resample it"
    )


def _check_even(slices: Sequence[Slice], positions: FloatArray) -> None:
    """Refuse single slices away from the even line from the first to the last."""
    share = np.linspace(0, 1, len(slices))[:, np.newaxis]
    line = positions[0] + share * (positions[-1] - positions[0])
    away_mm = np.linalg.norm(positions - line, axis=1)
    worst = int(np.argmax(away_mm))
    step_mm = float(np.linalg.norm(positions[-1] - positions[0])) / (len(slices) - 1)
    if away_mm[worst] > max(_DRIFT_TOLERANCE_MM, 0.1 * step_mm):
        raise InputError(
            f"{slices[worst].name} is {away_mm[worst]:.2f} mm away from its place in an even stack "
            "of the slices; export the series without moving the field of view"
        )
