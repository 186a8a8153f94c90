"""An image that ends near the target is refused or warned of before anything is simulated."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from cryosim.anatomy import Anatomy, place_anatomy
from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.plan import Plan, plan_from_dict

TUMOR, BONE = 2, 3
RADIUS_MM = 6.0
GRID = Grid.from_spacing((40, 45, 50), 2.0, (-49.0, -44.0, -39.0))  # 40 mm to the upper face


def anatomy(z_mm: float, skin_behind_mm: float | None = None) -> Anatomy:
    """Muscle with a ball of 6 mm at a height, and room air from a distance behind it on."""
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    hu = np.full(GRID.shape, 50.0, dtype=np.float32)
    if skin_behind_mm is not None:
        hu[y > RADIUS_MM + skin_behind_mm] = -1000.0
    labels = np.zeros(GRID.shape, dtype=np.int32)
    labels[np.sqrt(x**2 + y**2 + (z - z_mm) ** 2) < RADIUS_MM] = TUMOR
    labels[x > RADIUS_MM + 4.0] = BONE
    names = {TUMOR: "tumor", BONE: "femur_left"}
    return Anatomy(Volume(GRID, hu, "ct"), Labels(GRID, labels, names))


def plan(margin_mm: float = 10.0, barriers: Any = (), **sections: Any) -> Plan:
    content = {
        "anatomy": {"image": "ct.nii.gz", "labels": "labels.nii.gz"},
        "target": {"label": TUMOR, "margin_mm": margin_mm, "barriers": list(barriers)},
        "optimize": {},
        "protocol": {"text": "freeze 5 min"},
        "grid": {"spacing_mm": 2.0},
        **sections,
    }
    return plan_from_dict(content, ".", "plan")


def said(anatomy: Anatomy, plan: Plan) -> list[str]:
    return [words for words in place_anatomy(anatomy, plan).warnings if "beyond" in words]


def test_an_image_that_ends_within_the_margin_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        place_anatomy(anatomy(z_mm=26.0), plan())
    found = re.fullmatch(
        r"target.margin_mm = 10: the image ends (\d) mm beyond the target, upper side; use a "
        r"larger image, or a smaller margin_mm",
        str(refused.value),
    )
    assert found is not None
    assert int(found[1]) == pytest.approx(8, abs=1)


def test_an_image_that_ends_soon_after_is_said_to() -> None:
    (words,) = said(anatomy(z_mm=20.0), plan())
    assert re.match(r"the image ends 1[345] mm beyond the target, upper side; its faces are held "
                    r"at 37 C: ice and margin there come out too small", words)  # fmt: skip
    assert said(anatomy(z_mm=20.0), plan(margin_mm=2.0)) == []
    assert said(anatomy(z_mm=0.0), plan()) == []


def test_a_box_that_ends_soon_is_the_plans_own() -> None:
    warnings = said(anatomy(z_mm=0.0), plan(grid={"spacing_mm": 2.0, "padding_mm": 12.0}))
    assert len(warnings) == 6
    assert all("use a larger grid.padding_mm" in words for words in warnings)


def test_behind_the_skin_the_image_may_end() -> None:
    """The air behind the skin 4 mm behind the target is all that this face shows near it."""
    near = anatomy(z_mm=0.0, skin_behind_mm=4.0)
    volume = near.volume
    assert volume is not None
    assert near.labels is not None
    # Up to 9 mm behind the target.
    stop = int(np.ceil(GRID.to_index((0.0, RADIUS_MM + 9.0, 0.0))[1]))
    cut = Grid.from_spacing((40, stop, 50), 2.0, GRID.origin_mm)
    cropped = Anatomy(
        Volume(cut, volume.values[:, :stop], "ct"),
        Labels(cut, near.labels.values[:, :stop], near.labels.names),
    )
    body = np.ones((40, stop, 50), dtype=np.bool_)
    body[volume.values[:, :stop] < -500] = False
    mask = Labels(cut, body.astype(np.int32))
    given = Anatomy(cropped.volume, cropped.labels, {"anatomy.body": mask}, {}, None)
    content = plan(anatomy={"image": "ct.nii.gz", "labels": "l.nii.gz", "body": "body.nii.gz"})
    assert said(given, content) == []


@pytest.mark.parametrize(
    ("barrier", "name"), [("femur_left", "femur_left"), (BONE, "label 3"), ("muscle", "muscle")]
)
def test_barriers_are_labels_or_tissues(barrier: int | str, name: str) -> None:
    tissue = place_anatomy(anatomy(z_mm=0.0), plan(barriers=[barrier]))
    assert name in tissue.structures
    assert f"no margin is asked for beyond {name} (target.barriers)" in tissue.assumptions
    if barrier != "muscle":
        filled_mm = tissue.grid.to_world(np.argwhere(tissue.structures[name] > 0.5)[:, ::-1])
        assert filled_mm[:, 0].min() == pytest.approx(RADIUS_MM + 5.0, abs=1.1)


@pytest.mark.parametrize(
    ("barrier", "message"),
    [
        ("femur_right", r"target.barriers: label 'femur_right' is not in"),
        (17, r"target.barriers: label 17 has no voxel"),
        (TUMOR, r"barriers holds the target itself"),
    ],
)
def test_a_barrier_that_is_not_there_is_refused(barrier: int | str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        place_anatomy(anatomy(z_mm=0.0), plan(barriers=[barrier]))
