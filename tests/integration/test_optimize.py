"""The whole search on a ball in a box of muscle: what it finds, keeps, and survives."""

import contextlib
import html
import json
import os
import shutil
import signal
import subprocess
import threading

import numpy as np
import pytest
from matplotlib.figure import Figure

from cases import ball_share
from cryosim.anatomy import read_anatomy
from cryosim.cli import main
from cryosim.geometry import Grid
from cryosim.images import Labels, write_labels
from cryosim.pictures import plot_trade_off
from cryosim.plan import plan_from_dict, read_plan
from cryosim.planning import optimize, plans_document
from cryosim.planning.layout import even_directions
from cryosim.tasks import EvaluationCallback
from processes import children_of, is_running, python, wait_for

# One probe makes 9 mm of margin here, two make 11 mm.
PLAN = """
[anatomy]
phantom = "uniform"
size_mm = [100, 100, 110]
tissue = "muscle"

[target]
mask = "target.nii.gz"
margin_mm = 10
lethal_coverage = 0.8

[protocol]
text = "freeze 9 min"

[grid]
spacing_mm = 5

[optimize]
max_probes = 2
samples = 1
placement_sd_mm = 1
spacing_mm = [10, 18]
spacing_of_search_mm = 6
seed = 3
"""


# What a plan says of its target is all that a search needs.
ALONE = """
[anatomy]
labels = "labels.nii.gz"

[anatomy.tissues]
0 = "gas"
1 = "muscle"

[target]
label = 2
margin_mm = 3
lethal_coverage = 0.8

[protocol]
text = "freeze 5 min"

[grid]
spacing_mm = 5
padding_mm = 40
"""


class Watch(EvaluationCallback):
    def __init__(self):
        self.known, self.evaluated = 0, 0

    def on_start(self, asked, known):  # noqa: ARG002
        self.known += len(known)

    def on_evaluated(self, *_):
        self.evaluated += 1


def write_case(folder, text=PLAN, radius_mm=8.0):
    folder.mkdir(parents=True, exist_ok=True)
    grid = Grid.centered((40, 40, 40), 2.0)
    ball = ball_share(grid, (0, 0, 0), radius_mm) >= 0.5
    write_labels(Labels(grid, ball.astype(np.int32)), folder / "target.nii.gz")
    (folder / "plan.toml").write_text(text)
    return folder


def command(case, *options):
    return ["optimize", str(case / "plan.toml"), "-o", str(case / "out"), *options]


def test_labels_alone_and_no_section_are_enough(tmp_path):
    grid = Grid.from_spacing((30, 36, 36), 2.5, (-43.75, -43.75, -36.25))
    body = ball_share(grid, (0, 0, 0), 40.0) >= 0.5
    tumor = ball_share(grid, (0, -8, 0), 6.0) >= 0.5
    labels = Labels(grid, body.astype(np.int32) + tumor, {1: "muscle", 2: "tumor"})
    write_labels(labels, tmp_path / "labels.nii.gz")
    (tmp_path / "plan.toml").write_text(ALONE)
    assert main(command(tmp_path, "--jobs", "1")) == 0
    (best, *_) = plans_of(tmp_path)["plans"]
    assert best["met"]
    found = read_plan(tmp_path / "out" / "plan.json")
    assert {probe.model for probe in found.probe} == {"argon-17g"}
    assert {goal["name"] for goal in best["goals"]} >= {"ice margin", "skin coldest"}
    assert main(["check", str(tmp_path / "out" / "plan.json")]) == 0


def plans_of(case):
    return json.loads((case / "out" / "plans.json").read_text())


def lasting(document):
    """What does not depend on when and by whom it was found."""
    return {key: value for key, value in document.items() if key != "wall_s"}


def kept(case):
    path = case / "out" / "journal.jsonl"
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.exists() else 0


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A case whose search the command line has done, with two processes."""
    folder = write_case(tmp_path_factory.mktemp("two"))
    assert main(command(folder, "--jobs", "2")) == 0
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The same from Python, with one process; the watch saw how."""
    folder = write_case(tmp_path_factory.mktemp("one"))
    plan, watch = read_plan(folder / "plan.toml"), Watch()
    result = optimize(
        read_anatomy(plan), plan, folder=folder / "out", jobs=1, callbacks=[watch]
    )  # fmt: skip
    assert watch.evaluated == kept(folder)
    return folder, result


# --- what is found --------------------------------------------------------------------------------


