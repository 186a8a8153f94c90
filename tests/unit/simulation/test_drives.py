"""What drives a probe: surface, gas or power; cool-down, schedules, duty, active thaw."""

import numpy as np
import pytest
from pydantic import ValidationError

import cases
from cases import box, plan, probe
from cryosim.errors import InputError
from cryosim.plan import Plan
from cryosim.probes import Probe
from cryosim.simulation import simulate
from cryosim.simulation.stops import switch_times
from cryosim.surfaces import sample, structure_points_mm
from cryosim.tissue import TissueGrid

CUSTOM = {"tip_mm": (0, 0, 0), "entry_mm": (0, 0, 90), "diameter_mm": 1.5, "active_length_mm": 20}


def run(text="freeze 2 min", probes=None, **tissue):
    return simulate(box(**tissue), plan(text, probes or [probe()]))


def at(curves, values, time_s):
    return float(np.interp(time_s, curves.times_s, values))


def test_surface_cools_down_with_its_time_constant():
    curves = run(probes=[probe(cool_down_s=20.0)]).curves
    surface = curves.needle_surface_c[0]
    # Sampled at the middle of each step, shown at its end.
    for time_s in (20.0, 40.0, 60.0):
        assert at(curves, surface, time_s) == pytest.approx(
            -150 + 187 * np.exp(-time_s / 20), abs=3.0
        )
    assert surface[-1] == pytest.approx(-150, abs=1.0)


def test_a_curve_that_falls_late_stays_stable():
    """A sudden fall long after the switch: small steps again, and colder ice foreseen."""
    curve = [[0, 20], [200, 20], [201, -196]]
    slow = probe(surface_c=None, curve=curve, cool_down_s=20.0)
    result = run("freeze 4 min", probes=[slow], frozen_law="ice")
    assert result.coldest_c.min() >= -196.0
    assert at(result.curves, result.curves.needle_surface_c[0], 210.0) == pytest.approx(-196.0)
    assert result.energy.relative_error < 1e-5


def test_a_slow_probe_freezes_less():
    fast, slow = (run(probes=[probe(cool_down_s=s)]) for s in (0.0, 60.0))
    assert slow.energy.probe_heat_out_j < 0.8 * fast.energy.probe_heat_out_j


def test_a_curve_is_followed_and_its_last_value_held():
    curve = [[0, 37], [30, -50], [60, -90]]
    result = run(probes=[probe(surface_c=-150.0, curve=curve)])
    surface = result.curves.needle_surface_c[0]
    assert at(result.curves, surface, 45.0) == pytest.approx(-70.0, abs=1.0)
    assert surface[-1] == pytest.approx(-90.0)
    assert result.coldest_c.min() >= -90.0


def gas_probe(h, **more):
    return {**probe(), "surface_c": None, "gas_c": -180.0, "exchange_w_m2k": h, **more}


@pytest.mark.parametrize("exchange_w_m2k", [500.0, 3000.0])
def test_gas_takes_what_its_film_lets_through(exchange_w_m2k):
    result = run("freeze 5 min", probes=[gas_probe(exchange_w_m2k)])
    curves = result.curves
    area_m2 = np.pi * 1.5e-3 * 20e-3
    film_w = exchange_w_m2k * area_m2 * (curves.needle_surface_c[0] + 180.0)
    assert np.abs(curves.needle_power_w[0] / film_w - 1)[1:].max() < 1e-6
    assert result.energy.relative_error < 1e-5


def test_a_perfect_film_is_a_surface_at_the_temperature_of_the_gas():
    film = run(probes=[gas_probe(1e6)])
    surface = run(probes=[probe(surface_c=-180.0)])
    assert film.energy.probe_heat_out_j == pytest.approx(surface.energy.probe_heat_out_j, rel=0.01)


def test_power_is_limited_and_the_surface_warmer_for_it():
    result = run("freeze 5 min", probes=[probe(power_limit_w=6.0)])
    power = result.curves.needle_power_w[0]
    assert power[1:].max() == pytest.approx(6.0, abs=1e-6)
    assert result.curves.needle_surface_c[0][-1] > -149.0
    assert result.energy.probe_heat_out_j == pytest.approx(6.0 * 300, rel=1e-3)
    assert result.energy.relative_error < 1e-5


