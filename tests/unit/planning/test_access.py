"""Ways from the skin to a target, in a body of boxes whose every distance is known."""

import dataclasses
import functools
from types import SimpleNamespace

import numpy as np
import pytest

from cases import ball_share
from cryosim.anatomy import Anatomy
from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.plan import Plan, Search
from cryosim.planning.access import THINGS, Paths, map_access
from cryosim.planning.layout import even_directions, reachable_directions

BODY, TUMOR, PLATE, VESSEL, ORGAN, SKIN, PORT = 1, 2, 3, 4, 5, 6, 7
NAMES = {BODY: "muscle", TUMOR: "tumor", PLATE: "rib", VESSEL: "aorta", ORGAN: "gland",
         SKIN: "skin", PORT: "port"}  # fmt: skip
TISSUES = {"1": "muscle", "2": "tumor", "3": "bone-cortical", "4": "blood", "5": "pancreas",
           "6": "skin", "7": "skin"}  # fmt: skip
HALF, VOXEL = 50.0, 2.0
LEFT, RIGHT, BACK, FRONT, UP, DOWN = np.array(
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float
)


def straight():
    return Grid.from_spacing((60, 66, 66), (2.0, 2.0, 2.0), (-65.0, -65.0, -59.0))


def oblique():
    """Flipped along i and turned by 12 degrees about z."""
    turn = np.radians(12.0)
    across = np.array([-np.cos(turn), -np.sin(turn), 0.0])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = 2 * across, [-np.sin(turn) * 2, np.cos(turn) * 2,
                                                               0], UP * 2  # fmt: skip
    shape = (60, 80, 80)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Grid(shape, affine)


def points_of(grid):
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return np.moveaxis(grid.to_world(np.stack([i, j, k], axis=-1)), -1, 0)


def labels_on(grid):
    """A square trunk, 100 mm wide, that goes on beyond the image above and below."""
    x, y, z = points_of(grid)
    values = np.zeros(grid.shape, np.int32)
    inside = np.maximum(abs(x), abs(y)) < HALF
    values[inside] = BODY
    values[inside & (np.maximum(abs(x), abs(y)) > HALF - 4)] = SKIN
    values[inside & (y < -HALF + 4) & (abs(x) < 15) & (abs(z) < 15)] = PORT
    values[(abs(x - 25) < 4) & (abs(y) < 20) & (abs(z) < 20)] = PLATE
    values[(abs(x + 25) < 5) & (abs(y) < 5)] = VESSEL
    values[(abs(y - 28) < 5) & (abs(x) < 12) & (abs(z) < 12)] = ORGAN
    values[x**2 + y**2 + z**2 < 10**2] = TUMOR
    return Labels(grid, values, NAMES)


@functools.cache
def anatomy(make_grid=straight, air=True):
    grid = make_grid()
    labels = labels_on(grid)
    hu = np.where(labels.values > 0, 40.0, -1000.0 if air else 40.0).astype(np.float32)
    return Anatomy(Volume(grid, hu, "ct").canonical(), labels.canonical(), tissues=TISSUES)


def plan(search=None, **sections):
    return Plan.model_validate(
        {
            "anatomy": {"image": "ct.nii.gz", "labels": "labels.nii.gz"},
            "target": {"label": TUMOR, "margin_mm": 5},
            "organ_at_risk": [{"name": "gland", "label": ORGAN, "min_temperature_c": 5}],
            "protocol": {"text": "freeze 6 min"},
            "optimize": search or {},
            **sections,
        }
    )


def access_of(found=None, **search):
    content = plan(search)
    return map_access(found or anatomy(), content, content.optimize)


def way(access, axis, tip=(0.0, 0.0, 0.0)):
    """Depth, what is crossed and how long, and how far the entry misses its region."""
    found = access.paths(np.array([tip], float), np.array([axis], float))
    blocked = dict(zip(access.names, found.blocked_mm[0], strict=True))
    crossed = {name: length for name, length in blocked.items() if length > 0}
    return found.depth_mm[0], crossed, found.entry_missed_mm[0]


def refused(access, **search):
    spread = 8 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]], float)
    return reachable_directions(access, Search(**search), spread, 5)


