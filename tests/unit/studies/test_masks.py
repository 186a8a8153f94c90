"""Two masks against each other: balls of known sizes, on different grids."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from cryosim.cli import main
from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.images import Labels, write_labels
from cryosim.reporting import print_masks, write_masks
from cryosim.studies import compare_masks
from round_ice import depth_mm, grid_about, turned

CENTER_MM = np.array([-31.0, 112.0, -205.0])
OBLIQUE = turned(-0.35, 0.2)


def ball(radius_mm: float, label: int = 1, shift_mm: float = 0.0) -> Labels:
    """A ball on an upright grid, or for more than 10 mm on an oblique one."""
    direction = OBLIQUE if radius_mm > 10 else np.eye(3)
    grid = grid_about(CENTER_MM, 40.0, (0.8, 0.8, 1.1), direction)
    inside = depth_mm(grid, CENTER_MM + np.array([shift_mm, 0, 0]), radius_mm) <= 0
    return Labels(grid, inside * np.int32(label), {label: "tumor"}, "ball.nii.gz")


def two_labels() -> Labels:
    one = ball(10.0, 2)
    values = one.values.copy()
    values[0, 0, 0] = 5
    return Labels(one.grid, values, one.names, one.source)


def test_a_ball_within_a_larger_one() -> None:
    found = compare_masks(ball(10.0), ball(12.0))
    small, large = (4 / 3 * np.pi * radius**3 / 1e3 for radius in (10.0, 12.0))
    assert found.volumes_ml == pytest.approx((small, large), rel=0.01)
    assert found.relative_volume_difference == pytest.approx(0.728, abs=0.02)
    assert found.agreement.dice == pytest.approx(2 * small / (small + large), abs=0.01)
    assert found.agreement.mean_mm == pytest.approx(2.0, abs=0.1)
    assert found.agreement.max_mm == pytest.approx(2.0, abs=0.5)
    assert found.agreement.mean_signed_mm == pytest.approx(-2.0, abs=0.1)
    assert found.notes == ()


def test_a_moved_ball_has_the_same_volume() -> None:
    found = compare_masks(ball(10.0), ball(10.0, shift_mm=4.0))
    assert found.relative_volume_difference == pytest.approx(0.0, abs=0.01)
    assert found.agreement.max_mm == pytest.approx(4.0, abs=0.4)


def test_several_labels_ask_for_one() -> None:
    with pytest.raises(InputError, match=r"several labels \(2 \(tumor\), 5\); say .* --label"):
        compare_masks(two_labels(), ball(12.0))
    found = compare_masks(two_labels(), ball(12.0), labels=("tumor", None))
    assert found.labels == (2, 1)
    assert found.volumes_ml[0] == pytest.approx(4.19, rel=0.01)


def test_what_cannot_be_compared_is_said() -> None:
    empty = Labels(ball(10.0).grid, np.zeros_like(ball(10.0).values), source="empty.nii.gz")
    with pytest.raises(InputError, match=r"empty\.nii\.gz: holds no label"):
        compare_masks(ball(10.0), empty)
    far = Grid.centered((50, 50, 50), 2.0)
    with pytest.raises(InputError, match="do not overlap"):
        compare_masks(ball(10.0), Labels(far, np.ones(far.shape, np.int32)))
    assert "do not meet" in " ".join(compare_masks(ball(4.0, shift_mm=-10), ball(4.0)).notes)


def test_table_and_file(tmp_path: Path) -> None:
    compared = compare_masks(ball(10.0), ball(12.0), names=("mine", "yours"))
    assert write_masks(compared, tmp_path) == ("compare.json",)
    content = json.loads((tmp_path / "compare.json").read_text())
    assert (content["first"], content["second"]) == ("mine", "yours")
    assert content["relative_volume_difference"] == pytest.approx(0.728, abs=0.02)
    assert {"first_ml", "second_ml", "dice", "mean_mm", "p95_mm", "max_mm"} <= set(content)
    console = Console(file=io.StringIO(), width=80)
    print_masks(compared, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    more = f"+{100 * compared.relative_volume_difference:.1f} %"
    for words in ("A: mine", "4.2 ml", more, "Dice", "B lies beyond A, mean", "1.97 mm"):
        assert words in text


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_labels(two_labels(), tmp_path / "a.nii.gz")
    write_labels(ball(12.0), tmp_path / "b.nii.gz")
    both = ["compare", str(tmp_path / "a.nii.gz"), str(tmp_path / "b.nii.gz")]
    output = ["-o", str(tmp_path / "out")]
    assert main([*both, *output]) == 2
    assert "say which one" in capsys.readouterr().err
    assert main([*both, "--label", "2,1", *output]) == 0
    assert "Dice" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compare.json"}
    assert main(["compare", str(tmp_path), str(tmp_path / "b.nii.gz"), *output]) == 2
    assert "give two results or two masks" in capsys.readouterr().err
    assert main(["compare", str(tmp_path), str(tmp_path), "--label", "1", *output]) == 2
    assert "--label 1 is for masks" in capsys.readouterr().err