def test_the_fewest_probes_that_meet_the_goals(found):
    result = found[1]
    assert result.report.passed
    assert result.best.met
    assert [one.candidate.count for one in result.ranked] == [2, 1]
    assert result.ranked[0] is result.best
    assert not result.ranked[1].met
    assert result.report.target.margin.ice.min_mm >= 10.0 - 2.5  # within half a voxel
    assert len(result.plan.probe) == 2
    assert result.given is None


def test_it_is_no_worse_than_a_regular_grid_with_one_probe_more(found):
    result = found[1]
    assert [one.candidate.count for one in result.baseline] == [2, 3]
    more = result.baseline[1].outcome
    assert result.best.outcome["healthy_frozen_ml"] < more["healthy_frozen_ml"]
    same = result.baseline[0]
    assert (same.met, -same.outcome["healthy_frozen_ml"]) <= (
        True, -result.best.outcome["healthy_frozen_ml"]
    )  # fmt: skip


def test_every_choice_is_parallel_as_far_apart_and_as_deep_as_allowed(found):
    for one in found[1].ranked:
        tips, entries = np.array(one.candidate.tips_mm), np.array(one.candidate.entries_mm)
        depth = np.linalg.norm(entries - tips, axis=1)
        axes = (entries - tips) / depth[:, None]
        assert np.all(depth <= 200.0)
        assert np.all(np.abs(tips) <= [50.0, 50.0, 55.0])
        assert np.all(np.abs(tips + 30.0 * axes) <= [50.0, 50.0, 55.0])
        assert 0.25 - 1e-3 <= one.candidate.freeze_share <= 1.0
        if one.candidate.count == 2:
            assert axes[0] @ axes[1] == pytest.approx(1.0, abs=1e-4)
            heights = np.linspace(0.0, 30.0, 61)[:, None, None]
            points = tips + heights * axes
            apart = np.linalg.norm(points[:, None, 0] - points[None, :, 1], axis=-1).min()
            assert 10.0 - 0.3 <= apart <= 18.0 + 0.3


def test_robustness_says_what_was_tried(found):
    robust = found[1].robustness
    assert set(robust.met) == {
        "misplaced 1", "at the upper end of muscle's blood flow",
        "at the lower end of frozen tissue's conduction",
        "probe.0 at 70 % power", "probe.1 at 70 % power",
    }  # fmt: skip
    assert [one.where for one in found[1].result.varied] == list(robust.met)[1:3]
    assert set(robust.probability) == {"target.coverage.-40", "target.margin.ice.min_mm"}
    assert set(robust.probability.values()) <= {0.0, 1.0}
    worst, where = robust.worst["target.margin.ice.min_mm"]
    assert worst < found[1].best.outcome["ice_margin_min_mm"]
    assert where in robust.met


def test_the_same_seed_finds_the_same_with_one_process_or_two(found, case):
    document = json.loads(json.dumps(plans_document(found[1])))
    assert lasting(document) == lasting(plans_of(case))


def test_everything_is_written(case):
    names = {path.name for path in (case / "out").iterdir()}
    assert names == {
        "journal.jsonl", "plans.json", "plans.png", "plan.json", "report.json", "report.html",
        "result.vtkhdf", "probes.mrk.json", "picture.png", "planes.png",
    }  # fmt: skip
    document = plans_of(case)
    assert document["passed"] is True
    assert [one["rank"] for one in document["plans"]] == [1, 2]
    assert [one["count"] for one in document["others"]] == [2, 3]
    assert document["explanation"][0].startswith("2 probes (argon-17g) meet all goals")
    assert document["explanation"][1].startswith("all goals are still met in ")
    assert "with 1 probe (argon-17g): ice margin is" in document["explanation"][2]
    assert "not a medical device" in document["disclaimer"]
    assert document["simulations"] == kept(case)
    assert 0 < document["directions"]["are free"] <= len(even_directions())


def test_the_best_plan_can_be_run(case):
    assert main(["run", str(case / "out" / "plan.json"), "-o", str(case / "run")]) == 0
    reports = [json.loads((case / name / "report.json").read_text()) for name in ("out", "run")]
    assert reports[0]["goals"] == reports[1]["goals"]
    assert reports[0]["target"] == reports[1]["target"]
    best = {
        goal["name"]: goal["value"] for goal in plans_of(case)["best"]["on_the_plans_grid"]["goals"]
    }
    for goal in reports[1]["goals"]:
        if goal["name"] in best:
            assert goal["value"] == best[goal["name"]]
    assert len(best) == 2


