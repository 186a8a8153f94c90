"""Tissue from Hounsfield units: pure functions on arrays.

Every function returns indices into `HU_TISSUES`. Voxels are judged one by one: nothing is smoothed,
so noise and contrast medium pass through.

Sources of the thresholds: fat, -190 to -30 HU, is the window of TotalSegmentator's README
(https://github.com/wasserth/TotalSegmentator). The others are customary values without a primary
source, hence an assumption that `HU_ASSUMPTION` states in every report.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HU_ASSUMPTION",
    "HU_TISSUES",
    "METAL_HU",
    "bone_from_hu",
    "drop_thin_lung",
    "gas_from_hu",
    "tissue_from_hu",
]

GAS_BELOW_HU = -900.0
LUNG_BELOW_HU = -500.0
FAT_BELOW_HU = -30.0  # -500 to -190 is a mixture of fat and gas inside one voxel, taken as fat
SOFT_BELOW_HU = 150.0  # +100 without, +150 with contrast medium
CANCELLOUS_BELOW_HU = 500.0
METAL_HU = 3000.0
LUMEN_GAS_BELOW_HU = -200.0  # inside a hollow organ there is no fat: darker than this is gas

HU_TISSUES = (
    "gas",
    "lung",
    "fat",
    "muscle-by-ct",
    "bone-cancellous",
    "bone-cortical",
    "bone-marrow",
)
_GAS, _LUNG, _CANCELLOUS, _CORTICAL, _MARROW = 0, 1, 4, 5, 6

# Lung is thicker than this everywhere; partial volume between skin and air is not.
THIN_LUNG_MM = 8.0

HU_ASSUMPTION = (
    f"tissue by Hounsfield units, voxel by voxel without denoising: gas below {GAS_BELOW_HU:g}, "
    f"lung to {LUNG_BELOW_HU:g}, fat to {FAT_BELOW_HU:g}, muscle to {SOFT_BELOW_HU:g}, cancellous "
    f"bone to {CANCELLOUS_BELOW_HU:g}, cortical bone above; lung in layers under "
    f"{THIN_LUNG_MM:g} mm is the edge of the skin and taken as gas; organs and tumors cannot be "
    "told from muscle, so that muscle-by-ct may have the blood flow of an organ; contrast medium "
    "may pass for bone"
)

HuArray = NDArray[np.float32]
IndexArray = NDArray[np.uint8]

_EDGES_HU = np.array(
    [GAS_BELOW_HU, LUNG_BELOW_HU, FAT_BELOW_HU, SOFT_BELOW_HU, CANCELLOUS_BELOW_HU],
    dtype=np.float32,
)


def tissue_from_hu(hu: HuArray) -> IndexArray:
    """Return the tissue of voxels about which nothing else is known.

    Metal, above `METAL_HU`, comes out as cortical bone.

    Parameters
    ----------
    hu : any shape, Hounsfield units.

    Returns
    -------
    uint8 array of the same shape, indices into `HU_TISSUES`.
    """
    index = np.zeros(hu.shape, dtype=np.uint8)
    for edge in _EDGES_HU:
        index += hu >= edge
    return index


def drop_thin_lung(index: IndexArray, spacing_mm: NDArray[np.float64]) -> IndexArray:
    """Turn lung in layers of a few voxels into gas: there it is half skin, half air.

    Taken for lung, such a layer would heat the skin with the lung's perfusion.

    Parameters
    ----------
    index : (k, j, i) indices into `HU_TISSUES`. spacing_mm : along i, j, k.
    """
    lung = index == _LUNG
    if not lung.any():
        return index
    from scipy import ndimage

    # Distances in the lung need no more than the voxels around it.
    (box,) = ndimage.find_objects(lung.view(np.uint8))
    around = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
    part = lung[around]
    depth = ndimage.distance_transform_edt(part, sampling=spacing_mm[::-1])
    core = depth > THIN_LUNG_MM / 2
    to_core = ndimage.distance_transform_edt(~core, sampling=spacing_mm[::-1])
    thick = part & (to_core <= THIN_LUNG_MM) if core.any() else core
    found = index.copy()
    found[around][part & ~thick] = _GAS
    return found


def bone_from_hu(hu: HuArray) -> IndexArray:
    """Return cortical bone, cancellous bone or fatty marrow for voxels inside a bone."""
    index = np.full(hu.shape, _CANCELLOUS, dtype=np.uint8)
    index[hu >= CANCELLOUS_BELOW_HU] = _CORTICAL
    index[hu < FAT_BELOW_HU] = _MARROW
    return index


def gas_from_hu(hu: HuArray) -> NDArray[np.bool_]:
    """Tell which voxels inside a hollow organ are gas."""
    return hu < LUMEN_GAS_BELOW_HU
