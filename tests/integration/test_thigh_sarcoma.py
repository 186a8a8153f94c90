"""The main job on a real patient: soft-tissue sarcoma of the thigh, from NIfTI and from DICOM."""

import json

import pytest

from cryosim.cli import main

PLAN = """
[anatomy]
image = "{image}"
labels = "{labels}"

[anatomy.tissues]
1 = "tumor"

[target]
label = 1

[grid]
spacing_mm = 3.0

[protocol]
preset = "keio-soft-tissue"
"""
PROBE = """
[[probe]]
model = "argon-17g"
tip_mm = [130, {y}, 640]
entry_mm = [130, {y}, 740]
"""


def report_of(folder, image, labels):
    folder.mkdir()
    text = PLAN.format(image=image, labels=labels)
    text += "".join(PROBE.format(y=y) for y in (2, 18, 34))
    (folder / "plan.toml").write_text(text)
    code = main(["run", str(folder / "plan.toml"), "-o", str(folder / "out")])
    report = json.loads((folder / "out" / "report.json").read_text())
    assert code == (0 if report["passed"] else 1)
    return report


def test_nifti_and_dicom_give_the_same_report(tmp_path, data_folder, sts_thigh_dicom):
    labels = data_folder / "sts_thigh" / "CT_mask.nii.gz"
    nifti = report_of(tmp_path / "nifti", data_folder / "sts_thigh" / "CT_image.nii.gz", labels)
    dicom = report_of(tmp_path / "dicom", sts_thigh_dicom / "CT" / "image", labels)
    assert nifti["target"]["volume_ml"] == pytest.approx(34.85, rel=0.01)
    for one, other in zip(nifti["timeline"], dicom["timeline"], strict=True):
        for level in ("0", "-20", "-40"):
            assert one[level]["volume_ml"] == pytest.approx(other[level]["volume_ml"], rel=1e-4)
    for key, share in nifti["target"]["coverage"].items():
        assert share == pytest.approx(dicom["target"]["coverage"][key], abs=1e-4)
    assert nifti["target"]["margin"]["ice"]["min_mm"] == pytest.approx(
        dicom["target"]["margin"]["ice"]["min_mm"], abs=0.01
    )
    assert nifti["energy"]["relative_error"] < 1e-6
    ice_ml = [row["0"]["volume_ml"] for row in nifti["timeline"] if row["t_s"] % 1800 == 1200]
    assert ice_ml == sorted(ice_ml)
    assert 100 < ice_ml[-1] < 500
