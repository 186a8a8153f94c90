"""Where skin is in the way: what may help is said, a warm pack tried, and both shown."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pytest

from cryosim.anatomy import Anatomy, place_anatomy
from cryosim.evaluation import Report, evaluate
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.plan import Plan, plan_from_dict
from cryosim.planning import SKIN_HELP_COLUMNS, skin_help_rows
from cryosim.planning.skin_help import SkinHelp, help_for_skin
from cryosim.simulation import Result, simulate

TUMOR = 2
GRID = Grid.from_spacing((36, 50, 50), 2.0, (-49.0, -49.0, -35.0))
RADIUS_MM = 40.0


@functools.cache
def limb() -> Anatomy:
    """A limb along z in air, with a tumor 10 mm under the skin in front."""
    k, j, i = np.indices(GRID.shape)
    x, y, z = np.moveaxis(GRID.to_world(np.stack([i, j, k], axis=-1)), -1, 0)
    hu = np.where(np.hypot(x, y) < RADIUS_MM, 50.0, -1000.0).astype(np.float32)
    tumor = np.sqrt(x**2 + (y + 24.0) ** 2 + z**2) < 6.0
    labels = np.where(tumor, TUMOR, 0).astype(np.int32)
    return Anatomy(Volume(GRID, hu, "ct"), Labels(GRID, labels, {TUMOR: "tumor"}))


def plan(minutes: float, **sections: Any) -> Plan:
    probe = {"model": "argon-17g", "active_length_mm": 15, "tip_mm": (0, -24, -8),
             "entry_mm": (0, -24, 60)}  # fmt: skip
    content = {
        "anatomy": {"image": "ct.nii.gz", "labels": "labels.nii.gz"},
        "target": {"label": TUMOR, "margin_mm": 12, "lethal_coverage": 0.1},
        "probe": [probe],
        "protocol": {"text": f"freeze {minutes:g} min"},
        "grid": {"spacing_mm": 2.5, "padding_mm": 25},
        **sections,
    }
    return plan_from_dict(content, ".", "plan")


def simulated(content: Plan) -> tuple[Result, Report]:
    result = simulate(place_anatomy(limb(), content), content)
    return result, evaluate(result)


@functools.cache
def tried(minutes: float) -> SkinHelp | None:
    content = plan(minutes)
    return help_for_skin(limb(), content, *simulated(content), [])


def test_a_pack_on_the_coldest_skin_warms_it_and_both_are_shown() -> None:
    found = tried(12.0)
    assert found is not None
    assert found.pack is not None
    assert found.packed is not None
    # The ice grows toward the skin in front.
    assert found.pack.center_mm == pytest.approx((0.0, -RADIUS_MM, 0.0), abs=6.0)
    before, after = (one["coldest_organs_c"]["skin"] for one in (found.without, found.packed))
    assert before < 0.0
    assert after > before + 6.0
    assert found.packed["frozen_skin_cm2"] < found.without["frozen_skin_cm2"]
    # Warmth costs ice.
    assert found.packed["healthy_frozen_ml"] < found.without["healthy_frozen_ml"]
    may_help, what_was_tried = found.sentences
    assert may_help.startswith(f"the skin is in the way: skin coldest {before:.1f} C, at least 5")
    assert "gas injected under it" in may_help
    assert "[[skin_pack]] with center_mm" in what_was_tried


def test_both_stand_side_by_side() -> None:
    found = tried(12.0)
    assert found is not None
    document = json.loads(json.dumps({"skin_help": found.document()}))
    rows = {name: values for name, *values in skin_help_rows(document)}
    assert len(SKIN_HELP_COLUMNS) == 3
    assert found.packed is not None
    assert rows["healthy tissue frozen"] == [
        f"{one['healthy_frozen_ml']:.0f} ml" for one in (found.without, found.packed)
    ]
    assert "skin coldest" in rows["goals"][0]
    assert "smallest ice margin, where it has room" in rows
    # What is written can stand in a plan as it is.
    again = plan(12.0, skin_pack=[document["skin_help"]["pack"]])
    _, report = simulated(again)
    (skin,) = report.organs_at_risk
    assert document["skin_help"]["with"]["skin_coldest_c"] == pytest.approx(skin.coldest_c)


def test_met_with_a_pack_says_where_the_margin_has_room() -> None:
    found = tried(12.0)
    assert found is not None
    assert found.packed is not None
    goals = {name: [*row[:4], "ok", row[5]] for name, row in found.packed["goals"].items()}
    met = dataclasses.replace(found, packed={**found.packed, "goals": goals})
    assert "met where there is tissue: the margin is limited to" in met.sentences[1]
    assert "by the skin, anterior side" in met.sentences[1]


def test_skin_with_room_to_its_limit_needs_no_help() -> None:
    assert tried(1.0) is None
    assert skin_help_rows({"skin_help": None}) == []
    assert skin_help_rows({}) == []


def test_a_plan_that_has_packs_is_not_given_another() -> None:
    content = plan(12.0, skin_pack=[{"center_mm": (0, -40, 0), "radius_mm": 10}])
    found = help_for_skin(limb(), content, *simulated(content), [])
    assert found is not None
    assert found.packed is None
    (may_help,) = found.sentences
    assert "a warmer pack on the skin" in may_help
    assert skin_help_rows({"skin_help": found.document()}) == []
