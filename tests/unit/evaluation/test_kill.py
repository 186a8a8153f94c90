"""Cell kill: the published numbers, by hand and on balls of known size; what a freeze adds."""

import dataclasses
import functools
import io
import re

import numpy as np
import pytest

from cases import ball_share, box, plan, probe, small_result
from cryosim.errors import InputError
from cryosim.evaluation import (
    evaluate,
    kill_probability,
    killed_by_isotherm,
    killed_by_tissue_threshold,
)
from cryosim.evaluation.kill import dose_response
from cryosim.evaluation.kill_rules import read_rules
from cryosim.reporting import print_report, report_document
from cryosim.results import load_result, save_result
from cryosim.simulation import simulate
from cryosim.sources import is_assumption
from cryosim.tissue import TissueGrid, read_library
from cryosim_kernels import exposure

RADIUS_MM = 20.0  # of the ice; 2 K for each millimeter
CENTER_MM = (0.3, -0.6, 0.2)  # on no voxel and no edge
TISSUES = ("muscle", "kidney", "lung", "prostate", "tumor", "gas")


def ball(
    freezes=1, tissue="muscle", text="freeze 3 min; thaw 1 min", gas=False, probes=0.0, **shares
):
    """A result with ice in a ball: 2 K colder and 20 s longer cold for each millimeter inwards.

    Warm gas fills x > 10 mm; probes fill a share of each voxel; the rest are structures.
    """
    grid = box(1.0).grid
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    points = grid.to_world(np.stack([i, j, k], axis=-1))
    coldest = 2 * (np.linalg.norm(points - np.array(CENTER_MM), axis=-1) - RADIUS_MM)
    coldest = coldest.astype(np.float32)
    index = np.full(grid.shape, TISSUES.index(tissue), np.uint8)
    if gas:
        index[points[..., 0] > 10] = TISSUES.index("gas")
        coldest[points[..., 0] > 10] = 37.0
    tissues = tuple(read_library()[name] for name in TISSUES)
    known = TissueGrid(grid, index, tissues, structures=shares)
    content = plan(text, **({"target": {"label": 1}} if shares else {}))
    levels = (0.0, -20.0, -40.0)
    return dataclasses.replace(
        small_result(),
        tissue=known,
        plan=content,
        times_s=(0.0, *content.protocol.ends_s()),
        temperatures_c=(np.full_like(coldest, 37.0), *[coldest] * len(content.protocol.stages)),
        coldest_c=coldest,
        time_below_s={c: np.maximum(10 * (c - coldest), 0) for c in levels},
        freezes_below={c: ((coldest <= c) * freezes).astype(np.uint8) for c in levels},
        probe_share=np.full(grid.shape, probes, np.float32),
    )


def ball_ml(level_c, hold_s=0.0):
    return 4 / 3 * np.pi * (RADIUS_MM + level_c / 2 - hold_s / 20) ** 3 / 1000


# --- dose-response ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coldest_c", "freezes", "killed"),
    [
        (-8.47, 1, 0.4755),  # half the plateau
        (-20.0, 1, 0.951 / (1 + 0.35427)),
        (-40.0, 1, 0.951 / (1 + 0.05856)),
        (-20.0, 3, 0.966 / (1 + 0.12925)),
        (-40.0, 3, 0.966 / (1 + 0.00237)),
        (-20.0, 2, 1 - (0.29778 * 0.14457) ** 0.5),
        (-20.0, 5, 0.966 / (1 + 0.12925)),
        # The curve of three freezes lies lower here, and revives no cell.
        (-5.0, 3, 0.951 / (1 + 1.36657)),
        (-5.0, 2, 0.951 / (1 + 1.36657)),
        (0.0, 1, 0.951 / (1 + 2.14311)),
        (0.01, 1, 0.0),
        (-20.0, 0, 0.0),
    ],
)
def test_dose_response_by_hand(coldest_c, freezes, killed):
    found = dose_response(np.array([coldest_c]), np.array([freezes]))
    assert found[0] == pytest.approx(killed, abs=2e-5)


def test_colder_and_again_kills_more():
    coldest, freezes = np.meshgrid(np.linspace(-150, 0, 301), np.arange(1, 5), indexing="ij")
    killed = dose_response(coldest, freezes)
    assert np.all(np.diff(killed, axis=0) < 0)
    assert np.all(np.diff(killed, axis=1) >= 0)
    assert np.all((killed > 0.3) & (killed < 0.966))
    assert np.all(np.diff(killed[coldest[:, 0] < -11, :3], axis=1) > 0)


