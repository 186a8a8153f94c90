"""The coupling of thin probes to coarse voxels."""

import numpy as np
import pytest

from cases import box, plan, probe
from cryosim.errors import InputError
from cryosim.evaluation import isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.probes import Probe, check_placement, couple, probe_share, steady_potential
from cryosim.simulation import simulate


def test_potential_is_one_on_the_active_surface():
    potential = steady_potential(1.5, 30.0)
    heights = np.linspace(2.0, 27.0, 20)
    assert potential.at(np.full(20, 0.75), heights) == pytest.approx(1.0, abs=1e-2)
    angles = np.linspace(0.1, 1.5, 10)
    on_tip = potential.at(0.75 * np.sin(angles), 0.75 * (1 - np.cos(angles)))
    assert on_tip == pytest.approx(1.0, abs=3e-2)


def test_no_flux_leaves_the_shaft():
    potential = steady_potential(1.5, 30.0)
    heights = np.linspace(33.0, 45.0, 20)
    near, far = potential.at(np.full(20, 0.75), heights), potential.at(np.full(20, 0.8), heights)
    slope = (near - far) / 0.05
    wall = (potential.at(np.array([0.75]), np.array([15.0]))
            - potential.at(np.array([0.8]), np.array([15.0]))) / 0.05  # fmt: skip
    assert np.abs(slope).max() < 0.01 * wall[0]


def test_flux_is_that_of_a_long_thin_cylinder():
    """Capacity l / (ln(l/a) + ln 2 - 1), numerics of slender conductors, within a few percent."""
    length, radius = 60.0, 0.5
    flux = steady_potential(2 * radius, length).total_flux_mm
    slender = 4 * np.pi * (length / 2) / (np.log(length / radius) + np.log(2) - 1)
    assert flux == pytest.approx(slender, rel=0.04)


@pytest.mark.parametrize("spacing", [2.0, 1.0, 0.5])
@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 1, 1), (0.3, -0.2, 0.9)])
def test_grid_carries_nearly_the_exact_flux(spacing, direction):
    grid = Grid.centered((60, 60, 60), spacing)
    axis = np.asarray(direction) / np.linalg.norm(direction)
    tip = np.array([0.31, -0.17, 0.05]) - 10 * axis
    one = Probe(**probe(tuple(tip), tuple(tip + 90 * axis)))
    coupling = couple(grid, [one])
    assert coupling.flux_ratio[0] == pytest.approx(1.0, abs=0.06)
    assert np.all(coupling.lengths_m > 0)
    exact = steady_potential(one.diameter_mm, one.active_length_mm).total_flux_mm
    # In the discrete field of the exact potential the couplings carry the exact flux.
    points = grid.to_world(coupling.cells[:, ::-1])
    offset = points - tip
    height = offset @ axis
    radius = np.sqrt((offset**2).sum(axis=1) - height**2)
    phi = steady_potential(one.diameter_mm, one.active_length_mm).at(radius, height)
    assert (coupling.lengths_m * 1e3 * (1 - phi)).sum() == pytest.approx(exact, rel=1e-6)


def test_frozen_volume_does_not_depend_on_where_the_axis_falls():
    volumes = []
    for shift in ((0, 0, 0), (0.5, 0.5, 0.5), (0.25, 0.1, 0.3)):
        tip = np.array([0, 0, -10]) + np.asarray(shift)
        one = probe(tuple(tip), (tip[0], tip[1], 90.0))
        result = simulate(box(1.0, (44, 44, 60)), plan("freeze 4 min", probes=[one]))
        volumes.append(
            [isotherm_volume_ml(result, result.coldest_c, level) for level in (0, -20, -40)]
        )
    spread = np.ptp(volumes, axis=0) / np.mean(volumes, axis=0)
    assert np.all(spread < 0.03)


def test_two_probes_each_keep_their_own_voxels():
    grid = Grid.centered((60, 60, 60), 1.0)
    probes = [Probe(**probe((x, 0.2, -10), (x, 0.2, 90))) for x in (-1.0, 1.0)]
    coupling = couple(grid, probes)
    inside = {tuple(cell) for cell in coupling.inside}
    assert len(inside) == len(coupling.inside)
    assert not inside & {tuple(cell) for cell in coupling.cells}
    assert set(coupling.owners) == {0, 1}


def test_probe_volume_is_counted_to_a_fraction_of_a_voxel():
    grid = Grid.centered((60, 60, 60), 2.0)
    share = probe_share(grid, [Probe(**probe((0.4, 0.3, -10), (0.4, 0.3, 90)))])
    # From the tip at -10 to the top of the box at +30: a capsule end and a cylinder.
    exact = np.pi * 0.75**2 * (40 - 0.75) + 2 / 3 * np.pi * 0.75**3
    assert share.sum() * grid.cell_volume_ml * 1e3 == pytest.approx(exact, rel=0.03)


def test_probes_outside_or_in_one_place_are_refused():
    grid = Grid.centered((60, 60, 60), 1.0)
    with pytest.raises(InputError, match=r"probe\.0: the tip at \[50, 0, 0\] lies outside"):
        check_placement(grid, [Probe(**probe((50, 0, 0)))])
    with pytest.raises(InputError, match=r"end of the active part"):
        check_placement(grid, [Probe(**probe((0, 0, 20)))])
    twins = [Probe(**probe()), Probe(**probe((0.1, 0, -10)))]
    with pytest.raises(InputError, match=r"probe\.1 and probe\.0 are in one place"):
        check_placement(grid, twins)
