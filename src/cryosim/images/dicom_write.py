"""Write a volume as a DICOM series, for phantoms and for programs that read nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid
from .volume import Volume

__all__ = ["write_dicom_series"]

_CT_INTERCEPT = -1024.0
_LARGEST = np.iinfo(np.int16).max


def write_dicom_series(
    volume: Volume, folder: str | Path, description: str = "cryosim phantom"
) -> None:
    """Write one file a slice, int16 with rescale; equal volumes give equal files.

    CT values are rounded to whole Hounsfield units. MR values that are whole numbers stay as they
    are; others are rounded to 1/32767 of the largest. A left-handed grid is turned to its
    canonical axes first, because DICOM slices are right-handed.

    Parameters
    ----------
    folder : made when missing; files other than those of an earlier series of this name pattern
        are not touched, and are refused.
    description : SeriesDescription, at most 64 characters.

    Raises
    ------
    InputError
        When a value does not fit, or the folder holds other files.
    """
    if np.linalg.det(volume.grid.affine[:3, :3]) < 0:
        volume = volume.canonical()
    folder = Path(folder)
    stored, slope, intercept = _stored(volume)
    names = [f"slice_{k + 1:04d}.dcm" for k in range(len(stored))]
    _make_room(folder, names)
    digest = hashlib.sha256(
        stored.tobytes() + volume.grid.affine.tobytes() + f"{volume.modality} {slope}".encode()
    ).hexdigest()
    common = _common_attributes(volume, digest, description)
    for k, name in enumerate(names):
        dataset = _slice_dataset(common, volume.grid, k, digest)
        dataset.RescaleSlope = slope
        dataset.RescaleIntercept = intercept
        dataset.PixelData = stored[k].tobytes()
        dataset.save_as(folder / name, enforce_file_format=True)


def _make_room(folder: Path, names: list[str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from None
    # A leftover slice of a longer series would become part of this one.
    others = sorted({path.name for path in folder.iterdir()} - set(names))
    if others:
        raise InputError(
            f"{folder}: holds other files ({others[0]}); write the series into an empty folder"
        )


def _stored(volume: Volume) -> tuple[NDArray[np.int16], str, str]:
    """Return int16 pixels with slope and intercept as DICOM texts."""
    from pydicom.valuerep import format_number_as_ds

    values = volume.values.astype(np.float64)
    largest = float(np.abs(values).max())
    intercept = _CT_INTERCEPT if volume.modality == "ct" else 0.0
    whole = volume.modality == "ct" or bool(np.all(values == np.rint(values)))
    if whole and (volume.modality == "ct" or largest <= _LARGEST):
        slope = "1"
    else:
        slope = format_number_as_ds(largest / (_LARGEST - 1))
    pixels = np.rint((values - intercept) / float(slope))
    if not np.abs(pixels).max() <= _LARGEST:
        raise InputError(
            f"{volume.source or 'volume'}: values from {values.min():g} to {values.max():g} do "
            "not fit into 16 bits"
        )
    return pixels.astype("<i2"), slope, f"{intercept:g}"


def _common_attributes(volume: Volume, digest: str, description: str) -> Any:
    """Return the dataset that all slices share: patient, study, series, geometry, pixel format."""
    from pydicom import Dataset, uid
    from pydicom.valuerep import format_number_as_ds

    common = Dataset()
    common.SpecificCharacterSet = "ISO_IR 192"
    common.SOPClassUID = uid.CTImageStorage if volume.modality == "ct" else uid.MRImageStorage
    common.Modality = volume.modality.upper()
    common.Manufacturer = "cryosim"
    common.PatientName = "cryosim^phantom"
    common.PatientID = "cryosim-phantom"
    common.SeriesDescription = description
    common.StudyInstanceUID = uid.generate_uid(entropy_srcs=[digest, "study"])
    common.SeriesInstanceUID = uid.generate_uid(entropy_srcs=[digest, "series"])
    common.FrameOfReferenceUID = uid.generate_uid(entropy_srcs=[digest, "frame"])
    common.SeriesNumber = 1
    # Required by the standard, empty where nothing is known.
    for keyword in (
        "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID",
        "PatientBirthDate", "PatientSex", "PositionReferenceIndicator", "PatientPosition",
    ):  # fmt: skip
        setattr(common, keyword, "")
    _add_modality_attributes(common, volume)
    direction, spacing_mm = volume.grid.direction, volume.grid.spacing_mm
    common.ImageOrientationPatient = [
        format_number_as_ds(float(x)) for x in direction[:, :2].T.ravel()
    ]
    # Between rows first, that is along j.
    common.PixelSpacing = [format_number_as_ds(float(spacing_mm[axis])) for axis in (1, 0)]
    common.SliceThickness = format_number_as_ds(float(spacing_mm[2]))
    common.Rows, common.Columns = volume.grid.shape[1:]
    common.SamplesPerPixel = 1
    common.PhotometricInterpretation = "MONOCHROME2"
    common.BitsAllocated = common.BitsStored = 16
    common.HighBit = 15
    common.PixelRepresentation = 1
    return common


def _add_modality_attributes(common: Any, volume: Volume) -> None:
    if volume.modality == "ct":
        common.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
        common.RescaleType = "HU"
        common.KVP = None
        common.AcquisitionNumber = None
        return
    common.ImageType = ["DERIVED", "PRIMARY", "OTHER"]
    common.ScanningSequence = "RM"
    common.SequenceVariant = "NONE"
    for keyword in ("ScanOptions", "MRAcquisitionType"):
        setattr(common, keyword, "")
    for keyword in ("RepetitionTime", "EchoTime", "EchoTrainLength"):
        setattr(common, keyword, None)


def _slice_dataset(common: Any, grid: Grid, k: int, digest: str) -> Any:
    """Return a copy of the shared dataset with what belongs to slice `k` alone."""
    from pydicom import uid
    from pydicom.dataset import FileMetaDataset
    from pydicom.valuerep import format_number_as_ds

    dataset = type(common)(common)
    dataset.SOPInstanceUID = uid.generate_uid(entropy_srcs=[digest, str(k)])
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = [format_number_as_ds(float(x)) for x in grid.to_world((0, 0, k))]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    return dataset
