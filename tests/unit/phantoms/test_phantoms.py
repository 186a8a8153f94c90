"""Phantoms: known volumes and distances, names that map to tissues, probes where probes can be."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cryosim.errors import InputError
from cryosim.plan import Plan, plan_from_dict
from cryosim.probes import Probe, check_placement
from cryosim.tissue import build_tissue, read_library
from cryosim.tissue.structures import tissue_of_structure
from cryosim_phantoms import (
    Phantom,
    build_phantom,
    catalog,
    iliac_metastasis,
    liver_metastasis,
    phantom_descriptions,
    phantom_names,
    thigh_sarcoma,
)
from cryosim_phantoms.contours import Cells, Outline, Plate, oval
from cryosim_phantoms.hounsfield import HU_OF_TISSUE
from cryosim_phantoms.plan_text import plan_as_toml
from cryosim_phantoms.shapes import Ball, Cylinder, Ellipsoid, Grown, Inside, Outside, Slab, Tube

ORGANS = ("thigh-sarcoma", "iliac-metastasis", "liver-metastasis")
TUMORS = {
    "thigh-sarcoma": thigh_sarcoma.TUMOR,
    "iliac-metastasis": iliac_metastasis.TUMOR,
    "liver-metastasis": liver_metastasis.TUMOR,
}


def plan_of(name: str) -> Plan:
    content = dict(build_phantom(name).plan)
    content["anatomy"] = {**content.get("anatomy", {}), "phantom": name}
    return plan_from_dict(content, Path())


def surface_of(tumor: Ellipsoid) -> np.ndarray:
    """Points all over the surface of an ellipsoid, (n, 3)."""
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, 91), np.linspace(0, 2 * np.pi, 181))
    unit = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    x, y, z = (r * u.ravel() for r, u in zip(tumor.semi_axes_mm, unit, strict=True))
    turn = np.radians(tumor.turn_deg)
    points = [np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y, z]
    return np.stack(points, axis=-1) + tumor.center_mm


def labels_along(phantom: Phantom, probe: Probe) -> list[str]:
    """Names of the structures that a probe touches from its tip to its entry, inside the image."""
    length = np.linalg.norm(np.subtract(probe.entry_mm, probe.tip_mm))
    points = probe.tip_mm + np.arange(0, length, 0.25)[:, None] * probe.axis
    grid = phantom.labels.grid
    index = np.rint(grid.to_index(points[grid.contains(points)])).astype(int)
    i, j, k = np.clip(index, 0, np.array(grid.shape[::-1]) - 1).T
    return [phantom.labels.names[value] for value in phantom.labels.values[k, j, i]]


# ---- shapes


def points(*coordinates: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, z = np.array(coordinates, dtype=float).reshape(-1, 3).T
    return x, y, z


@pytest.mark.parametrize(
    ("shape", "point", "expected"),
    [
        (Ball((1, 2, 3), 5), (1, 2, 11), 3.0),
        (Ball((1, 2, 3), 5), (1, 4, 3), -3.0),
        (Ball((1, 2, 3), 5), (1, 2, 3), -5.0),
        (Ellipsoid((0, 0, 0), (10, 5, 2), turn_deg=90), (0, 10, 0), 0.0),
        (Ellipsoid((0, 0, 0), (10, 5, 2), turn_deg=90), (5, 0, 0), 0.0),
        (Cylinder((0, 0, 0), 10, 40), (13, 0, 0), 3.0),
        (Cylinder((0, 0, 0), 10, 40), (0, 0, 19), -1.0),
        (Slab(1, -2, 6), (50, 7.5, 0), 1.5),
        (Tube(((0, 0, 0), (0, 0, 50), (0, 0, 100)), (4,)), (6, 0, 70), 2.0),
        (Tube(((0, 0, 0), (0, 0, 100)), (2, 6)), (0, 7, 50), 3.0),
        (Grown(Ball((0, 0, 0), 5), 2), (9, 0, 0), 2.0),
        (Inside((Ball((0, 0, 0), 5), Slab(2, 0))), (0, 0, -1), 1.0),
        (Outside(Ball((0, 0, 0), 5)), (2, 0, 0), 3.0),
    ],
)
def test_distances_are_exact(shape: Any, point: tuple[float, ...], expected: float) -> None:
    assert float(shape.distance_mm(*points(*point))[0]) == pytest.approx(expected, abs=1e-9)


def test_bounds_hold_the_shape() -> None:
    rng = np.random.default_rng(1)
    x, y, z = rng.uniform(-60, 60, (3, 20000))
    line = ((-20.0, 10.0), (0.0, 0.0), (30.0, -10.0))
    for shape in (
        Ellipsoid((3, -4, 5), (20, 8, 12), turn_deg=37),
        Tube(((-20, 0, -30), (10, 15, 0), (0, -20, 30)), (3, 6, 4)),
        Outline(((0.0, oval((2, 3), (20, 30, 25, 15))), (10.0, oval((8, 3), (10, 12, 14, 12))))),
        Plate(((-10.0, line, (2, 5, 3)), (40.0, tuple((a + 15, b) for a, b in line), (4, 4, 4)))),
        Inside((Ball((0, 0, 0), 30), Slab(0, 5, 12))),
    ):
        inside = np.broadcast_to(shape.distance_mm(x, y, z), x.shape) < 0
        lower, upper = shape.bounds_mm()
        found = np.stack([x, y, z], axis=-1)[inside]
        assert len(found)
        assert np.all((found >= lower) & (found <= upper))


def test_outline_through_points_of_a_circle_is_the_circle() -> None:
    circle = Outline(((0.0, oval((10, -5), (30.0,) * 16)),))
    x, y, z = points(10, -5, 0, 10, 20, 7, 45, -5, -9, 10 + 20, -5 + 20, 3)
    expected = np.hypot(x - 10, y + 5) - 30
    assert circle.distance_mm(x, y, z) == pytest.approx(expected, abs=0.1)


def test_outlines_are_interpolated_between_planes() -> None:
    cone = Outline(((0.0, oval((0, 0), (10.0,) * 16)), (10.0, oval((0, 0), (20.0,) * 16))))
    distance = cone.distance_mm(*points(15, 0, 5, 15, 0, 0, 15, 0, 10, 15, 0, 99))
    assert distance == pytest.approx([0, 5, -5, -5], abs=0.1)


def test_leaning_plate_stays_whole() -> None:
    line = ((-30.0, 0.0), (0.0, 0.0), (30.0, 0.0))
    plate = Plate(((0.0, line, (3,) * 3), (60.0, tuple((x, 40.0) for x, _ in line), (3,) * 3)))
    z = np.linspace(0, 60, 31)
    assert np.all(plate.distance_mm(0 * z, z * 40 / 60, z) < -1.9)


def test_cells_leave_the_gap_between_them() -> None:
    centers = ((-10.0, 0.0), (10.0, 0.0))
    left, right = (Cells(centers, (n,), gap_mm=2.0) for n in (0, 1))
    x, y, z = points(-1, 3, 0, 1, 3, 0, -6, 3, 0)
    assert left.distance_mm(x, y, z) == pytest.approx([0, 2, -5])
    assert right.distance_mm(x, y, z) == pytest.approx([2, 0, 7])


# ---- names


def test_names() -> None:
    assert phantom_names() == ("uniform", "gel", *ORGANS)
    for name in phantom_names():
        phantom = build_phantom(name)
        assert phantom.name == name
        assert phantom.description == phantom_descriptions()[name]
        assert phantom.volume.modality == "ct"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("iliac-metastases",), "did you mean 'iliac-metastasis'"),
        (("knee",), "there are: uniform, gel"),
        (("gel", (100, 100, 100)), "size_mm only goes with 'uniform'"),
        (("gel", None, "liver"), "tissue only goes with 'uniform'"),
        (("uniform", (100, 100)), "three of 5 to 1000 mm"),
        (("uniform", (100, 100, -3)), "three of 5 to 1000 mm"),
        (("uniform", (100, 100, float("nan"))), "three of 5 to 1000 mm"),
        (("uniform", None, "live"), "liver"),
    ],
)
def test_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_phantom(*arguments)


def test_second_call_shares_images_but_not_the_plan() -> None:
    one, other = build_phantom("gel"), build_phantom("gel")
    assert one.volume is other.volume
    one.plan["probe"][0]["tip_mm"][2] = 99.0
    assert other.plan["probe"][0]["tip_mm"] == [0.0, 0.0, -7.5]
    assert build_phantom("gel").plan["probe"][0]["tip_mm"] == [0.0, 0.0, -7.5]


@pytest.mark.parametrize("name", ["gel", "iliac-metastasis"])
def test_deterministic(name: str) -> None:
    one = build_phantom(name)
    catalog._build.cache_clear()
    other = build_phantom(name)
    assert one.volume is not other.volume
    assert np.array_equal(one.volume.values, other.volume.values)
    assert np.array_equal(one.labels.values, other.labels.values)


# ---- uniform and gel


def test_uniform_fills_its_box() -> None:
    phantom = build_phantom("uniform")
    corners = phantom.volume.grid.corners_mm()
    assert corners.min(axis=0) == pytest.approx([-60, -60, -75])
    assert corners.max(axis=0) == pytest.approx([60, 60, 75])
    assert dict(phantom.labels.names) == {1: "soft-tissue"}
    assert np.all(phantom.labels.values == 1)


@pytest.mark.parametrize("size", [(5, 5, 5), (101.5, 33.3, 47), [1000, 1000, 1000]])
def test_uniform_of_any_size(size: Any) -> None:
    phantom = build_phantom("uniform", size, "liver")
    grid = phantom.volume.grid
    assert grid.size_mm == pytest.approx(size)
    assert (grid.corners_mm().min(axis=0) + grid.corners_mm().max(axis=0)) == pytest.approx(0)
    assert 8 <= grid.cell_count < 700_000
    assert np.all(phantom.volume.values == HU_OF_TISSUE["liver"])


def test_every_tissue_has_a_gray_value() -> None:
    assert set(read_library().names) == set(HU_OF_TISSUE)


def test_gel_shares_gray_values_by_volume() -> None:
    phantom = build_phantom("gel")
    share = (phantom.volume.values.astype(float) + 1000) / (HU_OF_TISSUE["gel"] + 1000)
    volume_ml = share.sum() * phantom.volume.grid.cell_volume_ml
    assert volume_ml == pytest.approx(np.pi * 7.5**2 * 14.8, rel=0.003)
    assert phantom.plan["body"]["temperature_c"] == 20.0


# ---- organs


@pytest.mark.parametrize("name", phantom_names())
def test_image_is_a_plausible_ct(name: str) -> None:
    phantom = build_phantom(name)
    grid, values = phantom.volume.grid, phantom.volume.values
    assert grid.cell_count < 4_000_000
    assert phantom.labels.grid.matches(grid)
    assert np.array_equal(values, np.rint(values))
    assert -1100 < values.min() <= values.max() < 1400
    assert set(np.unique(phantom.labels.values)) == set(phantom.labels.names)


@pytest.mark.parametrize("name", ORGANS)
def test_target_has_its_analytic_volume_about_the_origin(name: str) -> None:
    phantom = build_phantom(name)
    grid = phantom.labels.grid
    mask = phantom.labels.values == phantom.labels.value_of("tumor")
    volume_ml = mask.sum() * grid.cell_volume_ml
    assert volume_ml == pytest.approx(TUMORS[name].volume_ml, rel=0.01)
    assert grid.to_world(np.argwhere(mask)[:, ::-1]).mean(axis=0) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("tumor", "neighbor", "gap_mm"),
    [
        (thigh_sarcoma.TUMOR, thigh_sarcoma.NERVE, 20.0),
        (iliac_metastasis.TUMOR, iliac_metastasis.BOWEL, 20.0),
        (iliac_metastasis.TUMOR, iliac_metastasis.NERVE, 15.0),
        (liver_metastasis.TUMOR, liver_metastasis.PORTAL_VEIN, 9.0),
    ],
)
def test_gap_between_tumor_and_neighbor(tumor: Ellipsoid, neighbor: Tube, gap_mm: float) -> None:
    distance = neighbor.distance_mm(*surface_of(tumor).T)
    assert float(distance.min()) == pytest.approx(gap_mm, abs=1.0)


@pytest.mark.parametrize("name", ORGANS)
def test_soft_tissue_is_as_noisy_as_a_ct(name: str) -> None:
    phantom = build_phantom(name)
    grid = phantom.volume.grid
    where = np.argwhere(phantom.labels.values == phantom.labels.value_of("tumor"))[:, ::-1]
    deep = TUMORS[name].distance_mm(*grid.to_world(where).T) < -3
    i, j, k = where[deep].T
    assert phantom.volume.values[k, j, i].std() == pytest.approx(8, abs=0.5)


@pytest.mark.parametrize("name", phantom_names())
def test_every_label_tells_its_tissue(name: str) -> None:
    phantom = build_phantom(name)
    mapped = phantom.plan.get("anatomy", {}).get("tissues", {})
    library = read_library()
    for label in phantom.labels.names.values():
        tissue = mapped.get(label) or tissue_of_structure(label)
        assert tissue is not None, label
        assert tissue in library


def test_bone_is_split_and_the_portal_vein_is_a_heat_sink() -> None:
    pelvis, liver = build_phantom("iliac-metastasis"), build_phantom("liver-metastasis")
    tissues = pelvis.plan["anatomy"]["tissues"]
    grid = pelvis.volume.grid
    tissue = build_tissue(grid, pelvis.volume, pelvis.labels, tissues, read_library())
    used = [t.name for t in tissue.tissues]
    hip = tissue.index[pelvis.labels.values == pelvis.labels.value_of("hip_left")]
    share = {name: float((hip == used.index(name)).mean()) for name in used}
    assert share["bone-cortical"] > 0.2
    assert share["bone-cancellous"] > 0.3
    assert share["bone-cortical"] + share["bone-cancellous"] > 0.99

    tissue = build_tissue(liver.volume.grid, liver.volume, liver.labels, {}, read_library())
    assert tissue.heat_sink is not None
    vein = liver.labels.values == liver.labels.value_of("portal_vein")
    assert tissue.heat_sink[vein].mean() > 0.9


# ---- plans


@pytest.mark.parametrize("name", phantom_names())
def test_plan_is_accepted_and_its_labels_exist(name: str) -> None:
    phantom, plan = build_phantom(name), plan_of(name)
    check_placement(phantom.volume.grid, plan.probe)
    for part in (plan.target, *plan.organ_at_risk):
        if part is not None:
            assert part.label is not None
            phantom.labels.value_of(part.label)
    assert (plan.target is None) == (name not in ORGANS)


def test_demo_plan() -> None:
    plan = plan_of("iliac-metastasis")
    assert plan.protocol.preset == "keio-bone"
    assert [organ.name for organ in plan.organ_at_risk] == ["bowel", "nerve", "skin"]
    assert [probe.model for probe in plan.probe] == ["argon-17g"] * 2
    assert plan.target is not None
    assert plan.target.margin_mm == 10


@pytest.mark.parametrize(
    ("name", "crossed"),
    [
        ("thigh-sarcoma", {"thigh_medial_compartment", "thigh_anterior_compartment",
                           "thigh_posterior_compartment"}),
        ("iliac-metastasis", {"hip_left", "muscle"}),
        ("liver-metastasis", {"liver", "muscle"}),
    ],
)  # fmt: skip
def test_probes_come_through_the_skin_and_spare_the_rest(name: str, crossed: set[str]) -> None:
    phantom = build_phantom(name)
    for probe in plan_of(name).probe:
        along = labels_along(phantom, probe)
        assert set(along) <= crossed | {"tumor", "fat", "skin", "air"}
        assert along[-1] == "air"
        assert "tumor" in along


@pytest.mark.parametrize("name", ORGANS)
def test_probes_lie_along_the_target_at_usual_spacing(name: str) -> None:
    probes = plan_of(name).probe
    surface = surface_of(TUMORS[name])
    for number, probe in enumerate(probes):
        along = (surface - probe.tip_mm) @ probe.axis
        # A tip may stop short of the far side to spare an organ: ice reaches 1.5 cm beyond it.
        assert along.min() > -10
        assert along.max() < probe.active_length_mm + 1.5
        for other in probes[:number]:
            across = np.cross(np.subtract(other.tip_mm, probe.tip_mm), probe.axis)
            assert 12 <= np.linalg.norm(across) <= 18.1


@pytest.mark.parametrize("name", phantom_names())
def test_plan_text_says_the_same(name: str) -> None:
    plan = dict(build_phantom(name).plan)
    text = plan_as_toml(plan, "heading")
    assert tomllib.loads(text) == plan
    assert text.startswith("# heading\n")
    assert max(len(line) for line in text.splitlines()) <= 110


def test_plan_text_quotes_what_needs_it() -> None:
    plan = {"anatomy": {"tissues": {'a "b"': "c", "1": "d"}}, "perfusion": {"flag": True}}
    assert tomllib.loads(plan_as_toml(plan, "")) == plan
