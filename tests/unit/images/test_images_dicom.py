"""DICOM in and out: geometry by round trip and by the standard's equation, bad series refused."""

from __future__ import annotations

import itertools

import numpy as np
import pydicom
import pytest
from pydicom import uid
from scipy.spatial.transform import Rotation

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Volume, read_volume, write_dicom_series

SHAPE = (5, 6, 7)
SPACING_MM = (0.8, 1.1, 2.5)
ROTATIONS = [(0, 0, 0), (12, -20, 31), (95, 10, -170)]
SIGNS = list(itertools.product((1, -1), repeat=3))


def world_of_voxels(grid: Grid) -> np.ndarray:
    k, j, i = np.indices(grid.shape)
    return grid.to_world(np.stack([i, j, k], axis=-1))


def linear_volume(grid: Grid, modality="ct") -> Volume:
    """Whole numbers that tell where a voxel is."""
    values = np.rint(world_of_voxels(grid) @ [10, 30, -7])
    return Volume(grid, values.astype(np.float32), modality)


def grid_at(angles=(0, 0, 0), signs=(1, 1, 1)) -> Grid:
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * signs
    return Grid.from_spacing(SHAPE, SPACING_MM, (-31, 17, 40), direction)


@pytest.fixture
def folder(tmp_path):
    """A good CT series: slice_0001.dcm to slice_0005.dcm, 2.5 mm apart."""
    write_dicom_series(linear_volume(grid_at()), tmp_path / "series")
    return tmp_path / "series"


def edit(path, remove=(), **attributes):
    """Change attributes of one DICOM file."""
    dataset = pydicom.dcmread(path)
    for keyword in remove:
        delattr(dataset, keyword)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def edit_all(folder, **attributes):
    for path in folder.iterdir():
        edit(path, **attributes)


def move(path, step_mm):
    dataset = pydicom.dcmread(path)
    position = np.array(dataset.ImagePositionPatient, dtype=float) + step_mm
    edit(path, ImagePositionPatient=[f"{x:.6f}" for x in position])


def same_image(first: Volume, second: Volume) -> bool:
    a, b = first.canonical(), second.canonical()
    return a.grid.matches(b.grid) and np.array_equal(a.values, b.values)


@pytest.mark.parametrize("modality", ["ct", "mr"])
@pytest.mark.parametrize("angles", ROTATIONS)
@pytest.mark.parametrize("signs", SIGNS)
def test_round_trip_on_oblique_and_flipped_grids(tmp_path, signs, angles, modality):
    volume = linear_volume(grid_at(angles, signs), modality)
    write_dicom_series(volume, tmp_path)
    again = read_volume(tmp_path)
    assert again.modality == modality
    assert same_image(again, volume)
    np.testing.assert_allclose(again.values, world_of_voxels(again.grid) @ [10, 30, -7], atol=0.51)
    if np.prod(signs) > 0:
        assert again.grid.matches(volume.grid)


def test_every_pixel_is_where_the_standard_puts_it(tmp_path):
    """Equation C.7.6.2.1-1 of PS3.3, written out, on a reader of its own."""
    write_dicom_series(linear_volume(grid_at((12, -20, 31))), tmp_path)
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        x_of_row, y_of_column = np.array(dataset.ImageOrientationPatient, dtype=float).reshape(2, 3)
        row_spacing, column_spacing = dataset.PixelSpacing
        for r, c in ((0, 0), (0, 6), (5, 0), (3, 2)):
            position = (
                np.array(dataset.ImagePositionPatient, dtype=float)
                + x_of_row * column_spacing * c
                + y_of_column * row_spacing * r
            )
            value = dataset.pixel_array[r, c] * dataset.RescaleSlope + dataset.RescaleIntercept
            assert value == pytest.approx(position @ [10, 30, -7], abs=0.51)
        assert dataset.RescaleIntercept == -1024
        assert str(dataset.PatientName) == "cryosim^phantom"


