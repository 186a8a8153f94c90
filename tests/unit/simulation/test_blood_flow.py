"""Blood flow that is stopped for a time: against exact solutions, where, when, and in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cases import REFERENCE_TISSUE, box, plan, probe
from cryosim.anatomy import Anatomy, place_anatomy
from cryosim.errors import InputError
from cryosim.evaluation import evaluate
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import Settings, flow_words, simulate
from cryosim.simulation.stops import flow_times, switch_times
from cryosim.tissue import Tissue, TissueGrid
from verification.boxes import everything_box, everything_plan

INTEGRATORS = ("explicit", "rkl2", "multirate")
FLOW_1_S = 4e-3
SHORT = [probe((0.0, 0.0, -2.0), (0.0, 0.0, 90.0), active_length_mm=4.0)]


def stopped(*minutes, tissues=None):
    """One stop as a plan gives it."""
    names = {} if tissues is None else {"tissues": tissues}
    return {**names, **({"minutes": list(minutes)} if minutes else {})}


def perfused(name, **numbers):
    return Tissue(**{**REFERENCE_TISSUE, "perfusion_1_s": FLOW_1_S, "name": name, **numbers})


def slabs(*tissues):
    """Tissues side by side along x, each 6 voxels wide."""
    grid = Grid.centered((12.0 * len(tissues), 20.0, 20.0), 2.0)
    index = np.zeros(grid.shape, np.uint8)
    index += (np.arange(grid.shape[2]) // 6).astype(np.uint8)
    return TissueGrid(grid, index, tissues)


def insulated(text, stops, **sections):
    """A plan that begins at 20 C, without anything at the faces."""
    return plan(
        text,
        SHORT,
        body={"temperature_c": 20.0, "outer_faces": "insulated"},
        perfusion={"stopped": stops},
        **sections,
    )


@pytest.mark.parametrize(
    ("integrator", "error_k"), [("explicit", 2e-2), ("rkl2", 2e-3), ("multirate", 2e-3)]
)
def test_cool_tissue_warms_while_blood_flows_and_stays_as_it_is_while_not(integrator, error_k):
    """dT/dt = w rho_b c_b (T_a - T) / (rho c), from 20 C to 37 C; far from and near the probe."""
    tissue = box(2.0, (30, 30, 30), perfusion_1_s=FLOW_1_S)
    times = {"report": {"times_s": [60, 120, 240, 330]}}
    content = insulated("thaw 6 min; freeze 1 s", [stopped(2, 4)], **times)
    result = simulate(tissue, content, Settings(integrator=integrator))
    (known,) = tissue.tissues
    rate = FLOW_1_S * known.rho_c_blood_j_m3k / known.rho_c_unfrozen_j_m3k
    for time_s, flowed_s in ((60.0, 60.0), (120.0, 120.0), (240.0, 120.0), (330.0, 210.0)):
        field = result.temperatures_c[result.times_s.index(time_s)]
        assert field == pytest.approx(37.0 - 17.0 * np.exp(-rate * flowed_s), abs=error_k), time_s
    assert result.energy.relative_error < 1e-5


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_flow_that_is_stopped_throughout_is_no_flow(integrator):
    tissue, text = box(3.0, (36, 36, 36), perfusion_1_s=0.01), "freeze 2 min; thaw 1 min"
    settings = Settings(integrator=integrator)
    none = simulate(tissue, plan(text, perfusion={"scale": 0.0}), settings)
    clamped = simulate(tissue, plan(text, perfusion={"stopped": [{}]}), settings)
    assert np.array_equal(clamped.coldest_c, none.coldest_c)
    assert np.array_equal(clamped.temperatures_c[-1], none.temperatures_c[-1])
    assert clamped.energy.blood_j == 0.0
    assert clamped.performance.stages == none.performance.stages


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_energy_closes_with_flow_that_stops_and_returns(integrator):
    content = everything_plan("freeze 2 min; thaw 1 min active", grid={"spacing_mm": 3.0})
    content = content.model_copy(
        update={
            "perfusion": content.perfusion.model_validate(
                {"stopped": [stopped(0.3, 1.1), stopped(0.8, 2.4, tissues=["fat"])]}
            )
        }
    )
    result = simulate(everything_box(), content, Settings(integrator=integrator))
    assert result.energy.relative_error < 1e-5
    assert result.energy.blood_j > 0


def test_integrators_agree_about_flow_that_returns_while_ice_grows():
    """The near zone grows during the stop, and what bounds its steps must not forget the blood."""
    tissue = box(2.0, (40, 40, 40), perfusion_1_s=0.03)
    content = plan("freeze 6 min; thaw 2 min", SHORT, perfusion={"stopped": [stopped(0, 4)]})
    fields = [
        np.stack(simulate(tissue, content, Settings(integrator=name)).temperatures_c)
        for name in INTEGRATORS
    ]
    for found in fields[1:]:
        assert np.abs(found - fields[0]).mean() < 0.02
    flowing = simulate(tissue, plan("freeze 6 min; thaw 2 min", SHORT))
    assert flowing.coldest_c.mean() > fields[0].min(axis=0).mean() + 1.0


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_steps_are_short_enough_for_blood_that_returns(integrator):
    """With so much blood it, not conduction, says which step is stable."""
    tissue = box(10.0, perfusion_1_s=1.0)
    content = insulated("thaw 2 min; freeze 1 s", [stopped(0, 1)])
    field = simulate(tissue, content, Settings(integrator=integrator)).temperatures_c[-2]
    assert field == pytest.approx(37.0, abs=0.05)


def test_steps_go_on_as_long_as_they_are_when_flow_stops_and_returns():
    tissue = box(3.0, (36, 36, 36), perfusion_1_s=0.005)
    usual = simulate(tissue, plan("freeze 10 min"))
    clamped = simulate(tissue, plan("freeze 10 min", perfusion={"stopped": [stopped(4, 7)]}))
    assert usual.performance.steps <= clamped.performance.steps <= usual.performance.steps + 4


def test_blood_does_not_return_where_it_was_frozen_away_meanwhile():
    tissue = box(3.0, (36, 36, 36), perfusion_1_s=0.05)
    warmest = {}
    for stays_off in (True, False):
        perfusion = {"stopped": [stopped(0, 4)], "stays_off_after_freezing": stays_off}
        result = simulate(tissue, plan("freeze 2 min; thaw 6 min", perfusion=perfusion))
        frozen = result.coldest_c < -20.0
        warmest[stays_off] = result.temperatures_c[-1][frozen].mean()
    assert warmest[False] > warmest[True] + 10.0


def cooled(tissue, *names):
    """Temperature of each tissue at the end when flow of `names` is stopped throughout."""
    content = insulated("thaw 2 min; freeze 1 s", [stopped(tissues=list(names))])
    end = simulate(tissue, content).temperatures_c[-2]
    return [float(end[tissue.index == number].mean()) for number in range(len(tissue.tissues))]


def test_a_stop_of_an_organ_stops_the_tumors_that_it_feeds_and_nothing_else():
    own = perfused("tumor", k_unfrozen_w_mk=0.001)
    tissue = slabs(
        perfused("liver", k_unfrozen_w_mk=0.001),
        dataclasses.replace(own, flow_of="liver"),
        perfused("muscle", k_unfrozen_w_mk=0.001),
        dataclasses.replace(own, flow_of="kidney"),
    )
    liver, fed, muscle, other = cooled(tissue, "Liver")
    assert liver == pytest.approx(20.0, abs=0.1)
    assert fed == pytest.approx(20.0, abs=0.1)
    assert muscle > 25.0
    assert other > 25.0
    liver, fed, muscle, other = cooled(tissue, "tumor")
    assert min(liver, muscle) > 25.0
    assert max(fed, other) == pytest.approx(20.0, abs=0.1)


def test_metabolism_goes_on_without_blood():
    tissue = box(3.0, (30, 30, 30), perfusion_1_s=FLOW_1_S, metabolism_w_m3=4000.0)
    end = simulate(tissue, insulated("thaw 5 min; freeze 1 s", [stopped()])).temperatures_c[-2]
    assert end == pytest.approx(20.0 + 4000.0 * 300.0 / 3.6e6, abs=1e-3)


def test_overlapping_stops_are_one():
    stops = [stopped(1, 3), stopped(2, 4, tissues=["ref"]), stopped(9, 12)]
    content = plan("freeze 10 min", perfusion={"stopped": stops})
    assert flow_times(content) == (60.0, 120.0, 180.0, 240.0, 540.0)
    assert switch_times(content) == (600.0,)


def test_where_and_when_flow_is_stopped_is_said():
    tissue = slabs(
        perfused("liver"), dataclasses.replace(perfused("tumor"), flow_of="liver"), perfused("fat")
    )
    stops = [stopped(0, 20, tissues=["liver"]), stopped(5, 7.5), stopped(tissues=["kidney"])]
    content = plan("freeze 20 min", SHORT, perfusion={"stopped": stops})
    assert flow_words(content, tissue) == [
        "blood flow of liver and tumor is stopped from 0 to 20 min",
        "blood flow of all tissues is stopped from 5 to 7.5 min",
    ]
    wide = dataclasses.replace(tissue, heat_sink=tissue.index == 0)
    assert flow_words(content, wide)[-1] == "wide vessels stay as warm as blood while flow is " + (
        "stopped"
    )
    assert flow_words(plan(), wide) == []
    result = simulate(box(3.0, (36, 36, 36)), plan("freeze 1 min", perfusion={"stopped": [{}]}))
    assert "blood flow of all tissues is stopped throughout" in evaluate(result).assumptions


def test_an_unknown_tissue_is_refused_and_an_absent_one_warned_of():
    anatomy = Anatomy(None)

    def placed(name):
        own = [{"name": "scar", "base": "muscle"}]
        content = plan(perfusion={"stopped": [stopped(tissues=[name])]}, tissue=own)
        return place_anatomy(anatomy, content).warnings

    with pytest.raises(
        InputError,
        match=r"perfusion\.stopped\.0\.tissues: 'livr' is no tissue of the library or the plan "
        r"\(did you mean 'liver'\?\); known: ",
    ):
        placed("livr")
    with pytest.raises(InputError, match="'livr' is no tissue"):
        simulate(box(), plan(perfusion={"stopped": [stopped(tissues=["livr"])]}))
    assert placed("Soft_tissue") == ()
    for name in ("liver", "scar"):
        (line,) = placed(name)
        assert line.startswith(f"perfusion.stopped.0.tissues: there is no {name} in the simulated")


def test_stops_follow_their_stages():
    stops = [stopped(2, 8), stopped(15, 25), stopped(9, 10), stopped()]
    content = plan("freeze 10 min; thaw 5 min; freeze 10 min", perfusion={"stopped": stops})
    ended = content.with_protocol(content.protocol.ended_early(300.0))
    first, second, whole = (stop.minutes for stop in ended.perfusion.stopped)
    assert first == pytest.approx((2.0, 5.0))
    assert second == pytest.approx((10.0, 20.0))
    assert whole is None  # and nothing is left of the third
    assert Plan.model_validate(ended.model_dump()) == ended


def test_flow_returns_where_the_next_stage_begins_when_a_freeze_ends_early():
    """A clamp for the first freeze, opened for the thaw."""
    sensor = {"name": "edge", "at_mm": [6.0, 0.0, 0.0]}
    content = plan(
        "freeze 10 min until edge 10 C; thaw 4 min",
        sensor=[sensor],
        perfusion={"stopped": [stopped(0, 10)]},
    )
    result = simulate(box(2.0, (40, 40, 40), perfusion_1_s=0.01), content)
    (stop,) = result.plan.perfusion.stopped
    ends_s = result.plan.protocol.ends_s()
    assert ends_s[0] < 300.0
    assert stop.minutes == pytest.approx((0.0, ends_s[0] / 60))
    never = content.model_copy(
        update={"perfusion": content.perfusion.model_validate({"stopped": [{}]})}
    )
    assert simulate(result.tissue, never).energy.blood_j == 0.0
    assert result.energy.blood_j > 100.0