def test_a_free_way_has_the_depth_of_the_skin():
    access = access_of()
    assert way(access, FRONT) == (pytest.approx(HALF, abs=VOXEL), {}, 0.0)
    assert way(access, FRONT, (3, -20, 5))[0] == pytest.approx(HALF - 20, abs=VOXEL)
    slanting = np.array([0.0, -np.cos(0.5), np.sin(0.5)])
    assert way(access, slanting)[0] == pytest.approx(HALF / np.cos(0.5), abs=VOXEL)


@pytest.mark.parametrize(
    ("axis", "names", "width_mm"),
    [(LEFT, {"bone"}, 8.0), (RIGHT, {"vessels"}, 10.0), (BACK, {"gland"}, 10.0)],
)
def test_what_is_in_the_way_is_named_with_its_clearance(axis, names, width_mm):
    for clearance in (0.0, 4.0):
        depth, crossed, _ = way(access_of(clearance_mm=clearance), axis)
        assert set(crossed) == names
        assert depth == pytest.approx(HALF, abs=VOXEL)
        length = next(iter(crossed.values()))
        assert length == pytest.approx(width_mm + 2 * clearance, abs=1.5 * VOXEL)


def test_an_organ_at_risk_in_which_the_target_lies_is_crossed():
    content = plan(organ_at_risk=[{"name": "limb", "label": BODY, "min_ice_distance_mm": 0}])
    access = map_access(anatomy(), content, content.optimize)
    assert way(access, FRONT)[1] == {}
    assert "the target lies in limb, which shafts cross" in access.notes


def test_an_organ_at_risk_beside_the_target_is_not_crossed():
    """It touches the target, and lies around a third of it."""
    found = anatomy()
    _, y, _ = points_of(found.labels.grid)
    values = found.labels.values.copy()
    values[(values == BODY) & (y > 2)] = ORGAN
    beside = dataclasses.replace(found, labels=Labels(found.labels.grid, values, NAMES))
    access = access_of(beside)
    assert "gland" in access.names
    assert set(way(access, BACK)[1]) == {"gland"}


@functools.cache
def on_a_table(gap_mm):
    """The trunk on its back, a mattress under it."""
    found = anatomy()
    _, y, _ = points_of(found.volume.grid)
    hu = found.volume.values.copy()
    hu[y > HALF + gap_mm] = -600.0
    return dataclasses.replace(found, volume=Volume(found.volume.grid, hu, "ct"))


@pytest.mark.parametrize("gap_mm", [0.0, 4.0])
def test_no_way_leads_through_the_table(gap_mm):
    access = access_of(on_a_table(gap_mm), clearance_mm=0.0, allowed=["gland"])
    assert set(way(access, BACK)[1]) == {THINGS}
    assert way(access, FRONT) == way(access_of(clearance_mm=0.0), FRONT)
    # Past the table, through the side.
    assert THINGS not in way(access, LEFT)[1]


def test_clearance_is_the_distance_at_which_a_way_is_free():
    beside = (0.0, -29.0, 0.0)  # of the plate, which ends at y = -20
    assert way(access_of(clearance_mm=5.0), LEFT, beside)[1] == {}
    assert set(way(access_of(clearance_mm=12.0), LEFT, beside)[1]) == {"bone"}


def test_labels_can_be_allowed_and_forbidden():
    assert way(access_of(allowed=[PLATE]), LEFT)[1] == {}
    assert way(access_of(allowed=["aorta"]), RIGHT)[1] == {}
    assert way(access_of(allowed=["gland"]), BACK)[1] == {}
    forbidden = access_of(forbidden=["port"], clearance_mm=0.0)
    assert way(forbidden, FRONT)[1] == {"label port": pytest.approx(4.0, abs=VOXEL)}
    with pytest.raises(InputError, match="femur"):
        access_of(forbidden=["femur"])


