"""Sensors, needles and blood in the report."""

import dataclasses
import json

import numpy as np
import pytest
from rich.console import Console

from cases import box, plan
from cryosim.anatomy import Anatomy, place_anatomy
from cryosim.errors import InputError
from cryosim.evaluation import evaluate
from cryosim.reporting import print_report, report_document
from cryosim.simulation import Curves, simulate
from cryosim.surfaces import sample

POINTS = {"near": (4.3, -2.1, 1.7), "far": (-21.0, 11.2, 29.9), "corner": (29.9, 29.9, -29.9)}
SENSORS = [{"name": name, "at_mm": at} for name, at in POINTS.items()]


def test_a_sensor_shows_the_field_between_voxels():
    result = simulate(box(), plan("freeze 2 min; thaw 1 min", sensor=SENSORS))
    for number, time_s in enumerate(result.times_s):
        last = np.flatnonzero(np.isclose(result.curves.times_s, time_s))[-1]
        fields = sample(
            result.tissue.grid, result.temperatures_c[number], np.array(list(POINTS.values()))
        )
        curves = [result.curves.sensors_c[name][last] for name in POINTS]
        assert curves == pytest.approx(fields, abs=1e-4)


def with_curve(times_s, temperatures_c):
    """A short run whose one sensor is given this curve."""
    content = plan("freeze 30 s", sensor=SENSORS[:1], goal=[
        {"metric": "sensors.near.coldest_c", "at_least": -5.0},
        {"metric": "sensors.near.warmest_c", "at_most": 50.0},
    ])  # fmt: skip
    result = simulate(box(3.0), content)
    times, values = np.array(times_s, dtype=float), np.array(temperatures_c, dtype=float)
    idle = np.zeros((1, len(times)))
    return dataclasses.replace(result, curves=Curves(times, {"near": values}, idle, idle))


def test_time_at_or_below_zero_is_exact_between_samples():
    curve = ([0, 100, 100, 300, 400, 450], [10, -10, -10, 30, 0, 0])
    (sensor,) = evaluate(with_curve(*curve)).sensors
    assert sensor.seconds_frozen == pytest.approx(50 + 50 + 50)
    assert (sensor.coldest_c, sensor.warmest_c) == (-10, 30)
    assert sensor.times_s == tuple(curve[0])


def test_goals_on_sensors_are_judged():
    report = evaluate(with_curve([0, 10, 20], [37, -8, 5]))
    assert [goal.verdict for goal in report.goals] == ["fail", "ok"]
    offered = {one.path for one in report.numbers() if one.quantity.goal != "never"}
    assert offered == set(plan(sensor=SENSORS[:1]).metrics())


def test_a_long_curve_is_thinned_and_keeps_its_extremes():
    times = np.linspace(0, 3600, 5000)
    values = 20 + 10 * np.sin(times / 300)
    values[1234], values[777] = -77, 55
    result = with_curve(times, values)
    (sensor,) = evaluate(result).sensors
    assert len(sensor.times_s) <= 200
    assert (min(sensor.temperatures_c), max(sensor.temperatures_c)) == (-77, 55)
    assert (sensor.times_s[0], sensor.times_s[-1]) == (0, 3600)
    assert len(result.curves.times_s) == 5000


def test_json_and_table_show_sensors_and_needles(capsys):
    result = simulate(box(3.0), plan("freeze 30 s", sensor=SENSORS[:2]))
    report = evaluate(result)
    document = json.loads(json.dumps(report_document(report, result), allow_nan=False))
    assert [row["name"] for row in document["sensors"]] == ["near", "far"]
    assert document["sensors"][0]["at_mm"] == list(POINTS["near"])
    assert document["sensors"][0]["coldest_c"] < document["sensors"][1]["coldest_c"]
    (needle,) = document["needles"]
    assert needle["heat_j"] == pytest.approx(document["energy"]["probe_heat_out_j"], rel=0.02)
    print_report(report, result, Console(width=120))
    printed = capsys.readouterr().out
    for words in ("Sensors", "near", "Needles", "probe.0", "mean in freezes"):
        assert words in printed


def test_a_plan_without_sensors_has_an_empty_list():
    result = simulate(box(3.0), plan("freeze 30 s"))
    assert evaluate(result).sensors == ()
    assert report_document(evaluate(result), result)["sensors"] == []


def test_a_sensor_outside_the_box_is_refused():
    content = plan(sensor=[{"name": "skin", "at_mm": (0, 0, 300)}])
    sentence = r"sensor 'skin' at \[0, 0, 300\] lies outside the simulated box.*x -30 to 30.*at_mm"
    with pytest.raises(InputError, match=sentence):
        simulate(box(), content)
    with pytest.raises(InputError, match=sentence):
        place_anatomy(Anatomy(None), content)