def test_equal_volumes_give_equal_files(tmp_path):
    volume = linear_volume(grid_at((12, -20, 31)))
    for name in ("a", "b", "b"):
        write_dicom_series(volume, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    instances = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "a").iterdir()}
    assert len(instances) == SHAPE[0]


def test_mr_with_fractions_keeps_them(tmp_path):
    values = np.random.default_rng(3).uniform(0, 0.8, SHAPE).astype(np.float32)
    write_dicom_series(Volume(grid_at(), values, "mr"), tmp_path)
    np.testing.assert_allclose(read_volume(tmp_path).values, values, atol=0.8 / 32767)


def test_writing_refuses_a_folder_in_use_and_values_out_of_range(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(notes.txt\)"):
        write_dicom_series(linear_volume(grid_at()), tmp_path)
    with pytest.raises(InputError, match="do not fit into 16 bits"):
        write_dicom_series(
            Volume(grid_at(), np.full(SHAPE, 1e6, dtype=np.float32), "ct"), tmp_path / "new"
        )


def test_one_organ_lies_at_the_same_place_in_ras_lps_and_dicom(tmp_path):
    """Measured in world coordinates; each file is written without the writers under test."""
    import nibabel

    center_mm, semi_axes_mm = np.array([21.0, -14.0, 55.0]), np.array([9.0, 6.0, 12.0])
    grid = Grid.from_spacing((30, 28, 32), (1.0, 1.2, 1.5), (3, -30, 33))
    world = world_of_voxels(grid)
    inside = (((world - center_mm) / semi_axes_mm) ** 2).sum(axis=-1) < 1
    data = np.where(inside, 60, -100).astype(np.int16).transpose()  # [i, j, k], x left
    lps_in_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine
    nibabel.save(nibabel.Nifti1Image(data, lps_in_ras), tmp_path / "lps.nii.gz")
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:2, 3] = np.array(data.shape[:2]) - 1
    ras = nibabel.Nifti1Image(data[::-1, ::-1], lps_in_ras @ flip)
    nibabel.save(ras, tmp_path / "ras.nii.gz")
    assert nibabel.aff2axcodes(ras.affine) == ("R", "A", "S")
    write_dicom_series(Volume(grid, data.transpose().astype(np.float32), "ct"), tmp_path / "dicom")
    for name in ("lps.nii.gz", "ras.nii.gz", "dicom"):
        volume = read_volume(tmp_path / name, "ct")
        organ = volume.values == 60
        assert np.count_nonzero(organ) == np.count_nonzero(inside)
        centroid = world_of_voxels(volume.grid)[organ].mean(axis=0)
        np.testing.assert_allclose(centroid, world[inside].mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(centroid, center_mm, atol=0.2)


def test_order_comes_from_positions_alone(folder):
    """Feet first, instance numbers and file names in disorder, a slice thickness that lies."""
    expected = read_volume(folder)
    for n, path in enumerate(sorted(folder.iterdir())):
        number = (3, 1, 5, 2, 4)[n]
        edit(path, InstanceNumber=number, SliceThickness=3.2, PatientPosition="FFS")
        path.rename(folder / f"IM{number}")
    volume = read_volume(folder)
    assert same_image(volume, expected)
    np.testing.assert_allclose(volume.grid.spacing_mm, SPACING_MM)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("HFS", "supine"), ("FFP", "prone"), ("HFDL", "left lateral"), ("FFDR", "right lateral"),
        ("", None), ("LFP", None),
    ],
)  # fmt: skip
def test_the_header_says_how_the_patient_lay(folder, written, read):
    assert read_volume(folder).position is None  # nobody lies in a phantom
    for path in folder.iterdir():
        edit(path, PatientPosition=written)
    volume = read_volume(folder)
    assert volume.position == read
    assert volume.canonical().position == read