def test_kill_map_follows_coldest_and_count():
    result = ball(freezes=1)
    again = np.where(np.arange(60) < 30, 3, 1) * (result.coldest_c <= 0)
    result = dataclasses.replace(result, freezes_below={0.0: again.astype(np.uint8)})
    killed = kill_probability(result)
    assert killed.dtype == np.float32
    coldest = result.coldest_c.astype(float)
    for half, freezes in ((np.s_[..., :30], 3), (np.s_[..., 30:], 1)):
        wanted = dose_response(coldest[half], np.full(coldest[half].shape, freezes))
        np.testing.assert_allclose(killed[half], wanted, atol=1e-6)
    assert np.all(killed[coldest > 0] == 0)
    assert np.all(killed[coldest <= 0] > 0.3)


def test_what_starts_frozen_has_frozen_once():
    """Body temperature 0 C: nothing falls through 0 C."""
    assert kill_probability(ball(freezes=0)).max() == pytest.approx(
        kill_probability(ball(freezes=1)).max()
    )


def test_after_some_freezes_counts_those_that_froze_a_voxel_again():
    text = "freeze 1 min; thaw 1 min; freeze 1 min; thaw 1 min; freeze 1 min"
    result = ball(freezes=3, text=text)
    #               start  freeze  thaw  freeze  thaw  freeze
    histories = {
        (0, 0, 0): (37.0, -20.0, 5.0, -30.0, 5.0, -25.0),  # thaws each time
        (0, 0, 1): (37.0, -30.0, -1.0, -20.0, -1.0, -25.0),  # never thaws
        (0, 0, 2): (37.0, 4.0, 6.0, -10.0, 5.0, -10.0),  # too far for the first freeze
        (0, 0, 3): (37.0, 9.0, 10.0, 6.0, 9.0, 1.0),  # too far for all
    }
    fields = [field.copy() for field in result.temperatures_c]
    for voxel, history in histories.items():
        for field, value in zip(fields, history, strict=True):
            field[voxel] = value
    result = dataclasses.replace(result, temperatures_c=tuple(fields))
    voxels = tuple(np.array(list(histories)).T)

    def wanted(*pairs):
        coldest, freezes = np.array(pairs).T
        return pytest.approx(dose_response(coldest, freezes), abs=1e-6)

    assert kill_probability(result, 0).max() == 0
    assert kill_probability(result, 1)[voxels] == wanted((-20, 1), (-30, 1), (4, 0), (9, 0))
    assert kill_probability(result, 2)[voxels] == wanted((-30, 2), (-30, 1), (-10, 1), (6, 0))
    np.testing.assert_array_equal(kill_probability(result, 3), kill_probability(result))


# --- isotherms and thresholds -------------------------------------------------------------------


def test_an_isotherm_takes_time():
    for hold_s in (0.0, 60.0, 100.0):
        killed = killed_by_isotherm(ball(), -20.0, hold_s)
        assert killed.sum() / 1000 == pytest.approx(ball_ml(-20, hold_s), rel=0.015)
    killed = killed_by_isotherm(ball(), -20.0)
    assert killed.sum() / 1000 == pytest.approx(ball_ml(-20, 60), rel=0.015)


def test_an_isotherm_that_was_not_counted_is_refused():
    with pytest.raises(InputError, match=r"-30 C.*0, -20, -40 C; add it to report\.isotherms_c"):
        killed_by_isotherm(ball(), -30.0)


@pytest.mark.parametrize(
    ("tissue", "freezes", "threshold_c"),
    [
        ("muscle", 1, -20.0),
        ("kidney", 1, -16.1),
        ("kidney", 2, -16.1),
        ("lung", 1, -20.0),
        ("tumor", 1, -50.0),
        ("prostate", 1, -61.7),
        ("prostate", 2, -41.4),
    ],
)
def test_each_tissue_has_its_own_threshold(tissue, freezes, threshold_c):
    result = ball(tissue=tissue, freezes=freezes)
    # 30 K colder, so that even -61.7 C encloses a ball of many voxels.
    result = dataclasses.replace(result, coldest_c=result.coldest_c - 30)
    killed = killed_by_tissue_threshold(result)
    assert killed.sum() / 1000 == pytest.approx(ball_ml(threshold_c + 30), rel=0.015)


def test_thresholds_meet_at_the_border_of_two_tissues():
    result = ball(tissue="kidney")
    index = result.tissue.index.copy()
    index[..., 30:] = TISSUES.index("muscle")
    tissue = TissueGrid(result.tissue.grid, index, result.tissue.tissues)
    killed = killed_by_tissue_threshold(dataclasses.replace(result, tissue=tissue))
    np.testing.assert_array_equal(
        killed[..., :30], killed_by_tissue_threshold(ball(tissue="kidney"))[..., :30]
    )
    np.testing.assert_array_equal(killed[..., 30:], killed_by_tissue_threshold(ball())[..., 30:])


