"""The body is told from what lies around it: painted cases with a known answer, and real CTs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cryosim.anatomy import Body, find_body, leave_out
from cryosim.geometry import Grid
from cryosim.images import Volume, read_labels, read_volume, resample_labels
from cryosim.tissue import TissueGrid, build_tissue, read_library

LIBRARY = read_library()

MUSCLE, FAT, BONE, AIR, LUNG, FOAM = 55.0, -100.0, 700.0, -1000.0, -860.0, -600.0
MM = 1.5
GRID = Grid.from_spacing((24, 120, 160), MM, (-119.25, -89.25, -17.25))


def world() -> tuple[NDArray[np.float64], ...]:
    k, j, i = np.indices(GRID.shape)
    points = GRID.to_world(np.stack([i, j, k], axis=-1))
    return points[..., 0], points[..., 1], points[..., 2]


X, Y, Z = world()


def disk(x: float, y: float, radius_mm: float) -> NDArray[np.bool_]:
    return np.hypot(X - x, Y - y) < radius_mm


def limb(x: float = 0.0, y: float = 0.0, radius_mm: float = 50.0) -> NDArray[np.float64]:
    """Muscle under 6 mm of fat, with a bone, in room air."""
    hu = np.full(GRID.shape, AIR)
    paint(hu, x, y, radius_mm)
    return hu


def paint(hu: NDArray[np.float64], x: float, y: float, radius_mm: float) -> None:
    hu[disk(x, y, radius_mm)] = FAT
    hu[disk(x, y, radius_mm - 6.0)] = MUSCLE
    hu[disk(x, y, 8.0)] = BONE


def found_in(hu: NDArray[np.float64], target: NDArray[np.bool_] | None = None) -> Body:
    noise = np.random.default_rng(0).normal(0.0, 15.0, hu.shape)
    volume = Volume(GRID, (hu + noise).astype(np.float32), "ct")
    body = find_body(volume, None if target is None else (GRID, target))
    assert body is not None
    assert body.inside.shape == GRID.shape
    return body


def wrong_ml(body: Body, truth: NDArray[np.bool_]) -> float:
    return float((body.inside != truth).sum()) * GRID.cell_volume_ml


def test_a_limb_in_air() -> None:
    body = found_in(limb())
    assert wrong_ml(body, disk(0, 0, 50)) < 1.0
    assert not body.things.any()


def on_a_mattress() -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """A limb on a mattress on a table; also where foam with its cover is, and the cover."""
    hu = limb(y=20.0)
    under = (Y > 45.0) & (Y < 85.0) & ~disk(0, 20, 50)
    hu[under] = FOAM + 150.0 * np.sin(X[under] / 9.0)  # -750 to -450 HU
    cover = under & ((Y < 47.0) | disk(0, 20, 52.0))
    hu[cover] = -90.0
    hu[(Y > 85.0) & (Y < 87.0)] = 150.0
    return hu, under, cover


def test_foam_that_touches_the_skin_is_no_tissue() -> None:
    hu, under, cover = on_a_mattress()
    body = found_in(hu)
    # Of the cover on the skin a part may stay, 2 mm thick; nothing of the foam.
    assert wrong_ml(body, disk(0, 20, 50)) < 8.0
    assert not (body.inside & under & ~cover & ~disk(0, 20, 53)).any()
    assert body.things[(Y > 55.0) & (Y < 80.0) & (np.abs(X) > 60.0)].mean() > 0.95


def tissue_volumes_ml(hu: NDArray[np.float64]) -> tuple[dict[str, float], TissueGrid]:
    volume = Volume(GRID, hu.astype(np.float32), "ct")
    tissue = build_tissue(GRID, volume, None, {}, LIBRARY)
    body = find_body(volume)
    assert body is not None
    placed = leave_out(tissue, body, LIBRARY["gas"])
    counts = np.bincount(placed.index.ravel(), minlength=len(placed.tissues))
    names = [each.name for each in placed.tissues]
    return dict(zip(names, counts * GRID.cell_volume_ml, strict=True)), placed


def test_what_lies_around_is_room_air() -> None:
    """Foam was lung with the perfusion of lung, its cover fat."""
    hu, under, _ = on_a_mattress()
    alone, _ = tissue_volumes_ml(limb(y=20.0))
    lying, placed = tissue_volumes_ml(hu)
    assert lying.get("lung", 0.0) == 0.0
    for name in ("muscle-by-ct", "bone-cortical"):
        assert lying[name] == pytest.approx(alone[name], abs=0.1)
    # A cover of 2 mm on the skin cannot be told from it; a voxel of dense foam may go with it.
    assert lying["fat"] == pytest.approx(alone["fat"], abs=10.0)
    assert not (~placed.is_gas & ~disk(0, 20, 53.5)).any()
    assert placed.outside_air is not None
    assert placed.outside_air[under & ~disk(0, 20, 54)].all()
    assert not placed.outside_air[disk(0, 20, 48)].any()
    assert any("taken as room air" in note for note in placed.assumptions)
    assert not any("taken as room air" in note for note in tissue_volumes_ml(limb())[1].assumptions)


def test_lung_stays_lung() -> None:
    hu = limb(radius_mm=75.0)
    hu[disk(-30.0, 0.0, 28.0)] = LUNG
    volumes, placed = tissue_volumes_ml(hu)
    assert volumes["lung"] == pytest.approx(np.pi * 28**2 * 36 / 1e3, rel=0.05)
    assert placed.outside_air is not None
    assert not placed.outside_air[disk(-30, 0, 28)].any()


def test_a_blanket_is_neither_body_nor_in_the_way() -> None:
    hu = limb()
    hu[disk(0, 0, 53) & ~disk(0, 0, 50) & (Y < 0)] = -600.0
    body = found_in(hu)
    assert wrong_ml(body, disk(0, 0, 50)) < 3.0
    assert not body.things.any()


@pytest.mark.parametrize("gap_mm", [4.0, 15.0])
def test_an_arm_beside_the_trunk_is_in_the_way(gap_mm: float) -> None:
    hu = limb(-30.0, radius_mm=60.0)
    paint(hu, 60.0 + gap_mm, 0.0, 28.0)
    body = found_in(hu)
    assert wrong_ml(body, disk(-30, 0, 60)) < 2.0
    assert body.things[disk(60.0 + gap_mm, 0.0, 24.0)].all()


@pytest.mark.parametrize("side", [-1, 1])
def test_of_two_limbs_the_one_with_the_target_counts(side: int) -> None:
    hu = limb(-55.0, radius_mm=48.0)
    paint(hu, 55.0, 0.0, 48.0)
    target = disk(55.0 * side, 20.0, 8.0) & (np.abs(Z) < 8)
    body = found_in(hu, target)
    assert wrong_ml(body, disk(55.0 * side, 0, 48)) < 2.0
    assert body.things[disk(-55.0 * side, 0, 40)].all()


@pytest.mark.parametrize("nodule_is_target", [False, True])
def test_lung_and_what_floats_in_it_belong_to_the_body(nodule_is_target: bool) -> None:
    hu = limb(radius_mm=75.0)
    lung = disk(-30.0, 0.0, 28.0)
    hu[lung] = LUNG
    nodule = disk(-35.0, 5.0, 9.0) & (np.abs(Z) < 9.0)
    hu[nodule] = 30.0
    body = found_in(hu, nodule if nodule_is_target else None)
    assert wrong_ml(body, disk(0, 0, 75)) < 1.5
    assert body.inside[nodule].all()


def chest() -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """A chest with two lungs and a windpipe that opens to the room in front; body, and lungs."""
    hu = limb(radius_mm=75.0)
    lungs = disk(-38.0, 5.0, 24.0) | disk(38.0, 5.0, 24.0)
    hu[lungs] = LUNG
    bronchi = (np.abs(Y) < 3.0) & (np.abs(X) < 20.0) & (np.abs(Z) < 3.0)
    hu[disk(0.0, 0.0, 7.0) | bronchi] = AIR
    return hu, disk(0, 0, 75), lungs


def test_a_windpipe_that_opens_to_the_room_does_not_empty_the_lungs() -> None:
    hu, body, lungs = chest()
    hu[(np.abs(X) < 4.0) & (np.abs(Z) < 4.0) & (Y < 0.0)] = AIR
    found = found_in(hu)
    assert found.inside[lungs].mean() > 0.99
    assert wrong_ml(found, body) < 15.0  # the windpipe itself


@pytest.mark.parametrize("padding_hu", [-1024.0, -3024.0])
def test_a_field_of_view_that_cuts_the_lung_does_not_empty_it(padding_hu: float) -> None:
    hu, body, lungs = chest()
    hu[disk(0, 0, 20)] = MUSCLE  # no windpipe here
    hu[~disk(0, 0, 58)] = padding_hu
    found = found_in(hu)
    assert found.inside[lungs & disk(0, 0, 53)].mean() > 0.95
    assert found.inside[body & disk(0, 0, 50)].mean() > 0.95


def test_dense_lung_stays_in_the_body() -> None:
    hu, body, lungs = chest()
    spots = np.random.default_rng(1).random(hu.shape) < 0.15
    hu[lungs & spots] = 20.0
    found = found_in(hu)
    assert found.inside[lungs].mean() > 0.99
    assert wrong_ml(found, body) < 8.0


def test_a_crop_within_the_chest_is_all_body() -> None:
    hu = np.full(GRID.shape, LUNG)
    hu[Y > 50.0] = MUSCLE
    nodule = disk(0.0, 0.0, 12.0)
    hu[nodule] = 30.0
    assert found_in(hu, nodule).inside.all()


def test_gas_under_thin_skin_is_not_the_room() -> None:
    """A loop of bowel whose wall and the skin over it are 3 mm together."""
    hu = limb(radius_mm=60.0)
    loop = np.hypot(X, Y + 41.0) < 16.0
    hu[loop] = -980.0
    body = found_in(hu)
    assert body.inside[loop].mean() > 0.97
    assert wrong_ml(body, disk(0, 0, 60)) < 2.0


def test_a_crop_without_air_is_all_body() -> None:
    hu = np.full(GRID.shape, MUSCLE)
    hu[disk(70, 0, 30)] = LUNG
    assert found_in(hu).inside.all()


def test_mr_does_not_say_where_the_body_ends() -> None:
    assert find_body(Volume(GRID, np.ones(GRID.shape, np.float32), "mr")) is None


def test_no_tissue_at_all() -> None:
    assert find_body(Volume(GRID, np.full(GRID.shape, -1000.0, np.float32), "ct")) is None


def test_the_chest_of_a_real_patient_holds_the_nodule_in_its_lung(data_folder: Path) -> None:
    volume = read_volume(data_folder / "lung_nodule" / "lung_nodule_ct_crop.nii.gz").canonical()
    mask = read_labels(
        data_folder / "lung_nodule" / "lung_nodule_threshold_mask.nii.gz"
    ).canonical()
    with_target, without = find_body(volume, (mask.grid, mask.values > 0)), find_body(volume)
    assert with_target is not None
    assert without is not None
    assert np.array_equal(with_target.inside, without.inside)
    assert with_target.inside[resample_labels(mask, without.grid) > 0].all()


@pytest.mark.parametrize(
    ("image", "labels"),
    [("torso_ct/ct.nii.gz", "torso_ct/labels.nii.gz"),
     ("lung_nodule/lung_nodule_ct_crop.nii.gz", "lung_nodule/lung_nodule_totalseg_crop.nii.gz")],
)  # fmt: skip
def test_all_organs_of_real_patients_lie_in_the_body(
    data_folder: Path, image: str, labels: str
) -> None:
    volume = read_volume(data_folder / image).canonical()
    body = find_body(volume)
    assert body is not None
    organs = resample_labels(read_labels(data_folder / labels).canonical(), body.grid) > 0
    assert body.inside[organs].mean() > 0.999
    # The table, in the last rows: both have one.
    assert body.things[:, -25:].any()
    assert not body.inside[:, -3:].mean() > 0.5
