"""NIfTI in and out: geometry by round trip, every bad file refused with a sentence."""

from __future__ import annotations

import gzip
import itertools
import subprocess
import sys

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume, read_labels, read_volume, write_labels, write_volume

SHAPE = (4, 5, 6)
ROTATIONS = [(0, 0, 0), (12, -20, 31), (95, 10, -170)]
SIGNS = list(itertools.product((1, -1), repeat=3))


def linear_volume(grid: Grid) -> Volume:
    """Values that tell the world position of their voxel."""
    k, j, i = np.indices(grid.shape)
    x, y, z = np.moveaxis(grid.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    return Volume(grid, (x + 3 * y - 7 * z).astype(np.float32), "mr")


def save(path, data, affine=None, unit="mm"):
    """Write a NIfTI file with nibabel alone: data [i, j, k], affine in RAS."""
    image = nibabel.Nifti1Image(data, np.eye(4) if affine is None else affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("angles", ROTATIONS)
@pytest.mark.parametrize("signs", SIGNS)
def test_volume_round_trip_on_oblique_and_flipped_grids(tmp_path, angles, signs):
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * signs
    volume = linear_volume(Grid.from_spacing(SHAPE, (0.8, 1.1, 2.5), (-31, 17, 240), direction))
    path = tmp_path / "image.nii.gz"
    write_volume(volume, path)
    again = read_volume(path, "mr")
    assert again.grid.matches(volume.grid)
    np.testing.assert_array_equal(again.values, volume.values)
    np.testing.assert_allclose(again.values, linear_volume(again.grid).values, atol=1e-3)
    image = nibabel.load(path)
    # A reader that knows only one of the two transforms finds the same place.
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    assert image.get_sform(coded=True)[1] == image.get_qform(coded=True)[1] == 1


def test_ras_turns_into_lps(tmp_path):
    data = np.zeros((3, 4, 5), dtype=np.int16)
    data[2, 1, 3] = 100
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = (10, 20, 30)
    volume = read_volume(save(tmp_path / "a.nii", data, affine))
    assert volume.values.shape == (5, 4, 3)
    k, j, i = np.argwhere(volume.values == 100)[0]
    np.testing.assert_allclose(volume.grid.to_world((i, j, k)), (-14, -23, 42))


def test_modality_is_guessed_from_air_or_given(tmp_path):
    tissue = np.full((3, 3, 3), 40, dtype=np.int16)
    air = tissue.copy()
    air[0] = -1000
    assert read_volume(save(tmp_path / "mr.nii", tissue)).modality == "mr"
    assert read_volume(save(tmp_path / "ct.nii", air)).modality == "ct"
    assert read_volume(tmp_path / "mr.nii", modality="ct").modality == "ct"
    with pytest.raises(InputError, match="modality 'pet' is unknown"):
        read_volume(tmp_path / "mr.nii", modality="pet")


def test_scaled_integers_and_trailing_axes(tmp_path):
    image = nibabel.Nifti1Image(np.full((3, 4, 5, 1, 1), 7, dtype=np.int16), np.eye(4))
    image.header.set_slope_inter(2.0, -10.0)
    nibabel.save(image, tmp_path / "scaled.nii")
    volume = read_volume(tmp_path / "scaled.nii")
    assert volume.values.shape == (5, 4, 3)
    np.testing.assert_array_equal(volume.values, 7 * 2 - 10)


def test_values_do_not_follow_the_file(tmp_path):
    path = save(tmp_path / "a.nii", np.full((3, 3, 3), 5, dtype=np.float32))
    volume = read_volume(path)
    save(path, np.zeros((3, 3, 3), dtype=np.float32))
    assert volume.values.min() == 5
    assert not volume.values.flags.writeable


def half_of(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def noise(shape=(20, 20, 20)):
    return np.random.default_rng(2).integers(0, 1000, shape).astype(np.int16)


def truncated_gz(folder):
    return half_of(save(folder / "cut.nii.gz", noise()))


def truncated_plain(folder):
    return half_of(save(folder / "cut.nii", noise()))


def corrupt_gz(folder):
    path = save(folder / "bad.nii.gz", noise())
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(bytes(content))
    return path


def not_gz(folder):
    path = folder / "text.nii.gz"
    path.write_text("patient left early")
    return path


def gz_of_text(folder):
    path = folder / "text.nii.gz"
    path.write_bytes(gzip.compress(b"no header in here" * 40))
    return path


def empty(folder):
    path = folder / "empty.nii"
    path.touch()
    return path


def series(folder):
    return save(folder / "four.nii", noise((4, 4, 4, 3)))


def single_slice(folder):
    return save(folder / "flat.nii", noise((9, 9, 1)))


def two_dimensional(folder):
    return save(folder / "flat.nii", noise((9, 9)))


def not_a_number(folder):
    data = np.zeros((4, 5, 6), dtype=np.float32)
    data[1, 2, 3] = np.nan
    data[3, 4, 5] = np.inf
    return save(folder / "holes.nii", data)


def too_large(folder):
    data = np.zeros((4, 5, 6), dtype=np.float64)
    data[1, 2, 3] = 1e300
    return save(folder / "holes.nii", data)


def complex_voxels(folder):
    return save(folder / "phase.nii", np.zeros((4, 4, 4), dtype=np.complex64))


def color(folder):
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    return save(folder / "color.nii", np.zeros((4, 4, 4), dtype=kind))


def in_meters(folder):
    return save(folder / "m.nii", noise(), np.diag([1e-3, 1e-3, 1e-3, 1]), unit="meter")


def in_microns(folder):
    return save(folder / "um.nii", noise(), np.diag([900.0, 900.0, 900.0, 1]), unit="micron")


def unstated_meters(folder):
    return save(folder / "m.nii", noise(), np.diag([1e-3, 1e-3, 3e-3, 1]), unit="unknown")


def sheared(folder):
    affine = np.eye(4)
    affine[0, 2] = 0.3
    return save(folder / "shear.nii", noise(), affine)


def broken_affine(folder):
    path = save(folder / "affine.nii", noise())
    content = bytearray(path.read_bytes())
    content[280:284] = np.float32(np.nan).tobytes()  # srow_x
    path.write_bytes(bytes(content))
    return path


def other_format(folder):
    path = folder / "image.nrrd"
    path.write_bytes(b"NRRD0004\n")
    return path


def nowhere(folder):
    return folder / "missing.nii.gz"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (truncated_gz, "not a complete NIfTI file"),
        (truncated_plain, "not a complete NIfTI file"),
        (corrupt_gz, "not a complete NIfTI file"),
        (not_gz, "not a complete NIfTI file"),
        (gz_of_text, "not a complete NIfTI file"),
        (empty, "not a complete NIfTI file"),
        (series, r"4 dimensions \(4 x 4 x 4 x 3\), 3 expected"),
        (single_slice, r"\(9 x 9 x 1\) is not a volume"),
        (two_dimensional, r"\(9 x 9\) is not a volume"),
        (not_a_number, r"2 voxels are not finite numbers, the first at index \(1, 2, 3\)"),
        (too_large, r"1 voxels are not finite"),
        (complex_voxels, r"complex \(complex64\)"),
        (color, r"voxels are color"),
        (in_meters, r"spacing in meters \(xyzt_units\), millimeters expected"),
        (in_microns, "spacing in microns"),
        (unstated_meters, "spacing 0.001 x 0.001 x 0.003 mm looks like meters"),
        (sheared, "sheared"),
        (broken_affine, "finite 4x4"),
        (other_format, "does not end in .nii or .nii.gz"),
        (nowhere, "no such file"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_images_are_refused_in_one_sentence(tmp_path, make, message):
    path = make(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read_volume(path)
    text = str(caught.value)
    assert path.name in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz"])
def test_no_truncated_file_passes(tmp_path, name):
    path = save(tmp_path / name, noise((6, 7, 8)))
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=name):
            read_volume(path)


LABELS = np.zeros((4, 5, 6), dtype=np.int32)
LABELS[1:3, 1:3, 1:3] = 7
LABELS[3] = 300


def test_labels_and_names_round_trip(tmp_path):
    names = {7: "liver", 300: "vessels & <bile> ducts: é"}
    labels = Labels(Grid.from_spacing(LABELS.shape, 2.0, (1, 2, 3)), LABELS, names)
    write_labels(labels, tmp_path / "labels.nii.gz")
    again = read_labels(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(again.values, LABELS)
    assert again.values.dtype == np.int32
    assert again.names == names
    assert again.grid.matches(labels.grid)
    assert nibabel.load(tmp_path / "labels.nii.gz").get_data_dtype() == np.uint16


def test_small_labels_take_one_byte(tmp_path):
    labels = Labels(Grid.from_spacing(LABELS.shape, 2.0, (1, 2, 3)), LABELS % 256)
    write_labels(labels, tmp_path / "labels.nii")
    assert nibabel.load(tmp_path / "labels.nii").get_data_dtype() == np.uint8
    assert read_labels(tmp_path / "labels.nii").names == {}


def test_names_in_the_form_of_totalsegmentator(tmp_path):
    text = (
        b'<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <VolumeInformation Index="0">'
        b'<LabelTable>\n<Label Key="1" Red="0.0" Green="1.0" Blue="0.0" Alpha="1">'
        b'<![CDATA[spleen]]></Label>\n<Label Key="5"><![CDATA[liver]]></Label>\n</LabelTable>'
        b"</VolumeInformation></CaretExtension>              "
    )
    image = nibabel.Nifti1Image(np.ones((3, 3, 3), dtype=np.uint8), np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"a comment"))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, text))
    nibabel.save(image, tmp_path / "labels.nii")
    labels = read_labels(tmp_path / "labels.nii")
    assert labels.names == {1: "spleen", 5: "liver"}
    assert labels.value_of("spleen") == labels.value_of(1) == 1
    with pytest.raises(InputError, match=r"did you mean 'spleen'\?\); its names: liver, spleen$"):
        labels.value_of("spleem")
    assert read_labels(tmp_path / "labels.nii", names={1: "milt"}).names == {1: "milt"}
    image.header.extensions[1] = nibabel.nifti1.Nifti1Extension(0, text[:200])
    nibabel.save(image, tmp_path / "labels.nii")
    with pytest.raises(InputError, match=r"labels\.nii: the label names in the header are damaged"):
        read_labels(tmp_path / "labels.nii")


def test_whole_numbers_stored_as_floats_are_labels(tmp_path):
    path = save(tmp_path / "labels.nii", LABELS.astype(np.float32))
    np.testing.assert_array_equal(read_labels(path).values, LABELS.T)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, r"label 0\.5 at index \(1, 2, 3\) is not a whole number"),
        (np.nan, r"label nan at index \(1, 2, 3\)"),
        (-3, r"label -3 is out of range"),
        (3e9, r"label 3e\+09 is out of range"),
    ],
)
def test_bad_labels_are_refused(tmp_path, value, message):
    data = np.zeros((4, 5, 6))
    data[1, 2, 3] = value
    path = save(tmp_path / "labels.nii", data)
    with pytest.raises(InputError, match=message) as caught:
        read_labels(path)
    assert "labels.nii" in str(caught.value)


