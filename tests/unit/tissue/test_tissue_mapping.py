"""Labels and Hounsfield units to tissue: names, thresholds, vessels, precedence, errors."""

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.tissue import TissueGrid, build_tissue, define_tissue, read_library
from cryosim.tissue.hounsfield import HU_TISSUES, bone_from_hu, gas_from_hu
from cryosim.tissue.mapping import tissue_from_hu, tissue_of_structure, wide_vessels
from cryosim.tissue.structures import rule_of_structure

DATA = Path(
    os.environ.get("CRYOSIM_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data")
)
LIBRARY = read_library()


# ---- names


@pytest.mark.parametrize(
    ("name", "tissue", "split"),
    [
        ("liver", "liver", ""),
        ("kidney_left", "kidney", ""),
        ("kidney_cyst_left", "body-fluid", ""),
        ("pancreas", "pancreas", ""),
        ("prostate", "prostate", ""),
        ("adrenal_gland_right", "soft-tissue", ""),
        ("lung_upper_lobe_left", "lung", ""),
        ("lung_left", "lung", ""),
        ("trachea", "gas", ""),
        ("stomach", "stomach-wall", "gas"),
        ("small_bowel", "bowel-wall", "gas"),
        ("duodenum", "bowel-wall", "gas"),
        ("colon", "bowel-wall", "gas"),
        ("esophagus", "bowel-wall", "gas"),
        ("Bowel", "bowel-wall", "gas"),
        ("urinary_bladder", "urine", ""),
        ("gallbladder", "bile", ""),
        ("aorta", "blood", ""),
        ("heart", "blood", ""),
        ("heart_myocardium", "heart", ""),
        ("portal_vein", "blood", ""),
        ("portal_vein_and_splenic_vein", "blood", ""),
        ("iliac_vena_left", "blood", ""),
        ("inferior_vena_cava", "blood", ""),
        ("pulmonary_artery", "blood", ""),
        ("liver_vessels", "blood", ""),
        ("liver_tumor", "tumor", ""),
        ("lung_nodule", "tumor", ""),
        ("Lesion 2", "tumor", ""),
        ("vertebrae_L5", "bone-cancellous", "bone"),
        ("vertebrae", "bone-cancellous", "bone"),
        ("intervertebral_discs", "cartilage", ""),
        ("costal_cartilages", "cartilage", ""),
        ("rib_left_12", "bone-cancellous", "bone"),
        ("hip_right", "bone-cancellous", "bone"),
        ("femur", "bone-cancellous", "bone"),
        ("carpal", "bone-cancellous", "bone"),
        ("gluteus_maximus_left", "muscle", ""),
        ("iliopsoas_right", "muscle", ""),
        ("thigh_posterior_compartment_left", "muscle", ""),
        ("skeletal_muscle", "muscle", ""),
        ("subcutaneous_fat", "fat", ""),
        ("spinal_cord", "spinal-cord", ""),
        ("sciatic nerve", "nerve", ""),
        ("brain", "brain", ""),
        ("skin", "skin", ""),
        ("body_trunc", "soft-tissue", "hu"),
        ("face", "soft-tissue", "hu"),
    ],
)
def test_structure_names(name, tissue, split):
    rule = rule_of_structure(name)
    assert rule is not None
    assert (rule.tissue, rule.split) == (tissue, split)
    assert tissue_of_structure(name) == tissue
    assert rule.tissue in LIBRARY


@pytest.mark.parametrize("name", ["hip_implant", "segment_1", "", "xyzzy"])
def test_names_that_nobody_foresaw_say_nothing(name):
    assert tissue_of_structure(name) is None


def test_names_are_understood_whatever_their_case_and_blanks():
    assert tissue_of_structure("Inferior Vena-Cava") == "blood"


@pytest.mark.parametrize("file", ["labels", "mr_labels", "dicom_labels"])
def test_every_totalsegmentator_name_is_understood(file):
    path = DATA / "torso_ct" / f"{file}.nii.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not here; set CRYOSIM_DATA to the folder that holds it")
    nibabel = pytest.importorskip("nibabel")
    header = b"".join(extension.get_content() for extension in nibabel.load(path).header.extensions)
    names = re.findall(r"<Label Key[^>]*><!\[CDATA\[(.*?)\]\]>", header.decode())
    assert len(names) >= 50
    assert [name for name in names if tissue_of_structure(name) is None] == []


