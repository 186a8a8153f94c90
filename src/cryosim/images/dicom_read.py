"""Read a DICOM CT or MR series: find it, place it, decode it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ._naming import named
from .dicom_files import Slice, find_series, read_dataset, tolerating_harmless_values
from .dicom_geometry import series_grid
from .volume import Modality, Position, Volume

__all__ = ["read_dicom_series"]

_POSITIONS: dict[str, Position] = {
    "HFS": "supine", "FFS": "supine", "HFP": "prone", "FFP": "prone",
    "HFDL": "left lateral", "FFDL": "left lateral",
    "HFDR": "right lateral", "FFDR": "right lateral",
}  # fmt: skip
# What stands outside the scanner's circle: air in CT, no signal in MR.
_PADDING: dict[Modality, float] = {"ct": -1024.0, "mr": 0.0}


def read_dicom_series(folder: Path, modality: Modality | None = None) -> Volume:
    """Read the only CT or MR series of a folder.

    Raises
    ------
    InputError
        When there is not exactly one series, `modality` contradicts it, it is not a regular grid,
        or a slice cannot be decoded.
    """
    slices = find_series(folder)
    with named(folder):
        found = _modality(slices)
        if modality not in (None, found):
            raise InputError(f"the series is {found.upper()}, not {str(modality).upper()}")
        slices, grid = series_grid(slices)
        values = np.empty(grid.shape, dtype=np.float32)
        for k, each in enumerate(slices):
            values[k] = _decode(each, found)
    return Volume(grid, values, found, str(folder), _position(slices[0]))


def _position(file: Slice) -> Position | None:
    """How the patient lay; a decubitus on the right side is "right lateral"."""
    return _POSITIONS.get(file.text("PatientPosition"))


def _modality(slices: list[Slice]) -> Modality:
    return "ct" if slices[0].text("Modality") == "CT" else "mr"


def _decode(file: Slice, modality: Modality) -> NDArray[np.float32]:
    """Return a slice's (rows, columns) values after rescale, padding replaced."""
    stored, dataset = _stored_pixels(file)
    slope, intercept = _rescale(file, modality)
    values: NDArray[np.float32] = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    padded = _padded(stored, dataset)
    if padded is not None:
        values[padded] = _PADDING[modality]
    return values


def _stored_pixels(file: Slice) -> tuple[NDArray[Any], Any]:
    dataset = read_dataset(file.path)
    if "PixelData" not in dataset:
        raise InputError(f"{file.name} holds no pixels; copy the series again")
    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if int(dataset.get("SamplesPerPixel", 1)) != 1 or not kind.startswith("MONOCHROME"):
        raise InputError(f"{file.name} is a color image ({kind}), gray values expected")
    _check_decodable(file, dataset.file_meta.TransferSyntaxUID)
    try:
        with tolerating_harmless_values():
            stored = dataset.pixel_array
    # The decoders of the many syntaxes raise what they please.
    except Exception as error:
        cause = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InputError(
            f"{file.name} cannot be decoded, it is damaged or truncated ({cause}); "
            "copy the series again"
        ) from None
    if stored.shape != (dataset.Rows, dataset.Columns):
        raise InputError(f"{file.name} decodes to shape {stored.shape}, one image expected")
    return stored, dataset


def _check_decodable(file: Slice, syntax: Any) -> None:
    from pydicom.pixels import get_decoder

    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        raise InputError(
            f"{file.name} is compressed as {syntax.name}, which needs another decoder; "
            "pip install 'cryosim[dicom]'"
        )


def _rescale(file: Slice, modality: Modality) -> tuple[float, float]:
    """Return slope and intercept of one slice; they may differ from slice to slice."""
    texts = file.text("RescaleSlope"), file.text("RescaleIntercept")
    if "" in texts:
        if modality == "ct":
            raise InputError(
                f"{file.name} has no RescaleSlope or RescaleIntercept, so its values are not "
                "Hounsfield units; export the original series"
            )
        texts = texts[0] or "1", texts[1] or "0"
    try:
        slope, intercept = float(texts[0]), float(texts[1])
    except ValueError:
        slope = intercept = np.nan
    if not np.isfinite(slope) or not np.isfinite(intercept) or slope == 0:
        raise InputError(
            f"{file.name} has RescaleSlope '{texts[0]}' and RescaleIntercept '{texts[1]}', "
            "a number that is not zero and a number expected"
        )
    return slope, intercept


def _padded(stored: NDArray[Any], dataset: Any) -> NDArray[np.bool_] | None:
    """Tell which pixels are padding; None when the slice states no padding value."""
    first = _as_stored(dataset.get("PixelPaddingValue"), dataset)
    if first is None:
        return None
    limit = _as_stored(dataset.get("PixelPaddingRangeLimit"), dataset)
    last = first if limit is None else limit
    padded: NDArray[np.bool_] = (stored >= min(first, last)) & (stored <= max(first, last))
    return padded


def _as_stored(value: Any, dataset: Any) -> int | None:
    """Read a padding value with the pixels' sign: some scanners write 63536 and mean -2000."""
    if value is None or value == "":
        return None
    if isinstance(value, bytes):
        value = int.from_bytes(value[:2], "little")
    span = 1 << int(dataset.BitsAllocated)
    number = int(value) % span
    signed = bool(dataset.PixelRepresentation)
    return number - span if signed and number >= span // 2 else number
