"""Evaluation on hand-made fields with known answers."""

import dataclasses

import numpy as np
import pytest

from cases import ball_share, box, plan, small_result
from cryosim.evaluation import evaluate
from cryosim.tissue import TissueGrid

TARGET_MM, ICE_MM, LETHAL_MM = 8.0, 20.0, 9.0


def cold_ball(organs, organ_plans, seconds=200.0, spacing=1.0):
    """A result whose coldest field has 0 C at 20 mm and -40 C at 9 mm around the origin."""
    grid = box(spacing).grid
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    radius = np.linalg.norm(grid.to_world(np.stack([i, j, k], axis=-1)), axis=-1)
    coldest = (-40 + 40 * (radius - LETHAL_MM) / (ICE_MM - LETHAL_MM)).astype(np.float32)
    tissue = TissueGrid(
        grid,
        np.zeros(grid.shape, np.uint8),
        box().tissues,
        structures={"target": ball_share(grid, (0, 0, 0), TARGET_MM), **organs(grid)},
    )
    content = plan(target={"label": 1}, organ_at_risk=organ_plans)
    levels = {0.0, -20.0, -40.0, *(organ["min_temperature_c"] for organ in organ_plans)}
    return dataclasses.replace(
        small_result(),
        tissue=tissue,
        plan=content,
        coldest_c=coldest,
        temperatures_c=tuple(coldest for _ in small_result().times_s),
        time_below_s={
            level: np.where(coldest <= level, seconds, 0).astype(np.float32) for level in levels
        },
        freezes_below={0.0: (coldest <= 0).astype(np.uint8)},
        probe_share=np.zeros(grid.shape, np.float32),
    )


def organ(name="nerve", **limits):
    return {"name": name, "label": 2, "min_temperature_c": 5.0, **limits}


def test_sphere_in_sphere():
    report = evaluate(cold_ball(lambda _: {}, []))
    target = report.target
    assert target.volume_ml == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.01)
    assert target.margin.ice.min_mm == pytest.approx(12.0, abs=0.2)
    assert target.margin.ice.p05_mm == pytest.approx(12.0, abs=0.2)
    assert target.margin.ice.fraction_at_least_10mm == pytest.approx(1.0)
    assert target.margin.lethal.min_mm == pytest.approx(1.0, abs=0.2)
    assert target.margin.lethal.fraction_at_least_10mm == 0.0
    assert target.coverage[-40.0] == pytest.approx(1.0, abs=1e-3)
    assert target.compliance.passed
    assert report.timeline[-1].volume_ml[0.0] == pytest.approx(4 / 3 * np.pi * 8.0, rel=0.01)


def test_a_shell_that_is_not_frozen_fails():
    result = cold_ball(lambda _: {}, [])
    thick = plan(target={"label": 1, "margin_mm": 15})
    target = evaluate(dataclasses.replace(result, plan=thick)).target
    assert target.compliance.surface_fraction == 0.0
    frozen = (ICE_MM**3 - TARGET_MM**3) / ((TARGET_MM + 15) ** 3 - TARGET_MM**3)
    assert target.compliance.shell_frozen_fraction == pytest.approx(frozen, rel=0.02)
    assert not target.compliance.passed


@pytest.mark.parametrize("margin_mm", [11.5, 13.0, 15.0])
def test_the_share_of_the_shell_is_that_of_the_balls_on_coarse_voxels(margin_mm):
    """Ice that ends in the voxels in which the shell ends fills the same part of them."""
    result = cold_ball(lambda _: {}, [], spacing=3.0)
    thick = plan(target={"label": 1, "margin_mm": margin_mm})
    compliance = evaluate(dataclasses.replace(result, plan=thick)).target.compliance
    outer = TARGET_MM + margin_mm
    frozen = (min(ICE_MM, outer) ** 3 - TARGET_MM**3) / (outer**3 - TARGET_MM**3)
    assert compliance.shell_frozen_fraction == pytest.approx(frozen, abs=0.02)
    assert compliance.passed or outer > ICE_MM


@pytest.mark.parametrize(("seconds", "covered"), [(59.0, 0.0), (61.0, 1.0)])
def test_lethal_coverage_takes_a_minute(seconds, covered):
    target = evaluate(cold_ball(lambda _: {}, [], seconds=seconds)).target
    assert target.coverage[-40.0] == pytest.approx(covered, abs=0.01)
    assert target.coverage[-20.0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("spacing", [1.0, 2.0, 3.0])
def test_lethal_volume_never_exceeds_what_was_cold_enough(spacing):
    result = cold_ball(
        lambda grid: {"target": ball_share(grid, (0, 0, 0), 15.0)}, [], spacing=spacing
    )
    coverage = evaluate(result).target.coverage[-40.0]
    assert coverage <= (LETHAL_MM / 15.0) ** 3 * 1.02


def test_organs_by_their_distance_from_the_ice():
    organs = [organ("far"), organ("near"), organ("around", min_temperature_c=-100.0)]

    def shares(grid):
        return {
            "far": ball_share(grid, (26.0, 0, 0), 3.0),
            "near": ball_share(grid, (0, 19.0, 0), 3.0),
            "around": ball_share(grid, (0, 0, 0), 26.0),
        }

    far, near, around = evaluate(cold_ball(shares, organs)).organs_at_risk
    assert far.ice_distance_mm == pytest.approx(3.0, abs=0.1)
    assert far.volume_frozen_ml == 0.0
    assert near.ice_distance_mm == pytest.approx(-4.0, abs=0.15)
    assert near.coldest_c == pytest.approx(-40 + 40 * 7 / 11, abs=1.0)
    assert near.longest_below_limit_s == pytest.approx(200.0, rel=0.01)
    # The ice lies wholly inside: no part of the organ's surface is near it, and yet it is frozen.
    assert around.ice_distance_mm < -10
    assert around.volume_frozen_ml == pytest.approx(4 / 3 * np.pi * 8.0, rel=0.01)


def test_an_organ_thinner_than_a_voxel_does_not_hide():
    def shares(grid):
        return {"nerve": 0.3 * ball_share(grid, (0, 12.0, 0), 1.5)}

    report = evaluate(cold_ball(shares, [organ(min_ice_distance_mm=1.0)], spacing=2.0))
    assert report.organs_at_risk[0].coldest_c < -15
    assert {goal.verdict for goal in report.goals if "nerve" in goal.name} == {"fail"}


def test_everything_frozen_is_not_far_from_the_ice():
    result = cold_ball(
        lambda grid: {"nerve": ball_share(grid, (0, 12.0, 0), 3.0)}, [organ(min_ice_distance_mm=1)]
    )
    frozen = np.full_like(result.coldest_c, -50.0)
    report = evaluate(dataclasses.replace(result, coldest_c=frozen))
    assert {goal.verdict for goal in report.goals if "nerve" in goal.name} == {"fail"}


def test_metrics_are_those_that_the_plan_offers():
    result = small_result()
    numbers = list(evaluate(result).numbers())
    offered = {one.path for one in numbers if one.quantity.goal != "never"}
    assert offered == set(result.plan.metrics())