def test_a_limit_that_never_binds_changes_nothing():
    free, limited = (run(probes=[probe(**more)]) for more in ({}, {"power_limit_w": 900.0}))
    assert np.array_equal(free.coldest_c, limited.coldest_c)


def test_an_electric_thaw_is_limited_too():
    text = "freeze 3 min; thaw 2 min active"
    result = run(text, probes=[probe(active_thaw_c=40.0, active_thaw_power_w=4.0)])
    power = result.curves.needle_power_w[0]
    assert power.min() == pytest.approx(-4.0, abs=1e-6)
    assert result.curves.needle_surface_c[0][-1] <= 40.0 + 1e-9
    assert result.energy.relative_error < 1e-5


def test_half_the_duty_is_between_nothing_and_everything():
    whole, half = (run("freeze 5 min", probes=[probe(duty=d)]) for d in (1.0, 0.5))
    ratio = half.energy.probe_heat_out_j / whole.energy.probe_heat_out_j
    assert 0.5 < ratio < 0.95  # the warmer tissue gives more heat while the gas flows
    assert half.energy.relative_error < 1e-5


def test_a_probe_starts_late_and_stops_early():
    late = probe(runs_min=[[1, 2]])
    content = plan("freeze 3 min", [late])
    assert switch_times(content) == (60.0, 120.0, 180.0)
    result = simulate(box(), content)
    power, times = result.curves.needle_power_w[0], result.curves.times_s
    assert np.all(power[times < 59] == 0)
    assert np.all(power[(times > 61) & (times < 119)] > 0)
    assert np.all(power[times > 121] == 0)
    assert result.energy.relative_error < 1e-5


def test_a_second_probe_keeps_its_own_schedule():
    apart = [probe(), probe(tip=(16.0, 0, -10), entry=(16.0, 0, 100), runs_min=[[0, 1]])]
    result = simulate(box(), plan("freeze 2 min", apart))
    first, second = result.curves.needle_power_w
    assert first[-1] > 0
    assert second[-1] == 0
    assert second[1:].max() > 0


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({}, "give surface_c, gas_c with exchange_w_m2k, or curve; found none"),
        ({"surface_c": -150, "gas_c": -180, "exchange_w_m2k": 900}, "found both"),
        ({"gas_c": -180}, "gas_c and exchange_w_m2k go together"),
        ({"surface_c": -150, "curve": [[10, 0], [5, -20]]}, "curve: times must increase"),
        ({"curve": [[0, 30], [60, 5]]}, "curve: never below -5 C"),
        ({"surface_c": -150, "runs_min": [[5, 2]]}, "pairs in minutes that increase"),
        ({"surface_c": -150, "duty": 0.1}, "greater than or equal to 0.2"),
        ({"surface_c": -150, "active_length_mm": 1.2}, "the rounded tip alone is longer"),
    ],
)
def test_what_cannot_be_is_refused(numbers, said):
    with pytest.raises(ValidationError, match=said):
        Probe.model_validate({**CUSTOM, **numbers})


def test_ice_properties_that_follow_temperature_freeze_more_deeply():
    constant, ice = (run("freeze 5 min", frozen_law=law) for law in ("constant", "ice"))
    assert ice.energy.probe_heat_out_j > 1.05 * constant.energy.probe_heat_out_j
    assert ice.energy.relative_error < 1e-5


# --- freezes that end early -----------------------------------------------------------------------


def until(text, **sections):
    tissue = cases.box(2.5, (50, 50, 50))
    nerve = cases.ball_share(tissue.grid, (9.0, 0.0, 0.0), 2.5)
    tissue = TissueGrid(tissue.grid, tissue.index, tissue.tissues, structures={"nerve": nerve})
    content = cases.plan(
        text,
        organ_at_risk=[{"name": "nerve", "label": 2}],
        sensor=[{"name": "beside", "at_mm": (0.0, 7.0, 0.0)}],
        **sections,
    )
    return simulate(tissue, content)


