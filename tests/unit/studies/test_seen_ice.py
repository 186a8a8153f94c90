"""Predicted against seen ice: a known shift on another grid is found again."""

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from cryosim.errors import InputError
from cryosim.evaluation import Shape, compare_shapes
from cryosim.geometry import Grid
from cryosim.images import Labels
from cryosim.pictures import draw_seen
from cryosim.pictures.seen_overlay import PREDICTED_COLOR, SEEN_COLOR
from cryosim.reporting import print_seen, write_seen
from cryosim.studies import compare_with_seen
from round_ice import depth_mm, grid_about, points_of, round_result, turned

CENTER_MM, RADIUS_MM = np.array([-31.0, 112.0, -205.0]), 15.0
OBLIQUE = turned(-0.35, 0.2) @ np.diag([-1.0, 1.0, 1.0])


def result(size_mm=56.0, gas=None):
    grid = grid_about(CENTER_MM + 0.4, size_mm, (1.5, 1.5, 1.6))
    return round_result(grid, CENTER_MM, RADIUS_MM, gas)


def seen(shift_mm=(0.0, 0.0, 0.0), size_mm=60.0, spacing_mm=(0.9, 0.9, 1.2), label=3):
    """The same ball elsewhere, segmented in an oblique image."""
    grid = grid_about(CENTER_MM, size_mm, spacing_mm, OBLIQUE)
    ball = depth_mm(grid, np.add(CENTER_MM, shift_mm), RADIUS_MM) <= 0
    return Labels(grid, ball * label, source="ice.nii.gz")


@pytest.mark.parametrize("shift_mm", [(0, 0, 0), (3, 0, 0), (-2, 4, 4)])
def test_a_shift_is_found_again(shift_mm):
    found = compare_with_seen(result(), seen(shift_mm), time_s=180)
    grid = grid_about(CENTER_MM, 60.0, 1.0)
    exact = compare_shapes(
        Shape(grid, depth_mm(grid, CENTER_MM, RADIUS_MM), 0.0),
        Shape(grid, depth_mm(grid, np.add(CENTER_MM, shift_mm), RADIUS_MM), 0.0),
    )
    assert found.agreement.dice == pytest.approx(exact.dice, abs=0.015)
    assert found.agreement.mean_mm == pytest.approx(exact.mean_mm, abs=0.12)
    assert found.agreement.p95_mm == pytest.approx(exact.p95_mm, abs=0.3)
    assert found.agreement.max_mm == pytest.approx(np.linalg.norm(shift_mm), abs=0.5)
    assert found.agreement.mean_signed_mm == pytest.approx(exact.mean_signed_mm, abs=0.12)
    assert found.seen_ml == pytest.approx(14.137, rel=0.01)
    assert found.predicted_ml == pytest.approx(14.137, rel=0.02)
    assert abs(found.relative_volume_difference) < 0.03
    assert found.notes == ()


def test_the_end_of_the_last_freeze_is_the_default():
    assert compare_with_seen(result(), seen()).time_s == 180.0


def test_predicted_ice_ends_at_gas():
    ice = result()
    gas = points_of(ice.tissue.grid)[..., 0] > CENTER_MM[0] + 3.0
    found = compare_with_seen(result(gas=gas), seen(), time_s=180)
    cap = 15.0 - 3.0
    cut = np.pi * cap**2 * (3 * 15.0 - cap) / 3e3
    assert found.predicted_ml == pytest.approx(14.137 - cut, rel=0.04)


def test_the_label_of_the_ice_is_asked_for():
    several = seen()
    values = several.values.copy()
    values[0, 0, 0] = 7
    several = Labels(several.grid, values, {3: "ice"}, "ice.nii.gz")
    with pytest.raises(InputError, match=r"several labels \(3 \(ice\), 7\); say which one"):
        compare_with_seen(result(), several)
    for label in ("ice", "3", 3):
        assert compare_with_seen(result(), several, label=label).label == 3
    with pytest.raises(InputError, match="label 9 has no voxel in ice"):
        compare_with_seen(result(), several, label="9")


