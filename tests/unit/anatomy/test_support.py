"""How a patient lies: said, in the header, or seen; and what is in the way below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cryosim.anatomy import Anatomy, Body, Support, find_support, place_anatomy
from cryosim.geometry import Grid
from cryosim.images import Labels, Position, Volume
from cryosim.plan import Plan
from cryosim.planning.access import THINGS, map_access

GRID = Grid.from_spacing((20, 70, 90), 3.0, (-133.5, -103.5, -28.5))
TUMOR = 2
FRONT, BACK, LEFT, RIGHT = np.array([[0, -1, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0]], float)


def places() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    return x, y, z


def parts(*names: str) -> np.ndarray:
    """A limb of 40 mm radius, another beside it on its left, a table behind or in front."""
    x, y, _ = places()
    shapes = {
        "limb": np.hypot(x, y) < 40,
        "leg": np.hypot(x - 85, y) < 35,
        "table": (y > 46) & (y < 66),
        "table in front": (y < -46) & (y > -66),
        "table at the right": (x < -46) & (x > -66),
    }
    return np.any([shapes[name] for name in names], axis=0)


def body(*things: str) -> Body:
    return Body(GRID, parts("limb"), parts(*things) if things else parts("limb") & False)


def support(found: Body, said: Position | None = None, header: Position | None = None) -> Support:
    known = find_support(found, said, header)
    assert known is not None
    return known


def anatomy(*things: str, air: bool = True, position: Position | None = None) -> Anatomy:
    hu = np.where(parts("limb"), 50.0, -1000.0 if air else 50.0)
    if things:
        hu[parts(*things)] = -500.0
    x, y, z = places()
    labels = np.where(np.sqrt(x**2 + y**2 + z**2) < 10, TUMOR, 0).astype(np.int32)
    volume = Volume(GRID, hu.astype(np.float32), "ct", position=position)
    return Anatomy(volume, Labels(GRID, labels, {TUMOR: "tumor"}))


def plan(toward: np.ndarray | None = None, search: Any = None, **of_anatomy: Any) -> Plan:
    toward = FRONT if toward is None else np.asarray(toward)
    probe = {"model": "argon-17g", "active_length_mm": 15, "tip_mm": tuple(-7.5 * toward),
             "entry_mm": tuple(90 * toward)}  # fmt: skip
    content = {
        "anatomy": {"image": "ct.nii.gz", "labels": "labels.nii.gz", **of_anatomy},
        "target": {"label": TUMOR, "margin_mm": 3},
        "probe": [probe],
        "protocol": {"text": "freeze 6 min"},
        "grid": {"spacing_mm": 4.0, "padding_mm": 25},
        "optimize": search or {},
    }
    return Plan.model_validate(content)


def crossed(found: Anatomy, axis: np.ndarray, **content: Any) -> set[str]:
    asked = plan(**content)
    assert asked.optimize is not None
    access = map_access(found, asked, asked.optimize)
    paths = access.paths(np.zeros((1, 3)), axis[None])
    blocked = paths.blocked_mm[0] > 0
    return {name for name, there in zip(access.names, blocked, strict=True) if there}


@pytest.mark.parametrize(
    ("things", "position"),
    [
        (("table",), "supine"),
        (("table in front",), "prone"),
        (("table at the right",), "right lateral"),
        (("table", "leg"), "supine"),
    ],
)
def test_the_table_shows_how_the_patient_lies(things: tuple[str, ...], position: str) -> None:
    known = support(body(*things))
    assert known.position == position
    assert known.words == f"the patient lies {position}, as the table in the image shows"
    assert known.level_mm == pytest.approx(40.0, abs=3.0)


@pytest.mark.parametrize("things", [(), ("leg",)])
def test_without_a_table_nobody_knows(things: tuple[str, ...]) -> None:
    """Another leg is round, and no table."""
    assert find_support(body(*things), None, None) is None


def test_the_plan_says_more_than_the_header_and_that_more_than_the_table() -> None:
    assert support(body("table"), None, "supine").known_from == "the image's header says"
    assert support(body(), None, "left lateral").position == "left lateral"
    assert support(body("table"), "prone", "supine").known_from == "the plan says"


def test_the_table_of_another_position_is_not_in_the_way() -> None:
    x, y, _ = places()
    both = Body(GRID, parts("limb"), parts("table") | (np.hypot(x - 85, y) < 30))
    known = support(both, "prone")
    assert not known.things[parts("table")].any()
    assert known.things[np.hypot(x - 85, y) < 25].all()
    assert any("shows the patient supine: its table is not in the way" in n for n in known.notes)
    assert support(both, "supine").things[parts("table")].all()


def test_what_is_below_the_body_is_table() -> None:
    known = support(body(), "prone")
    points = np.array([[0.0, -50.0, 0.0], [120.0, -50.0, 0.0], [0.0, -30.0, 0.0], [0.0, 90.0, 0.0]])
    assert known.holds(points).tolist() == [True, True, False, False]


def test_where_the_image_ends_in_the_body_only_what_is_below_it_is_table() -> None:
    whole = Body(GRID, np.ones(GRID.shape, np.bool_), np.zeros(GRID.shape, np.bool_))
    known = support(whole, "supine")
    assert known.cut_off
    points = np.array([[0.0, 110.0, 0.0], [140.0, 110.0, 0.0], [0.0, 100.0, 0.0]])
    assert known.holds(points).tolist() == [True, False, False]


@pytest.mark.parametrize("known", [{"position": "supine"}, {}])
def test_no_way_comes_from_below(known: dict[str, Any]) -> None:
    """Said in the plan or in the header of the image."""
    found = anatomy(position=None if known else "supine")
    assert crossed(found, BACK, **known) == {THINGS}
    assert crossed(found, (BACK + 0.6 * LEFT) / np.hypot(1, 0.6), **known) == {THINGS}
    for axis in (FRONT, LEFT, RIGHT):
        assert crossed(found, axis, **known) == set()


def test_turned_over_the_other_side_is_free() -> None:
    found = anatomy("table")
    assert crossed(found, BACK) == {THINGS}
    assert crossed(found, BACK, position="prone") == set()
    assert crossed(found, FRONT, position="prone") == {THINGS}


def test_an_access_that_the_plan_names_stays_free() -> None:
    cone = {"entry_cone": {"toward": (0, 1, 0)}}
    assert crossed(anatomy(), BACK, position="supine", search=cone) == set()


def test_an_image_without_skin_is_not_left_downwards() -> None:
    found = anatomy(air=False)
    assert crossed(found, BACK, position="supine") == {THINGS}
    assert crossed(found, LEFT, position="supine") == set()
    assert crossed(found, BACK) == set()


@pytest.mark.parametrize(("toward", "warned"), [(FRONT, False), (LEFT, False), (BACK, True)])
def test_a_probe_through_the_table_is_warned_of(toward: np.ndarray, warned: bool) -> None:
    asked = plan(toward, position="supine")
    tissue = place_anatomy(anatomy(), asked)
    said = [warning for warning in tissue.warnings if "its shaft meets" in warning]
    assert len(said) == warned
    if warned:
        assert said[0].startswith("probe.0: its shaft meets the table or other things ")
        assert said[0].endswith("beyond the skin: the patient lies supine, as the plan says")
        assert float(said[0].split(" mm")[0].split()[-1]) <= 3.0
    assert "the patient lies supine, as the plan says" in tissue.assumptions


def test_another_leg_in_the_way_of_a_probe_is_warned_of() -> None:
    tissue = place_anatomy(anatomy("leg"), plan(LEFT))
    (said,) = [warning for warning in tissue.warnings if "its shaft meets" in warning]
    assert 5 <= float(said.split(" mm")[0].split()[-1]) <= 15
    assert said.endswith("beyond the skin")


@pytest.mark.parametrize(("tilt_deg", "said"), [(15.0, False), (30.0, True)])
def test_needles_far_out_of_the_axial_plane_are_said_to_be_so(tilt_deg: float, said: bool) -> None:
    tilt = np.radians(tilt_deg)
    toward = np.array([0.0, -np.cos(tilt), np.sin(tilt)])
    warnings = place_anatomy(anatomy(), plan(toward)).warnings
    assert any("axial plane" in one and "probe.0 (30°)" in one for one in warnings) == said
