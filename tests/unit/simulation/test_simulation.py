"""The simulation as users call it: conservation, symmetry, callbacks, options, inputs untouched."""

import sys

import numpy as np
import pytest

from cases import box, plan, probe, small_result
from cryosim.errors import InputError
from cryosim.evaluation import isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.simulation import Callback, Settings, forecast, simulate, snapshot_times
from cryosim.tissue import Tissue, TissueGrid


def test_energy_closes():
    energy = small_result().energy
    assert energy.relative_error < 1e-6
    assert energy.probe_heat_out_j > 1000
    assert energy.latent_j < 0
    assert energy.blood_j > 0
    assert energy.boundary_j > 0


def test_energy_closes_with_vessels_gas_bone_and_active_thaw():
    grid = Grid.centered((50, 50, 50), 2.5)
    index = np.zeros(grid.shape, np.uint8)
    index[:, :5] = 1
    index[:5] = 2
    common = {**box().tissues[0].__dict__, "sources": {}}
    tissues = (
        Tissue(**{**common, "name": "soft", "perfusion_1_s": 0.005, "metabolism_w_m3": 700.0}),
        Tissue("gas", 0.026, 0.026, 1147.0, 1147.0, 0.0, -100.0, -99.0),
        Tissue("bone", 0.32, 0.8, 2.5e6, 2.6e6, 8.6e7, -8.0, -0.6),
    )
    vessel = np.zeros(grid.shape, bool)
    vessel[:, 12:14, 12:14] = True
    tissue = TissueGrid(grid, index, tissues, heat_sink=vessel)
    result = simulate(tissue, plan("freeze 4 min; thaw 2 min active; freeze 1 min"))
    assert result.energy.relative_error < 1e-6
    assert result.energy.vessels_j > 0
    assert result.energy.air_j == 0
    assert result.energy.metabolism_j > 0
    assert np.all(result.temperatures_c[-1][vessel] == 37.0)
    assert any("gas" in sentence for sentence in result.assumptions)


def test_mirror_images_stay_mirror_images():
    """A probe off center and its mirror image give mirrored fields."""
    one = simulate(box(), plan(probes=[probe((3.3, 1.0, -10), (3.3, 1.0, 90))]))
    other = simulate(box(), plan(probes=[probe((-3.3, 1.0, -10), (-3.3, 1.0, 90))]))
    assert one.coldest_c == pytest.approx(other.coldest_c[:, :, ::-1], abs=1e-3)
    assert not np.allclose(one.coldest_c, one.coldest_c[:, :, ::-1], atol=1)


def test_axes_do_not_matter():
    """The same probe along x and along z gives the same volumes."""
    volumes = []
    for tip, entry in (((-10, 0.3, 0.2), (90, 0.3, 0.2)), ((0.3, 0.2, -10), (0.3, 0.2, 90))):
        result = simulate(box(), plan(probes=[probe(tip, entry)]))
        volumes.append(isotherm_volume_ml(result, result.coldest_c, -20.0))
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-3)


def test_integrators_agree():
    results = [
        simulate(box(1.25, (40, 40, 50)), plan("freeze 4 min"), Settings(integrator=name))
        for name in ("explicit", "rkl2", "multirate")
    ]
    volumes = [isotherm_volume_ml(result, result.coldest_c, 0.0) for result in results]
    assert volumes[1:] == pytest.approx([volumes[0]] * 2, rel=2e-3)
    updates = [result.performance.cell_updates for result in results]
    assert max(updates[1:]) < updates[0]


def test_inputs_stay_as_they_are():
    tissue, content = box(), plan("freeze 1 min")
    before = content.model_dump_json()
    simulate(tissue, content)
    assert content.model_dump_json() == before
    with pytest.raises(ValueError, match="read-only"):
        tissue.index[0, 0, 0] = 1


def test_running_twice_gives_the_same_bytes():
    fields = [simulate(box(), plan("freeze 1 min")).coldest_c.tobytes() for _ in range(2)]
    assert fields[0] == fields[1]


def test_callbacks_see_the_run():
    class Watcher(Callback):
        def __init__(self):
            self.times, self.snapshots, self.ended = [], [], False

        def on_progress(self, time_s):
            self.times.append(time_s)

        def on_snapshot(self, time_s, temperature_c):
            self.snapshots.append((time_s, float(temperature_c.min())))

        def on_end(self):
            self.ended = True

    watcher = Watcher()
    content = plan("freeze 2 min; thaw 1 min", report={"times_s": [37.5]})
    result = simulate(box(), content, callbacks=[watcher])
    assert [time for time, _ in watcher.snapshots] == [0.0, 37.5, 120.0, 180.0]
    assert result.times_s == tuple(snapshot_times(content))
    assert watcher.snapshots[2][1] < -100.0 < watcher.snapshots[3][1]
    assert watcher.times == sorted(watcher.times)
    assert watcher.times[-1] == pytest.approx(180.0)
    assert watcher.ended


