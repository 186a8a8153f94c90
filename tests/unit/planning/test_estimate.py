"""What a choice costs by the estimate: goals, reserve, and the way through the body."""

from types import SimpleNamespace

import numpy as np
import pytest

from cryosim.plan import Search, Target
from cryosim.planning.access import Paths
from cryosim.planning.estimate import Estimate
from cryosim.planning.layout import Layout
from cryosim.planning.sample_points import Marks
from cryosim.planning.template import Template

LENGTH, STEP = 20.0, 1.5
NONE = slice(0, 0)


def template():
    """The same cold everywhere around the probe."""
    return Template(np.full((1, 60, 30), -60.0), np.array([1.0]), -30.0, STEP, LENGTH, 37.0)


def marks(shell=NONE, inside=NONE, organs=NONE, skin=NONE, count=1):
    return Marks(
        np.zeros((count, 3)), shell, inside, NONE, skin, {"organs_at_risk.nerve.coldest_c": organs},
        {"organs_at_risk.nerve.coldest_c": 4.0}, 1.0, 5.0,
    )  # fmt: skip


def free_access(depth_mm=80.0):
    def paths(tips_mm, _axes):
        count = len(tips_mm)
        return Paths(np.full(count, depth_mm), np.zeros((count, 0)), np.zeros(count))

    return SimpleNamespace(paths=paths, max_depth_mm=200.0)


def estimate(found, reserve_mm=0.0, depth_mm=80.0):
    target = Target(label=1, margin_mm=5.0, lethal_c=-40.0)
    return Estimate(template(), found, free_access(depth_mm), target, 10.0, reserve_mm=reserve_mm)


def test_reserve_is_that_of_ice_lethal_isotherm_and_organs():
    """Three kelvins are a millimeter: 1 mm of room for the ice, 2 mm for the others."""
    coldest_c = np.array([[-3.0, -9.0, -46.0, -60.0, 10.0, 30.0]])
    found = marks(slice(0, 2), slice(2, 4), slice(4, 6), count=6)
    assert estimate(found, 2.5).lacking_mm(coldest_c) == pytest.approx([1.5 + 0.5 + 0.5])
    assert estimate(found, 1.0).lacking_mm(coldest_c) == pytest.approx([0.0])
    assert estimate(found, 2.5).lacking_mm(coldest_c + 50.0) == pytest.approx([2.5 + 2.5])
    on_skin = marks(skin=slice(1, 6), count=6)
    # Three of five points, 5 cm2 each, are well frozen.
    assert estimate(on_skin).lacking_mm(coldest_c) == pytest.approx([0.05 * 3 * 5.0], rel=0.03)


def cost(direction, depth_mm=80.0):
    unit = np.array(direction, float) / np.linalg.norm(direction)
    search = Search()
    layout = Layout(unit, np.zeros(3), 1, LENGTH, 10.0, (1.0, 1.0), search)
    vector = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    return estimate(marks(inside=slice(0, 1)), depth_mm=depth_mm).cost(layout, vector)[0]


def test_a_way_out_of_the_axial_plane_costs_what_a_longer_one_does():
    assert cost((1, 0, 0)) == pytest.approx(cost((0, -1, 0)), abs=1e-9)
    # 45 degrees are 30 more than a gantry forgives.
    assert cost((1, 0, 1)) == pytest.approx(cost((1, 0, 0), 80.0 + 30.0), abs=1e-9)
    assert cost((1, 0, 1)) > cost((1, 0, 0))