def test_a_folder_is_no_label_map(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        read_labels(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "structure,number\nliver,5\n",
            "needs columns 'id' and 'structure', has structure, number",
        ),
        ("id,structure\nfive,liver\n", "id 'five' in line 2"),
        ("id,structure\n5,liver\n5,spleen\n", "id 5 in line 3 is given twice"),
        ("", "needs columns 'id' and 'structure', has none"),
        (None, "cannot read the label names"),
    ],
)
def test_bad_name_tables_are_refused(tmp_path, text, message):
    path = save(tmp_path / "labels.nii", LABELS)
    table = tmp_path / "names.csv"
    if text is not None:
        table.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_labels(path, table)
    assert "names.csv" in str(caught.value)


def test_name_table(tmp_path):
    path = save(tmp_path / "labels.nii", LABELS)
    table = tmp_path / "names.csv"
    table.write_text("group,structure,id\norgans,liver,7\nbones,femur,300\n")
    assert read_labels(path, table).names == {7: "liver", 300: "femur"}


def test_writing_leaves_one_whole_file_or_none(tmp_path, monkeypatch):
    volume = linear_volume(Grid.from_spacing(SHAPE, 1.0, (0, 0, 0)))
    path = tmp_path / "image.nii.gz"
    path.write_bytes(b"old")

    def full_disk(_, name):
        name.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(nibabel, "save", full_disk)
        with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
            write_volume(volume, path)
    assert path.read_bytes() == b"old"
    write_volume(volume, path)
    assert [file.name for file in tmp_path.iterdir()] == ["image.nii.gz"]


def test_bad_output_names_are_refused(tmp_path):
    volume = linear_volume(Grid.from_spacing(SHAPE, 1.0, (0, 0, 0)))
    with pytest.raises(InputError, match=r"must end in \.nii or \.nii\.gz"):
        write_volume(volume, tmp_path / "image.mha")
    with pytest.raises(InputError, match="cannot be written"):
        write_volume(volume, tmp_path / "nowhere" / "image.nii")
    negative = Labels(volume.grid, np.full(SHAPE, -1, dtype=np.int32))
    with pytest.raises(InputError, match="label -1 cannot be stored"):
        write_labels(negative, tmp_path / "labels.nii")


def test_the_package_imports_no_image_library():
    code = (
        "import sys, cryosim.images; "
        "print([m for m in ('pydicom', 'nibabel', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
