"""Skin is an organ at risk without being asked: a plan that freezes it is not met."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from cryosim.anatomy import Anatomy, place_anatomy
from cryosim.errors import InputError
from cryosim.evaluation import Report, evaluate
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.plan import Plan, Skin, plan_from_dict
from cryosim.simulation import simulate

TUMOR = 2
GRID = Grid.from_spacing((40, 50, 60), 2.0, (-59.0, -49.0, -39.0))


@functools.cache
def limb() -> Anatomy:
    """A limb of 40 mm radius along z in air, with a tumor 10 mm under the skin in front."""
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    hu = np.where(np.hypot(x, y) < 40.0, 50.0, -1000.0).astype(np.float32)
    tumor = np.sqrt(x**2 + (y + 24.0) ** 2 + z**2) < 6.0
    labels = np.where(tumor, TUMOR, 0).astype(np.int32)
    return Anatomy(Volume(GRID, hu, "ct"), Labels(GRID, labels, {TUMOR: "tumor"}))


def plan(minutes: float = 6.0, y_mm: float = -24.0, **sections: Any) -> Plan:
    probe = {"model": "argon-17g", "active_length_mm": 15, "tip_mm": (0, y_mm, -8),
             "entry_mm": (0, y_mm, 60)}  # fmt: skip
    content = {
        "anatomy": {"image": "ct.nii.gz", "labels": "labels.nii.gz"},
        "target": {"label": TUMOR, "margin_mm": 3, "lethal_coverage": 0.1},
        "probe": [probe],
        "protocol": {"text": f"freeze {minutes:g} min"},
        "grid": {"spacing_mm": 2.5, "padding_mm": 25},
        **sections,
    }
    return plan_from_dict(content, ".", "plan")


@functools.cache
def report(minutes: float, given_up: str | None = None) -> Report:
    skin = {"skin": {"given_up": given_up}} if given_up else {}
    content = plan(minutes, **skin)
    return evaluate(simulate(place_anatomy(limb(), content), content))


def test_skin_that_freezes_fails_the_plan() -> None:
    found = report(12.0)
    (skin,) = found.organs_at_risk
    assert skin.name == "skin"
    assert skin.coldest_c < 0
    assert skin.limit_c == 5.0
    assert skin.frozen_cm2 is not None
    assert 1.0 < skin.frozen_cm2 < 30.0
    (goal,) = [goal for goal in found.goals if goal.name == "skin coldest"]
    assert goal.verdict == "fail"
    assert not found.passed
    # The warning and the goal say the same number.
    warning = found.warnings[0]
    assert warning.startswith("the surface of the body freezes")
    assert f"{skin.frozen_cm2:.1f} cm2, {skin.coldest_c:.1f} C" in warning


def test_the_source_of_the_limit_is_named_where_it_is_used() -> None:
    assert Skin.source in report(12.0).sources
    assert Skin.source not in report(12.0, "the skin is cut out").sources


def test_skin_that_stays_warm_passes() -> None:
    found = report(2.0)
    (skin,) = found.organs_at_risk
    assert 5.0 < skin.coldest_c < 36.0
    assert skin.frozen_cm2 == 0.0
    assert skin.ice_distance_mm is not None
    assert skin.ice_distance_mm > 2.0
    assert [goal.verdict for goal in found.goals if goal.name == "skin coldest"] == ["ok"]


def test_skin_may_be_given_up_and_the_report_says_why() -> None:
    why = "the tumor grows through it and is excised later"
    found = report(12.0, why)
    (skin,) = found.organs_at_risk
    assert skin.coldest_c < 0
    assert skin.limit_c is None
    assert not [goal for goal in found.goals if goal.name == "skin coldest"]
    assert any(why in note for note in found.assumptions)


def test_the_limit_is_the_plans() -> None:
    content = plan(2.0, skin={"min_temperature_c": 36.0, "min_ice_distance_mm": 1.0})
    found = evaluate(simulate(place_anatomy(limb(), content), content))
    verdicts = {goal.name: goal.verdict for goal in found.goals}
    assert verdicts["skin coldest"] == "fail"
    assert any(name.startswith("skin") and verdict == "ok" for name, verdict in verdicts.items())


def test_a_plan_with_skin_of_its_own_keeps_it() -> None:
    labels = limb().labels
    assert labels is not None
    organ = {"name": "skin", "label": TUMOR, "min_temperature_c": 1.0}
    content = plan(2.0, organ_at_risk=[organ])
    tissue = place_anatomy(limb(), content)
    (own,) = content.organs(skin_is_seen=True)
    assert (own.name, own.min_temperature_c) == ("skin", 1.0)
    assert tissue.share_of("skin").sum() < tissue.skin.sum()


def test_skin_has_no_label() -> None:
    with pytest.raises(InputError, match=r"skin is found in the CT; for a label or mask"):
        plan(skin={"label": 3})
    assert Skin().judged is not None


@pytest.mark.parametrize(("y_mm", "warned"), [(-24.0, False), (-42.0, True), (-46.0, True)])
def test_an_active_part_in_air_is_warned_of(y_mm: float, warned: bool) -> None:
    tissue = place_anatomy(limb(), plan(y_mm=y_mm))
    said = [warning for warning in tissue.warnings if "outside the body" in warning]
    assert bool(said) == warned
    if y_mm == -46.0:
        assert "15 mm of its active part" in said[0]


@pytest.mark.parametrize(("margin_mm", "warned"), [(9.0, False), (12.0, True)])
def test_a_target_too_near_to_the_skin_for_its_margin_is_warned_of(
    margin_mm: float, warned: bool
) -> None:
    """It lies 10 mm under the skin."""
    tissue = place_anatomy(limb(), plan(target={"label": TUMOR, "margin_mm": margin_mm}))
    said = [warning for warning in tissue.warnings if "of the skin" in warning]
    assert bool(said) == warned
    if warned:
        assert "12 mm of ice have no room" in said[0]


def test_without_room_air_there_is_no_skin() -> None:
    anatomy = limb()
    assert anatomy.volume is not None
    inside = Anatomy(Volume(GRID, np.full(GRID.shape, 50.0, np.float32), "ct"), anatomy.labels)
    content = plan(2.0)
    tissue = place_anatomy(inside, content)
    assert not tissue.skin.any()
    assert evaluate(simulate(tissue, content)).organs_at_risk == ()


def test_skin_with_a_label_and_no_limit_has_that_of_skin() -> None:
    """It took the place of the skin that is judged, and nothing judged it."""
    own = plan(organ_at_risk=[{"name": "skin", "label": 7}])
    (judged,) = own.organs(skin_is_seen=True)
    assert (judged.label, judged.min_temperature_c) == (7, 5.0)
    given_up = plan(organ_at_risk=[{"name": "skin", "label": 7}], skin={"given_up": "cut out"})
    (left,) = given_up.organs(skin_is_seen=True)
    assert left.min_temperature_c is None


def test_skin_is_not_given_up_by_a_limit_that_kills_it() -> None:
    with pytest.raises(InputError, match=r"-200 is colder than -5 C.*skin.given_up"):
        plan(skin={"min_temperature_c": -200})