def test_every_name_of_the_structure_table_is_understood():
    path = DATA / "liver_dicom" / "structures.csv"
    if not path.exists():
        pytest.skip("structures.csv is not here; set CRYOSIM_DATA to the folder that holds it")
    with path.open(encoding="utf-8") as file:
        names = [row["structure"] for row in csv.DictReader(file)]
    assert len(names) == 118
    assert [name for name in names if tissue_of_structure(name) is None] == []


# ---- Hounsfield units


@pytest.mark.parametrize(
    ("hu", "tissue"),
    [
        (-1024, "gas"),
        (-901, "gas"),
        (-900, "lung"),
        (-700, "lung"),
        (-501, "lung"),
        (-500, "fat"),
        (-190, "fat"),
        (-31, "fat"),
        (-30, "muscle-by-ct"),
        (50, "muscle-by-ct"),
        (149, "muscle-by-ct"),
        (150, "bone-cancellous"),
        (499, "bone-cancellous"),
        (500, "bone-cortical"),
        (3071, "bone-cortical"),
    ],
)
def test_thresholds(hu, tissue):
    index = tissue_from_hu(np.full((1, 2, 3), hu, dtype=np.float32))
    assert index.dtype == np.uint8
    assert index.shape == (1, 2, 3)
    assert {HU_TISSUES[n] for n in index.ravel()} == {tissue}


def test_bones_are_split_by_hu():
    index = bone_from_hu(np.array([-80, -30, 20, 300, 500, 2000], dtype=np.float32))
    assert [HU_TISSUES[n] for n in index] == [
        "bone-marrow",
        "bone-cancellous",
        "bone-cancellous",
        "bone-cancellous",
        "bone-cortical",
        "bone-cortical",
    ]


def test_gas_in_hollow_organs_starts_below_fat():
    assert gas_from_hu(np.array([-1000, -201, -200, 40])).tolist() == [True, True, False, False]


def test_every_tissue_by_hu_is_in_the_library():
    assert all(name in LIBRARY.names for name in HU_TISSUES)


# ---- vessels


def cylinder(
    diameter_mm: float, spacing_mm: float, shift: float, axis: tuple[float, ...]
) -> np.ndarray:
    """A long vessel whose axis runs `shift` voxels off a voxel's center."""
    size = int(24 / spacing_mm)
    points = (np.indices((size,) * 3).reshape(3, -1).T - size // 2 - shift) * spacing_mm
    along = np.array(axis) / np.linalg.norm(axis)
    distance = np.linalg.norm(points - np.outer(points @ along, along), axis=1)
    return (distance < diameter_mm / 2).reshape((size,) * 3)


AXES = [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.7, 0.3)]
SHIFTS = [0.0, 0.25, 0.5]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("spacing_mm", [0.5, 1.0, 2.0])
def test_vessels_of_4_mm_are_wide(axis, shift, spacing_mm):
    vessel = cylinder(4.0, spacing_mm, shift, axis)
    wide = wide_vessels(vessel, spacing_mm)
    assert not np.any(wide & ~vessel)
    assert wide.sum() > 0.7 * vessel.sum()


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("spacing_mm", [0.5, 1.0])
def test_vessels_of_2_mm_are_not(axis, shift, spacing_mm):
    vessel = cylinder(2.0, spacing_mm, shift, axis)
    assert vessel.any()
    assert not wide_vessels(vessel, spacing_mm).any()


def test_a_narrow_branch_of_a_wide_vessel_is_narrow():
    vessel = cylinder(10.0, 1.0, 0.5, (1.0, 0.0, 0.0))
    branch = np.zeros_like(vessel)
    branch[12, 12, 12:] = True
    wide = wide_vessels(vessel | branch, 1.0)
    assert np.array_equal(wide & vessel, vessel)
    assert not wide[12, 12, 20:].any()


