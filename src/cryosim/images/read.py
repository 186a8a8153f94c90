"""`read_volume` and `read_labels`: tell the formats apart, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, expect_type
from ._naming import named
from .dicom_read import read_dicom_series
from .label_names import names_from_csv, names_from_xml
from .nifti import NIFTI_ENDINGS, is_nifti_name, read_nifti
from .volume import Labels, Modality, Volume

__all__ = ["read_labels", "read_volume"]

# Air reads -1000 HU; MR scanners store no such values.
_CT_HOLDS_VALUES_BELOW = -300.0


def read_volume(path: str | Path, modality: Modality | None = None) -> Volume:
    """Read a CT or MR image from a NIfTI file or a folder with one DICOM series.

    Parameters
    ----------
    path : a .nii or .nii.gz file, or a folder of DICOM files. The folder is not searched in depth;
        when it holds no image itself, its subfolders are looked at, one level down.
    modality : "ct" or "mr". DICOM says it itself; a NIfTI image without it counts as CT when it
        holds values below -300.

    Returns
    -------
    Volume
        (k, j, i) float32 on a grid in LPS millimeters; Hounsfield units for CT.

    Raises
    ------
    InputError
        When the image cannot be read, or its geometry is not a regular grid of right angles.
    """
    expect_type("read_volume: path", path, (str, Path))
    path = Path(path)
    if modality is not None and modality not in get_args(Modality):
        raise InputError(f"modality '{modality}' is unknown; use 'ct' or 'mr'")
    if path.is_dir():
        return read_dicom_series(path, modality)
    _check_nifti(path, "use a .nii or .nii.gz file, or the folder that holds one DICOM series")
    image = read_nifti(path)
    with np.errstate(over="ignore"):
        values = image.values.astype(np.float32, copy=False)
    lowest = values.min()
    # The extremes tell, as they are infinite or not a number if any value is.
    if not np.isfinite(lowest) or not np.isfinite(values.max()):
        bad = ~np.isfinite(values)
        k, j, i = np.argwhere(bad)[0]
        raise InputError(
            f"{path}: {np.count_nonzero(bad)} voxels are not finite numbers, the first at index "
            f"({i}, {j}, {k}); replace them before reading"
        )
    if modality is None:
        modality = "ct" if lowest < _CT_HOLDS_VALUES_BELOW else "mr"
    return Volume(image.grid, values, modality, str(path))


def read_labels(path: str | Path, names: str | Path | Mapping[int, str] | None = None) -> Labels:
    """Read a label map (0 is background) from a NIfTI file.

    Parameters
    ----------
    path : a .nii or .nii.gz file with one whole number per voxel.
    names : label value to structure name, or a CSV file with columns `id` and `structure` (or
        `name`). By default the names that TotalSegmentator writes into the NIfTI header.

    Returns
    -------
    Labels
        (k, j, i) int32 on a grid in LPS millimeters.

    Raises
    ------
    InputError
        When the file cannot be read or its values are not whole numbers of at least 0.
    """
    expect_type("read_labels: path", path, (str, Path))
    path = Path(path)
    _check_nifti(path, "use a .nii or .nii.gz file")
    image = read_nifti(path)
    values = image.values
    if values.dtype.kind == "f":
        _check_whole(values, path)
    lowest, highest = values.min(), values.max()
    if lowest < 0 or highest > np.iinfo(np.int32).max:
        worst = lowest if lowest < 0 else highest
        raise InputError(f"{path}: label {worst:g} is out of range; labels are 0, 1, 2, ...")
    if names is None:
        with named(path):
            known = names_from_xml(image.header_texts)
    elif isinstance(names, Mapping):
        known = {int(value): str(name) for value, name in names.items()}
    else:
        known = names_from_csv(Path(names))
    whole = np.rint(values) if values.dtype.kind == "f" else values
    return Labels(image.grid, whole.astype(np.int32), known, str(path))


def _check_whole(values: NDArray[np.floating], path: Path) -> None:
    # NaN fails this comparison too.
    fractional = ~(np.abs(values - np.rint(values)) < 1e-4)
    if fractional.any():
        k, j, i = np.argwhere(fractional)[0]
        raise InputError(
            f"{path}: label {values[k, j, i]:g} at index ({i}, {j}, {k}) is not a whole number; "
            "this looks like an image or a resampled mask, give a label map"
        )


def _check_nifti(path: Path, way_out: str) -> None:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; {way_out}")
    if not is_nifti_name(path):
        endings = " or ".join(NIFTI_ENDINGS)
        raise InputError(f"{path}: the name does not end in {endings}; {way_out}")
