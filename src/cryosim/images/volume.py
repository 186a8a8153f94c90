"""What an image becomes once read: values on a grid in the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, did_you_mean
from ..geometry import Grid, read_only

__all__ = ["Labels", "Modality", "Position", "Volume", "label_values"]

Modality = Literal["ct", "mr"]
Position = Literal["supine", "prone", "left lateral", "right lateral"]

_NAMES_LISTED = 30  # in a sentence
_HIGHEST_COUNTED = 65535  # no label map of 16 bits holds a higher one


def _checked(name: str, grid: Grid, values: NDArray[Any]) -> NDArray[Any]:
    if values.shape != grid.shape:
        raise InputError(f"{name}: values have shape {values.shape}, the grid {grid.shape}")
    return read_only(values)


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar image: Hounsfield units for CT, arbitrary units for MR.

    Attributes
    ----------
    grid : where the voxels are.
    values : (k, j, i) float32, read-only.
    modality : "ct" or "mr".
    source : the file or folder it came from, for messages.
    position : how the patient lay, where the files say so.
    """

    grid: Grid
    values: NDArray[np.float32]
    modality: Modality
    source: str = ""
    position: Position | None = None

    def __post_init__(self) -> None:
        checked = _checked("volume", self.grid, self.values.astype(np.float32, copy=False))
        object.__setattr__(self, "values", checked)

    def canonical(self) -> Volume:
        """Return the same image with axes closest to world x, y, z."""
        grid, turned = self.grid.canonical()
        return Volume(grid, turned.apply(self.values), self.modality, self.source, self.position)


@dataclass(frozen=True, eq=False)
class Labels:
    """A segmentation: an integer per voxel, 0 is background.

    Attributes
    ----------
    grid : where the voxels are.
    values : (k, j, i) int32, read-only.
    names : label value to structure name, as far as known.
    source : the file it came from, for messages.
    """

    grid: Grid
    values: NDArray[np.int32]
    names: Mapping[int, str] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        checked = _checked("labels", self.grid, self.values.astype(np.int32, copy=False))
        object.__setattr__(self, "values", checked)
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))

    def canonical(self) -> Labels:
        """Return the same labels with axes closest to world x, y, z."""
        grid, turned = self.grid.canonical()
        return Labels(grid, turned.apply(self.values), self.names, self.source)

    @cached_property
    def present(self) -> NDArray[np.int32]:
        """The values that voxels have, in order."""
        return label_values(self.values)

    def value_of(self, label: int | str) -> int:
        """Return the integer of a label given by value or by name.

        Raises
        ------
        InputError
            When no voxel carries it, naming the labels there are.
        """
        if str(label) == "0":
            raise InputError(f"label 0 of {self.source} is the background; name a structure")
        if isinstance(label, str) and not label.lstrip("-").isdigit():
            matches = [value for value, name in self.names.items() if name == label]
            if not matches:
                raise InputError(f"label '{label}' is not in {self.source}{self._names(label)}")
            value = matches[0]
        else:
            value = int(label)
        if value not in self.present:
            raise InputError(
                f"label {label} has no voxel in {self.source}; it holds: {_listed(self.present)}"
            )
        return value

    def voxels_of(self, label: int | str, asked_by: str) -> NDArray[np.bool_]:
        """Return the (k, j, i) voxels of a label given by value or by name.

        Raises
        ------
        InputError
            As `value_of`, behind the key that asked for it.
        """
        try:
            return self.values == self.value_of(label)
        except InputError as error:
            raise InputError(f"{asked_by}: {error}") from None

    def _names(self, label: str) -> str:
        """Say which names there are, or else which values."""
        known = sorted(self.names.values())
        if not known:
            return f", whose labels have no names; it holds: {_listed(self.present)}"
        more = f" and {len(known) - _NAMES_LISTED} more" * (len(known) > _NAMES_LISTED)
        listed = ", ".join(known[:_NAMES_LISTED])
        return f"{did_you_mean(label, known)}; its names: {listed}{more}"


def label_values(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the different values of a (k, j, i) array, in order."""
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest > _HIGHEST_COUNTED:
        return np.unique(labels)
    # Ticked off in a list, plane by plane: several times faster, and takes no memory.
    seen = np.zeros(highest + 1, dtype=np.bool_)
    for plane in labels:
        seen[plane] = True
    return np.flatnonzero(seen).astype(np.int32)


def _listed(values: NDArray[Any]) -> str:
    return ", ".join(str(value) for value in values[values != 0][:40]) or "none"