def test_what_cannot_be_compared_is_said():
    ice = result()
    with pytest.raises(InputError, match="no tissue at or below 0 C then"):
        compare_with_seen(ice, seen(), time_s=240)
    with pytest.raises(InputError, match="no snapshot then"):
        compare_with_seen(ice, seen(), time_s=100)
    with pytest.raises(InputError, match="holds no label"):
        compare_with_seen(ice, seen(label=0))
    far = Grid.centered((50, 50, 50), 2.0)
    with pytest.raises(InputError, match="do not overlap"):
        compare_with_seen(ice, Labels(far, np.ones(far.shape, np.int32)))


def test_notes_say_what_the_numbers_miss():
    small_box = compare_with_seen(result(size_mm=26.0), seen()).notes
    assert any("% of the seen ice lies outside the simulated box" in note for note in small_box)
    small_image = compare_with_seen(result(), seen(size_mm=24.0)).notes
    assert any("outside the image" in note for note in small_image)
    thick = compare_with_seen(result(), seen(spacing_mm=(0.9, 0.9, 5.0))).notes
    assert any("up to 5 mm" in note for note in thick)
    grid = grid_about(CENTER_MM, 70.0, 1.5)
    elsewhere = depth_mm(grid, CENTER_MM + np.array([25.0, 0, 0]), 5.0) <= 0
    apart = compare_with_seen(result(), Labels(grid, elsewhere.astype(np.int32)))
    assert apart.agreement.dice == 0
    assert any("registered" in note for note in apart.notes)


def test_files_and_table(tmp_path):
    compared = compare_with_seen(result(), seen((3, 0, 0)), time_s=180)
    assert write_seen(compared, tmp_path) == ("seen.json", "seen.png")
    content = json.loads((tmp_path / "seen.json").read_text())
    assert content["t_s"] == 180
    assert content["seen"] == "ice.nii.gz"
    assert content["dice"] == compared.agreement.dice
    share = (content["predicted_ml"] - content["seen_ml"]) / content["seen_ml"]
    assert content["relative_volume_difference"] == pytest.approx(share)
    assert {"mean_mm", "p95_mm", "max_mm", "mean_signed_mm", "seen_ml", "notes"} <= set(content)
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")
    console = Console(file=io.StringIO(), width=80)
    print_seen(compared, console)
    text = console.file.getvalue()
    for words in ("Dice", "95 %", "short of", "not a medical device", "at 3 min"):
        assert words in text
    with pytest.raises(dataclasses.FrozenInstanceError):
        compared.time_s = 0.0


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, -1.0, 1.0])])
def test_contours_are_drawn_where_the_ice_is(direction):
    grid = grid_about(CENTER_MM + 0.4, 56.0, 1.5, direction)
    shift = np.array([4.0, -3.0, 2.0])
    compared = compare_with_seen(round_result(grid, CENTER_MM, RADIUS_MM), seen(shift), time_s=180)
    figure = draw_seen(compared.result, 180.0, compared.predicted, compared.ice, ["told"])
    for panel, axes in zip(figure.axes, ((0, 1), (0, 2), (1, 2)), strict=True):
        middles = {}
        for contour in panel.collections:
            colors = contour.get_edgecolor()
            points = np.concatenate([path.vertices for path in contour.get_paths()] or [[]])
            for name, color in (("predicted", PREDICTED_COLOR), ("seen", SEEN_COLOR)):
                red, green, blue = (int(color[n : n + 2], 16) / 255 for n in (1, 3, 5))
                if len(colors) and np.allclose(colors[0][:3], (red, green, blue), atol=0.01):
                    middles[name] = (points.min(axis=0) + points.max(axis=0)) / 2
        center = CENTER_MM[list(axes)]
        assert middles["predicted"] == pytest.approx(center, abs=0.5)
        assert middles["seen"] == pytest.approx(center + shift[list(axes)], abs=0.5)
