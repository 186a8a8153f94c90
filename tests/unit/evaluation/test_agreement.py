"""Dice and surface distances against exact shapes: balls moved apart, and balls in balls."""

import numpy as np
import pytest

from cryosim.evaluation import Shape, compare_shapes, shape_of_mask
from cryosim.geometry import Grid
from round_ice import depth_mm, grid_about, turned

CENTER_MM = np.array([30.0, -50.0, 120.0])
OBLIQUE = turned(0.3, 0.2) @ np.diag([-1.0, 1.0, 1.0])


def ball(radius_mm, offset_mm=0.0, spacing_mm=1.0, direction=None):
    """A ball as a field of distances: exact between voxels."""
    at = CENTER_MM + np.array([offset_mm, 0.0, 0.0])
    grid = grid_about(CENTER_MM + 0.7, 62.0, spacing_mm, direction)
    return Shape(grid, depth_mm(grid, at, radius_mm), 0.0)


def mask(radius_mm, offset_mm=0.0, spacing_mm=1.0, direction=OBLIQUE):
    """The same as a label map has it."""
    shape = ball(radius_mm, offset_mm, spacing_mm, direction)
    return shape_of_mask(shape.grid, shape.field <= 0)


def apart(radius_mm, offset_mm):
    """Exact Dice, mean, 95 % and largest distance of two equal balls."""
    lens = np.pi * (4 * radius_mm + offset_mm) * (2 * radius_mm - offset_mm) ** 2 / 12
    cosine = np.linspace(-1, 1, 20001)  # equal steps are equal areas
    away = np.sqrt(radius_mm**2 + offset_mm**2 - 2 * radius_mm * offset_mm * cosine)
    distance = np.abs(away - radius_mm)
    dice = lens / (4 / 3 * np.pi * radius_mm**3)
    return dice, distance.mean(), np.quantile(distance, 0.95), distance.max()


def numbers(found):
    return found.dice, found.mean_mm, found.p95_mm, found.max_mm


@pytest.mark.parametrize("offset_mm", [0.0, 0.5, 3.0, 12.0])
@pytest.mark.parametrize("make", [ball, mask])
def test_equal_balls_apart(offset_mm, make):
    found = compare_shapes(ball(15.0), make(15.0, offset_mm, direction=OBLIQUE))
    exact = apart(15.0, offset_mm)
    exactly = make is ball
    # Fractions of voxels of 1 mm.
    limits = (0.002, 0.02, 0.03, 0.05) if exactly else (0.012, 0.09, 0.21, 0.4)
    for value, wanted, limit in zip(numbers(found), exact, limits, strict=True):
        assert value == pytest.approx(wanted, abs=limit)
    assert found.first_ml == pytest.approx(14.137, rel=0.01)
    assert found.second_ml == pytest.approx(14.137, rel=0.01)


@pytest.mark.parametrize(("radius_mm", "difference_mm"), [(18.0, -3.0), (11.0, 4.0)])
@pytest.mark.parametrize("make", [ball, mask])
def test_a_ball_in_a_ball(radius_mm, difference_mm, make):
    found = compare_shapes(ball(15.0), make(radius_mm, direction=OBLIQUE))
    distance = abs(difference_mm)
    inner, outer = sorted((radius_mm**3, 15.0**3))
    limit = 0.03 if make is ball else 0.15
    assert found.dice == pytest.approx(2 * inner / (inner + outer), abs=0.008)
    assert found.mean_mm == pytest.approx(distance, abs=limit)
    assert found.p95_mm == pytest.approx(distance, abs=2 * limit)
    assert found.max_mm == pytest.approx(distance, abs=4 * limit)
    # Positive where the first reaches beyond the second.
    assert found.mean_signed_mm == pytest.approx(difference_mm, abs=limit)


@pytest.mark.parametrize(("offset_mm", "spacing_mm"), [(3.0, (0.8, 0.8, 3.0)), (6, (0.9, 0.9, 5))])
def test_thick_slices_cost_a_fraction_of_their_thickness(offset_mm, spacing_mm):
    found = compare_shapes(ball(15.0), mask(15.0, offset_mm, spacing_mm))
    exact = apart(15.0, offset_mm)
    thick = spacing_mm[2]
    limits = (0.01 * thick, 0.05 * thick, 0.1 * thick, 0.25 * thick)
    for value, wanted, limit in zip(numbers(found), exact, limits, strict=True):
        assert value == pytest.approx(wanted, abs=limit)


def test_both_directions_count():
    """A far splinter of one shape is far from the other, whichever comes first."""
    grid = grid_about(CENTER_MM, 60.0, 1.0)
    whole = depth_mm(grid, CENTER_MM, 10.0)
    splinter = np.minimum(whole, depth_mm(grid, CENTER_MM + np.array([22.0, 0, 0]), 3.0))
    shapes = Shape(grid, whole, 0.0), Shape(grid, splinter, 0.0)
    for first, second in (shapes, shapes[::-1]):
        found = compare_shapes(first, second)
        assert found.max_mm == pytest.approx(15.0, abs=0.1)
        assert found.p95_mm > 9.0
    there, back = compare_shapes(*shapes), compare_shapes(*shapes[::-1])
    assert there.dice == pytest.approx(back.dice, abs=1e-3)
    assert there.mean_mm == pytest.approx(back.mean_mm)


def test_shapes_that_do_not_meet():
    found = compare_shapes(ball(8.0, -16.0), mask(8.0, 16.0))
    assert found.dice == 0.0
    assert found.max_mm == pytest.approx(32.0, abs=0.5)
    assert found.mean_signed_mm < -15.0


def test_single_voxels_do_not_vanish():
    grid = Grid.centered((20, 20, 20), 1.0)
    one = np.zeros(grid.shape, dtype=bool)
    one[0, 10, 10] = True
    shape = shape_of_mask(grid, one)
    assert not shape.empty
    assert not shape.surface.empty


def test_a_shape_that_leaves_its_grid_is_closed_there():
    grid = grid_about(CENTER_MM, 20.0, 1.0)
    cut = Shape(grid, depth_mm(grid, CENTER_MM, 15.0), 0.0)
    found = compare_shapes(cut, ball(15.0))
    assert found.second_ml > found.first_ml
    assert np.isfinite(found.mean_signed_mm)
    assert found.mean_signed_mm < 0
