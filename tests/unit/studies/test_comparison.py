"""Two results side by side: the same names meet, differences are second minus first."""

import dataclasses
import functools
import io
import json

import numpy as np
import pytest
from matplotlib.legend import Legend
from rich.console import Console

import cases
from cryosim.evaluation import evaluate
from cryosim.geometry import Grid
from cryosim.pictures import draw_overlay
from cryosim.reporting import print_comparison, write_comparison
from cryosim.simulation import Settings, simulate
from cryosim.studies import compare_results

MOVED_MM = 3.0


@functools.cache
def moved_result():
    """As the small result, with the probe to the patient's left and no organ at risk."""
    first = cases.small_result()
    plan = cases.plan(
        probes=[cases.probe((MOVED_MM, 0, -10), (MOVED_MM, 0, 100))],
        target={"label": 1, "margin_mm": 3.0},
        report={"times_s": [60]},
    )
    structures = {"target": first.tissue.structures["target"]}
    return simulate(dataclasses.replace(first.tissue, structures=structures), plan, Settings())


@functools.cache
def compared():
    return compare_results(cases.small_result(), moved_result(), ("planned", "reached"))


def number(section, name):
    found = [n for n in compared().numbers if (n.section, n.name) == (section, name)]
    assert len(found) == 1, (section, name)
    return found[0]


def test_numbers_are_those_of_the_reports():
    reports = [evaluate(result) for result in (cases.small_result(), moved_result())]
    coverage = number("Target", "coverage at -20 C")
    expected = [report.target.coverage[-20.0] for report in reports]
    assert [coverage.first, coverage.second] == pytest.approx(expected)
    assert coverage.difference == pytest.approx(expected[1] - expected[0])
    margin = number("Target", "ice margin (0 C), smallest")
    assert margin.difference < 0
    frozen = number("End of freeze 1", "at or below 0 C")
    row = next(row for row in reports[0].timeline if row.t_s == 180)
    assert frozen.first == pytest.approx(row.volume_ml[0.0])
    assert number("Coldest ever", "at or below 0 C").first >= frozen.first
    assert number("Probes", "number").first == 1


def test_what_only_one_result_has_is_none_in_the_other():
    coldest = number("At risk: nerve", "coldest")
    assert coldest.first is not None
    assert coldest.second is None
    assert coldest.difference is None
    goal = next(goal for goal in compared().goals if goal.name == "nerve coldest")
    assert goal.first.verdict == "ok"
    assert goal.second is None


def test_differences_of_the_plans_are_named():
    keys = {difference.key: difference for difference in compared().plan}
    assert keys["probe.0.tip_mm"].first == [0.0, 0.0, -10.0]
    assert keys["probe.0.tip_mm"].second == [MOVED_MM, 0.0, -10.0]
    assert keys["organ_at_risk.0.name"].second is None
    assert "protocol.text" not in keys
    assert compared().notes == ("probe.0: tip moved by 3.0 mm, turned by 0.0 degrees",)


def test_a_result_does_not_differ_from_itself():
    same = compare_results(cases.small_result(), cases.small_result())
    assert same.plan == ()
    assert same.notes == ()
    assert all((n.first is None) == (n.second is None) for n in same.numbers)
    assert {n.difference for n in same.numbers if n.first is not None} == {0.0}


def test_the_table_fits_a_terminal():
    console = Console(file=io.StringIO(), width=90)
    print_comparison(compared(), console)
    text = console.file.getvalue()
    for words in ("A: planned", "B: reached", "coverage at -40 C", "points", "nerve", "none"):
        assert words in text
    assert "the plans differ in" in text
    assert "not a medical device" in text
    assert max(map(len, text.splitlines())) <= 90


def test_files(tmp_path):
    assert write_comparison(compared(), tmp_path) == ("compare.json", "compare.png")
    content = json.loads((tmp_path / "compare.json").read_text())
    assert content["second"] == "reached"
    found = {(n["section"], n["name"]): n for n in content["numbers"]}
    assert found["Probes", "number"]["difference"] == 0
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")


# --- the picture ----------------------------------------------------------------------------------


def wide_isotherms_mm(panel):
    """Middles, across the panel, of the isotherms that are wider than the target; first first."""
    found = []
    for collection in panel.collections:
        across = np.concatenate([path.vertices[:, 0] for path in collection.get_paths()])
        if np.ptp(across) > 18:
            found.append((across.min() + across.max()) / 2)
    return found


def legend_texts(figure):
    return [text.get_text() for legend in figure.findobj(Legend) for text in legend.texts]


@pytest.mark.parametrize("axes", [np.eye(3), np.diag([-1.0, -1.0, 1.0])])
def test_isotherms_of_both_lie_where_they_are(axes):
    """The second ice is as far to the left as its probe, on whatever grid."""
    first, second = cases.small_result(), on_axes(moved_result(), axes)
    figure = draw_overlay(first, second, ("planned", "reached"))
    assert [panel.get_title()[:5] for panel in figure.axes] == ["axial", "coron", "sagit"]
    middles = wide_isotherms_mm(figure.axes[0])
    assert middles[0] == pytest.approx(0.0, abs=0.3)
    assert middles[-1] == pytest.approx(MOVED_MM, abs=0.3)
    left, right = figure.axes[0].get_xlim()
    bottom, top = figure.axes[0].get_ylim()
    assert left < right  # the patient's left at the right
    assert bottom > top  # anterior at the top
    texts = legend_texts(figure)
    assert any(text.startswith("A  0 °C: ") for text in texts)
    assert any(text.startswith("B  1 probe, active part") for text in texts)
    assert "target" in texts


def on_axes(result, axes):
    """The same result with its voxels stored along flipped axes."""
    flipped = [n for n in range(3) if axes[n, n] < 0]
    grid = result.tissue.grid
    last = np.array([(grid.shape[2 - n] - 1) * (n in flipped) for n in range(3)])
    turned = Grid.from_spacing(grid.shape, grid.spacing_mm, grid.to_world(last), axes)

    def flip(values):
        return np.flip(values, [2 - n for n in flipped])

    tissue = dataclasses.replace(
        result.tissue,
        grid=turned,
        index=flip(result.tissue.index),
        structures={name: flip(share) for name, share in result.tissue.structures.items()},
        image=flip(result.tissue.image),
    )
    fields = {"coldest_c": flip(result.coldest_c), "probe_share": flip(result.probe_share)}
    temperatures = tuple(flip(field) for field in result.temperatures_c)
    return dataclasses.replace(result, tissue=tissue, temperatures_c=temperatures, **fields)


def test_a_result_elsewhere_is_not_drawn_but_said():
    first = cases.small_result()
    grid = first.tissue.grid
    far = Grid.from_spacing(grid.shape, grid.spacing_mm, grid.origin_mm + 500.0)
    tissue = dataclasses.replace(first.tissue, grid=far)
    figure = draw_overlay(first, dataclasses.replace(first, tissue=tissue), ("here", "there"))
    assert "B: there (elsewhere in the world, not shown)" in figure.get_suptitle()


def test_without_target_and_image():
    result = simulate(cases.box(3.0), cases.plan("freeze 2 min"), Settings())
    figure = draw_overlay(result, result, ("one", "same"))
    assert len(figure.axes) == 3
