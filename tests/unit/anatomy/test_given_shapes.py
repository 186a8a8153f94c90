"""What a plan says of target and probes is taken as meant, or questioned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from case_files import NERVE, anatomy, edited, write_case
from case_files import PLAN as WHOLE
from cryosim.anatomy import place_anatomy, read_anatomy
from cryosim.errors import InputError
from cryosim.geometry import Grid
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
        ({"tip_mm = [100, 50, 194]": "tip_mm = [111, 50, 194]",
          "entry_mm = [100, 50, 290]": "entry_mm = [111, 50, 290]"},
         "do not touch the target: probe.0 (5 mm away)"),
        ({"tip_mm = [100, 50, 194]": "tip_mm = [106, 50, 194]",
          "entry_mm = [100, 50, 290]": "entry_mm = [106, 50, 290]"}, None),
    ],
)  # fmt: skip
def test_probes_that_miss_the_target_are_questioned(
    tmp_path: Path, changes: dict[str, str], words: str | None
) -> None:
    said: Any = [
        each
        for each in placed(tmp_path, edited(WHOLE, changes)).warnings
        if "probe.0" in each and "axial" not in each
    ]
    assert len(said) == (words is not None)
    assert words is None or words in said[0]


def test_a_label_of_the_mask_is_not_one_of_the_label_map(tmp_path: Path) -> None:
    """Of the map, label 2 is all the muscle."""
    write_mask(tmp_path, 2)
    _, labels = anatomy()
    turned = np.where(labels.values == 1, 2, 1).astype(np.int32)
    text = edited(
        MASKED,
        {'mask = "mask.nii.gz"': 'mask = "mask.nii.gz"\nlabel = 2', NERVE: "",
         '1 = "muscle"\n2 = "tumor"\n3 = "nerve"': '1 = "fat"'},
    )  # fmt: skip
    write_case(tmp_path)
    write_labels(Labels(labels.grid, turned), tmp_path / "labels.nii.gz")
    (tmp_path / "plan.toml").write_text(text)
    plan = read_plan(tmp_path / "plan.toml")
    tissue = place_anatomy(read_anatomy(plan), plan)
    names = np.array([each.name for each in tissue.tissues])[tissue.index]
    assert (names == "tumor").sum() * tissue.grid.cell_volume_ml == pytest.approx(0.9, abs=0.1)


@pytest.mark.parametrize(
    ("kept", "words"),
    [((), "mask body.nii.gz is empty"), ((3,), "100 % of the target lie outside")],
)
def test_a_body_without_the_target_is_refused(
    tmp_path: Path, kept: tuple[int, ...], words: str
) -> None:
    write_mask(tmp_path, *kept)
    (tmp_path / "mask.nii.gz").rename(tmp_path / "body.nii.gz")
    text = edited(WHOLE, {"[anatomy.tissues]": 'body = "body.nii.gz"\n[anatomy.tissues]'})
    with pytest.raises(InputError, match=words):
        placed(tmp_path, text)


def test_beyond_a_body_mask_that_is_cropped_nothing_is_body(tmp_path: Path) -> None:
    volume, labels = anatomy()
    part = (slice(3, 27), slice(8, 32), slice(8, 32))
    grid = Grid(
        (24, 24, 24),
        np.vstack([np.column_stack([volume.grid.affine[:3, :3],
                                    volume.grid.to_world((8, 8, 3))]), [0, 0, 0, 1]]),
    )  # fmt: skip
    cropped = Labels(grid, (labels.values[part] > 0).astype(np.int32))
    write_labels(cropped, tmp_path / "body.nii.gz")
    text = edited(WHOLE, {"[anatomy.tissues]": 'body = "body.nii.gz"\n[anatomy.tissues]',
                          NERVE: ""})  # fmt: skip
    tissue = placed(tmp_path, text)
    assert tissue.outside_air is not None
    assert tissue.skin.any()
    assert (~tissue.outside_air).sum() * tissue.grid.cell_volume_ml == pytest.approx(
        24 * 24 * 24 * volume.grid.cell_volume_ml, rel=0.3
    )


@pytest.mark.parametrize(("padding_mm", "outside"), [(25, False), (11, False), (5, True)])
def test_an_organ_outside_the_box_is_named(tmp_path: Path, padding_mm: int, outside: bool) -> None:
    """The nerve runs from top to bottom, 15.5 to 20.5 mm from the middle of a tumor of 6 mm."""
    tissue = placed(tmp_path, edited(WHOLE, {"padding_mm = 25": f"padding_mm = {padding_mm}"}))
    assert (
        any("nerve lies outside the simulated box" in said for said in tissue.warnings) == outside
    )
