"""NIfTI files in and out; RAS is turned into LPS here and nowhere else."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import replacing
from ..geometry import Grid, lps_from_ras
from ._naming import named
from .label_names import xml_from_names
from .volume import Labels, Volume

__all__ = [
    "NIFTI_ENDINGS",
    "NiftiImage",
    "is_nifti_name",
    "read_nifti",
    "write_field",
    "write_labels",
    "write_volume",
]

NIFTI_ENDINGS = (".nii", ".nii.gz")
_SCANNER_CODE = 1  # sform and qform: scanner coordinates
_PLAIN_EXTENSION = 0  # the extension code under which TotalSegmentator stores its label table


@dataclass(frozen=True, eq=False)
class NiftiImage:
    """What a NIfTI file holds, in our conventions.

    Attributes
    ----------
    grid : voxels in LPS millimeters.
    values : (k, j, i), scaled as the header says, in the type this gives.
    header_texts : contents of the header extensions.
    """

    grid: Grid
    values: NDArray[Any]
    header_texts: tuple[bytes, ...]


def is_nifti_name(path: Path) -> bool:
    """Tell whether the file name ends like a NIfTI file."""
    return path.name.lower().endswith(NIFTI_ENDINGS)


def read_nifti(path: Path) -> NiftiImage:
    """Read a three-dimensional NIfTI file of real numbers in millimeters.

    Raises
    ------
    InputError
        For unreadable or truncated files, other dimensions, complex or color voxels, other units
        of length, and grids that are not rectangular.
    """
    image = _load(path)
    with named(path):
        shape = _volume_shape(image.shape)
        _check_voxel_type(image.get_data_dtype())
        _check_unit(image.header)
        grid = Grid((shape[2], shape[1], shape[0]), lps_from_ras(image.affine))
    try:
        data = np.asanyarray(image.dataobj)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from None
    texts = tuple(_extension_bytes(extension) for extension in image.header.extensions)
    return NiftiImage(grid, data.reshape(shape).transpose(), texts)


_NIFTI2_HEADER_SIZES = tuple((540).to_bytes(4, order) for order in ("little", "big"))
# Everything that nibabel, gzip and zlib raise for damaged files, apart from nibabel's own errors.
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error)


def _load(path: Path) -> Any:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.imageglobals import LoggingOutputSuppressor
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    try:
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            # nibabel stops reading before gzip's checksum and lets a damaged file pass.
            content = gzip.decompress(content)
        second = content[:4] in _NIFTI2_HEADER_SIZES
        kind = nibabel.Nifti2Image if second else nibabel.Nifti1Image
        with LoggingOutputSuppressor():  # the error says the same
            return kind.from_bytes(content)
    except (*_UNREADABLE, ImageFileError, HeaderDataError, WrapStructError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    cause = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: not a complete NIfTI file ({cause}); copy or export it again")


def _volume_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Drop trailing axes of length one; refuse what is then not a volume."""
    text = " x ".join(str(n) for n in shape)
    if any(n != 1 for n in shape[3:]):
        raise InputError(
            f"the image has {len(shape)} dimensions ({text}), 3 expected; "
            "extract one volume (one phase, echo or channel)"
        )
    if len(shape) < 3 or min(shape[:3]) < 2:
        raise InputError(f"the image ({text}) is not a volume of at least 2 voxels a side")
    return shape[0], shape[1], shape[2]


def _check_voxel_type(voxel_type: np.dtype[Any]) -> None:
    if voxel_type.kind not in "iuf":
        kind = "complex" if voxel_type.kind == "c" else "color"
        raise InputError(
            f"the voxels are {kind} ({voxel_type}), one real number each expected; "
            "export the magnitude or a gray image"
        )


def _check_unit(header: Any) -> None:
    unit = header.get_xyzt_units()[0]
    # Many writers leave the unit out and mean millimeters.
    if unit not in ("mm", "unknown"):
        raise InputError(
            f"the header states the spacing in {unit}s (xyzt_units), millimeters expected; "
            "convert the header"
        )


def _extension_bytes(extension: Any) -> bytes:
    content = extension.get_content()
    return content if isinstance(content, bytes) else str(content).encode()


def write_volume(volume: Volume, path: str | Path) -> None:
    """Write float32 values as NIfTI, with sform and qform in RAS millimeters.

    Raises
    ------
    InputError
        When the name does not end in .nii or .nii.gz, or the file cannot be written.
    """
    _write(volume.grid, volume.values, Path(path))


def write_field(grid: Grid, values: NDArray[np.float32], path: str | Path) -> None:
    """Write numbers that are no image, (k, j, i), as `write_volume` writes an image."""
    _write(grid, values, Path(path))


def write_labels(labels: Labels, path: str | Path) -> None:
    """Write labels as NIfTI, with their names in the header as TotalSegmentator does.

    Stored as uint8 when no label exceeds 255, as uint16 otherwise.

    Raises
    ------
    InputError
        When a label is negative or above 65535, the name does not end in .nii or .nii.gz, or the
        file cannot be written.
    """
    lowest, highest = int(labels.values.min()), int(labels.values.max())
    if lowest < 0 or highest > np.iinfo(np.uint16).max:
        worst = lowest if lowest < 0 else highest
        raise InputError(f"{path}: label {worst} cannot be stored; labels are 0 to 65535")
    stored_type = np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16
    text = xml_from_names(labels.names) if labels.names else None
    _write(labels.grid, labels.values.astype(stored_type), Path(path), text)


def _write(grid: Grid, values: NDArray[Any], path: Path, header_text: bytes | None = None) -> None:
    import nibabel

    if not is_nifti_name(path):
        raise InputError(f"{path}: the name must end in {' or '.join(NIFTI_ENDINGS)}")
    affine = lps_from_ras(grid.affine)
    image = nibabel.Nifti1Image(values.transpose(), affine)
    image.set_sform(affine, _SCANNER_CODE)
    image.set_qform(affine, _SCANNER_CODE)
    image.header.set_xyzt_units("mm")
    if header_text is not None:
        extension = nibabel.nifti1.Nifti1Extension(_PLAIN_EXTENSION, header_text)
        image.header.extensions.append(extension)
    with replacing(path) as temporary:
        nibabel.save(image, temporary)
