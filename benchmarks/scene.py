"""Four tissues and some probes in a cube: what the benchmarks freeze."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.tissue import TissueGrid, read_library

__all__ = ["TWO_CYCLES", "Scene"]

TISSUES = ("muscle", "fat", "bone-cortical", "tumor")
TWO_CYCLES = "freeze 20 min; thaw 10 min; freeze 20 min; thaw 10 min"

# A rod of bone along z, and a tumor in the middle; mm.
_BONE_X, _BONE_Y, _BONE_RADIUS = -30.0, 10.0, 12.0
_TUMOR_RADIUS = 15.0
# Probes on a circle, a little apart at their entries; mm.
_PROBE_CIRCLE, _ENTRY_CIRCLE = 8.0, 9.6
_TIP_Z, _ENTRY_Z = -15.0, 60.0


@dataclass(frozen=True)
class Scene:
    """A cube of tissue with probes on a circle around its middle, and a protocol.

    Attributes
    ----------
    spacing_mm : edge of a voxel. size_mm : edge of the cube.
    fat_beyond_mm : fat fills the cube beyond this y.
    angles_rad : where on the circle the probes are.
    protocol : as the text form of a plan.
    times_s : when temperatures are kept, besides the usual times.
    """

    spacing_mm: float
    size_mm: float = 128.0
    fat_beyond_mm: float = 45.0
    angles_rad: tuple[float, ...] = (0.3, 2.4, 4.5)
    protocol: str = TWO_CYCLES
    times_s: tuple[float, ...] = ()

    def plan(self, protocol: str | None = None) -> Plan:
        """Return the plan, also with another protocol."""
        text = protocol or self.protocol
        return Plan.model_validate(
            {
                "anatomy": {"phantom": "uniform", "size_mm": [self.size_mm] * 3},
                "probe": [_probe(angle) for angle in self.angles_rad],
                "protocol": {"text": text},
                "report": {"times_s": list(self.times_s) if protocol is None else []},
            }
        )

    def tissue(self) -> TissueGrid:
        """Return the voxels; nothing of their number is allocated but what is returned."""
        grid = Grid.centered((self.size_mm,) * 3, self.spacing_mm)
        k, j, i = np.ogrid[tuple(slice(0, n) for n in grid.shape)]
        # The axes of a centered grid are those of the world.
        x, y, z = (start + step * n for start, step, n in zip(
            grid.affine[:3, 3], grid.affine.diagonal(), (i, j, k), strict=False))  # fmt: skip
        index = np.zeros(grid.shape, dtype=np.uint8)
        index[np.broadcast_to(y > self.fat_beyond_mm, grid.shape)] = TISSUES.index("fat")
        bone = np.hypot(x - _BONE_X, y - _BONE_Y) < _BONE_RADIUS
        index[np.broadcast_to(bone, grid.shape)] = TISSUES.index("bone-cortical")
        for number, height in enumerate(z.ravel()):
            tumor = np.hypot(x, y)[0] < math.sqrt(max(_TUMOR_RADIUS**2 - height**2, 0.0))
            index[number][tumor] = TISSUES.index("tumor")
        library = read_library()
        return TissueGrid(grid, index, tuple(library[name] for name in TISSUES))


def _probe(angle_rad: float) -> dict[str, Any]:
    x, y = math.cos(angle_rad), math.sin(angle_rad)
    return {
        "model": "argon-17g-ideal",
        "tip_mm": [_PROBE_CIRCLE * x, _PROBE_CIRCLE * y, _TIP_Z],
        "entry_mm": [_ENTRY_CIRCLE * x, _ENTRY_CIRCLE * y, _ENTRY_Z],
    }
