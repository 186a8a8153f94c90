"""A small case as files: image, labels and plan, for what starts from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cryosim.geometry import Grid
from cryosim.images import Labels, Volume, write_labels, write_volume

__all__ = ["NERVE", "PLAN", "anatomy", "edited", "write_case"]

NERVE = """
[[organ_at_risk]]
name = "nerve"
label = 3
min_temperature_c = 10
"""
PLAN = f"""
[anatomy]
image = "ct.nii.gz"
labels = "labels.nii.gz"

[anatomy.tissues]
1 = "muscle"
2 = "tumor"
3 = "nerve"

[target]
label = 2
margin_mm = 2
{NERVE}
[[probe]]
model = "argon-17g"
active_length_mm = 12
tip_mm = [100, 50, 194]
entry_mm = [100, 50, 290]

[protocol]
text = "freeze 3 min; thaw 1 min"

[grid]
spacing_mm = 2.0
padding_mm = 25

[report]
times_s = [60]
"""


def anatomy() -> tuple[Volume, Labels]:
    """A 60 mm cube of muscle around (100, 50, 200) with a 12 mm tumor and a nerve 18 mm away."""
    grid = Grid.from_spacing((30, 40, 40), (1.5, 1.5, 2.0), (70.75, 20.75, 171.0))
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    points = grid.to_world(np.stack([i, j, k], axis=-1)) - [100.0, 50.0, 200.0]
    labels = np.ones(grid.shape, np.int32)
    labels[np.linalg.norm(points, axis=-1) < 6.0] = 2
    labels[np.hypot(points[..., 0] - 18.0, points[..., 1]) < 2.5] = 3
    hu = np.random.default_rng(0).normal(50, 5, grid.shape).round().astype(np.float32)
    hu[0, 0, 0] = -1000.0  # tells CT from MR
    return Volume(grid, hu, "ct"), Labels(grid, labels)


def write_case(folder: Path) -> Path:
    """Write image, labels and plan into a folder, and return it."""
    volume, labels = anatomy()
    write_volume(volume, folder / "ct.nii.gz")
    write_labels(labels, folder / "labels.nii.gz")
    (folder / "plan.toml").write_text(PLAN)
    return folder


def edited(text: str, changes: Mapping[str, str]) -> str:
    """Replace pieces of a plan, each of which must be there."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text
