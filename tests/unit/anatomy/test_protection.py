"""Thermoprotection: shapes where they belong, sentences for mistakes, and warmer organs."""

import dataclasses

import numpy as np
import pytest

from cases import ball_share, box, plan, probe
from cryosim.anatomy import Anatomy, place_anatomy, protect
from cryosim.errors import InputError
from cryosim.evaluation import evaluate
from cryosim.geometry import Grid
from cryosim.images import Labels, Volume
from cryosim.results import load_result, save_result
from cryosim.simulation import simulate
from cryosim.tissue import TissueGrid, read_library

ORGAN = {"name": "bowel", "label": 2, "min_temperature_c": 5.0}
TARGET_ONLY = {"target": {"label": 1}}


def gas(**shape):
    return {"name": "CO2", "tissue": "gas", **shape}


def saline(**shape):
    return {"name": "saline", "tissue": "saline", **shape}


def protected(tissue, *protections, **sections):
    content = plan(protection=list(protections), organ_at_risk=[ORGAN], **sections)
    return protect(tissue, content, read_library())


def volume_ml(tissue, name):
    number = [known.name for known in tissue.tissues].index(name)
    return float((tissue.index == number).sum()) * tissue.grid.cell_volume_ml


def along_x(grid):
    """World x of every voxel."""
    k, j, i = np.indices(grid.shape)
    return grid.to_world(np.stack([i, j, k], axis=-1))[..., 0]


def beside_wall(spacing_mm=2.0, wall_mm=10.0, thickness_mm=6.0, reach_mm=6.0):
    """A target about the origin and a flat organ from `wall_mm` on, as share of the voxels."""
    tissue = box(spacing_mm)
    x = along_x(tissue.grid)
    ends = [
        np.clip((x - edge) / spacing_mm + 0.5, 0, 1) for edge in (wall_mm, wall_mm + thickness_mm)
    ]
    shares = {"target": ball_share(tissue.grid, (0, 0, 0), reach_mm), "bowel": ends[0] - ends[1]}
    return dataclasses.replace(tissue, structures=shares)


def test_ball_and_capsule_have_their_volume():
    ball = protected(box(1.0), gas(center_mm=(0.3, -4.2, 7.1), radius_mm=10))
    assert volume_ml(ball, "gas") == pytest.approx(4 / 3 * np.pi, rel=0.01)
    ends = {"center_mm": (-8.0, -6.0, 1.0), "to_mm": (9.0, 8.0, -4.0)}
    capsule = protected(box(1.0), gas(**ends, radius_mm=6))
    length = np.linalg.norm(np.subtract(*ends.values()))
    exact = (np.pi * 36 * length + 4 / 3 * np.pi * 216) / 1000
    assert volume_ml(capsule, "gas") == pytest.approx(exact, rel=0.01)
    said = f"{volume_ml(capsule, 'gas'):.1f} ml of gas at body temperature in place of ref"
    assert capsule.assumptions[-1] == f"protection 'CO2': {said}"


def test_ball_lies_where_the_plan_says_on_an_oblique_grid():
    turned = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    grid = Grid.from_spacing((40, 50, 60), (1.0, 1.2, 1.4), (-20, -30, -25), turned)
    center = grid.to_world((28.0, 22.0, 20.0))
    tissue = protected(TissueGrid.uniform(grid, box().tissues[0]),
                       saline(center_mm=tuple(center), radius_mm=9))  # fmt: skip
    found = grid.to_world(np.argwhere(tissue.index == 1)[:, ::-1])
    assert found.mean(axis=0) == pytest.approx(center, abs=0.1)
    assert volume_ml(tissue, "saline") == pytest.approx(4 / 3 * np.pi * 0.729, rel=0.02)


def test_the_phantom_without_an_image_is_protected_too():
    content = plan(protection=[gas(center_mm=(10, 0, 0), radius_mm=8)], grid={"spacing_mm": 1.0})
    tissue = place_anatomy(Anatomy(None), content)
    assert volume_ml(tissue, "gas") == pytest.approx(4 / 3 * np.pi * 0.512, rel=0.02)
    assert "in place of soft-tissue" in tissue.assumptions[-1]


