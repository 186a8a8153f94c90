"""What may be wrong with image and target is said before anything is simulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from case_files import edited, write_case
from cryosim.cli import main
from cryosim.planning import optimization


def with_margin(folder: Path, margin_mm: float) -> Path:
    """The small case: its image ends 24 mm beyond the target on all sides."""
    plan = write_case(folder) / "plan.toml"
    plan.write_text(edited(plan.read_text(), {"margin_mm = 2": f"margin_mm = {margin_mm:g}"}))
    return plan


@pytest.mark.parametrize("command", ["check", "run", "optimize"])
def test_a_margin_that_the_image_has_no_room_for_is_refused(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = with_margin(tmp_path, 28)
    output = [] if command == "check" else ["-o", str(tmp_path / "out")]
    assert main([command, str(plan), *output]) == 2
    message = capsys.readouterr().err
    assert "target.margin_mm = 28: the image ends 2" in message
    assert "use a larger image, or a smaller margin_mm" in message
    assert not (tmp_path / "out").exists()


def test_a_run_says_that_the_image_ends_soon_before_it_simulates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cryosim.simulation.simulate", stopped)
    assert main(["run", str(with_margin(tmp_path, 18)), "-o", str(tmp_path / "out")]) == 130
    assert "warning: the image ends 2" in capsys.readouterr().out


def test_a_search_says_so_before_its_first_simulation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(optimization, "_prepare", stopped)
    assert main(["optimize", str(with_margin(tmp_path, 18)), "-o", str(tmp_path / "out")]) == 130
    assert "warning: the image ends 2" in capsys.readouterr().out