def test_the_report_says_why_this_plan_and_how_sure_it_is(case, capsys):
    document = plans_of(case)
    page = (case / "out" / "report.html").read_text()
    assert main(["report", str(case / "out")]) == 0
    for text in (page, (case / "out" / "report.html").read_text()):
        section = text[text.index('id="plans"') :]
        section = section[: section.index("</section>")]
        assert section.count("<li>") == len(document["explanation"])
        assert html.escape(document["explanation"][0]) in section
        assert section.count("<img") == 3
        share = document["best"]["freeze_share"]
        assert f">best, freezes {100 * share:.0f} %<" in section
        for name in ("search", "regular grid"):
            assert f">{name}<" in section
        assert section.count(">met when misplaced<") == 1
        (probability,) = {document["robustness"]["probability"]["ice margin"]}
        assert f"{100 * probability:.0f} %" in section
    assert "written" not in capsys.readouterr().err


def test_charts_show_the_best_plan_as_its_own_grid_does(case):
    """Lengths pass within half a voxel there, which the search does not allow itself."""
    document = plans_of(case)
    document["plans"][0] |= {"met": False, "missed": "ice margin is 8.9 mm (at least 9 mm)"}
    document["best"]["on_the_plans_grid"] |= {"ice_margin_min_mm": 8.75, "coverage": 0.875}
    for quantity, value in (("ice_margin_min_mm", 8.75), ("coverage", 87.5)):
        axes = plot_trade_off(document, quantity, Figure().subplots())
        (met,) = [line for line in axes.lines if line.get_label() == "searched: all goals met"]
        assert met.get_ydata() == [value]


def test_a_table_of_plans_that_is_none_is_refused(case, tmp_path, capsys):
    shutil.copy(case / "out" / "result.vtkhdf", tmp_path)
    (tmp_path / "plans.json").write_text("{}")
    assert main(["report", str(tmp_path)]) == 2
    assert "plans.json: not a plans.json of this version" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plans.json", "result.vtkhdf"]


def test_the_probes_of_the_plan_are_judged_and_their_numbers_used(tmp_path):
    own = """
[[probe]]
model = "argon-17g"
active_length_mm = 14
tip_mm = [0, 0, -7]
entry_mm = [0, 0, 50]
"""
    text = PLAN.replace("max_probes = 2", "max_probes = 1").replace(
        "margin_mm = 10", "margin_mm = 1"
    )
    case = write_case(tmp_path, text.replace("0.8", "0.3") + own)
    plan = read_plan(case / "plan.toml")
    result = optimize(read_anatomy(plan), plan, jobs=1)
    assert result.given.candidate.tips_mm == ((0.0, 0.0, -7.0),)
    assert result.plan.probe[0].active_length_mm == 14.0
    # A grid of one stands in the target's middle, as the plan's probe does, in another direction.
    alone = result.baseline[0].outcome
    assert alone["frozen_ml"] == pytest.approx(result.given.outcome["frozen_ml"], rel=0.1)
    assert np.linalg.norm(
        np.array(result.baseline[0].candidate.tips_mm[0])
    ) == pytest.approx(7.0, abs=1.5)  # fmt: skip


def test_a_small_target_freezes_as_long_as_its_margin_needs(tmp_path):
    """The healthy tissue within the margin is many times the target; goals come first."""
    case = write_case(tmp_path, PLAN.replace("max_probes = 2", "max_probes = 1").replace(
        "seed = 3", "freeze_minutes = [2, 8]").replace(
        "spacing_of_search_mm = 6", "spacing_of_search_mm = 4").replace(
        "spacing_mm = 5", "spacing_mm = 4"), radius_mm=3.5)  # fmt: skip
    plan = read_plan(case / "plan.toml")
    result = optimize(read_anatomy(plan), plan, jobs=1)
    assert result.report.passed
    assert result.best.met
    assert result.best.candidate.freeze_share > 0.6


# --- what is kept ---------------------------------------------------------------------------------


def test_nothing_is_simulated_twice(found):
    folder, first = found
    plan, watch, before = read_plan(folder / "plan.toml"), Watch(), kept(folder)
    again = optimize(read_anatomy(plan), plan, folder=folder / "out", jobs=1, callbacks=[watch])
    assert watch.evaluated == 0
    assert watch.known > 0
    assert kept(folder) == before
    assert lasting(plans_document(again)) == lasting(plans_document(first))


def test_the_folder_of_an_edited_plan_is_refused(case, capsys):
    before = (case / "out" / "journal.jsonl").read_bytes()
    edited = case / "edited.toml"
    edited.write_text(PLAN.replace("seed = 3", "seed = 4"))
    assert main(["optimize", str(edited), "-o", str(case / "out")]) == 2
    message = capsys.readouterr().err.strip()
    assert "holds the search of another plan" in message
    assert "\n" not in message
    assert (case / "out" / "journal.jsonl").read_bytes() == before