@pytest.mark.parametrize(("wall_mm", "voxels"), [(10.0, 4), (10.4, 4), (10.6, 5), (11.0, 4)])
def test_a_layer_has_its_thickness_and_lies_on_the_side_of_the_target(wall_mm, voxels):
    tissue = beside_wall(1.0, wall_mm)
    layered = protected(tissue, gas(beside="bowel", thickness_mm=4.2), **TARGET_ONLY)
    found = layered.index == 1
    x = along_x(tissue.grid)
    middle = found[30, 30]
    assert middle.sum() == voxels
    assert np.abs(x[30, 30][middle] - wall_mm).max() <= 4.2
    assert x[found].max() < wall_mm + 1.0
    assert not found[tissue.structures["bowel"] >= 0.5].any()


def test_a_hollow_organ_is_not_filled():
    tissue = box(1.0)
    outer, inner = (ball_share(tissue.grid, (18, 0, 0), radius) for radius in (9.0, 6.0))
    shares = {"target": ball_share(tissue.grid, (0, 0, 0), 5.0), "bowel": outer - inner}
    tissue = dataclasses.replace(tissue, structures=shares)
    layered = protected(tissue, gas(beside="bowel", thickness_mm=3), **TARGET_ONLY)
    found = layered.index == 1
    assert found.sum() > 400
    assert not found[inner > 0].any()
    assert along_x(tissue.grid)[found].max() < 18.0


def test_what_cannot_be_displaced_keeps_its_voxels():
    tissue = beside_wall(1.0, 4.0, reach_mm=3.0)
    vessel, room = np.zeros((2, *tissue.grid.shape), dtype=bool)
    vessel[:, 40:44] = True
    room[:, :20] = True
    index = np.zeros(tissue.grid.shape, dtype=np.uint8)
    index[:20] = 1
    bone = read_library()["bone-cortical"]
    tissue = TissueGrid(
        tissue.grid,
        index,
        (*tissue.tissues, bone),
        structures=tissue.structures,
        heat_sink=vessel,
        outside_air=room,
    )
    filled = protected(tissue, saline(center_mm=(0, 0, 0), radius_mm=12), **TARGET_ONLY)
    changed = filled.index != tissue.index
    for kept in (vessel, room, index == 1, *(s >= 0.5 for s in tissue.structures.values())):
        assert kept.any()
        assert not changed[kept].any()
    (warning,) = filled.warnings
    for words in ("target (0.1", "organ 'bowel' (", "held vessels (", "room air (", "bone ("):
        assert words in warning
    # Fluid with contrast looks like bone: where a label says fluid, there is fluid.
    labels = Labels(tissue.grid, np.where(index == 1, 3, 0).astype(np.int32))
    content = plan(protection=[saline(label=3)], organ_at_risk=[ORGAN], **TARGET_ONLY)
    assert protect(tissue, content, read_library(), labels).index[10, 30, 25] == 2


def test_later_shapes_lie_over_earlier_ones():
    tissue = protected(
        box(2.0),
        saline(center_mm=(0, 15, 0), radius_mm=8, temperature_c=40, held=True),
        gas(center_mm=(0, 15, 0), radius_mm=4),
    )
    middle = tuple(np.rint(tissue.grid.to_index((0, 15, 0))).astype(int)[::-1])
    assert tissue.is_gas[middle]
    assert not tissue.held[middle]
    assert np.isnan(tissue.start_c[middle])
    assert tissue.held.sum() == (tissue.start_c == 40).sum() == (tissue.index == 1).sum()


def test_mistakes_get_a_sentence():
    def refused(match, tissue, *protections, **sections):
        with pytest.raises(InputError, match=match):
            protected(tissue, *protections, **sections)

    away = gas(center_mm=(500, 0, 0), radius_mm=5)
    refused(r"'CO2': its shape holds no voxel.*x -30 to 30.*check center_mm", box(), away)
    tiny = gas(center_mm=(0, 0, 0), radius_mm=0.2)
    refused(r"no voxel.*radius_mm against grid\.spacing_mm", box(), tiny)
    refused("label = 7, but the plan has no label map; give center_mm", box(), gas(label=7))
    layer = gas(beside="bowel", thickness_mm=4)
    refused("beside = 'bowel' .* the plan has no target; add", box(), layer)
    wall = beside_wall()
    nowhere = {**wall.structures, "bowel": np.zeros(wall.grid.shape, dtype=np.float32)}
    empty = dataclasses.replace(wall, structures=nowhere)
    refused("beside = 'bowel' has no voxel in the simulated box", empty, layer, **TARGET_ONLY)
    inside = gas(center_mm=(0, 0, 0), radius_mm=3)
    refused(r"all of its shape lies in target \(.* ml\).*move", wall, inside, **TARGET_ONLY)
    refused("tissue 'foam' is not in the library", box(), {**away, "tissue": "foam"})
    bath = saline(center_mm=(0, 0, 0), radius_mm=25, temperature_c=38, held=True)
    refused(r"100 % of the active part of probe\.0 lies in held fluid", box(), bath)
    beside = {**bath, "center_mm": (0, 0, 14), "radius_mm": 8}
    assert "20 % of the active part of probe.0" in protected(box(), beside).warnings[-1]