def test_vessels_in_flat_voxels():
    # 0.7 x 0.7 x 3 mm: a vessel along z of 3 x 3 voxels is 2.1 mm wide, of 6 x 6 4.2 mm
    mask = np.zeros((8, 24, 24), dtype=bool)
    mask[:, 2:5, 2:5] = True
    mask[:, 10:16, 10:16] = True
    wide = wide_vessels(mask, (0.7, 0.7, 3.0))
    assert not wide[:, 2:5, 2:5].any()
    assert wide[:, 10:16, 10:16].mean() > 0.85


def test_wide_vessels_at_the_limits():
    nothing = np.zeros((4, 5, 6), dtype=bool)
    assert not wide_vessels(nothing, 1.0).any()
    assert wide_vessels(~nothing, 1.0).all()
    # cut by the edge of the grid, the vessel goes on outside
    cut = nothing.copy()
    cut[:, :2, :] = True
    assert wide_vessels(cut, 1.0).any()
    assert not wide_vessels(cut, 1.0, diameter_mm=12.0).any()


# ---- the whole mapping

SHAPE = (12, 12, 12)


def grid_of(spacing_mm: float = 5.0) -> Grid:
    return Grid.from_spacing(SHAPE, spacing_mm, (0.0, 0.0, 0.0))


def ct_of(values: np.ndarray) -> Volume:
    return Volume(grid_of(), values.astype(np.float32), "ct", "ct.nii.gz")


def labels_of(values: np.ndarray, names: Mapping[int, str] | None = None) -> Labels:
    return Labels(grid_of(), values.astype(np.int32), names or {}, "labels.nii.gz")


def names_in(tissue: TissueGrid) -> np.ndarray:
    return np.array([each.name for each in tissue.tissues])[tissue.index]


@pytest.fixture
def slabs() -> tuple[np.ndarray, np.ndarray]:
    """HU and labels in slabs along k: two of each, so that resampling cannot blur all of one."""
    hu = np.repeat([-1000, -700, -100, 40, 300, 1200], 2)[:, None, None] * np.ones(SHAPE)
    labels = np.repeat([0, 1, 2, 3, 0, 0], 2)[:, None, None] * np.ones(SHAPE)
    return hu, labels


def test_what_ct_alone_calls_muscle_may_be_an_organ():
    """A liver that nobody labelled must not be judged by the flow of muscle alone."""
    seen, muscle = LIBRARY["muscle-by-ct"], LIBRARY["muscle"]
    assert seen.name in HU_TISSUES
    assert muscle.name not in HU_TISSUES
    assert seen.perfusion_1_s == muscle.perfusion_1_s
    highest = seen.ranges["perfusion_1_s"][1]
    assert highest >= LIBRARY["liver"].ranges["perfusion_1_s"][1]
    assert seen.is_called("muscle")
    assert not muscle.is_called("muscle-by-ct")


def test_ct_without_labels_gets_gas_lung_fat_muscle_and_bone(slabs):
    tissue = build_tissue(grid_of(), ct_of(slabs[0]), None, {}, LIBRARY)
    assert names_in(tissue)[::2, 0, 0].tolist() == [
        "gas",
        "lung",
        "fat",
        "muscle-by-ct",
        "bone-cancellous",
        "bone-cortical",
    ]
    assert tissue.heat_sink is None
    assert any("Hounsfield" in sentence for sentence in tissue.assumptions)
    assert np.array_equal(tissue.image, slabs[0].astype(np.float32))


def test_plan_beats_name_beats_hu(slabs):
    hu, labels = slabs
    named = labels_of(labels, {1: "liver", 2: "spleen", 3: "pancreas", 9: "brain"})
    tissue = build_tissue(
        grid_of(), ct_of(hu), named, {"1": "kidney", "Spleen": "tumor", "9": "fat"}, LIBRARY
    )
    assert names_in(tissue)[::2, 0, 0].tolist() == [
        "gas",  # no label: by HU
        "kidney",  # the plan, by value
        "tumor",  # the plan, by name
        "pancreas",  # by its own name
        "bone-cancellous",
        "bone-cortical",
    ]
    assert {each.name for each in tissue.tissues} == set(names_in(tissue).ravel())
    assert any(
        text == "tissue by structure name: pancreas for pancreas" for text in tissue.assumptions
    )