def test_what_lies_beside_the_series_is_passed_over(folder):
    expected = read_volume(folder)
    paths = sorted(folder.iterdir())
    structure = pydicom.dcmread(paths[0])
    structure.Modality, structure.SeriesInstanceUID = "RTSTRUCT", "1.2.3"
    structure.SOPClassUID = uid.RTStructureSetStorage
    for keyword in ("Rows", "Columns", "PixelData", "ImagePositionPatient"):
        delattr(structure, keyword)
    structure.save_as(folder / "RS.dcm")
    scout = pydicom.dcmread(paths[0])
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    scout.save_as(folder / "scout.dcm")
    (folder / "notes.txt").write_text("not an image")
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "VERSION").write_text("1")
    assert same_image(read_volume(folder), expected)
    assert same_image(read_volume(folder.parent), expected)


def test_empty_class_and_missing_preamble(folder):
    """Files without SOPClassUID, without preamble, and without any prefix at all."""
    expected = read_volume(folder)
    first, second, third, *_ = sorted(folder.iterdir())
    dataset = pydicom.dcmread(first)
    dataset.SOPClassUID = ""
    dataset.save_as(folder / "a")
    second.with_name("b").write_bytes(second.read_bytes()[132:])
    dataset = pydicom.dcmread(third)
    del dataset.SOPClassUID, dataset.file_meta
    dataset.save_as(folder / "c", implicit_vr=True, little_endian=True)
    for path in (first, second, third):
        path.unlink()
    assert same_image(read_volume(folder), expected)


def test_rescale_of_each_slice(folder):
    first = sorted(folder.iterdir())[0]
    stored = pydicom.dcmread(first).pixel_array
    edit(first, RescaleSlope=2, RescaleIntercept=-1000)
    np.testing.assert_allclose(read_volume(folder).values[0], stored * 2.0 - 1000)


def test_compressed_pixels(folder):
    expected = read_volume(folder)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.compress(uid.RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    assert same_image(read_volume(folder), expected)


def with_padding(path, pixel, representation, value, limit=None):
    dataset = pydicom.dcmread(path)
    stored = np.full((dataset.Rows, dataset.Columns), 1000, dtype=np.int32)
    stored[0, :3] = pixel
    dataset.PixelRepresentation = representation
    dataset.PixelData = stored.astype("<i2" if representation else "<u2").tobytes()
    dataset.add_new("PixelPaddingValue", "US" if value >= 0 else "SS", value)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "US" if limit >= 0 else "SS", limit)
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("pixel", "representation", "value", "limit"),
    [
        (-2000, 1, -2000, None),
        (-2000, 1, 63536, None),  # -2000 written without its sign
        (63536, 0, -2000, None),  # and the reverse
        ([-2000, -1990, -1980], 1, -1980, -2000),
        ([-2000, -1990, -1980], 1, 63536, -1980),
        (0, 0, 0, None),
    ],
)
def test_padding_becomes_air(folder, pixel, representation, value, limit):
    with_padding(folder / "slice_0001.dcm", pixel, representation, value, limit)
    values = read_volume(folder).values[0]
    assert (values[0, :3] == -1024).all()
    assert np.count_nonzero(values == -1024) == 3
    assert (values[1:] == -24).all()


def test_padding_of_mr_becomes_zero(tmp_path):
    write_dicom_series(linear_volume(grid_at(), "mr"), tmp_path)
    with_padding(tmp_path / "slice_0001.dcm", -5, 1, -5)
    assert (read_volume(tmp_path).values[0, 0, :3] == 0).all()


def file_number(folder, number):
    return folder / f"slice_{number:04d}.dcm"


def gantry_tilt(folder):
    for n in range(5):
        move(file_number(folder, n + 1), (0, 2.5 * n * np.tan(np.radians(18.5)), 0))


def slight_tilt_of_many(folder):
    for n in range(5):
        move(file_number(folder, n + 1), (0, 0.05 * n, 0))


def stated_tilt(folder):
    edit(file_number(folder, 2), GantryDetectorTilt=12)


