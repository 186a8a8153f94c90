"""Tissue on fewer voxels is where it was."""

import dataclasses

import numpy as np
import pytest

from cases import REFERENCE_TISSUE, ball_share
from cryosim.geometry import Grid
from cryosim.tissue import Tissue, TissueGrid, coarsened

CENTER = np.array([103.0, -20.0, 7.0])


def ball(spacing_mm=1.0):
    """A ball of other tissue, not in the middle of an oblique box."""
    turn = np.radians(25.0)
    direction = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    grid = Grid.from_spacing((41, 38, 44), spacing_mm, (80.0, -50.0, -14.0), np.array(direction))
    share = ball_share(grid, CENTER, 8.0)
    tissues = tuple(Tissue(**{**REFERENCE_TISSUE, "name": name}) for name in ("a", "b"))
    return TissueGrid(
        grid, (share >= 0.5).astype(np.uint8), tissues, structures={"target": share},
        outside_air=share < 0.1, start_c=40.0 * share, image=share,
    )  # fmt: skip


def middle(tissue, weights):
    points = tissue.grid.to_world(np.argwhere(np.ones(tissue.grid.shape))[:, ::-1])
    return np.average(points, axis=0, weights=np.asarray(weights, float).ravel())


@pytest.mark.parametrize("factors", [(1, 1, 1), (2, 2, 2), (3, 3, 3), (2, 3, 4)])
def test_everything_is_where_it_was(factors):
    fine, found = ball(), coarsened(ball(), factors)
    assert found.grid.spacing_mm == pytest.approx(np.array(factors)[::-1])
    for name in ("index", "outside_air", "start_c"):
        was, now = getattr(fine, name), getattr(found, name)
        weights = (~was, ~now) if name == "outside_air" else (was, now)
        assert middle(found, weights[1]) == pytest.approx(middle(fine, weights[0]), abs=0.45), name
    share = found.structures["target"]
    assert middle(found, share) == pytest.approx(CENTER, abs=0.1)
    assert share.sum() * found.grid.cell_volume_ml == pytest.approx(
        fine.structures["target"].sum() * fine.grid.cell_volume_ml, rel=0.02
    )
    assert (found.image, found.things, found.heat_sink) == (None, None, None)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_the_box_does_not_shrink(factor):
    """A sensor near its faces is still in it, and room around the ice is not lost."""
    fine, found = ball(), coarsened(ball(), [factor] * 3)
    corners = fine.grid.to_world([[0, 0, 0], np.array(fine.grid.shape[::-1]) - 1])
    low, high = found.grid.to_index(corners)
    assert np.all(low >= -0.5)
    assert np.all(high <= np.array(found.grid.shape[::-1]) - 0.5 + 1e-9)


def test_one_to_one_changes_nothing():
    fine = dataclasses.replace(ball(), image=None)
    found = coarsened(fine, (1, 1, 1))
    assert found.grid.matches(fine.grid)
    assert np.array_equal(found.index, fine.index)
    assert np.allclose(found.structures["target"], fine.structures["target"])