# --- the report ---------------------------------------------------------------------------------


def test_volumes_and_shares_of_a_known_ball():
    target = ball_share(box(1.0).grid, CENTER_MM, 15.0)
    rules = {rule.rule: rule for rule in evaluate(ball(target=target)).kill}
    assert list(rules) == [
        "-20 C for one minute",
        "-40 C for one minute",
        "threshold of each tissue",
        "dose-response",
    ]
    at_20, at_40, threshold, dose = rules.values()
    assert at_20.volume_ml == pytest.approx(ball_ml(-20, 60), rel=0.015)
    assert at_20.target_share == pytest.approx((7 / 15) ** 3, rel=0.01)
    assert at_40.volume_ml == pytest.approx(0, abs=1e-3)
    assert threshold.volume_ml == pytest.approx(ball_ml(-20), rel=0.005)
    # Shells of the ball, each killed by its own temperature.
    radius = np.linspace(0, RADIUS_MM, 20001)
    killed = dose_response(2 * (radius - RADIUS_MM), np.ones(radius.shape, int))
    shells = killed * 4 * np.pi * radius**2 / 1000
    assert dose.volume_ml == pytest.approx(np.trapezoid(shells, radius), rel=0.01)
    inside = radius <= 15.0
    wanted = np.trapezoid(shells[inside], radius[inside]) / (4 / 3 * np.pi * 1.5**3)
    assert dose.target_share == pytest.approx(wanted, rel=0.01)
    assert [after.freezes for after in dose.after_freezes] == [1]


def test_probes_and_gas_are_no_tissue():
    whole = evaluate(ball()).kill
    for rule, other in zip(whole, evaluate(ball(probes=0.25)).kill, strict=True):
        assert other.volume_ml == pytest.approx(0.75 * rule.volume_ml, rel=1e-5)
    # A cap of gas reaches 0.3 mm into what the threshold of muscle kills.
    gone = evaluate(ball(gas=True)).kill
    height = CENTER_MM[0] + RADIUS_MM - 20 / 2 - 10
    cap_ml = np.pi * height**2 * (30 - height) / 3 / 1000
    assert whole[2].volume_ml - gone[2].volume_ml == pytest.approx(cap_ml, abs=0.01)
    # What is killed there by less than -20 C goes by the share: between 30 and 70 % of the cap.
    height = CENTER_MM[0] + RADIUS_MM - 10
    cap_ml = np.pi * height**2 * (3 * RADIUS_MM - height) / 3 / 1000
    assert 0.3 * cap_ml < whole[3].volume_ml - gone[3].volume_ml < 0.7 * cap_ml


def test_the_target_is_not_spared_where_gas_cuts_it_off():
    """Half of it in gas, which goes on as the tissue beside it: colder, frozen as often."""
    target = ball_share(box(1.0).grid, (10.5, 4.5, 0), 3.0)
    reports = [evaluate(ball(3, "kidney", gas=gas, target=target)) for gas in (False, True)]
    solid, cut = ([rule.target_share for rule in report.kill] for report in reports)
    assert cut[2] > solid[2] + 0.02
    assert cut[3] > solid[3] + 0.02
    assert cut[2] > 0.95


def test_numbers_have_sources_that_exist():
    rules = read_rules()
    for source in rules.sources(read_library().tissues.values()).values():
        keys = re.findall(r"\[([a-z0-9-]+)\]", source)
        assert keys or is_assumption(source)
        assert set(keys) <= set(rules.source_table)
    known = set(read_library())
    assert set(rules.thresholds) - {"other"} <= known


def test_the_report_says_what_was_assumed_and_where_numbers_come_from():
    report = evaluate(small_result())
    told = [line for line in report.assumptions if line.startswith("cell kill")]
    assert any("A549 cells in vitro" in line for line in told)
    assert any("two freezes: assumption: geometric mean" in line for line in told)
    assert any("threshold of ref, -20 C" in line for line in told)
    assert any("Cryoablation-Dosimetry, analysis.ipynb" in line for line in report.sources)
    assert not any("pig kidney" in line for line in report.sources)