def mixed_spacing(folder):
    for n in (4, 5):
        move(file_number(folder, n), (0, 0, 1.0))


def missing_slice(folder):
    file_number(folder, 3).unlink()


def two_missing_slices(folder):
    file_number(folder, 5).rename(folder / "end.dcm")
    move(folder / "end.dcm", (0, 0, 5.0))


def duplicate_slice(folder):
    (folder / "copy.dcm").write_bytes(file_number(folder, 2).read_bytes())


def one_slice(folder):
    for n in range(2, 6):
        file_number(folder, n).unlink()


def shifted_slice(folder):
    move(file_number(folder, 3), (0, 4.0, 0))


def mixed_orientation(folder):
    edit(file_number(folder, 4), ImageOrientationPatient=[0, 1, 0, 0, 0, 1])


def mixed_pixel_spacing(folder):
    edit(file_number(folder, 4), PixelSpacing=[1.1, 0.9])


def mixed_rows(folder):
    edit(file_number(folder, 4), Rows=3)


def no_position(folder):
    edit(file_number(folder, 4), remove=["ImagePositionPatient"])


def no_orientation(folder):
    edit(file_number(folder, 4), remove=["ImageOrientationPatient"])


def empty_pixel_spacing(folder):
    edit(file_number(folder, 1), PixelSpacing=None)


def skewed_orientation(folder):
    edit_all(folder, ImageOrientationPatient=[1, 0, 0, 0.5, 0.8660254, 0])


def no_rescale(folder):
    edit(file_number(folder, 4), remove=["RescaleIntercept"])


def zero_slope(folder):
    edit(file_number(folder, 4), RescaleSlope=0)


def no_modality(folder):
    edit(file_number(folder, 4), Modality="")


def two_series(folder):
    for n in (1, 2):
        edit(file_number(folder, n), SeriesInstanceUID="1.2.3", SeriesDescription="arterial")


def multi_frame(folder):
    edit(file_number(folder, 4), NumberOfFrames=30, SOPClassUID=uid.EnhancedCTImageStorage)


def color(folder):
    edit(file_number(folder, 4), SamplesPerPixel=3, PhotometricInterpretation="RGB")


def truncated_pixels(folder):
    path = file_number(folder, 4)
    path.write_bytes(path.read_bytes()[:-20])


def truncated_header(folder):
    path = file_number(folder, 4)
    path.write_bytes(path.read_bytes()[:700])


def truncated_before_pixels(folder):
    edit(file_number(folder, 4), remove=["PixelData"])


def truncated_before_rows(folder):
    edit(file_number(folder, 4), remove=["PixelData", "Rows"])


def too_few_pixels(folder):
    edit(file_number(folder, 4), PixelData=b"\0" * 20)


def empty_file(folder):
    file_number(folder, 4).write_bytes(b"")


def text_named_dicom(folder):
    file_number(folder, 4).write_text("moved to the archive\n" * 10)


def unknown_compression(folder):
    path = file_number(folder, 4)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = uid.MPEG2MPML
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 84])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


def other_modality(folder):
    edit_all(folder, Modality="US")


def no_files(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "notes.txt").write_text("nothing here")