def test_label_can_be_left_to_hu_and_background_can_be_mapped(slabs):
    hu, labels = slabs
    named = labels_of(labels, {2: "liver"})
    tissue = build_tissue(
        grid_of(), ct_of(hu), named, {"0": "gel", "1": "muscle", "2": "hu", "3": "Bone"}, LIBRARY
    )
    assert names_in(tissue)[::2, 0, 0].tolist() == [
        "gel",
        "muscle",
        "fat",
        "bone-cancellous",
        "gel",
        "gel",
    ]


def test_unknown_label_is_left_to_hu_and_named(slabs):
    hu, labels = slabs
    named = labels_of(labels, {1: "thing", 3: "liver"})
    tissue = build_tissue(grid_of(), ct_of(hu), named, {}, LIBRARY)
    assert names_in(tissue)[::2, 0, 0].tolist()[:4] == ["gas", "lung", "fat", "liver"]
    told = " | ".join(tissue.assumptions)
    assert "no known name, so taken as unlabeled: label 1 'thing', 2" in told


def test_bones_and_hollow_organs_are_split_by_hu():
    hu = np.repeat([-1000, -100, 40, 300, 900, 3050], 2)[:, None, None] * np.ones(SHAPE)
    labels = np.ones(SHAPE)
    labels[..., 6:] = 2
    named = labels_of(labels, {1: "femur_left", 2: "colon"})
    tissue = build_tissue(grid_of(), ct_of(hu), named, {}, LIBRARY)
    assert names_in(tissue)[::2, 0, 0].tolist() == [
        "bone-marrow",
        "bone-marrow",
        "bone-cancellous",
        "bone-cancellous",
        "bone-cortical",
        "bone-cortical",
    ]
    assert names_in(tissue)[::2, 0, 11].tolist() == ["gas", *["bowel-wall"] * 5]
    told = " | ".join(tissue.assumptions)
    assert "288 voxels above 3000 HU may be metal" in told
    assert "hollow organs" in told
    assert "voxel by voxel" not in told  # nothing was left to HU alone


def test_mr_takes_names_and_soft_tissue_for_the_rest(slabs):
    named = labels_of(slabs[1], {1: "femur_left", 2: "colon"})
    mr = Volume(grid_of(), np.full(SHAPE, 900, dtype=np.float32), "mr", "mr.nii.gz")
    for image in (mr, None):
        tissue = build_tissue(grid_of(), image, named, {"3": "liver"}, LIBRARY)
        assert names_in(tissue)[::2, 0, 0].tolist() == [
            "soft-tissue",
            "bone-cancellous",
            "bowel-wall",
            "liver",
            "soft-tissue",
            "soft-tissue",
        ]
        told = " | ".join(tissue.assumptions)
        assert "voxels without a known label are taken as soft-tissue" in told
        assert "bones are taken as cancellous" in told
        assert "hollow organs are taken as wall" in told
        assert (tissue.image is None) == (image is None)


def test_labels_on_another_grid_are_carried_over():
    coarse = Grid.from_spacing((4, 4, 4), 15.0, (5.0, 5.0, 5.0))
    values = np.zeros((4, 4, 4), dtype=np.int32)
    values[0] = 5
    labels = Labels(coarse, values, {5: "liver"}, "labels.nii.gz")
    tissue = build_tissue(grid_of(), ct_of(np.full(SHAPE, 40.0)), labels, {}, LIBRARY)
    assert (names_in(tissue)[:3] == "liver").all()
    assert (names_in(tissue)[3:] == "muscle-by-ct").all()


