"""Labels alone are an anatomy: its box, its tissues, and where the body ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryosim.anatomy import place_anatomy, read_anatomy
from cryosim.geometry import Grid
from cryosim.images import Labels, write_labels
from cryosim.plan import Plan, Search, plan_from_dict
from cryosim.planning.access import map_access
from cryosim.tissue import TissueGrid

MUSCLE, TUMOR = 1, 2
GRID = Grid.from_spacing((30, 50, 50), (2.0, 2.0, 2.0), (-49.0, -49.0, -29.0))
HOLLOW = slice(12, 18), slice(22, 28), slice(36, 40)


def limb() -> Labels:
    """A limb of 40 mm radius along z, with a tumor 10 mm under its front and a hollow."""
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    values = np.where(np.hypot(x, y) < 40.0, MUSCLE, 0).astype(np.int32)
    values[np.sqrt(x**2 + (y + 24.0) ** 2 + z**2) < 6.0] = TUMOR
    values[HOLLOW] = 0
    return Labels(GRID, values, {MUSCLE: "autochthon_left", TUMOR: "tumor"})


def plan(folder: Path, tissues: dict[str, str], **anatomy: Any) -> Plan:
    write_labels(limb(), folder / "labels.nii.gz")
    content = {
        "anatomy": {"labels": "labels.nii.gz", "tissues": tissues, **anatomy},
        "target": {"label": "tumor", "margin_mm": 5},
        "protocol": {"text": "freeze 6 min"},
        "grid": {"spacing_mm": 2.0, "padding_mm": 80},
    }
    return plan_from_dict(content, folder)


def placed(content: Plan) -> TissueGrid:
    return place_anatomy(read_anatomy(content), content)


def tissue_at(tissue: TissueGrid, point_mm: tuple[float, float, float]) -> str:
    cell = tuple(int(n) for n in tissue.grid.nearest(point_mm))
    return tissue.tissues[int(tissue.index[cell])].name


def test_tissues_are_those_of_the_labels(tmp_path: Path) -> None:
    tissue = placed(plan(tmp_path, {}))
    assert tissue.grid.size_mm == pytest.approx(GRID.size_mm)
    assert tissue.image is None
    assert tissue_at(tissue, (0, -24, 0)) == "tumor"
    assert tissue_at(tissue, (0, 20, 0)) == "muscle"
    volume_ml = float(tissue.structures["target"].sum(dtype=float)) * tissue.grid.cell_volume_ml
    assert volume_ml == pytest.approx(float((limb().values == TUMOR).sum()) * 8e-3, rel=0.01)
    assert tissue.image_grid is not None
    assert tissue.image_grid.matches(GRID)


def test_what_has_no_label_is_tissue_and_said_to_have_no_skin(tmp_path: Path) -> None:
    tissue = placed(plan(tmp_path, {}))
    assert tissue_at(tissue, (0, -47, 0)) == "soft-tissue"
    assert tissue.outside_air is None
    assert any("no skin is judged" in warning for warning in tissue.warnings)
    assert any("without a known label are taken as soft-tissue" in n for n in tissue.assumptions)


def test_what_has_no_label_may_be_room_air_around_the_body(tmp_path: Path) -> None:
    tissue = placed(plan(tmp_path, {"0": "gas"}))
    assert tissue.outside_air is not None
    assert not any("no skin is judged" in warning for warning in tissue.warnings)
    inside_ml = float((~tissue.outside_air).sum()) * tissue.grid.cell_volume_ml
    assert inside_ml == pytest.approx(np.pi * 4.0**2 * 6.0, rel=0.03)
    # Gas that the body encloses is not the room's.
    hollow = tissue.grid.nearest(GRID.to_world((38, 25, 15)))
    assert tissue.is_gas[hollow]
    assert not tissue.outside_air[hollow]
    assert tissue.skin.any()


def test_a_mask_of_the_body_leaves_room_air(tmp_path: Path) -> None:
    body = limb()
    mask = Labels(GRID, (body.values > 0).astype(np.int32))
    write_labels(mask, tmp_path / "body.nii.gz")
    tissue = placed(plan(tmp_path, {}, body="body.nii.gz"))
    assert tissue.outside_air is not None
    inside_ml = float((~tissue.outside_air).sum()) * tissue.grid.cell_volume_ml
    assert inside_ml == pytest.approx(float((body.values > 0).sum()) * 8e-3, rel=0.03)


def test_a_label_of_the_body_holds_what_lies_in_it(tmp_path: Path) -> None:
    tissue = placed(plan(tmp_path, {}, body="autochthon_left"))
    assert tissue.outside_air is not None
    assert not tissue.outside_air[tissue.structures["target"] > 0.5].any()
    assert tissue.outside_air[tissue.grid.nearest((0.0, -47.0, 0.0))]


def test_ways_lead_to_the_skin_of_the_labels(tmp_path: Path) -> None:
    content = plan(tmp_path, {"0": "gas"})
    access = map_access(read_anatomy(content), content, Search())
    found = access.paths(np.array([[0.0, -24.0, 0.0]]), np.array([[0.0, -1.0, 0.0]]))
    assert found.depth_mm[0] == pytest.approx(16.0, abs=3.0)


def test_without_the_gas_a_label_map_ends_where_a_shaft_comes_out(tmp_path: Path) -> None:
    content = plan(tmp_path, {})
    access = map_access(read_anatomy(content), content, Search())
    assert any("no room air" in note for note in access.notes)
