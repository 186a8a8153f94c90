"""What a plan says of target and probes is taken as meant, or questioned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_files import PLAN as WHOLE
from case_files import anatomy, edited, write_case
from cryosim.anatomy import place_anatomy, read_anatomy
from cryosim.errors import InputError
from cryosim.images import Labels, write_labels
from cryosim.plan import read_plan
from cryosim.tissue import TissueGrid

MASKED = edited(WHOLE, {"[target]\nlabel = 2": '[target]\nmask = "mask.nii.gz"'})


def placed(folder: Path, text: str) -> TissueGrid:
    write_case(folder)
    (folder / "plan.toml").write_text(text)
    plan = read_plan(folder / "plan.toml")
    return place_anatomy(read_anatomy(plan), plan)


def write_mask(folder: Path, *kept: int) -> None:
    _, labels = anatomy()
    values = np.where(np.isin(labels.values, kept), labels.values, 0)
    write_labels(Labels(labels.grid, values), folder / "mask.nii.gz")


def target_ml(tissue: TissueGrid) -> float:
    return float(tissue.structures["target"].sum(dtype=float)) * tissue.grid.cell_volume_ml


def test_a_mask_with_several_labels_asks_which(tmp_path: Path) -> None:
    write_mask(tmp_path, 2, 3)
    with pytest.raises(InputError, match=r"target: the mask mask\.nii\.gz .* labels, 2, 3; say"):
        placed(tmp_path, MASKED)


@pytest.mark.parametrize("kept", [(2,), (1, 2, 3)])
def test_a_label_names_one_in_the_mask(tmp_path: Path, kept: tuple[int, ...]) -> None:
    write_mask(tmp_path, *kept)
    both = edited(MASKED, {'mask = "mask.nii.gz"': 'mask = "mask.nii.gz"\nlabel = 2'})
    assert target_ml(placed(tmp_path, both)) == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.05)


def test_a_mask_without_that_label_is_refused(tmp_path: Path) -> None:
    write_mask(tmp_path, 3)
    both = edited(MASKED, {'mask = "mask.nii.gz"': 'mask = "mask.nii.gz"\nlabel = 2'})
    with pytest.raises(InputError, match="target: label 2 has no voxel"):
        placed(tmp_path, both)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"tip_mm = [100, 50, 194]": "tip_mm = [100, 50, 225]",
          "entry_mm = [100, 50, 290]": "entry_mm = [100, 50, 194]"}, "swapped"),
        ({"tip_mm = [100, 50, 194]": "tip_mm = [78, 28, 194]",
          "entry_mm = [100, 50, 290]": "entry_mm = [78, 28, 290]"}, "away from the target; check"),
    ],
)  # fmt: skip
def test_probes_that_miss_the_target_are_questioned(
    tmp_path: Path, changes: dict[str, str], words: str | None
) -> None:
    said: Any = [
        each for each in placed(tmp_path, edited(WHOLE, changes)).warnings if "probe.0" in each
    ]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]