def test_wide_vessels_are_held_and_narrow_ones_are_soft_tissue():
    values = np.zeros(SHAPE)
    values[:, 1:7, 1:7] = 7
    values[:, 9, 9] = 8
    grid = grid_of(1.0)
    names = {7: "aorta", 8: "lumbar artery"}
    named = Labels(grid, values.astype(np.int32), names, "labels.nii.gz")
    image = Volume(grid, np.full(SHAPE, 40.0, dtype=np.float32), "ct", "ct.nii.gz")
    tissue = build_tissue(grid, image, named, {}, LIBRARY)
    assert tissue.heat_sink is not None
    assert (names_in(tissue)[tissue.heat_sink] == "blood").all()
    assert tissue.heat_sink[:, 2:6, 2:6].all()
    assert not tissue.heat_sink[:, 8:, 8:].any()
    assert (names_in(tissue)[:, 9, 9] == "soft-tissue").all()
    assert any("vessels of 3 mm and less" in text for text in tissue.assumptions)
    assert np.array_equal(names_in(tissue) == "blood", tissue.heat_sink)


def test_structures_and_inputs_pass_through_untouched(slabs):
    hu, labels = slabs
    volume, named = ct_of(hu), labels_of(labels)
    mapping = {"1": "muscle"}
    share = np.full(SHAPE, 0.25, dtype=np.float32)
    tissue = build_tissue(grid_of(), volume, named, mapping, LIBRARY, structures={"target": share})
    assert np.array_equal(tissue.structures["target"], share)
    assert np.array_equal(volume.values, hu.astype(np.float32))
    assert np.array_equal(named.values, labels.astype(np.int32))
    assert mapping == {"1": "muscle"}


def test_tissues_of_the_plan_can_be_mapped(slabs):
    mine = define_tissue({"name": "bone", "base": "muscle", "heat_sink": True}, LIBRARY)
    library = LIBRARY.with_tissues([mine])
    tissue = build_tissue(
        grid_of(), ct_of(slabs[0]), labels_of(slabs[1] > 0), {"1": "bone"}, library
    )
    assert (names_in(tissue)[2:8] == "bone").all()
    assert tissue.heat_sink is not None
    assert tissue.heat_sink[3:7].all()


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"4": "liver"}, "label 4 has no voxel; the labels hold: 0, 1, 2, 3"),
        ({"lever": "liver"}, r"no label is named 'lever' \(did you mean 'liver'\?\)"),
        ({"1": "livre"}, r"label 1 = 'livre' is not a tissue \(did you mean 'liver'\?\)"),
        ({"1": "fat", "liver": "muscle"}, "maps label 1 twice, to fat and to muscle"),
    ],
)
def test_bad_mapping_says_what_is_wrong(slabs, mapping, said):
    named = labels_of(slabs[1], {1: "liver"})
    with pytest.raises(InputError, match=said):
        build_tissue(grid_of(), ct_of(slabs[0]), named, mapping, LIBRARY)


def test_labels_without_names_ask_for_numbers(slabs):
    with pytest.raises(InputError, match="none, use the label's number"):
        build_tissue(grid_of(), None, labels_of(slabs[1]), {"liver": "liver"}, LIBRARY)


def test_missing_anatomy_says_what_to_add(slabs):
    mr = Volume(grid_of(), slabs[0].astype(np.float32), "mr")
    with pytest.raises(InputError, match="an MR image does not tell the tissue; add"):
        build_tissue(grid_of(), mr, None, {}, LIBRARY)
    with pytest.raises(InputError, match="neither image nor labels tell"):
        build_tissue(grid_of(), None, None, {}, LIBRARY)
    with pytest.raises(InputError, match="maps label 1, but the plan has no labels"):
        build_tissue(grid_of(), ct_of(slabs[0]), None, {"1": "liver"}, LIBRARY)
    with pytest.raises(InputError, match='label 1 = "hu" needs a CT'):
        build_tissue(grid_of(), mr, labels_of(slabs[1]), {"1": "hu"}, LIBRARY)


def test_the_edge_of_the_skin_is_not_lung():
    """A CT blurs skin into air through -700 HU; one voxel of that is no lung."""
    hu = np.full((20, 4, 4), -1000.0)
    hu[10:] = 40.0
    hu[9] = -700.0
    grid = Grid.from_spacing(hu.shape, 1.0, (0.0, 0.0, 0.0))
    volume = Volume(grid, hu.astype(np.float32), "ct", "ct.nii.gz")
    tissue = build_tissue(grid, volume, None, {}, LIBRARY)
    assert {t.name for t in tissue.tissues} == {"gas", "muscle-by-ct"}
