"""NIfTI files in the form that most programs write, read without nibabel.

To import nibabel takes longer than to read a file. Plain is NIfTI-1 in one file, little-endian, of
three axes, real numbers without scaling, and an sform. All else, and all that is damaged, is left
to nibabel, which knows it or says what is wrong with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RawNifti", "read_plain"]

# The fields that are looked at: type and first byte, see https://nifti.nimh.nih.gov/nifti-1.
_FIELDS: dict[str, tuple[Any, int]] = {
    "sizeof_hdr": ("<i4", 0),
    "dim": (("<i2", 8), 40),
    "datatype": ("<i2", 70),
    "bitpix": ("<i2", 72),
    "vox_offset": ("<f4", 108),
    "scl_slope": ("<f4", 112),
    "scl_inter": ("<f4", 116),
    "xyzt_units": ("u1", 123),
    "sform_code": ("<i2", 254),
    "srow": (("<f4", (3, 4)), 280),
    "magic": ("S4", 344),
    "extended": ("u1", 348),
}
_HEADER_BYTES = 352
_HEADER = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [kind for kind, _ in _FIELDS.values()],
        "offsets": [first for _, first in _FIELDS.values()],
        "itemsize": _HEADER_BYTES,
    }
)
_TYPES = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 256: "i1", 512: "<u2", 768: "<u4"}
_SFORM_CODES = range(1, 6)
_UNIT_BITS, _UNKNOWN, _MILLIMETERS = 7, 0, 2
_TEXT_CODE = 0  # of an extension


@dataclass(frozen=True, eq=False)
class RawNifti:
    """What a NIfTI file says, in its own conventions.

    Attributes
    ----------
    affine : (4, 4) voxel to RAS millimeters. values : (k, j, i), scaled as the header says.
    header_texts : contents of the header extensions.
    """

    affine: NDArray[np.float64]
    values: NDArray[Any]
    header_texts: tuple[bytes, ...]


def read_plain(content: bytes) -> RawNifti | None:
    """Read the bytes of a plain NIfTI file; None if they are anything else."""
    if len(content) < _HEADER_BYTES:
        return None
    header = np.frombuffer(content, _HEADER, count=1)[0]
    if not _is_plain(header):
        return None
    kind = np.dtype(_TYPES[int(header["datatype"])])
    shape = tuple(int(n) for n in header["dim"][3:0:-1])
    start = int(header["vox_offset"])
    texts = _texts(content[_HEADER_BYTES:start]) if header["extended"] else ()
    if texts is None or start + math.prod(shape) * kind.itemsize > len(content):
        return None
    affine = np.vstack([header["srow"].astype(float), [0.0, 0.0, 0.0, 1.0]])
    values = np.frombuffer(content, kind, math.prod(shape), start).reshape(shape)
    return RawNifti(affine, values, texts)


def _is_plain(header: np.void) -> bool:
    kind, slope = _TYPES.get(int(header["datatype"])), header["scl_slope"]
    unscaled = slope == 0.0 or not np.isfinite(slope)
    return bool(
        header["sizeof_hdr"] == 348
        and header["magic"] == b"n+1"
        and header["dim"][0] == 3
        and np.all(header["dim"][1:4] >= 2)
        and kind is not None
        and header["bitpix"] == 8 * np.dtype(kind).itemsize
        and (unscaled or (slope == 1.0 and header["scl_inter"] == 0.0))
        and header["xyzt_units"] & _UNIT_BITS in (_UNKNOWN, _MILLIMETERS)
        and header["sform_code"] in _SFORM_CODES
        and np.all(np.isfinite(header["srow"]))
        and _HEADER_BYTES <= header["vox_offset"] == np.floor(header["vox_offset"])
    )


def _texts(extensions: bytes) -> tuple[bytes, ...] | None:
    """Return the texts between header and voxels; None if there is anything else."""
    found = []
    while len(extensions) >= 16:
        size, code = np.frombuffer(extensions, "<i4", count=2)
        if code != _TEXT_CODE or size < 16 or size % 16 or size > len(extensions):
            return None
        found.append(extensions[8:size].rstrip(b"\0"))
        extensions = extensions[size:]
    return tuple(found)