def coldest_of_organ(tissue):
    content = plan("freeze 6 min", organ_at_risk=[ORGAN], **TARGET_ONLY)
    result = simulate(tissue, content)
    assert result.energy.relative_error < 1e-5
    report = evaluate(result)
    return report.organs_at_risk[0].coldest_c, result


def test_gas_and_warm_saline_keep_an_organ_warm():
    tissue = beside_wall()
    bare, _ = coldest_of_organ(tissue)
    layer = {"beside": "bowel", "thickness_mm": 4.0}
    behind_gas, with_gas = coldest_of_organ(protected(tissue, gas(**layer), **TARGET_ONLY))
    warm = saline(**layer, temperature_c=40, held=True)
    behind_saline, with_saline = coldest_of_organ(protected(tissue, warm, **TARGET_ONLY))
    assert bare < 0
    assert behind_gas > bare + 10
    assert behind_saline > 5
    assert with_gas.energy.protection_j == 0
    assert with_saline.energy.protection_j > 1000
    held = with_saline.tissue.held
    assert np.all(with_saline.coldest_c[held] == 40)
    # Gas is no tissue: none of it counts as ice.
    assert with_gas.coldest_c[with_gas.tissue.is_gas].min() < 0


def test_fluid_that_does_not_flow_starts_at_its_temperature_and_cools():
    warm = saline(center_mm=(20, 0, 0), radius_mm=5, temperature_c=45)
    tissue = protected(box(2.0), warm)
    result = simulate(tissue, plan("freeze 2 min"))
    filled = tissue.index == 1
    assert np.all(result.temperatures_c[0][filled] == 45)
    assert result.temperatures_c[0][~filled].max() == 37
    assert result.temperatures_c[-1][filled].max() < 45
    assert result.energy.relative_error < 1e-5
    assert result.energy.protection_j == 0


def test_a_result_with_protection_is_read_back(tmp_path):
    tissue = protected(box(3.0), saline(center_mm=(20, 0, 0), radius_mm=5, temperature_c=45,
                                        held=True))  # fmt: skip
    result = simulate(tissue, plan("freeze 30 s"))
    save_result(result, tmp_path / "result.vtkhdf")
    again = load_result(tmp_path / "result.vtkhdf").tissue
    assert np.array_equal(again.held, tissue.held)
    assert np.array_equal(again.start_c, tissue.start_c, equal_nan=True)


def body_in_air():
    """A body with its skin at y = -20, in air."""
    grid = Grid.centered((60, 60, 60), 2.0)
    hu = np.full(grid.shape, 40, dtype=np.float32)
    hu[:, :5] = -1000
    return Volume(grid, hu, "ct")


def in_air(text="freeze 3 min", **sections):
    """That body, a probe 8 mm below the skin, and a sensor in the skin above."""
    above = probe((-10.0, -11.0, 0.0), (90.0, -11.0, 0.0))
    content = plan(
        text,
        probes=[above],
        sensor=[{"name": "skin", "at_mm": (0, -19, 0)}],
        grid={"spacing_mm": 2.0},
        **sections,
    )
    content = content.model_copy(
        update={"anatomy": content.anatomy.model_copy(update={"image": "ct", "phantom": None})}
    )
    return content, place_anatomy(Anatomy(body_in_air()), content)


PACK = {"center_mm": (0, -20, 0), "radius_mm": 16, "temperature_c": 42, "exchange_w_m2k": 200}


def test_a_pack_warms_the_skin():
    found = {}
    for name, packs in (("bare", []), ("packed", [PACK])):
        content, tissue = in_air(skin_pack=packs)
        found[name] = simulate(tissue, content)
        assert found[name].energy.relative_error < 1e-5
    bare, packed = (evaluate(found[name]).sensors[0].coldest_c for name in ("bare", "packed"))
    assert packed > bare + 3
    assert packed < 42
    assert found["packed"].energy.air_j > found["bare"].energy.air_j
    tissue = found["packed"].tissue
    covered = tissue.start_c == 42
    assert covered.any()
    assert not covered[~tissue.outside_air].any()
    assert np.all(tissue.film_w_m2k[covered] == 200)
    said = " ".join(evaluate(found["packed"]).assumptions)
    assert "meet a pack of 42 C at 200 W/m2/K" in said
    assert "only packs warm it" in said