def test_expected_kill_is_a_metric_a_goal_and_a_path():
    result = small_result()
    goal = {"metric": "target.kill.expected", "at_least": 0.99}
    sections = result.plan.model_dump(exclude_none=True) | {"goal": [goal]}
    result = dataclasses.replace(result, plan=type(result.plan).model_validate(sections))
    report = evaluate(result)
    expected = report.kill[-1].target_share
    assert 0.3 < expected < 0.951
    assert report.goals[-1].name == "target.kill.expected"
    assert (report.goals[-1].value, report.goals[-1].verdict) == (expected, "fail")
    document = report_document(report, result)
    assert document["target"]["kill"]["expected"] == expected
    assert document["kill"][-1]["after_freezes"][0]["target_share"] == expected
    assert document["kill"][0]["target_share"] == report.kill[0].target_share


def test_without_a_target_the_file_has_none():
    document = report_document(evaluate(ball()), ball())
    assert document["target"] is None
    assert document["kill"][-1]["target_share"] is None


# --- what a freeze adds -------------------------------------------------------------------------


@functools.cache
def three_freezes():
    """Pure conduction, thawed to the last voxel in between, and a small target in the middle."""
    tissue = box()
    target = ball_share(tissue.grid, (0, 0, 0), 5.0)
    tissue = TissueGrid(tissue.grid, tissue.index, tissue.tissues, structures={"target": target})
    text = "; ".join(["freeze 3 min"] + ["thaw 20 min active; freeze 3 min"] * 2)
    return simulate(tissue, plan(text, [probe()], target={"label": 1}))


def test_a_further_freeze_kills_where_isotherms_stand_still():
    result = three_freezes()
    report = evaluate(result)
    ice = {row.t_s: row.volume_ml for row in report.timeline}
    once, twice, thrice = (ice[end] for end in result.plan.protocol.ends_s()[::2])
    first, second, third = report.kill[-1].after_freezes
    for level in (0.0, -20.0, -40.0):
        assert twice[level] == pytest.approx(once[level], rel=0.1)
        assert thrice[level] == pytest.approx(twice[level], rel=0.015)
    # Nearly all of the target is colder than -20 C: that isotherm tells no freeze from the next.
    assert report.target.coverage[-20.0] > 0.99
    assert 1 - second.target_share < 0.8 * (1 - first.target_share)
    assert 1 - third.target_share < 0.8 * (1 - second.target_share)
    assert third.volume_ml > 1.05 * second.volume_ml
    assert third.target_share == report.target.kill.expected


def test_the_snapshots_find_what_was_recorded():
    """Freezes counted at the ends of stages are those that the run counted at every step."""
    result = three_freezes()
    assert np.bincount(result.freezes_below[0.0].ravel()).argmax() == 0
    deep = result.coldest_c < -5
    assert np.all(result.freezes_below[0.0][deep] == 3)
    before, last = (kill_probability(result, freezes) for freezes in (2, 3))
    np.testing.assert_allclose(
        before[deep], dose_response(_coldest_after_two(result)[deep], np.full(deep.sum(), 2)),
        atol=1e-5,
    )  # fmt: skip
    assert np.all(last >= before - 1e-6)


def _coldest_after_two(result):
    fields = dict(zip(result.times_s, result.temperatures_c, strict=True))
    ends = result.plan.protocol.ends_s()
    return np.minimum(fields[ends[0]], fields[ends[2]]).astype(float)


def test_the_kill_map_is_in_the_file(tmp_path):
    import h5py

    result = small_result()
    save_result(result, tmp_path / "result.vtkhdf")
    with h5py.File(tmp_path / "result.vtkhdf") as file:
        stored = file["VTKHDF/PointData/kill_probability"][0]
    np.testing.assert_array_equal(stored, kill_probability(load_result(tmp_path / "result.vtkhdf")))
    assert stored.max() > 0.9


def test_the_table_lists_every_freeze():
    from rich.console import Console

    console = Console(width=120, record=True, file=io.StringIO())
    print_report(evaluate(three_freezes()), three_freezes(), console)
    text = console.export_text()
    for words in ("Cell kill", "-40 C for one minute", "after freeze 1", "after freeze 3"):
        assert words in text


# --- how exposure is recorded -------------------------------------------------------------------

#             seconds, C; in between the temperature is linear
RAMPS = [
    (0, 37), (97, -60), (291, 37), (338, -10), (1278, 37), (1375, -60), (1860, 37),
]  # fmt: skip


