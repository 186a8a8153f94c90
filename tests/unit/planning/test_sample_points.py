"""Points that decide a plan: where they lie on a ball in a box."""

import dataclasses

import numpy as np
import pytest

from cases import ball_share, box, plan
from cryosim.geometry import Grid
from cryosim.plan import OrganAtRisk, Target
from cryosim.planning.sample_points import place_marks
from cryosim.tissue import TissueGrid, read_library

CENTER = np.array([3.0, -2.0, 4.0])
RADIUS = 11.0


def turned_grid(spacing_mm):
    angle = np.radians(25.0)
    affine = np.eye(4)
    affine[:3, :3] = spacing_mm * np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, -1.0]]
    )
    shape = (int(80 / spacing_mm),) * 3
    affine[:3, 3] = -affine[:3, :3] @ (np.full(3, shape[0] - 1) / 2)
    return Grid(shape, affine)


def ball(spacing_mm=2.0, grid=None, **structures):
    grid = grid or Grid.centered((80, 80, 80), spacing_mm)
    index = np.zeros(grid.shape, np.uint8)
    shapes = {"target": ball_share(grid, CENTER, RADIUS)}
    for name, (center, radius) in structures.items():
        shapes[name] = ball_share(grid, center, radius)
    return TissueGrid(grid, index, box().tissues, shapes)


def content(margin_mm=5.0, **limits):
    organs = tuple(
        OrganAtRisk(name=name, label=1, min_temperature_c=limit) for name, limit in limits.items()
    )
    return plan().model_copy(
        update={"target": Target(label=1, margin_mm=margin_mm), "organ_at_risk": organs}
    )


def radii(points):
    return np.linalg.norm(points - CENTER, axis=1)


@pytest.mark.parametrize("margin_mm", [0.0, 5.0, 10.0])
@pytest.mark.parametrize("spacing_mm", [1.6, 3.0])
def test_the_shell_lies_the_margin_beyond_the_surface(spacing_mm, margin_mm):
    marks = place_marks(ball(spacing_mm), content(margin_mm))
    found = radii(marks.points_mm[marks.shell]) - RADIUS
    # Half a voxel is what a surface between voxels leaves open.
    assert found == pytest.approx(np.full(len(found), margin_mm), abs=0.75 * spacing_mm)
    assert found.mean() == pytest.approx(margin_mm, abs=0.25 * spacing_mm)


def test_skin_is_marked_where_tissue_meets_room_air_near_the_target():
    tissue = ball(2.0)
    x = tissue.grid.to_world(np.argwhere(np.ones(tissue.grid.shape))[:, ::-1])[:, 0]
    air = (x > 25.0).reshape(tissue.grid.shape)
    marks = place_marks(dataclasses.replace(tissue, outside_air=air), content())
    skin = marks.points_mm[marks.skin]
    assert len(skin) == 100
    assert marks.skin_cm2 * len(skin) == pytest.approx(8.0 * 8.0, rel=0.01)
    assert skin[:, 0] == pytest.approx(25.0, abs=2.0)
    nowhere = place_marks(tissue, content())
    assert len(nowhere.points_mm[nowhere.skin]) == 0
    # As an organ at risk it has points of its own, those nearest the target.
    (organ,) = (marks.points_mm[at] for at in marks.organs.values())
    assert set(marks.organs) == {"organs_at_risk.skin.coldest_c"}
    assert np.abs(organ[:, 1:] - CENTER[1:]).max() < 26.0
    assert len(marks.points_mm) == len(nowhere.points_mm) + len(skin) + len(organ)


def test_the_shell_is_seen_from_all_sides_and_no_longer_than_needed():
    marks = place_marks(ball(1.6), content())
    shell = marks.points_mm[marks.shell] - CENTER
    assert 150 <= len(shell) <= 240
    for direction in (*np.eye(3), *-np.eye(3), np.ones(3) / np.sqrt(3)):
        cosines = shell @ direction / np.linalg.norm(shell, axis=1)
        assert np.degrees(np.arccos(cosines.max())) < 20.0


def test_a_turned_grid_gives_the_same_points_of_the_world():
    marks = place_marks(ball(grid=turned_grid(2.0)), content())
    found = radii(marks.points_mm[marks.shell]) - RADIUS
    assert found.mean() == pytest.approx(5.0, abs=0.5)
    assert radii(marks.points_mm[marks.inside]).max() <= RADIUS + 1.0


def test_inside_is_inside_and_healthy_is_neither_inside_nor_gas():
    tissue = ball()
    index = tissue.index.copy()
    index[:, :, 30:] = 1  # gas beyond x = 20
    tissue = TissueGrid(tissue.grid, index, (*tissue.tissues, read_library()["gas"]),
                        tissue.structures)  # fmt: skip
    marks = place_marks(tissue, content(margin_mm=8.0))
    assert radii(marks.points_mm[marks.inside]).max() <= RADIUS + 0.5
    healthy = marks.points_mm[marks.healthy]
    assert radii(healthy).min() > RADIUS - 0.5
    assert radii(healthy).max() < RADIUS + 42.0
    assert healthy[:, 0].max() < 20.0
    assert marks.points_mm[marks.shell][:, 0].max() < 20.0 + 1e-9
    assert len(marks.points_mm) == marks.healthy.stop


