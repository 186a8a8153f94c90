"""Where the viewer of a 3-D picture stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..pictures.moment import Moment

__all__ = ["toward_viewer"]

F64 = NDArray[np.float64]

# In front of the patient, a little aside and above (LPS); behind the patient where probes come from
# behind by more than this share of their length.
_VIEW_FROM = (0.55, -1.0, 0.7)
_FROM_BEHIND = 0.3


def toward_viewer(moment: Moment) -> F64:
    """(3,) LPS unit vector to where the operator stands, on the side with fewer organs at risk."""
    toward: F64 = np.asarray(_VIEW_FROM) / np.linalg.norm(_VIEW_FROM)
    if _organs_lie_left(moment):
        toward[0] = -toward[0]
    shafts = np.mean([probe.axis for probe in moment.result.plan.probe], axis=0)
    if shafts[1] > _FROM_BEHIND:
        toward[1] = -toward[1]
    return toward


def _organs_lie_left(moment: Moment) -> bool:
    """Tell whether the organs at risk lie to the patient's left of the focus."""
    cells = [
        np.argwhere(share > 0.5) for name, share in moment.structures.items() if name != "target"
    ]
    found = np.concatenate([np.zeros((0, 3), dtype=np.int64), *cells])
    if len(found) == 0:
        return False
    middle = moment.grid.to_world(found[:, ::-1].mean(axis=0))
    return bool(middle[0] > moment.focus_mm[0])
