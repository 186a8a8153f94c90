"""Room air around the patient: where it is, and what the skin loses to it."""

import numpy as np
import pytest

from cases import box, plan
from cryosim.anatomy import find_body, leave_out
from cryosim.evaluation import isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.images import Volume
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.probes import Probe, couple
from cryosim.simulation import simulate
from cryosim.simulation.state import INNER, build_state
from cryosim.tissue import TissueGrid, build_tissue, read_library


def body_in_air():
    """A body with an air-filled cavity, in air; 2 mm voxels."""
    grid = Grid.centered((60, 60, 60), 2.0)
    hu = np.full(grid.shape, -1000, dtype=np.float32)
    hu[:, 8:, 5:25] = 40
    hu[10:14, 18:22, 10:14] = -1000
    return Volume(grid, hu, "ct")


def test_air_outside_is_told_from_gas_inside():
    volume = body_in_air()
    tissue = build_tissue(volume.grid, volume, None, {}, read_library())
    air = leave_out(tissue, find_body(volume), read_library()["gas"]).outside_air
    assert air[:, :8].all()
    assert not air[10:14, 18:22, 10:14].any()
    assert tissue.is_gas[10:14, 18:22, 10:14].all()


def test_skin_loses_what_film_and_half_a_voxel_let_through():
    tissue = box(2.0)
    air = np.zeros(tissue.grid.shape, dtype=bool)
    air[:, :5] = True
    tissue = TissueGrid(tissue.grid, tissue.index, tissue.tissues, outside_air=air)
    body = BodyPlan(air_c=20.0, skin_to_air_w_m2k=10.0, outer_faces="insulated")
    # The probe is there for the form only: it is off, and its voxels are far from the skin.
    probe = plan().probe[0]
    probes = [Probe(**{**probe.model_dump(), "tip_mm": (0, 20, 0), "entry_mm": (0, 90, 0),
                       "active_length_mm": 5})]  # fmt: skip
    state, _ = build_state(tissue, couple(tissue.grid, probes), PerfusionPlan(), body, 0)
    state.refresh(state.energy)
    state.start_rate.fill(0)
    state.take_stage(np.array([0.0, 1.0, 1.0, 0.0]), state.start, state.start_rate)
    lost_w = state.start_rate[INNER][air].sum() * state.cell_volume_m3
    area_m2 = 0.06 * 0.06
    assert lost_w == pytest.approx(area_m2 * (37 - 20) / (1 / 10 + 0.001 / 0.5), rel=1e-9)


def test_air_counts_neither_as_ice_nor_as_heat_source_of_vessels():
    tissue = box(2.0)
    gas = read_library()["gas"]
    index = np.zeros(tissue.grid.shape, dtype=np.uint8)
    index[:, :, 20:] = 1
    # Gas inside the body, next to the probe: it gets cold, but it is not frozen tissue.
    with_gas = TissueGrid(tissue.grid, index, (*tissue.tissues, gas))
    result = simulate(with_gas, plan("freeze 3 min"))
    assert result.temperatures_c[-1][:, :, 20].min() < 0
    halves = [isotherm_volume_ml(result, result.temperatures_c[-1], level) for level in (0, 60)]
    assert halves[1] == pytest.approx(216 * 2 / 3, rel=0.01)
    assert halves[0] < halves[1] / 4
    assert result.energy.vessels_j == 0
    assert result.energy.relative_error < 1e-6


def test_energy_closes_with_air_and_vessels_at_the_edge_of_the_box():
    grid = box().grid
    air, vessel = np.zeros((2, *grid.shape), dtype=bool)
    air[:, :4] = True
    vessel[:, 20:24, 26:] = True
    tissue = TissueGrid(grid, box().index, box().tissues, heat_sink=vessel, outside_air=air)
    result = simulate(tissue, plan("freeze 2 min; thaw 1 min active"))
    assert result.energy.relative_error < 1e-6
    assert result.energy.air_j < 0
    assert np.all(result.coldest_c[air] == 22.0)


def test_frozen_skin_does_not_end_the_margin():
    """Gas takes the values of the nearest tissue before margins are measured."""
    tissue = box(2.0)
    index = np.zeros(tissue.grid.shape, dtype=np.uint8)
    index[:, :, 20:] = 1
    with_gas = TissueGrid(tissue.grid, index, (*tissue.tissues, read_library()["gas"]))
    field = np.broadcast_to(np.arange(30, dtype=np.float32), tissue.grid.shape).copy()
    continued = with_gas.continued_through_gas(field)
    assert np.all(continued[:, :, 20:] == 19.0)
    assert np.array_equal(continued[:, :, :20], field[:, :, :20])
    assert tissue.continued_through_gas(field) is field
