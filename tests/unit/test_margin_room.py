"""Margins end at the skin and at barriers: balls near planes, whose distances are known."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import cases
from cryosim.evaluation import crop_to_ice, evaluate, surface_margin
from cryosim.geometry import Grid
from cryosim.margin_room import room_around
from cryosim.simulation import Result
from cryosim.tissue import TissueGrid
from round_ice import GAS, TISSUE, depth_mm, grid_about, points_of, round_result, turned

TARGET_MM = 8.0
WANTED_MM = 10.0


def near_skin(
    under_mm: float,
    ice_mm: float,
    *,
    ct: bool = True,
    grid: Grid | None = None,
    skin: dict[str, Any] | None = None,
) -> Result:
    """A ball of 8 mm, the skin so far behind it; ice is a ball of its own about the same middle."""
    grid = grid_about((0.0, 0.0, 0.0), 70.0, 1.0) if grid is None else grid
    behind = points_of(grid)[..., 1] - (TARGET_MM + under_mm)
    filled = np.clip(0.5 - behind / grid.spacing_mm.mean(), 0.0, 1.0)
    air = filled <= 0.5
    base = round_result(grid, (0.0, 0.0, 0.0), ice_mm, gas=air)
    tissue = TissueGrid(
        grid,
        air.astype(np.uint8),
        (TISSUE, GAS),
        structures={"target": cases.ball_share(grid, (0, 0, 0), TARGET_MM)},
        outside_air=air,
        image=(-1000.0 + 1000.0 * filled).astype(np.float32) if ct else None,
        modality="ct" if ct else None,
    )
    plan = cases.plan(
        target={"label": 1, "margin_mm": WANTED_MM},
        skin={"min_temperature_c": None} | (skin or {}),
    )
    return dataclasses.replace(base, tissue=tissue, plan=plan)


def near_barrier(away_mm: float, ice_mm: float) -> Result:
    """The same with a plate on the patient's left."""
    base = round_result(grid_about((0.0, 0.0, 0.0), 70.0, 1.0), (0.0, 0.0, 0.0), ice_mm)
    grid = base.tissue.grid
    beyond = points_of(grid)[..., 0] - (TARGET_MM + away_mm)
    plate = np.clip(0.5 + beyond, 0.0, 1.0).astype(np.float32)
    structures = {"target": cases.ball_share(grid, (0, 0, 0), TARGET_MM), "femur": plate}
    plan = cases.plan(
        target={"label": 1, "margin_mm": WANTED_MM, "barriers": ["femur"]},
    )
    tissue = dataclasses.replace(base.tissue, structures=structures)
    return dataclasses.replace(base, tissue=tissue, plan=plan)


@pytest.mark.parametrize("under_mm", [2.0, 3.7, 4.25, 6.6])
def test_a_tumor_near_the_skin_is_limited_by_the_tissue_there(under_mm: float) -> None:
    report = evaluate(near_skin(under_mm, ice_mm=20.0))
    (limit,) = report.target.limits
    assert (limit.by, limit.side) == ("skin", "posterior")
    assert limit.room_mm == pytest.approx(under_mm, abs=0.15)
    # A point of the ball is as far from the plane as its height is less than that of the skin.
    share = (WANTED_MM - under_mm) / (2 * TARGET_MM)
    assert limit.surface_share == pytest.approx(share, abs=0.04)
    # The rest is judged in full: ice 12 mm beyond the target.
    assert report.target.margin.ice.min_mm == pytest.approx(12.0, abs=0.2)
    assert report.target.margin.ice.where == ", where it has room"


def test_a_mask_tells_the_skin_to_half_a_voxel() -> None:
    (limit,) = evaluate(near_skin(4.25, ice_mm=20.0, ct=False)).target.limits
    assert limit.room_mm == pytest.approx(4.25, abs=0.5)


def test_sides_are_the_patients_however_the_grid_is_turned() -> None:
    grid = grid_about((0.0, 0.0, 0.0), 70.0, 1.3, turned(0.7, 0.4))
    (limit,) = evaluate(near_skin(4.25, ice_mm=20.0, grid=grid)).target.limits
    assert limit.side == "posterior"
    assert limit.room_mm == pytest.approx(4.25, abs=0.25)


def test_a_margin_is_not_counted_through_air() -> None:
    """The ice would go on 12 mm beyond the target, 8 of them through air."""
    result = near_skin(4.0, ice_mm=20.0)
    (limit,) = evaluate(result).target.limits
    assert limit.smallest_mm == pytest.approx(4.0, abs=0.15)
    assert surface_margin(result, 0.0).margin_mm.min() == pytest.approx(4.0, abs=0.15)
    near, _ = crop_to_ice(result, 0.0)
    assert surface_margin(near, 0.0).margin_mm.min() == pytest.approx(4.0, abs=0.15)


def verdicts(result: Result) -> dict[str, tuple[str, str]]:
    return {goal.name: (goal.verdict, goal.note) for goal in evaluate(result).goals}


def test_the_rest_is_judged_and_the_verdict_says_what_it_leaves_out() -> None:
    found = verdicts(near_skin(4.0, ice_mm=20.0))
    words = "limited to 4 mm by the skin, posterior side: 4.0 mm reached there at least"
    assert found["ice margin where it has room"] == ("warn", words)
    assert found["10 mm compliance where it has room"] == ("warn", words)
    assert found["ice margin at the skin, where most is missing"] == ("ok", words)