@pytest.mark.parametrize(
    ("spoil", "messages"),
    [
        (gantry_tilt, ["gantry tilt of 18.5 degrees", "slice_0001.dcm", "0.84 mm sideways"]),
        (slight_tilt_of_many, ["gantry tilt of 1.1 degrees", "slice_0005.dcm"]),
        (stated_tilt, ["slice_0002.dcm", "12 degrees"]),
        (mixed_spacing, ["mixed spacing: 2.5 mm", "3.5 mm between slice_0003.dcm", "48.50 mm"]),
        (missing_slice, ["1 slice is missing", "slice_0002.dcm", "slice_0004.dcm", "47.50 mm"]),
        (two_missing_slices, ["2 slices are missing", "slice_0004.dcm", "end.dcm"]),
        (duplicate_slice, ["copy.dcm and slice_0002.dcm", "same position", "42.50 mm"]),
        (one_slice, ["one slice", "slice_0001.dcm"]),
        (shifted_slice, ["slice_0003.dcm is 4.00 mm away"]),
        (mixed_orientation, ["ImageOrientationPatient", "slice_0001.dcm", "slice_0004.dcm"]),
        (mixed_pixel_spacing, ["PixelSpacing", "0.9", "slice_0004.dcm"]),
        (mixed_rows, ["Rows: 6 in slice_0001.dcm, 3 in slice_0004.dcm"]),
        (no_position, ["slice_0004.dcm has no usable ImagePositionPatient"]),
        (no_orientation, ["slice_0004.dcm has no usable ImageOrientationPatient"]),
        (empty_pixel_spacing, ["slice_0001.dcm has no usable PixelSpacing"]),
        (skewed_orientation, ["slice_0001.dcm", "unit vectors at right angles"]),
        (no_rescale, ["slice_0004.dcm has no RescaleSlope or RescaleIntercept"]),
        (zero_slope, ["slice_0004.dcm has RescaleSlope '0"]),
        (no_modality, ["slice_0004.dcm: has no Modality"]),
        (two_series, ["2 image series", "'arterial' (CT, 2 slices, folder series)", "3 slices"]),
        (multi_frame, ["slice_0004.dcm", "enhanced multi-frame"]),
        (color, ["slice_0004.dcm is a color image (RGB)"]),
        (truncated_pixels, ["slice_0004.dcm", "truncated"]),
        (truncated_header, ["slice_0004.dcm", "ends before its image"]),
        (truncated_before_pixels, ["slice_0004.dcm holds no pixels"]),
        (truncated_before_rows, ["slice_0004.dcm", "ends before its image"]),
        (too_few_pixels, ["slice_0004.dcm cannot be decoded"]),
        (empty_file, ["slice_0004.dcm", "is empty"]),
        (text_named_dicom, ["slice_0004.dcm", "is not a DICOM file"]),
        (unknown_compression, ["slice_0004.dcm", "MPEG2", "pip install 'cryosim[dicom]'"]),
        (other_modality, ["no CT or MR slices", "US"]),
        (no_files, ["holds no DICOM files"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_series_are_refused_in_one_sentence(folder, spoil, messages):
    spoil(folder)
    with pytest.raises(InputError) as caught:
        read_volume(folder)
    text = str(caught.value)
    for message in [*messages, "series"]:
        assert message in text
    assert "\n" not in text
    assert "cryosim^" not in text  # no patient names


def test_no_truncated_slice_passes(folder):
    """The last slice, whose absence nothing else would show, cut everywhere."""
    path = file_number(folder, 5)
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"slice_0005\.dcm"):
            read_volume(folder)


@pytest.mark.skipif(
    pydicom.pixels.get_decoder(uid.JPEGLosslessSV1).is_available, reason="a decoder is installed"
)
def test_jpeg_lossless_without_its_decoder_names_the_extra(folder):
    path = file_number(folder, 4)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = uid.JPEGLosslessSV1
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 84])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"slice_0004.dcm is compressed as JPEG Lossless.*\[dicom"):
        read_volume(folder)


def test_two_series_in_two_folders_are_listed(tmp_path):
    write_dicom_series(linear_volume(grid_at()), tmp_path / "a", "plain")
    write_dicom_series(linear_volume(grid_at(), "mr"), tmp_path / "b", "T1")
    with pytest.raises(InputError, match=r"'plain' \(CT, 5 slices, folder a\); 'T1' \(MR, 5"):
        read_volume(tmp_path)


def test_a_contradicting_modality_is_refused(folder):
    with pytest.raises(InputError, match="the series is CT, not MR"):
        read_volume(folder, modality="mr")


def test_a_single_dicom_file_points_to_its_folder(folder):
    with pytest.raises(InputError, match="the folder that holds one DICOM series"):
        read_volume(file_number(folder, 1))