def record(ramps, spacing_s):
    """Run the exposure kernel over linear ramps; records fall on each corner and in between."""
    corners = np.array([time for time, _ in ramps], float)
    inner = np.arange(0, corners[-1], spacing_s) + 0.123
    times = np.unique(np.concatenate([corners, inner[inner < corners[-1]]]))
    values = np.interp(times, corners, [value for _, value in ramps])
    shape = (3, 3, 3)
    thresholds = np.array([0.0, -20.0, -40.0])

    def single(value=0.0):
        return np.full(shape, value, np.float32)

    coldest, crossed, cooling, thawing, perfusable = (single() for _ in range(5))
    earlier = single(values[0])
    coldest[...] = values[0]
    perfusable[...] = 1.0
    below = np.zeros((3, *shape), np.float32)
    freezes = np.zeros((3, *shape), np.uint8)
    rows = np.ones(shape[:2], np.bool_)
    for before, now, value in zip(times[:-1], times[1:], values[1:], strict=True):
        exposure.record_exposure(
            np.full(shape, value, np.float32), np.zeros(shape, np.uint8), rows,
            np.array([-1.0]), np.array([-8.0]), now, now - before, thresholds, True, earlier,
            coldest, below, freezes, crossed, cooling, thawing, perfusable,
        )  # fmt: skip
    at = (1, 1, 1)
    return {
        "coldest": coldest[at],
        "below": below[(slice(None), *at)],
        "freezes": freezes[(slice(None), *at)].tolist(),
        "cooling": cooling[at],
        "thawing": thawing[at],
        "perfusable": perfusable[at],
    }


@pytest.mark.parametrize("spacing_s", [0.7, 3.1, 13.0, 31.0, 5000.0])
def test_rates_and_counts_of_ramps(spacing_s):
    """One deep freeze at 60 K/min that thaws at 30, a shallow one, a deep one that thaws at 12."""
    first = record(RAMPS[:3], spacing_s)
    assert first["coldest"] == pytest.approx(-60)
    assert first["freezes"] == [1, 1, 1]
    assert first["below"] == pytest.approx([60 + 120, 40 + 80, 20 + 40], abs=0.01)
    assert first["cooling"] == pytest.approx(60, rel=1e-3)
    assert first["thawing"] == pytest.approx(30, rel=1e-3)
    assert first["perfusable"] == 0.0
    # A shallow freeze thaws at 3 K/min, but never was at -20 C.
    shallow = record(RAMPS[:5], spacing_s)
    assert shallow["freezes"] == [2, 1, 1]
    assert shallow["below"] == pytest.approx([180 + 10 + 200, 120, 60], abs=0.02)
    assert shallow["cooling"] == pytest.approx(60, rel=1e-3)
    assert shallow["thawing"] == pytest.approx(30, rel=1e-3)
    # Of several thaws the slowest counts.
    last = record(RAMPS, spacing_s)
    assert last["freezes"] == [3, 2, 2]
    assert last["thawing"] == pytest.approx(12, rel=2e-3)


@pytest.mark.parametrize("spacing_s", [0.7, 13.0, 5000.0])
def test_the_fastest_cooling_and_the_slowest_thaw_stay(spacing_s):
    slow_then_fast = record([(0, 37), (194, -60), (679, 37), (727.5, -60), (824.5, 37)], spacing_s)
    assert slow_then_fast["cooling"] == pytest.approx(120, rel=1e-3)
    assert slow_then_fast["thawing"] == pytest.approx(12, rel=1e-3)
    fast_then_slow = record([(0, 37), (48.5, -60), (145.5, 37), (339.5, -60)], spacing_s)
    assert fast_then_slow["cooling"] == pytest.approx(120, rel=1e-3)
    assert fast_then_slow["thawing"] == pytest.approx(60, rel=1e-3)


@pytest.mark.parametrize("spacing_s", [0.7, 13.0, 5000.0])
def test_a_thaw_that_stops_halfway_gives_no_rate(spacing_s):
    """Up to -10 C and down again: frozen once, at -20 C twice, cooled through 0 C once."""
    found = record([(0, 37), (97, -60), (147, -10), (152, -60)], spacing_s)
    assert found["freezes"] == [1, 2, 2]
    assert found["cooling"] == pytest.approx(60, rel=1e-3)
    assert found["thawing"] == 0.0
    # The thaw that ends it counts from its own start, 20 K in 50 s.
    thawed = record([(0, 37), (97, -60), (147, -10), (152, -60), (402, 40)], spacing_s)
    assert thawed["thawing"] == pytest.approx(24, rel=2e-3)


def test_what_never_reached_minus_20_has_no_rates():
    found = record([(0, 37), (47, -10), (94, 37)], 1.0)
    assert found["freezes"] == [1, 0, 0]
    assert (found["cooling"], found["thawing"]) == (0.0, 0.0)
    assert found["perfusable"] == 0.0
    never = record([(0, 37), (36, 1), (72, 37)], 1.0)
    assert never["freezes"] == [0, 0, 0]
    assert never["below"].max() == 0.0
    assert never["perfusable"] == 1.0