def test_too_little_ice_fails_where_there_is_room() -> None:
    found = verdicts(near_skin(4.0, ice_mm=16.0))
    assert found["ice margin where it has room"][0] == "fail"
    assert found["10 mm compliance where it has room"][0] == "fail"


def cut_off(result: Result, keep_mm: float, under_mm: float) -> Result:
    """Ice that is as wide as wanted, but ends so far from the skin."""
    behind = points_of(result.tissue.grid)[..., 1] - (TARGET_MM + under_mm - keep_mm)
    coldest = np.maximum(result.coldest_c, 2 * behind).astype(np.float32)
    return dataclasses.replace(result, coldest_c=coldest)


@pytest.mark.parametrize(
    ("under_mm", "keep_mm", "verdict"),
    [(4.0, 3.8, "ok"), (4.0, 4.8, "fail"), (9.0, 4.8, "ok"), (9.0, 6.0, "fail")],
)
def test_at_the_skin_the_target_freezes_and_what_is_5_mm_away_from_it(
    under_mm: float, keep_mm: float, verdict: str
) -> None:
    """Ice nearer to the skin would cost it its limit; 9 mm under it 4 mm of ice have room."""
    result = near_skin(under_mm, 20.0, skin={"min_temperature_c": 5.0})
    found = verdicts(cut_off(result, keep_mm, under_mm))
    assert found["ice margin at the skin, where most is missing"][0] == verdict
    # What is asked for around there can be had at the same time.
    for name in ("ice margin where it has room", "10 mm compliance where it has room"):
        assert found[name][0] == "warn" or verdict == "fail"


@pytest.mark.parametrize("keep_mm", [2.0, 6.0])
def test_the_plan_says_how_far_the_ice_keeps_from_the_skin(keep_mm: float) -> None:
    result = near_skin(7.0, 20.0, skin={"min_ice_distance_mm": keep_mm})
    points = surface_margin(result, 0.0).points_mm
    asked_mm = room_around(result.tissue, result.plan, points).asked_mm
    assert asked_mm.min() == pytest.approx(7.0 - keep_mm, abs=0.2)
    assert asked_mm.max() == WANTED_MM


def test_skin_that_is_given_up_freezes_up_to_its_surface() -> None:
    given_up = {"given_up": "it is excised"}
    for ice_mm, verdict in ((20.0, "ok"), (10.0, "fail")):
        found = verdicts(near_skin(4.0, ice_mm, skin=given_up))
        assert found["ice margin at the skin, where most is missing"][0] == verdict


def test_farther_from_the_skin_nothing_changes() -> None:
    report = evaluate(near_skin(10.5, ice_mm=18.4))
    assert report.target.limits == ()
    assert report.target.margin.ice.min_mm == pytest.approx(10.4, abs=0.2)
    assert {goal.name: goal.verdict for goal in report.goals}["ice margin"] == "ok"
    assert not any(goal.note for goal in report.goals)


def test_without_room_anywhere_the_margin_is_not_met() -> None:
    """A finger: 2 mm of tissue around the target."""
    result = near_skin(2.0, ice_mm=20.0)
    outside = depth_mm(result.tissue.grid, (0, 0, 0), TARGET_MM + 2.0)
    tissue = dataclasses.replace(
        result.tissue,
        outside_air=outside > 0,
        index=(outside > 0).astype(np.uint8),
        image=np.where(outside > 0, -1000.0, 0.0).astype(np.float32),
    )
    found = dataclasses.replace(result, tissue=tissue)
    assert verdicts(found)["ice margin where it has room"][0] == "fail"
    assert evaluate(found).target.margin_reached_s is None


def test_a_barrier_is_not_to_be_passed_but_reached() -> None:
    found = evaluate(near_barrier(3.0, ice_mm=18.4))
    (limit,) = found.target.limits
    assert (limit.by, limit.side) == ("femur", "left")
    assert limit.room_mm == pytest.approx(3.0, abs=0.15)
    # Bone freezes: the margin goes on in it.
    assert limit.smallest_mm == pytest.approx(10.4, abs=0.2)
    words = "limited to 3 mm by femur, left side: 10.3 mm reached there at least"
    goals = {goal.name: goal for goal in found.goals}
    assert goals["ice margin where it has room"].note == words
    assert goals["ice margin at femur, where most is missing"].verdict == "ok"


@pytest.mark.parametrize(("ice_mm", "verdict"), [(11.2, "fail"), (18.4, "ok")])
def test_up_to_a_barrier_all_is_asked(ice_mm: float, verdict: str) -> None:
    found = verdicts(near_barrier(5.0, ice_mm))
    assert found["ice margin at femur, where most is missing"][0] == verdict


def test_the_shell_ends_where_the_margin_does() -> None:
    """Ice that is cut off at the plate has frozen all of the shell that is asked for."""
    result = near_barrier(4.0, ice_mm=19.0)
    beyond = points_of(result.tissue.grid)[..., 0] - (TARGET_MM + 4.0)
    cut = np.maximum(result.coldest_c, 2 * beyond).astype(np.float32)
    report = evaluate(dataclasses.replace(result, coldest_c=cut))
    assert report.target.compliance.shell_frozen_fraction > 0.99
    assert report.target.compliance.passed
    free = dataclasses.replace(
        result, coldest_c=cut, plan=cases.plan(target={"label": 1, "margin_mm": WANTED_MM})
    )
    assert evaluate(free).target.compliance.shell_frozen_fraction < 0.95