def test_blood_warms_and_may_stay_away():
    volumes = {}
    for stays_off in (True, False):
        for scale in (0.0, 10.0):
            result = simulate(
                box(perfusion_1_s=0.002),
                plan(
                    "freeze 3 min; thaw 3 min",
                    perfusion={"scale": scale, "stays_off_after_freezing": stays_off},
                ),
            )
            volumes[stays_off, scale] = isotherm_volume_ml(result, result.temperatures_c[-1], 0.0)
    assert volumes[True, 0.0] == volumes[False, 0.0]
    assert volumes[True, 10.0] < volumes[True, 0.0]
    assert volumes[False, 10.0] < volumes[True, 10.0]


def test_exposure_time_is_counted():
    result = small_result()
    seconds = result.time_below_s[0.0]
    middle = tuple(n // 2 for n in seconds.shape)
    assert 170 < seconds[middle] <= 240.001
    assert np.all(result.time_below_s[-40.0] <= result.time_below_s[-20.0])
    # Whatever has been colder than a threshold has spent time below it, and the reverse.
    cold = result.coldest_c <= -20.0
    assert np.array_equal(cold, result.time_below_s[-20.0] > 0)


def test_memory_is_checked_before_anything_is_allocated(monkeypatch):
    module = sys.modules["cryosim.simulation.memory"]
    monkeypatch.setattr(module, "available_bytes", lambda: 400 * 10**6)
    with pytest.raises(InputError, match=r"grid\.spacing_mm = 0\.4.*GB.*use grid\.spacing_mm"):
        simulate(box(0.4), plan("freeze 1 min"))


def test_forecast_counts_what_the_run_takes():
    tissue, content = box(1.5), plan("freeze 3 min; thaw 1 min")
    expected = forecast(tissue, content, len(snapshot_times(content)))
    result = simulate(tissue, content)
    assert expected.stages == pytest.approx(result.performance.stages, rel=0.2)
    assert expected.wall_s > 0


def test_kernels_are_timed_once_an_hour(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tissue, content = box(1.5), plan("freeze 3 min")
    first, second = (forecast(tissue, content, 2).wall_s for _ in range(2))
    assert first == second  # two timings would differ
    (kept,) = (tmp_path / "cryosim").glob("updates-per-second-*")
    kept.write_text(repr(2 * float(kept.read_text())))
    assert forecast(tissue, content, 2).wall_s == pytest.approx(first / 2)


def test_settings_refuse_nonsense():
    with pytest.raises(InputError, match="integrator"):
        Settings(integrator="magic")
    with pytest.raises(InputError, match="steps must be positive"):
        Settings(smallest_step_s=0)


def test_a_probe_beside_a_held_vessel_runs():
    """Voxels held at 37 C within reach of the probe take no part in its exchange."""
    grid = box().grid
    vessel = np.zeros(grid.shape, dtype=bool)
    vessel[:, 15:17, 16:19] = True
    tissue = TissueGrid(grid, box().index, box().tissues, heat_sink=vessel)
    result = simulate(tissue, plan("freeze 1 min"))
    assert result.energy.relative_error < 1e-6
    assert result.energy.vessels_j > 0


def test_each_probe_has_its_own_temperature():
    probes = [
        probe((-12, 0, -10), (-12, 0, 90), surface_c=-150),
        probe((12, 0, -10), (12, 0, 90), surface_c=-40),
    ]
    result = simulate(box(), plan("freeze 2 min", probes=probes))
    half = result.coldest_c.shape[2] // 2
    assert result.coldest_c[:, :, :half].min() < -60
    assert -41 < result.coldest_c[:, :, half:].min() < -20


def test_an_active_thaw_warms_and_a_passive_one_does_not_add_heat():
    heat = {}
    for mode in ("active", "passive"):
        result = simulate(box(), plan(f"freeze 2 min; thaw 2 min {mode}"))
        heat[mode] = result.energy.probe_heat_out_j
    assert heat["active"] < heat["passive"]


def test_odd_times_meet_the_ends_of_stages():
    """123 s is 2.05 min, which a float does not hold exactly."""
    content = plan("freeze 123 s; thaw 1.433 min; freeze 31 s", report={"times_s": [123]})
    times = snapshot_times(content)
    assert 123.0 in times
    assert times[-1] == pytest.approx(123 + 1.433 * 60 + 31)
    assert len([time for time in times if abs(time - 123) < 0.01]) == 1