def test_a_forbidden_sheet_thinner_than_the_map_counts():
    grid = Grid.from_spacing((60, 132, 66), (2.0, 1.0, 2.0), (-65.0, -65.5, -59.0))
    labels = labels_on(grid)
    values = labels.values.copy()
    y = points_of(grid)[1]
    values[(abs(y + 30.5) < 0.4) & (values == BODY)] = 9
    thin = Anatomy(
        Volume(grid, np.where(values > 0, 40.0, -1000.0).astype(np.float32), "ct").canonical(),
        Labels(grid, values, {**NAMES, 9: "nerve sheath"}).canonical(),
        tissues={**TISSUES, "9": "muscle"},
    )
    assert set(way(access_of(thin, forbidden=[9]), FRONT)[1]) == {"label 9"}


def test_entry_through_a_region():
    access = access_of(entry_label="port")
    assert way(access, FRONT)[2] == 0.0
    assert way(access, FRONT, (13, 0, 0))[2] == 0.0
    assert way(access, FRONT, (25, 0, 0))[2] == pytest.approx(10.0, abs=VOXEL)
    assert way(access, BACK)[2] == pytest.approx(2 * HALF - 4, abs=2 * VOXEL)
    directions, _ = refused(access, entry_label="port")
    entries = access.paths(np.zeros_like(directions), directions)
    assert entries.entry_missed_mm[0] == 0.0
    assert np.all(directions[:, 1] < -0.9)


def test_a_region_of_entry_that_is_not_there():
    grid = straight()
    labels = labels_on(grid)
    values = np.where(labels.values == PORT, SKIN, labels.values)
    without = Anatomy(anatomy().volume, Labels(grid, values, NAMES), tissues=TISSUES)
    with pytest.raises(InputError, match=r"port"):
        access_of(without, entry_label="port")


@pytest.mark.parametrize("key", ["forbidden", "allowed", "entry_label"])
def test_a_label_that_is_not_there_is_named_with_its_key(key):
    label = "prot" if key == "entry_label" else ("prot",)
    with pytest.raises(InputError, match=rf"^optimize\.{key}: label 'prot' .*did you mean 'port'"):
        access_of(**{key: label})


def test_a_cone_of_directions():
    access = access_of()
    cone = {"toward": (0, -1, 1), "half_angle_deg": 35}
    directions, why = refused(access, entry_cone=cone)
    toward = np.array([0, -1, 1]) / np.sqrt(2)
    assert np.all(directions @ toward >= np.cos(np.radians(35)) - 1e-9)
    share = (1 - np.cos(np.radians(35))) / 2
    assert why["lie outside entry_cone"] == pytest.approx(400 * (1 - share), abs=8)


def test_reachable_directions_are_free_apart_and_the_shortest_first():
    access = access_of()
    directions, why = refused(access)
    paths = access.paths(np.zeros_like(directions), directions)
    assert np.all(paths.blocked_mm == 0.0)
    assert np.all(np.isfinite(paths.depth_mm))
    assert paths.depth_mm[0] == paths.depth_mm.min()
    cosines = directions @ directions.T - 2 * np.eye(len(directions))
    assert cosines.max() < np.cos(np.radians(30.0)) + 1e-9
    assert {"cross bone", "cross vessels", "cross gland"} <= set(why)


def test_ways_are_counted_by_what_rules_them_out():
    """As many as the geometry says: the port is 30 mm wide, 50 mm away."""
    x, y, z = even_directions().T
    ways = refused(access_of(entry_label="port"), entry_label="port")[1]
    port = (y < 0) & (np.maximum(abs(x), abs(z)) < 15 / HALF * abs(y))
    above = abs(z) / 59 > np.maximum(abs(x), abs(y)) / HALF
    plate = (x > 0) & (np.maximum(abs(y), abs(z)) < 20 / 18 * x)
    for name, ruled_out in (
        ("are free", port),
        ("enter outside entry_label", ~port),
        ("do not reach the skin in the image within max_depth_mm", above),
        ("cross bone", plate),
    ):
        assert ways[name] == pytest.approx(ruled_out.sum(), abs=8), name


def test_that_no_way_leads_to_the_target_is_said_at_once():
    words = (
        r"no way leads to the target: of 400 directions from its middle .* cross bone, "
        r".*400 do not reach the skin .*; say in optimize\.allowed"
    )
    with pytest.raises(InputError, match=words):
        refused(access_of(max_depth_mm=20), max_depth_mm=20)