def test_a_pack_needs_skin():
    with pytest.raises(InputError, match=r"skin_pack\.0: no skin .* check the position"):
        in_air(skin_pack=[{**PACK, "center_mm": (0, 20, 0)}])
    with pytest.raises(InputError, match=r"skin_pack\.0: no skin that meets room air"):
        protect(box(), plan(skin_pack=[PACK]), read_library())


def test_gas_in_the_body_is_not_room_air():
    ball = gas(center_mm=(0, -12, 20), radius_mm=7)
    _, tissue = in_air(protection=[ball])
    assert volume_ml(tissue, "gas") > tissue.outside_air.sum() * tissue.grid.cell_volume_ml + 1
    _, bare = in_air()
    assert np.array_equal(tissue.outside_air, bare.outside_air)
    assert bare.outside_air.any()


def test_a_warmer_gives_heat_that_the_ledger_and_the_report_know():
    catheter = {
        "name": "catheter",
        "tip_mm": (10.0, 0.0, -8.0),
        "entry_mm": (10.0, 0.0, 100.0),
        "diameter_mm": 3.0,
        "active_length_mm": 16.0,
        "temperature_c": 42.0,
    }
    sensor = [{"name": "wall", "at_mm": (10, 4, 0)}]
    bare = simulate(box(), plan("freeze 4 min", sensor=sensor))
    warmed = simulate(box(), plan("freeze 4 min", sensor=sensor, warmer=[catheter]))
    cold, warm = (evaluate(result).sensors[0].coldest_c for result in (bare, warmed))
    assert warm > cold + 10
    assert warmed.energy.relative_error < 1e-5
    frozen, given = evaluate(warmed).needles
    assert (frozen.name, frozen.model, given.name, given.model) == (
        "probe.0", "custom", "catheter", "warmer"
    )  # fmt: skip
    assert given.heat_j < 0 > given.peak_power_w
    assert frozen.heat_j > 0 < frozen.peak_power_w
    assert frozen.coldest_surface_c == pytest.approx(-150)
    assert given.coldest_surface_c == pytest.approx(42)
    assert frozen.heat_j + given.heat_j == pytest.approx(warmed.energy.probe_heat_out_j, rel=2e-3)
    assert frozen.mean_freeze_power_w == pytest.approx(frozen.heat_j / 240)
    away = {**catheter, "tip_mm": (10.0, 0.0, -80.0)}
    with pytest.raises(InputError, match=r"warmer 'catheter': the tip at \[10, 0, -80\] lies"):
        simulate(box(), plan(warmer=[away]))
    # What can give no more than so much heat is colder than it should be.
    weak = simulate(box(), plan("freeze 4 min", warmer=[{**catheter, "power_limit_w": 1.0}]))
    assert evaluate(weak).needles[1].peak_power_w == pytest.approx(-1.0)
    assert evaluate(weak).needles[1].coldest_surface_c < 30


def test_a_vessel_that_exchanges_heat_is_colder_at_its_wall_than_one_that_is_held():
    tissue = box()
    vessel = np.zeros(tissue.grid.shape, dtype=bool)
    vessel[:, 13:17, 19:23] = True  # 8 mm from the axis of the probe
    tissue = dataclasses.replace(tissue, heat_sink=vessel)
    sensor = [{"name": "wall", "at_mm": (7, 0, 0)}]
    walls, given = [], []
    for exchange in (None, 1000.0, 100.0, 1.0):
        perfusion = {} if exchange is None else {"vessel_exchange_w_m2k": exchange}
        result = simulate(tissue, plan("freeze 4 min", sensor=sensor, perfusion=perfusion))
        assert result.energy.relative_error < 1e-5
        assert np.all(result.coldest_c[vessel] == 37)
        walls.append(evaluate(result).sensors[0].coldest_c)
        given.append(result.energy.vessels_j)
    assert walls == sorted(walls, reverse=True)
    assert walls[0] > walls[-1] + 10
    assert given == sorted(given, reverse=True)
    assert 0 < given[-1] < 0.05 * given[0]
