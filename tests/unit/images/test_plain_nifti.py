"""What is read without nibabel is what nibabel reads, and what is not plain is left to it."""

import gzip
import subprocess
import sys

import nibabel
import numpy as np
import pytest

from cryosim.images import Labels, read_labels, read_volume, write_labels
from cryosim.images.plain_nifti import read_plain

DATA = np.arange(3 * 4 * 5).reshape(3, 4, 5)
AFFINE = np.array([[-0.7, 0.1, 0, 12.25], [0.07, 1.0, 0, -3], [0, 0, 2.5, 7], [0, 0, 0, 1]])
TYPES = ["u1", "i1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8"]


def written(kind="<i2", texts=(), edit=None, image=nibabel.Nifti1Image, data=DATA, header=None):
    """Bytes of a file that nibabel writes."""
    made = image(data.astype(kind), AFFINE, header, dtype=kind)
    made.header.extensions.extend(nibabel.nifti1.Nifti1Extension(*text) for text in texts)
    content = bytearray(made.to_bytes())
    if edit is not None:
        first, field = edit
        content[first : first + len(field)] = field
    return bytes(content)


@pytest.mark.parametrize("kind", TYPES)
def test_plain_files_are_read_as_nibabel_reads_them(kind):
    content = written(kind, [(0, b"<some text/>"), (0, b"more")])
    raw, expected = read_plain(content), nibabel.Nifti1Image.from_bytes(content)
    assert np.array_equal(raw.affine, expected.affine)
    assert raw.values.dtype == expected.dataobj.dtype
    assert np.array_equal(raw.values, np.asanyarray(expected.dataobj).transpose())
    assert raw.header_texts == (b"<some text/>", b"more")
    assert raw.header_texts == tuple(text.get_content() for text in expected.header.extensions)


def number(value, kind):
    return np.array(value, kind).tobytes()


OTHERS = {
    "the second version": written(image=nibabel.Nifti2Image),
    "big-endian": written(header=nibabel.Nifti1Header(endianness=">")),
    "two files": written(edit=(344, b"ni1")),
    "four axes": written(data=DATA[..., None]),
    "a single slice": written(data=DATA[:, :, :1]),
    "complex": written("<c8"),
    "scaled": written(edit=(112, number([2.0, 0.0], "<f4"))),
    "moved": written(edit=(112, number([1.0, -1024.0], "<f4"))),
    "no sform": written(edit=(254, number(0, "<i2"))),
    "meters": written(edit=(123, b"\1")),
    "an affine of no numbers": written(edit=(280, number(np.nan, "<f4"))),
    "bits that do not fit": written(edit=(72, number(8, "<i2"))),
    "voxels within the header": written(edit=(108, number(100.0, "<f4"))),
    "a comment": written(texts=[(6, b"a comment")]),
    "cut": written()[:-1],
    "cut in the header": written()[:200],
    "nothing": b"",
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_what_is_not_plain_is_left_to_nibabel(content):
    assert read_plain(content) is None


def test_values_without_a_slope_are_not_scaled():
    for slope in (0.0, np.nan):
        content = written(edit=(112, number([slope, 5.0], "<f4")))
        expected = np.asanyarray(nibabel.Nifti1Image.from_bytes(content).dataobj)
        assert np.array_equal(read_plain(content).values, expected.transpose())


def test_image_and_labels_need_no_nibabel(tmp_path):
    (tmp_path / "ct.nii.gz").write_bytes(gzip.compress(written("<i2")))
    volume = read_volume(tmp_path / "ct.nii.gz", "ct")
    labels = Labels(volume.grid, DATA.transpose().astype(np.int32), {7: "liver"})
    write_labels(labels, tmp_path / "labels.nii.gz")
    assert read_labels(tmp_path / "labels.nii.gz").names == {7: "liver"}
    code = (
        "import sys; from cryosim.images import read_labels, read_volume; "
        "read_volume(sys.argv[1], 'ct'); read_labels(sys.argv[2]); print('nibabel' in sys.modules)"
    )
    files = [str(tmp_path / name) for name in ("ct.nii.gz", "labels.nii.gz")]
    child = subprocess.run(
        [sys.executable, "-c", code, *files], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "False"
