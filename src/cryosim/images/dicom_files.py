"""Find the one image series in a folder of DICOM files."""

from __future__ import annotations

import struct
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError

__all__ = ["Slice", "find_series", "read_dataset", "tolerating_harmless_values"]

_IMAGE_MODALITIES = ("CT", "MR")
# Classic image storage; with one of these, a file without rows is damaged, not something else.
_CLASSIC_IMAGES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")
_ENHANCED_IMAGES = (
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.4.4",
)
_FILE_SET_INDEX = "1.2.840.10008.1.3.10"  # DICOMDIR
# All attributes that reading a series looks at, the pixels aside.
_USED = (
    "SOPClassUID", "ImageType", "Modality", "SeriesInstanceUID", "SeriesDescription",
    "NumberOfFrames", "Rows", "Columns", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "GantryDetectorTilt", "RescaleSlope", "RescaleIntercept",
    "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "PatientPosition",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Slice:
    """One DICOM file of an image series.

    Attributes
    ----------
    path : the file.
    header : its pydicom dataset without pixels.
    """

    path: Path
    header: Any

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    def text(self, keyword: str) -> str:
        """Return an attribute as text, empty when it is missing."""
        value = self.header.get(keyword)
        return "" if value is None else str(value).strip()

    @property
    def storage_class(self) -> str:
        """SOP class, from the file's prefix where the dataset leaves it empty."""
        prefix = getattr(self.header, "file_meta", None)
        fallback = "" if prefix is None else str(prefix.get("MediaStorageSOPClassUID", ""))
        return self.text("SOPClassUID") or fallback


def find_series(folder: Path) -> list[Slice]:
    """Return the slices (in no order) of the only CT or MR series in a folder.

    Localizers, structure sets and files of other formats are passed over. A folder without images
    stands for its subfolders.

    Raises
    ------
    InputError
        When there is no series, more than one, or a damaged or multi-frame file.
    """
    files = _dicom_files(folder)
    slices = [file for file in files if _is_slice(file)]
    if not slices:
        subfolders = sorted(child for child in folder.iterdir() if child.is_dir())
        below = [file for subfolder in subfolders for file in _dicom_files(subfolder)]
        files += below
        slices = [file for file in below if _is_slice(file)]
    if not slices:
        raise InputError(_nothing_found(folder, files))
    series: dict[tuple[Path, str], list[Slice]] = defaultdict(list)
    for file in slices:
        series[file.path.parent, file.text("SeriesInstanceUID")].append(file)
    if len(series) > 1:
        listed = "; ".join(_describe(members) for members in series.values())
        raise InputError(
            f"{folder}: holds {len(series)} image series, one expected: {listed}; "
            "point to a folder with one series"
        )
    return slices


def _nothing_found(folder: Path, files: list[Slice]) -> str:
    if not files:
        return f"{folder}: holds no DICOM files, nor do the folders directly in it"
    kinds = ", ".join(sorted({file.text("Modality") or "unknown" for file in files}))
    return f"{folder}: holds no CT or MR slices, only DICOM files of modality {kinds}"


def _describe(members: list[Slice]) -> str:
    first = members[0]
    description = first.text("SeriesDescription") or "without description"
    return (
        f"'{description}' ({first.text('Modality')}, {len(members)} slices, "
        f"folder {first.path.parent.name})"
    )


def _dicom_files(folder: Path) -> list[Slice]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and _looks_like_dicom(path):
            file = Slice(path, read_dataset(path, stop_before_pixels=True))
            if file.storage_class == _FILE_SET_INDEX or path.name == "DICOMDIR":
                continue
            # Required in every file but that index; pydicom does not notice a short file itself.
            if not file.text("Modality"):
                raise InputError(
                    f"{path}: has no Modality, it is damaged or truncated; copy the series again"
                )
            found.append(file)
    return found


def _is_slice(file: Slice) -> bool:
    modality = file.text("Modality")
    has_image = bool(file.text("Rows") and file.text("Columns"))
    if file.storage_class in _CLASSIC_IMAGES and not has_image:
        raise InputError(f"{file.path}: ends before its image; copy the series again")
    if modality not in _IMAGE_MODALITIES or "LOCALIZER" in file.text("ImageType").upper():
        return False
    if file.storage_class in _ENHANCED_IMAGES or file.text("NumberOfFrames") not in ("", "0", "1"):
        raise InputError(
            f"{file.path}: is an enhanced multi-frame {modality} image, single slices expected; "
            "export the series as classic single-frame DICOM or convert it to NIfTI"
        )
    return has_image


def _looks_like_dicom(path: Path) -> bool:
    """Tell DICOM files, whatever their name, from other files.

    Raises
    ------
    InputError
        When the file is empty, or named like DICOM and is not.
    """
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not start:
        raise InputError(f"{path}: is empty; copy the series again or remove the file")
    if start[128:] == b"DICM" or _starts_with_an_element(start):
        return True
    if path.suffix.lower() == ".dcm":
        raise InputError(f"{path}: is not a DICOM file; copy the series again or remove the file")
    return False


def _starts_with_an_element(start: bytes) -> bool:
    """Recognize old files without preamble by their first tag: group 2 or 8, little endian."""
    if len(start) < 8:
        return False
    group, element, length = struct.unpack("<HHI", start[:8])
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return group in (0x0002, 0x0008) and element <= 0x0100 and (explicit or length < 256)


def read_dataset(path: Path, *, stop_before_pixels: bool = False) -> Any:
    """Read a DICOM file with pydicom; it holds a transfer syntax afterwards.

    Raises
    ------
    InputError
        When the file is damaged or ends too early.
    """
    import pydicom

    try:
        with tolerating_harmless_values():
            dataset = pydicom.dcmread(path, stop_before_pixels=stop_before_pixels, force=True)
            # Values are parsed on first access: do it here, where damage is expected.
            for keyword in _USED:
                dataset.get(keyword)
            for keyword in ("MediaStorageSOPClassUID", "TransferSyntaxUID"):
                dataset.file_meta.get(keyword)
    # pydicom raises whatever its parsers stumble over: struct.error, KeyError, EOFError, ...
    except Exception as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: is damaged or truncated ({cause.replace(f' in file {path}', '')}); "
            "copy the series again"
        ) from None
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _uncompressed_syntax(*dataset.original_encoding)
    return dataset


def _uncompressed_syntax(implicit: bool, little_endian: bool) -> Any:
    from pydicom import uid

    if implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if little_endian else uid.ExplicitVRBigEndian


@contextmanager
def tolerating_harmless_values() -> Iterator[None]:
    """Let pydicom pass over what real scanners write and what does not touch the image.

    That is numbers of more than 16 characters, odd UIDs, unknown text encodings and padding after
    the pixels. A file that ends too early, where pydicom only warns, raises.
    """
    from pydicom import config

    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.filterwarnings("error", message="(?s).*end of file")
        warnings.filterwarnings("ignore", message="(?s).*excess padding")
        warnings.filterwarnings("ignore", message="(?s).*(encoding|Character Set)")
        yield