def test_healthy_points_stand_for_the_volume_around():
    tissue = ball()
    marks = place_marks(tissue, content())
    count = marks.healthy.stop - marks.healthy.start
    grid = tissue.grid
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    distance = radii(grid.to_world(np.stack([i, j, k], -1)).reshape(-1, 3)) - RADIUS
    around = np.count_nonzero((distance > 0) & (distance < 40)) * grid.cell_volume_ml
    assert marks.healthy_ml * count == pytest.approx(around, rel=0.03)


def test_organs_with_a_limit_have_their_points_nearest_the_target():
    organs = {"nerve": ((28.0, -2.0, 4.0), 6.0), "bowel": ((3.0, 25.0, 4.0), 5.0)}
    tissue = ball(**organs)
    marks = place_marks(tissue, content(nerve=10.0, bowel=None))
    assert set(marks.organs) == {"organs_at_risk.nerve.coldest_c"}
    assert marks.organ_limits_c == {"organs_at_risk.nerve.coldest_c": 10.0}
    found = marks.points_mm[marks.organs["organs_at_risk.nerve.coldest_c"]]
    assert 40 <= len(found) <= 80
    assert np.linalg.norm(found - organs["nerve"][0], axis=1).max() <= 6.5
    assert radii(found).min() == pytest.approx(25.0 - 6.0, abs=1.5)

    both = place_marks(tissue, content(nerve=10.0, bowel=4.0))
    found = both.points_mm[both.organs["organs_at_risk.bowel.coldest_c"]]
    assert np.linalg.norm(found - organs["bowel"][0], axis=1).max() <= 5.5
    assert both.organs["organs_at_risk.bowel.coldest_c"].stop == len(both.points_mm)


def test_an_organ_thinner_than_a_voxel_has_points():
    tissue = ball(nerve=((25.0, -2.0, 4.0), 0.9))
    assert 0.0 < tissue.structures["nerve"].max() < 0.5
    marks = place_marks(tissue, content(nerve=10.0))
    found = marks.points_mm[marks.organs["organs_at_risk.nerve.coldest_c"]]
    assert len(found) > 0
    assert np.linalg.norm(found - [25.0, -2.0, 4.0], axis=1).max() < 3.0


def test_an_organ_outside_the_box_has_none():
    marks = place_marks(ball(nerve=((500.0, 0, 0), 6.0)), content(nerve=10.0))
    assert (
        marks.organs["organs_at_risk.nerve.coldest_c"].start
        == marks.organs["organs_at_risk.nerve.coldest_c"].stop
    )


def test_a_distance_to_ice_has_points_that_far_from_the_organ():
    tissue = ball(nerve=((28.0, -2.0, 4.0), 6.0))
    organ = OrganAtRisk(name="nerve", label=1, min_ice_distance_mm=5.0)
    marks = place_marks(tissue, content().model_copy(update={"organ_at_risk": (organ,)}))
    assert marks.organ_limits_c == {"organs_at_risk.nerve.ice_distance_mm": 0.0}
    found = marks.points_mm[marks.organs["organs_at_risk.nerve.ice_distance_mm"]]
    assert np.linalg.norm(found - [28.0, -2.0, 4.0], axis=1).max() <= 6.0 + 5.0 + 1.5
    # The nearest to the target lie five millimeters before the organ.
    assert radii(found).min() == pytest.approx(25.0 - 6.0 - 5.0, abs=2.5)


def test_thinned_points_are_spread_evenly():
    marks = place_marks(ball(1.6), content())
    inside = marks.points_mm[marks.inside] - CENTER
    assert len(inside) == 150
    octants = np.bincount((inside > 0) @ [1, 2, 4], minlength=8)
    assert octants.min() >= 9
    assert np.linalg.norm(inside.mean(axis=0)) < 1.5
    again = place_marks(ball(1.6), content())
    assert np.array_equal(again.points_mm, marks.points_mm)


def test_the_shell_leaves_the_skin_alone():
    """8 mm of margin, and skin 3 mm beside the ball: there only the target shall freeze."""
    bare = ball(2.0)
    beside = bare.grid.to_world(np.moveaxis(np.indices(bare.grid.shape)[::-1], 0, -1))[..., 0]
    air = beside > CENTER[0] + RADIUS + 3.0
    tissue = TissueGrid(
        bare.grid, air.astype(np.uint8), (*bare.tissues, read_library()["gas"]),
        bare.structures, outside_air=air,
    )  # fmt: skip
    marks = place_marks(tissue, content(8.0))
    shell = marks.points_mm[marks.shell]
    assert shell[:, 0].max() < CENTER[0] + RADIUS + 1.5
    # On the other side all of it is asked for.
    assert shell[:, 0].min() == pytest.approx(CENTER[0] - RADIUS - 8.0, abs=1.5)