@contextlib.contextmanager
def searching(case):
    arguments = ("-m", "cryosim", *command(case, "--jobs", "2"))
    with python(*arguments, stderr=subprocess.STDOUT) as process:
        yield process


def test_kill_9_on_the_way(case, tmp_path):
    killed = write_case(tmp_path)
    with searching(killed) as process:
        wait_for(lambda: kept(killed) >= 8, 60)
        workers = children_of(process.pid)
        process.kill()
        process.wait(timeout=10)
        assert workers
        wait_for(lambda: not any(is_running(pid) for pid in workers), 10)
    assert {path.name for path in (killed / "out").iterdir()} == {"journal.jsonl"}
    written = (killed / "out" / "journal.jsonl").read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    assert 8 <= kept(killed) < kept(case)

    assert main(command(killed, "--jobs", "1")) == 0
    assert (killed / "out" / "journal.jsonl").read_bytes().startswith(whole)
    assert kept(killed) == kept(case)
    assert lasting(plans_of(killed)) == lasting(plans_of(case))


def test_a_cluster_one_of_whose_workers_is_killed(case, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra 'distributed'")
    cluster_case = write_case(tmp_path)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            pids = client.run(os.getpid)

        def kill_one():
            wait_for(lambda: kept(cluster_case) >= 8, 60)
            os.kill(next(iter(pids.values())), signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        code = main(command(cluster_case, "--scheduler", cluster.scheduler_address))
        killer.join()
    assert code == 0
    assert not is_running(next(iter(pids.values())))
    assert plans_of(cluster_case)["best"] == plans_of(case)["best"]


# --- what cannot be found -------------------------------------------------------------------------


def test_goals_that_cannot_be_met(tmp_path, capsys):
    text = PLAN.replace("margin_mm = 10", "margin_mm = 30").replace(
        "max_probes = 2", "max_probes = 1"
    )
    case = write_case(tmp_path, text)
    assert main(command(case, "--jobs", "1")) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "no plan of up to 1 probe meets the goals: with 1 probe (argon-17g), the best found, ice "
        "margin" in printed
    )
    document = plans_of(case)
    assert document["passed"] is False
    (margin,) = [goal for goal in document["best"]["on_the_plans_grid"]["goals"]
                 if goal["name"] == "ice margin"]  # fmt: skip
    assert (margin["limit"], margin["verdict"]) == (30.0, "fail")
    assert f"ice margin is {margin['value']:.3g} mm (at least 30 mm)" in document["explanation"][0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '[target]\nmask = "target.nii.gz"\nmargin_mm = 10\nlethal_coverage = 0.8\n',
            "",
            "optimize: the plan has no target; add [target]",
        ),
        ("seed = 3", "seed = 3\nentry_label = 4", "needs anatomy.labels"),
        ("[100, 100, 110]", "[17, 17, 17]", "none of the choices can be simulated"),
    ],
)
def test_plans_that_cannot_be_searched(old, new, message, tmp_path, capsys):
    assert old in PLAN
    case = write_case(tmp_path, PLAN.replace(old, new).replace("max_probes = 2", "max_probes = 1"))
    assert main(command(case, "--jobs", "1")) == 2
    complaint = capsys.readouterr().err.strip()
    assert complaint.startswith("cryosim: ")
    assert message in complaint
    assert "\n" not in complaint
    assert not (case / "out" / "plans.json").exists()


def test_a_plan_or_a_phantom(tmp_path, capsys):
    assert main(["optimize"]) == 2
    assert main(["optimize", str(tmp_path / "plan.toml"), "--phantom", "uniform"]) == 2
    assert capsys.readouterr().err.count("give a plan or --phantom NAME, one of them") == 2


def test_python_leaves_no_folder_behind_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    content = {
        "anatomy": {"phantom": "uniform", "size_mm": [60, 60, 60]},
        "target": {"mask": str(write_case(tmp_path / "case") / "target.nii.gz")},
        "protocol": {"text": "freeze 1 min"},
        "grid": {"spacing_mm": 5},
        "optimize": {"max_probes": 1, "samples": 0, "spacing_of_search_mm": 6},
    }
    plan = plan_from_dict(content, tmp_path)
    result = optimize(read_anatomy(plan), plan, jobs=1)
    assert not result.report.passed
    assert [path.name for path in tmp_path.iterdir()] == ["case"]