def test_a_shorter_way_out_of_the_axial_plane_is_not_the_first():
    """Each degree of tilt makes it a third of a millimeter shorter at most."""

    def paths(tips_mm, axes):
        depth_mm = 60.0 - 20.0 * abs(axes[:, 2])
        return Paths(depth_mm, np.zeros((len(tips_mm), 0)), np.zeros(len(tips_mm)))

    directions, ways = refused(SimpleNamespace(paths=paths, names=()))
    assert ways == {"are free": 400}
    assert np.degrees(np.arcsin(abs(directions[0, 2]))) == pytest.approx(15.0, abs=1.0)


def test_no_shaft_leaves_through_the_ends_of_the_image():
    """Above and below, where a CT is cut off, is no skin."""
    access = access_of()
    for axis in (UP, DOWN):
        assert way(access, axis)[0] == np.inf
    assert np.all(abs(refused(access)[0][:, 2]) < 0.8)


def test_longer_ways_than_allowed_do_not_reach_the_skin():
    assert way(access_of(max_depth_mm=45), FRONT)[0] == np.inf
    assert way(access_of(max_depth_mm=55), FRONT)[0] == pytest.approx(HALF, abs=VOXEL)


def test_a_tip_outside_the_body_is_no_way():
    assert way(access_of(), FRONT, (0, -56, 0))[0] == np.inf


@pytest.mark.parametrize("tip", [(0, 0, 0), (4, -3, 6)])
def test_an_oblique_flipped_image_gives_the_same_answer(tip):
    usual, turned = access_of(), access_of(anatomy(oblique))
    for axis in (LEFT, RIGHT, BACK, FRONT, np.array([0.0, -0.8, 0.6])):
        depth, crossed, _ = way(usual, axis, tip)
        other_depth, other_crossed, _ = way(turned, axis, tip)
        assert other_depth == pytest.approx(depth, abs=2 * VOXEL)
        assert set(other_crossed) == set(crossed)
        for name, length in crossed.items():
            assert other_crossed[name] == pytest.approx(length, abs=2 * VOXEL)


def in_bone(other=9, **search):
    """The tumor within a ball of bone, with another bone 27 mm away on its left."""
    grid = straight()
    values = labels_on(grid).values.copy()
    x, y, z = points_of(grid)
    values[(ball_share(grid, (0, 0, 0), 16.0) > 0.5) & (values == BODY)] = 8
    values[(abs(x - 40) < 3) & (abs(y) < 20) & (abs(z) < 20)] = other
    labels = Labels(grid, values, {**NAMES, 8: "ilium", 9: "rib"})
    bones = {"8": "bone-cancellous", "9": "bone-cancellous"}
    return access_of(Anatomy(anatomy().volume, labels, tissues={**TISSUES, **bones}), **search)


def test_a_target_in_bone_is_reached_through_its_own_bone_only():
    access = in_bone()
    assert way(access, FRONT)[1] == {}
    assert way(access, LEFT)[1] == {"bone": pytest.approx(6.0 + 2 * 3.0, abs=VOXEL)}
    assert set(way(access, RIGHT)[1]) == {"vessels"}
    # A part of the same bone may be crossed, however far away.
    assert way(in_bone(other=8), LEFT)[1] == {}
    assert any("lies in bone" in note for note in access.notes)
    assert not any("lies in bone" in note for note in access_of().notes)


def test_an_organ_at_risk_that_is_skin_is_crossed():
    content = plan(organ_at_risk=[{"name": "cover", "label": SKIN, "min_temperature_c": 5}])
    access = map_access(anatomy(), content, Search())
    assert "cover" not in access.names
    assert any("cover is skin" in note for note in access.notes)


def test_an_image_without_air_ends_at_its_edges():
    grid = straight()
    labels = labels_on(grid)
    values = np.where(labels.values == 0, BODY, labels.values)
    hu = np.full(grid.shape, 40.0, np.float32)
    found = Anatomy(Volume(grid, hu, "ct"), Labels(grid, values, NAMES), tissues=TISSUES)
    access = access_of(found)
    assert way(access, FRONT)[0] == pytest.approx(66.0, abs=VOXEL)
    assert way(access, UP)[0] == pytest.approx(60.0, abs=VOXEL)
    assert any("no room air" in note for note in access.notes)
