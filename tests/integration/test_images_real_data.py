"""Real volumes: one patient as NIfTI and as DICOM, organs measured in world coordinates."""

from __future__ import annotations

import tarfile
import zipfile

import numpy as np
import pytest

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import (
    Labels,
    Volume,
    occupancy,
    read_labels,
    read_volume,
    resample_labels,
    write_dicom_series,
    write_labels,
    write_volume,
)


def world_of(grid: Grid, mask: np.ndarray) -> np.ndarray:
    return grid.to_world(np.argwhere(mask)[:, ::-1])


def mean_in(volume: Volume, labels: Labels, name: str) -> float:
    """Mean value of a structure, voxels matched through the world."""
    inside = resample_labels(labels, volume.grid) == labels.value_of(name)
    return float(volume.values[inside].mean())


@pytest.mark.parametrize(
    ("nifti", "dicom", "modality"),
    [("CT_image.nii.gz", "CT", "ct"), ("MR_T1_image.nii.gz", "MR_T1", "mr")],
)
def test_nifti_and_dicom_of_one_scan_agree(data_folder, sts_thigh_dicom, nifti, dicom, modality):
    from_nifti = read_volume(data_folder / "sts_thigh" / nifti)
    from_dicom = read_volume(sts_thigh_dicom / dicom)
    assert from_nifti.modality == from_dicom.modality == modality
    a, b = from_nifti.canonical(), from_dicom.canonical()
    np.testing.assert_allclose(b.grid.corners_mm(), a.grid.corners_mm(), atol=1e-4)
    np.testing.assert_array_equal(b.values, a.values)
    np.testing.assert_allclose(b.grid.spacing_mm, (0.9765625, 0.9765625, 3.27), atol=1e-4)


def test_several_series_below_a_folder_are_refused(sts_thigh_dicom, tmp_path):
    for name in ("CT", "MR_T1"):
        (tmp_path / name).symlink_to(sts_thigh_dicom / name / "image")
    with pytest.raises(InputError) as caught:
        read_volume(tmp_path)
    assert "(CT, 49 slices, folder CT)" in str(caught.value)
    assert "(MR, 42 slices, folder MR_T1)" in str(caught.value)


def test_thigh_tumor_has_its_published_volume_on_any_grid(data_folder):
    mask = read_labels(data_folder / "sts_thigh" / "CT_mask.nii.gz")
    inside = mask.values > 0
    volume_ml = inside.sum() * mask.grid.cell_volume_ml
    assert volume_ml == pytest.approx(34.9, abs=0.1)
    fine = mask.grid.box_around(world_of(mask.grid, inside), padding_mm=10, spacing_mm=1.0)
    shares = occupancy(mask.grid, inside, fine)
    assert shares.sum(dtype=float) * 1e-3 == pytest.approx(volume_ml, rel=2e-3)


def test_thigh_tumor_lies_at_the_same_place_in_ct_and_mr(data_folder):
    """Two grids of different size in one frame."""
    ct = read_labels(data_folder / "sts_thigh" / "CT_mask.nii.gz")
    mr = read_labels(data_folder / "sts_thigh" / "MR_T1_mask.nii.gz")
    centers = [world_of(each.grid, each.values > 0).mean(axis=0) for each in (ct, mr)]
    np.testing.assert_allclose(centers[0], centers[1], atol=0.01)
    np.testing.assert_allclose(centers[0], (129.555, 16.544, 661.727), atol=0.01)


def test_torso_dicom_jpeg2000_without_class_and_ending(data_folder):
    volume = read_volume(data_folder / "torso_ct" / "dicom")
    assert volume.grid.shape == (20, 512, 512)
    np.testing.assert_allclose(volume.grid.spacing_mm, (0.9765625, 0.9765625, 2.0))
    labels = read_labels(data_folder / "torso_ct" / "dicom_labels.nii.gz")
    assert volume.canonical().grid.matches(labels.canonical().grid)
    assert mean_in(volume, labels, "liver") == pytest.approx(89.3, abs=0.1)
    assert mean_in(volume, labels, "spleen") == pytest.approx(79.6, abs=0.1)
    assert mean_in(volume, labels, "autochthon_left") == pytest.approx(24.5, abs=0.1)


def test_liver_dicom_feet_first_with_padding(data_folder, tmp_path):
    with tarfile.open(data_folder / "liver_dicom" / "dicom.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    volume = read_volume(tmp_path / "LIDC-IDRI-0001")
    folder = data_folder / "liver_dicom"
    labels = read_labels(folder / "labels.nii.gz", folder / "structures.csv")
    assert volume.canonical().grid.matches(labels.canonical().grid)
    np.testing.assert_allclose(volume.grid.spacing_mm, (0.703125, 0.703125, 2.5))
    assert mean_in(volume, labels, "liver") == pytest.approx(71.1, abs=0.1)
    # The padding value (63536, that is -2000) does not occur: this archive filled the surroundings
    # with -1024 before the rescale, and says so nowhere. The stored values stay as they are.
    assert (volume.values[:, 0, 0] == -2048).all()
    assert volume.values.min() == -2048


def test_tilted_head_is_refused(data_folder, tmp_path):
    with zipfile.ZipFile(
        data_folder / "must_refuse" / "ge_head_gantry_tilt_variable_spacing.zip"
    ) as archive:
        archive.extractall(tmp_path)
    with pytest.raises(InputError, match=r"gantry tilt of 18\.5 degrees: from 01\.dcm to 28\.dcm"):
        read_volume(tmp_path / "In" / "GE")


def test_an_organ_stays_in_place_in_ras_lps_and_dicom(data_folder, tmp_path):
    """The kidneys of a RAS file, again from LPS NIfTI and from DICOM."""
    volume = read_volume(data_folder / "torso_ct" / "ct.nii.gz")
    labels = read_labels(data_folder / "torso_ct" / "labels.nii.gz")
    kidney = labels.values == labels.value_of("kidney_left")
    centroid_mm = world_of(labels.grid, kidney).mean(axis=0)
    hounsfield = mean_in(volume, labels, "kidney_left")
    # The patient's left is +x: the sign of RAS is gone.
    right = world_of(labels.grid, labels.values == labels.value_of("kidney_right"))
    assert centroid_mm[0] > right.mean(axis=0)[0] + 50

    write_volume(volume.canonical(), tmp_path / "lps.nii.gz")
    write_labels(labels.canonical(), tmp_path / "labels.nii.gz")
    write_dicom_series(volume, tmp_path / "dicom")
    lps_labels = read_labels(tmp_path / "labels.nii.gz")
    assert lps_labels.names == labels.names
    moved = world_of(lps_labels.grid, lps_labels.values == lps_labels.value_of("kidney_left"))
    np.testing.assert_allclose(moved.mean(axis=0), centroid_mm, atol=1e-3)
    for name in ("lps.nii.gz", "dicom"):
        other = read_volume(tmp_path / name)
        assert other.canonical().grid.matches(volume.canonical().grid)
        assert mean_in(other, lps_labels, "kidney_left") == pytest.approx(hounsfield, abs=1e-3)


def test_mr_labels_have_their_own_names(data_folder):
    mr = read_labels(data_folder / "torso_ct" / "mr_labels.nii.gz")
    ct = read_labels(data_folder / "torso_ct" / "labels.nii.gz")
    assert len(mr.names) == 50
    assert len(ct.names) == 117
    image = read_volume(data_folder / "torso_ct" / "mr.nii.gz")
    assert image.modality == "mr"
    assert image.grid.matches(mr.grid)