@pytest.mark.parametrize("name", ["nerve", "beside"])
def test_a_freeze_ends_when_an_organ_or_sensor_is_so_cold(name):
    planned = until("freeze 8 min; thaw 1 min; freeze 2 min")
    limit_c = 12.0
    result = until(f"freeze 8 min until {name} {limit_c:g} C; thaw 1 min; freeze 2 min")
    first, *others = result.plan.protocol.stages
    assert first.until == name
    assert 0.2 < first.minutes < 7.0
    assert [stage.minutes for stage in others] == [1.0, 2.0]
    ends = result.plan.protocol.ends_s()
    assert result.times_s[-1] == ends[-1] == result.curves.times_s[-1]
    assert set(ends) <= set(result.times_s)
    if name == "beside":
        # The curve of the same freeze that goes on tells when it falls to the limit.
        curve = planned.curves
        frozen = curve.times_s <= 480.0
        falls = curve.sensors_c[name][frozen][::-1]
        expected_s = float(np.interp(limit_c, falls, curve.times_s[frozen][::-1]))
        assert ends[0] == pytest.approx(expected_s, abs=1.5)
    else:
        at_end = result.temperatures_c[result.times_s.index(ends[0])]
        share = result.tissue.structures["nerve"]
        points = structure_points_mm(result.tissue.grid, share)
        coldest_c = sample(result.tissue.grid, at_end, points).min()
        assert coldest_c == pytest.approx(limit_c, abs=0.3)
    (told,) = result.ended_early
    assert told == (
        f"freeze 1 was ended after {first.minutes:.1f} of 8 min, when {name} had fallen to 12 C"
    )


def test_a_freeze_that_stays_warmer_takes_its_time_and_the_same_steps():
    plain = until("freeze 1 min; thaw 30 s")
    watched = until("freeze 1 min until nerve -30 C; thaw 30 s")
    assert watched.ended_early == ()
    assert watched.plan.protocol.duration_s == 90.0
    assert watched.coldest_c == pytest.approx(plain.coldest_c, abs=0.5)


def test_what_comes_later_is_what_a_shorter_freeze_leaves():
    ended = until("freeze 8 min until beside 12 C; thaw 1 min")
    minutes = ended.plan.protocol.stages[0].minutes
    shorter = until(f"freeze {minutes:.6f} min; thaw 1 min")
    assert ended.coldest_c == pytest.approx(shorter.coldest_c, abs=0.5)


def test_an_organ_that_is_as_cold_already_lets_no_freeze_begin():
    result = until("freeze 4 min; thaw 20 s; freeze 3 min until nerve 36 C; thaw 30 s")
    assert result.plan.protocol.stages[2].minutes < 0.01
    assert result.ended_early == (
        "freeze 2 of 3 min was ended at once: nerve was at 36 C or colder when it began",
    )


def test_what_ends_a_freeze_must_be_in_the_box():
    skin = {"name": "skin", "label": 3, "min_temperature_c": 5.0}
    content = cases.plan("freeze 1 min until skin 5 C", organ_at_risk=[skin])
    box = cases.box(4.0, (40, 40, 40))
    none = {"skin": np.zeros(box.grid.shape, np.float32)}
    tissue = TissueGrid(box.grid, box.index, box.tissues, structures=none)
    with pytest.raises(InputError, match="'until skin' can never come: there is no skin"):
        simulate(tissue, content)


def test_what_a_probe_runs_of_its_own_follows_its_stage():
    content = cases.plan(
        "freeze 10 min; thaw 5 min; freeze 10 min", [cases.probe(runs_min=[[2, 8], [15, 25]])]
    )
    shorter = content.with_protocol(content.protocol.with_freezes(0.5))
    ((first, second),) = [probe.runs_min for probe in shorter.probe]
    assert first == pytest.approx((2.0, 5.0))
    assert second == pytest.approx((10.0, 15.0))
    assert Plan.model_validate(shorter.model_dump()) == shorter
    ended = content.with_protocol(content.protocol.ended_early(60.0))
    ((first, second),) = [probe.runs_min for probe in ended.probe]
    assert first == pytest.approx((1.0, 1.0), abs=1e-4)  # nothing is left of it
    assert second == pytest.approx((6.0, 16.0))
    assert Plan.model_validate(ended.model_dump()) == ended
