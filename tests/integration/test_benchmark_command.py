"""`cryosim benchmark` as users call it: real runs on tiny grids, taken up again, bad input."""

import json
import signal
import subprocess
import sys
import time

import pytest

import cryosim
from cryosim.cli import main
from cryosim.studies import BatchCallback

PLAN = """
[anatomy]
phantom = "uniform"
size_mm = [72, 72, 96]

[[probe]]
diameter_mm = 1.5
active_length_mm = 30
surface_c = -150
tip_mm = [0, 0, -15]
entry_mm = [0, 0, 100]

[protocol]
text = "freeze 60 s"

[report]
times_s = [30]
"""
FILES = {"benchmark.json", "benchmark.csv", "time.png", "error.png", "cases"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a plan and its benchmark at 4 and 3 mm, and what was printed."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "plan.toml").write_text(PLAN)
    arguments = ["benchmark", str(folder / "plan.toml"), "--spacing-mm", "4,3"]
    done = subprocess.run(
        [sys.executable, "-m", "cryosim", *arguments, "-o", str(folder / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def again(folder, *arguments):
    return main(["benchmark", str(folder / "plan.toml"), "-o", str(folder / "out"), *arguments])


def read(folder):
    return json.loads((folder / "out" / "benchmark.json").read_text())


def test_everything_is_measured_and_written(finished):
    folder, printed = finished
    assert {path.name for path in (folder / "out").iterdir()} == FILES
    for words in ("against the 3 mm grid", "GB/s", "not a medical device", "wrote"):
        assert words in " ".join(printed.split())
    assert "━━━━ 100%" not in printed  # no bar where there is no terminal
    document = read(folder)
    assert [case["spacing_mm"] for case in document["cases"]] == [4.0, 3.0]
    for case in document["cases"]:
        cost, memory = case["performance"], case["memory"]
        assert cost["cell_updates"] == pytest.approx(
            case["cell_updates_per_s"] * cost["wall_s"], rel=1e-6
        )
        assert min(cost["wall_s"], cost["compile_s"], cost["steps"], cost["stages"]) > 0
        assert memory["baseline"] < memory["peak"] < memory["baseline"] + 500e6
        assert memory["predicted"] == cost["memory_bytes"]
        assert case["threads"] >= 1
        assert [row["t_s"] for row in case["timeline"]] == [30, 60]
    assert set(document["cases"][0]["largest_error"]) == {"0", "-20", "-40"}
    assert document["reference"]["spacing_mm"] == 3.0


def test_volumes_are_those_of_a_run(finished):
    folder, _ = finished
    plan = cryosim.read_plan(folder / "plan.toml")
    plan = plan.model_copy(update={"grid": plan.grid.model_copy(update={"spacing_mm": 4.0})})
    tissue = cryosim.place_anatomy(cryosim.read_anatomy(plan), plan)
    report = cryosim.evaluate(cryosim.simulate(tissue, plan))
    for ours, row in zip(read(folder)["cases"][0]["timeline"], report.timeline, strict=True):
        for level, volume in row.volume_ml.items():
            assert ours[f"{level:g}"]["volume_ml"] == pytest.approx(volume, rel=1e-6)


def test_taken_up_again_with_two_jobs(finished, capsys):
    folder, _ = finished
    cases = folder / "out" / "cases"
    before = {path: path.stat().st_mtime_ns for path in cases.iterdir()}
    assert again(folder, "--spacing-mm", "6,5,4,3", "--jobs", "2") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "finished before: 4, 3 mm; 2 to run" in printed
    assert "slowed each other down" in printed
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(cases.iterdir())) == 4
    document = read(folder)
    assert [case["jobs"] for case in document["cases"]] == [2, 2, 1, 1]

    assert again(folder, "--spacing-mm", "4") == 0
    assert "finished before: 4 mm; 0 to run" in capsys.readouterr().out
    assert read(folder)["reference"] is None
    assert not (folder / "out" / "error.png").exists()


def test_a_reference_file(finished, capsys):
    """Any solution with a timeline, also another report, is a reference; nothing is run again."""
    folder, _ = finished
    rows = [{"t_s": 60, "0": {"volume_ml": 4.0}}, {"t_s": 180, "0": {"volume_ml": 9.0}}]
    (folder / "exact.json").write_text(json.dumps({"timeline": rows}))
    assert again(folder, "--spacing-mm", "4,3", "--reference", str(folder / "exact.json")) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "0 to run" in printed
    assert "against exact.json" in printed
    assert "not compared with exact.json at 180 s" in printed
    document = read(folder)
    assert document["reference"]["times_s"] == [60]
    for case in document["cases"]:
        volume = case["timeline"][1]["0"]
        assert volume["error_percent"] == pytest.approx(100 * (volume["volume_ml"] / 4 - 1))


def test_a_grid_that_cannot_be_run_does_not_spoil_the_others(tmp_path, capsys):
    large = PLAN.replace("[72, 72, 96]", "[400, 400, 400]").replace("60 s", "5 s")
    (tmp_path / "plan.toml").write_text(large)
    assert again(tmp_path, "--spacing-mm", "10,0.1") == 2
    printed = " ".join(capsys.readouterr().out.split())
    assert "not run: 0.1 mm: grid.spacing_mm = 0.1: 4000 x 4000 x 4000 voxels" in printed
    document = read(tmp_path)
    assert [case["spacing_mm"] for case in document["cases"]] == [10.0]
    assert document["refused"][0]["spacing_mm"] == 0.1


def test_stopped_on_the_way_keeps_what_is_finished(finished):
    folder, _ = finished
    out = folder / "stopped"
    # A test run in the background has its children ignore Ctrl-C unless they say otherwise.
    listening = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from cryosim.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", listening, "benchmark", str(folder / "plan.toml"),
         "--spacing-mm", "4,0.45", "-o", str(out)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(out.glob("cases/4mm-*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "keeps what is finished" in complaints
    assert [path.name[:4] for path in (out / "cases").iterdir()] == ["4mm-"]
    assert {path.name for path in out.iterdir()} == {"cases"}


def test_from_a_script(finished):
    class Watch(BatchCallback):
        seen = ()

        def on_start(self, missing_mm, finished_mm):
            self.seen = (tuple(missing_mm), tuple(finished_mm))

    folder, _ = finished
    watch = Watch()
    plan = cryosim.read_plan(folder / "plan.toml")
    batch = cryosim.benchmark(plan, folder / "out", (3, 4), callbacks=[watch])
    assert watch.seen == ((), (4.0, 3.0))
    assert [record.spacing_mm for record in batch.records] == [4.0, 3.0]
    assert batch.comparison.largest(4.0, 0.0).percent == pytest.approx(0.0, abs=30)


# --- bad input: one sentence, exit code 2, nothing written ----------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--phantom", "jelly"], "'jelly' is unknown; there are: uniform, gel"),
        (["PLAN", "--phantom", "gel"], "give a plan or a phantom, not both"),
        (["nowhere.toml"], "nowhere.toml: cannot be read"),
        (["PLAN", "--spacing-mm", ""], "--spacing-mm = '': use numbers with commas"),
        (["PLAN", "--spacing-mm", "4,x"], "--spacing-mm = '4,x'"),
        (["PLAN", "--spacing-mm", "-1"], "grid.spacing_mm = -1.0"),
        (["PLAN", "--spacing-mm", "0"], "greater than or equal to 0.1"),
        (["PLAN", "--jobs", "0"], "jobs = 0: use 1 or more"),
        (["PLAN", "--reference", "PLAN"], "not valid JSON"),
        (["PLAN", "--reference", "none.json"], "none.json: cannot be read"),
    ],
)
def test_bad_input(tmp_path, capsys, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = str(tmp_path / "plan.toml")
    assert main(["benchmark", *[plan if word == "PLAN" else word for word in arguments]]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("cryosim: ")
    assert expected in message
    assert "\n" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]


def test_a_plan_that_fits_on_no_grid(tmp_path, capsys):
    (tmp_path / "plan.toml").write_text(PLAN.replace("[0, 0, -15]", "[0, 0, -70]"))
    assert again(tmp_path, "--spacing-mm", "4,3", "--jobs", "2") == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("cryosim: probe.0: the tip at [0, 0, -70] lies outside")
    assert "\n" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]


def test_a_folder_of_another_plan(finished, capsys):
    folder, _ = finished
    before = read(folder)
    assert main(["benchmark", "--phantom", "gel", "-o", str(folder / "out")]) == 2
    assert "holds the benchmark of another plan" in capsys.readouterr().err
    assert read(folder) == before
