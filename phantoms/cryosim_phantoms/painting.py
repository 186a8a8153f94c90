"""From structures in painting order to a CT and its label map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryosim.geometry import Grid
from cryosim.images import Labels, Volume

from .hounsfield import HU_OF_TISSUE
from .shapes import Bounds, FloatArray, Shape

__all__ = ["Structure", "ct_grid", "paint"]

# assumption: a surface shows blurred over a little more than a voxel, as after a soft kernel
_BLUR_MM = 1.2
_NOISE_HU = 8.0  # assumption: standard deviation inside a tissue, a usual planning CT
_SPACING_MM = (1.0, 1.0, 2.0)  # assumption: a reconstruction with 2 mm slices
_AIR_HU = HU_OF_TISSUE["gas"]


@dataclass(frozen=True)
class Structure:
    """A named shape with its gray value; structures of one name share a label.

    Attributes
    ----------
    name : name of the label.
    hu : Hounsfield units of the shape.
    core : depths below the surface from which on other Hounsfield units hold, such as the inside
        of a bone; from shallow to deep.
    """

    name: str
    shape: Shape
    hu: float
    core: tuple[tuple[float, float], ...] = ()


def ct_grid(lower_mm: Sequence[float], upper_mm: Sequence[float]) -> Grid:
    """Return the voxels of a CT between two corners, 1 mm in the slice and 2 mm along z."""
    spacing = np.asarray(_SPACING_MM)
    count = np.rint((np.asarray(upper_mm) - np.asarray(lower_mm)) / spacing).astype(int)
    return Grid.from_spacing(count[::-1].tolist(), spacing, np.asarray(lower_mm) + spacing / 2)


def paint(grid: Grid, structures: Sequence[Structure], name: str) -> tuple[Volume, Labels]:
    """Paint structures one over the other into air; add noise that depends on `name` alone.

    Gray values at surfaces are shared out by volume, labels go by the voxel's center. Air is the
    last label. Hounsfield units are whole numbers, as a scanner stores them.

    Parameters
    ----------
    grid : axes along the world's.
    """
    axes = _axes(grid)
    values = np.full(grid.shape, _AIR_HU, dtype=np.float32)
    names = [*dict.fromkeys(structure.name for structure in structures), "air"]
    labels = np.full(grid.shape, len(names), dtype=np.int32)
    for structure in structures:
        window = _window(grid, structure.shape.bounds_mm())
        distance = structure.shape.distance_mm(*_within(axes, window))
        distance = np.broadcast_to(distance, labels[window].shape)
        labels[window][distance < 0] = names.index(structure.name) + 1
        for depth_mm, hu in ((0.0, structure.hu), *structure.core):
            share = np.clip(0.5 - (distance + depth_mm) / _BLUR_MM, 0.0, 1.0)
            values[window] += share * (hu - values[window])
    values = np.rint(values + _noise(grid.shape, name))
    known = {
        number: label for number, label in enumerate(names, start=1) if (labels == number).any()
    }
    source = f"phantom {name}"
    return Volume(grid, values, "ct", source), Labels(grid, labels, known, source)


def _axes(grid: Grid) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return x, y, z of the voxel centers as arrays that broadcast to the grid's shape."""
    nz, ny, nx = grid.shape
    step, origin = grid.spacing_mm, grid.origin_mm
    x, y, z = (
        (origin[axis] + step[axis] * np.arange(count)).astype(np.float32)
        for axis, count in enumerate((nx, ny, nz))
    )
    return x.reshape(1, 1, -1), y.reshape(1, -1, 1), z.reshape(-1, 1, 1)


def _window(grid: Grid, bounds: Bounds) -> tuple[slice, slice, slice]:
    """Return the voxels that a shape inside `bounds` can touch, as slices of [k, j, i]."""
    upper_limit = np.asarray(grid.shape[::-1])
    lower = (bounds[0] - _BLUR_MM - grid.origin_mm) / grid.spacing_mm
    upper = (bounds[1] + _BLUR_MM - grid.origin_mm) / grid.spacing_mm + 1
    first = np.clip(np.floor(lower), 0, upper_limit).astype(int)
    last = np.clip(np.ceil(upper), 0, upper_limit).astype(int)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(first[::-1], last[::-1], strict=True))
    return k, j, i


def _within(
    axes: tuple[FloatArray, FloatArray, FloatArray], window: tuple[slice, slice, slice]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, y, z = axes
    return x[:, :, window[2]], y[:, window[1]], z[window[0]]


def _noise(shape: tuple[int, int, int], name: str) -> NDArray[np.float32]:
    """Return noise that is slightly smooth in the slice, equal for equal names."""
    generator = np.random.default_rng(list(name.encode()))
    noise = generator.standard_normal(shape, dtype=np.float32)
    for axis in (1, 2):
        noise = noise + 0.5 * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    noise *= _NOISE_HU / noise.std()
    return noise
