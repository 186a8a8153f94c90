"""Charts show the numbers of the report, in the colors of every picture."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

import cryosim
from cases import box, plan, small_result
from cryosim.errors import InputError
from cryosim.evaluation import evaluate, share_by_temperature, surface_margin
from cryosim.pictures.colors import isotherm_color, structure_colors
from cryosim.plan import Plan
from cryosim.reporting.page.shown import growth
from cryosim.simulation import simulate
from round_ice import grid_about, points_of, round_result


@pytest.fixture
def ax():
    return Figure().add_subplot()


def lines(axes) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_xydata()) for line in axes.lines}


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def without_structures():
    result = small_result()
    tissue = dataclasses.replace(result.tissue, structures={})
    content = result.plan.model_dump(exclude={"target", "organ_at_risk"})
    return dataclasses.replace(result, tissue=tissue, plan=Plan.model_validate(content))


def test_growth_is_the_timeline(ax) -> None:
    report = evaluate(small_result())
    assert cryosim.plot_growth(small_result(), ax) is ax
    found = lines(ax)
    for level in (0.0, -20.0, -40.0):
        curve = found[f"{level:g} °C"]
        assert curve[0].tolist() == [0, 0]
        np.testing.assert_allclose(curve[1:, 0], [row.t_s / 60 for row in report.timeline])
        np.testing.assert_allclose(curve[1:, 1], [row.volume_ml[level] for row in report.timeline])
    assert ax.lines[0].get_color() == isotherm_color(0.0)
    assert words(ax)[-2:] == ["freeze", "thaw, passive"]
    assert ax.get_xlabel().endswith("in min")
    assert ax.get_ylabel().endswith("in ml")


def test_histogram_agrees_with_coverage_and_organs(ax) -> None:
    report = evaluate(small_result())
    coldest = share_by_temperature(small_result(), "target", [0.0, -20.0])
    np.testing.assert_allclose(coldest, [report.target.coverage[c] for c in (0.0, -20.0)])
    found = lines(cryosim.plot_histogram(small_result(), ax))
    for name in ("target", "nerve"):
        assert np.all(np.diff(found[name][:, 1]) >= -1e-6)
        assert found[name][-1, 1] == pytest.approx(100)
    touched = found["nerve"][found["nerve"][:, 1] > 2]
    assert touched[0, 0] == pytest.approx(report.organs_at_risk[0].coldest_c, abs=5)
    assert ax.lines[0].get_color() == structure_colors(["target"])["target"]
    assert "goal: at least 99 % at -40 °C" in words(ax)
    with pytest.raises(InputError, match="known: target, nerve"):
        share_by_temperature(small_result(), "kidney", [0.0])


def test_margins_are_those_of_the_report(ax) -> None:
    report = evaluate(small_result())
    margin = surface_margin(small_result(), 0.0)
    assert margin.margin_mm.min() == pytest.approx(report.target.margin.ice.min_mm)
    cryosim.plot_margin(small_result(), ax)
    assert f"ice (0 °C): smallest {report.target.margin.ice.min_mm:.1f} mm" in words(ax)
    assert "goal for the ice: 3 mm" in words(ax)
    heights = [patch.get_xy()[:, 1].max() for patch in ax.patches]
    assert 0 < max(heights) <= 100


def test_the_map_puts_the_smallest_margin_on_its_side(ax) -> None:
    margin = surface_margin(small_result(), 0.0)
    cryosim.plot_margin_map(small_result(), ax)
    angle, height = next(iter(lines(ax).values()))[0]
    x, y, z = margin.points_mm[margin.margin_mm.argmin()]
    assert height == pytest.approx(z / np.linalg.norm([x, y, z]), abs=0.03)
    assert np.cos(np.radians(angle)) * np.hypot(x, y) == pytest.approx(x, abs=0.2)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["R", "A", "L", "P", "R"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["I", "", "S"]


def test_a_target_that_never_froze_has_no_margin(ax) -> None:
    result = small_result()
    warm = np.full_like(result.coldest_c, 37.0)
    result = dataclasses.replace(result, coldest_c=warm)
    cryosim.plot_margin(result, ax)
    assert "ice (0 °C): not reached" in words(ax)
    with pytest.raises(InputError, match="no edge at 0 C"):
        cryosim.plot_margin_map(result, ax)


def test_a_target_smaller_than_a_voxel_has_no_surface(ax) -> None:
    result = small_result()
    structures = {"target": 0.4 * result.tissue.structures["target"]}
    tissue = dataclasses.replace(result.tissue, structures=structures)
    cryosim.plot_margin(dataclasses.replace(result, tissue=tissue), ax)
    assert "ice (0 °C): not reached" in words(ax)


def test_charts_of_what_the_plan_lacks_are_refused(ax) -> None:
    result = without_structures()
    with pytest.raises(InputError, match="neither a target nor organs"):
        cryosim.plot_histogram(result, ax)
    for draw in (cryosim.plot_margin, cryosim.plot_margin_map):
        with pytest.raises(InputError, match="no target"):
            draw(result, ax)
    with pytest.raises(InputError, match="no sensor"):
        cryosim.plot_sensors(result, ax)


def test_sensor_curves(ax) -> None:
    sensors = [{"name": "costs $5", "at_mm": (6, 0, 0)}, {"name": "far", "at_mm": (20, 0, 0)}]
    result = simulate(box(3.0), plan("freeze 1 min; thaw 1 min active", sensor=sensors))
    cryosim.plot_sensors(result, ax)
    assert ax.lines[0].get_xydata()[:, 1].min() < ax.lines[1].get_xydata()[:, 1].min()
    assert words(ax)[1:] == ["far", "freeze", "thaw, active"]
    ax.figure.draw_without_rendering()  # a dollar sign is no formula


def test_slices_go_into_axes_of_the_caller() -> None:
    given = Figure().subplots(1, 3)
    found = cryosim.plot_slices(small_result(), given, time_s=60.0)
    assert list(found) == list(given)
    assert [panel.get_title().split(",")[0] for panel in found] == ["axial", "coronal", "sagittal"]
    assert all(panel.images for panel in found)
    with pytest.raises(ValueError, match="give three"):
        cryosim.plot_slices(small_result(), given[:2])


def test_without_axes_pyplot_makes_a_figure() -> None:
    from matplotlib import pyplot as plt

    before = plt.get_fignums()
    for draw in (cryosim.plot_growth, cryosim.plot_margin):
        plt.close(draw(small_result()).figure)
    (axial, *_) = cryosim.plot_slices(small_result())
    assert len(axial.figure.legends) == 1
    plt.close(axial.figure)
    assert plt.get_fignums() == before


def beside_a_plate():
    """A ball of ice 12 mm beyond a target, 4 mm beside which a plate stands on the left."""
    base = round_result(grid_about((0.0, 0.0, 0.0), 60.0, 2.0), (0.0, 0.0, 0.0), 24.0)
    grid = base.tissue.grid
    plate = np.clip(0.5 + (points_of(grid)[..., 0] - 16.0) / 2.0, 0.0, 1.0).astype(np.float32)
    tissue = dataclasses.replace(base.tissue, structures={**base.tissue.structures, "femur": plate})
    content = plan(target={"label": 1, "margin_mm": 10, "barriers": ["femur"]})
    return dataclasses.replace(base, tissue=tissue, plan=content)


def test_the_map_shows_where_the_margin_has_no_room(ax) -> None:
    result = beside_a_plate()
    cryosim.plot_margin_map(result, ax)
    report = evaluate(result)
    smallest = report.target.margin.ice.min_mm
    assert words(ax) == [
        "no room for the goal: skin or barrier",
        f"smallest, where it has room: {smallest:.1f} mm",
    ]
    # The cross is not in the hatches, which are around the left, +x.
    (cross,) = [line for line in ax.lines if line.get_marker() == "X"]
    assert np.abs(cross.get_xdata()[0]) > 40


def test_a_barrier_is_no_organ_in_the_histogram(ax) -> None:
    assert "femur" not in lines(cryosim.plot_histogram(beside_a_plate(), ax))


def test_margins_over_time_are_those_that_there_are():
    """Where skin is nearer everywhere than the wanted margin, that of ice is not followed."""
    result = small_result()
    both = cryosim.plot_course(result).get_legend_handles_labels()[1]
    assert [label for label in both if "margin" in label] == [
        "ice margin, 0 °C", "lethal margin, -40 °C"
    ]  # fmt: skip
    lethal = {-40.0: result.course.margin_mm[-40.0]}
    course = dataclasses.replace(result.course, margin_mm=lethal)
    found = cryosim.plot_course(dataclasses.replace(result, course=course))
    labels = found.get_legend_handles_labels()[1]
    assert [label for label in labels if "margin" in label] == ["lethal margin, -40 °C"]
    none = dataclasses.replace(result, course=dataclasses.replace(course, margin_mm={}))
    with pytest.raises(InputError, match="how margins grew"):
        cryosim.plot_course(none)
    assert "smallest margins over time" not in growth(evaluate(none), none)
