"""What makes the ways of given probes hard or impossible: the table, and a tilt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry import tilt_deg
from ..probes import Probe
from .body import Body
from .support import Support

__all__ = ["FAR_FROM_AXIAL_DEG", "far_from_axial", "through_things"]

F64 = NDArray[np.float64]

_STEP_MM, _LONGEST_MM = 1.5, 400.0
# So much of a needle is outside: of 150 to 200 mm what is not in the patient (assumption).
_OUTSIDE_MM = 100.0
# A CT slice shows less and less of a needle. Under CT, tips came to lie 3.3 mm from where they
# should within the axial plane, 4.4 mm when tilted out of it, 6.7 mm when tilted twice (Busser et
# al., Br J Radiol 2013;86:20130310). From which angle on to say so is an assumption.
FAR_FROM_AXIAL_DEG = 20.0


def far_from_axial(probes: Sequence[Probe]) -> list[str]:
    """Name the probes that lie far out of the axial plane."""
    tilts = {number: tilt_deg(probe.axis) for number, probe in enumerate(probes)}
    far = [
        f"probe.{number} ({tilt:.0f}°)"
        for number, tilt in tilts.items()
        if tilt > FAR_FROM_AXIAL_DEG
    ]
    if not far:
        return []
    return [
        f"far out of the axial plane, in which CT shows a whole needle: {', '.join(far)}; tips are "
        "placed less exactly there, by a few millimeters"
    ]


def through_things(probes: Sequence[Probe], body: Body, support: Support | None) -> list[str]:
    """Name the probes whose shaft meets the table, or other things, near the skin."""
    things = body.things if support is None else support.things
    found = []
    for number, probe in enumerate(probes):
        heights = np.arange(0.0, _LONGEST_MM, _STEP_MM)
        points = np.asarray(probe.tip_mm) + heights[:, None] * probe.axis
        out = ~_at(body, body.inside, points)
        skin = int(out.argmax())
        if skin == 0 or not out.any():
            continue
        beyond = points[skin : skin + int(_OUTSIDE_MM / _STEP_MM)]
        below = np.zeros(len(beyond), np.bool_) if support is None else support.holds(beyond)
        met = below | _at(body, things, beyond)
        if met.any():
            at_mm = _STEP_MM * int(met.argmax())
            why = f": {support.words}" if support is not None and below.any() else ""
            found.append(
                f"probe.{number}: its shaft meets the table or other things {at_mm:.0f} mm beyond "
                f"the skin{why}"
            )
    return found


def _at(body: Body, mask: NDArray[np.bool_], points_mm: F64) -> NDArray[np.bool_]:
    here: NDArray[np.bool_] = mask[body.grid.nearest(points_mm)] & body.grid.contains(points_mm)
    return here
