"""The air around the patient, which carries heat away from the skin as a film, not as a solid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..images import Labels, Volume, resample_labels
from ..tissue import TissueGrid

__all__ = ["outside_air"]

# Darker than any partial volume that is mostly tissue; lung reads -900 to -500.
_AIR_BELOW_HU = -900.0
# Gas in the blurred edge of the skin belongs to the room, too.
_BLURRED_VOXELS = 2


def outside_air(volume: Volume, tissue: TissueGrid) -> NDArray[np.bool_] | None:
    """Find the gas voxels that are room air: connected to the sides of a CT's field of view.

    Gas in bowel and lung is not, as long as the skin lies inside the field of view.

    Parameters
    ----------
    volume : the image, axes running closest to x, y, z.
    tissue : its tissues on the simulation grid.

    Returns
    -------
    (k, j, i) on the simulation grid; None where there is no such air.
    """
    from scipy import ndimage

    if volume.modality != "ct" or not tissue.is_gas.any():
        return None
    room = _room(volume.values)
    on_grid = resample_labels(Labels(volume.grid, room.astype(np.int32)), tissue.grid) > 0
    air = tissue.is_gas & ndimage.binary_dilation(on_grid, iterations=_BLURRED_VOXELS)
    return air if air.any() else None


def _room(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    from scipy import ndimage

    parts, _ = ndimage.label(hu < _AIR_BELOW_HU)
    sides = (parts[:, 0], parts[:, -1], parts[:, :, 0], parts[:, :, -1])
    touching = np.unique(np.concatenate([side.ravel() for side in sides]))
    found: NDArray[np.bool_] = np.isin(parts, touching[touching > 0])
    return found
