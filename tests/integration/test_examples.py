"""Every example runs, as its own usage line says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cryosim.cli import main
from cryosim.scene import find_rendering

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name, *arguments, cwd):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def gel(tmp_path_factory):
    """The gel phantom's plan on a coarse grid."""
    folder = tmp_path_factory.mktemp("gel") / "gel"
    assert main(["phantom", "gel", "-o", str(folder)]) == 0
    plan = folder / "plan.toml"
    text = plan.read_text()
    assert "spacing_mm = 1.0" in text
    plan.write_text(text.replace("spacing_mm = 1.0", "spacing_mm = 3.0"))
    return folder


def test_run_plan_then_pyvista(gel, tmp_path):
    run("run_plan.py", gel / "plan.toml", tmp_path / "out", cwd=tmp_path)
    assert (tmp_path / "out" / "report.json").exists()
    if find_rendering() is None:
        pytest.skip("no OpenGL here: install libegl1 and libgl1-mesa-dri")
    run("iceball_in_pyvista.py", tmp_path / "out", tmp_path / "iceball.png", cwd=tmp_path)
    assert (tmp_path / "iceball.png").read_bytes().startswith(b"\x89PNG")


def test_compare_probe_counts(tmp_path):
    printed = run("compare_probe_counts.py", 4, cwd=tmp_path)
    two, three = (line.split() for line in printed.splitlines()[1:])
    assert (two[0], three[0]) == ("2", "3")
    assert float(three[1]) > float(two[1])


def test_protect_the_bowel(tmp_path):
    printed = run("protect_the_bowel.py", 4, cwd=tmp_path)
    rows = [line.split(" C")[0].rsplit(maxsplit=1) for line in printed.splitlines()[1:]]
    coldest = {name.strip(): float(value) for name, value in rows}
    assert coldest["carbon dioxide"] > coldest["nothing"] + 10
    assert coldest["saline, flowing"] > coldest["carbon dioxide"]


def test_plan_probes(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(
        """
        anatomy.phantom = "iliac-metastasis"
        target = { label = "tumor", margin_mm = 3, lethal_c = -20 }
        protocol.text = "freeze 8 min"
        grid = { spacing_mm = 5, padding_mm = 30 }
        optimize = { max_probes = 1, samples = 1, spacing_of_search_mm = 5 }
        """
    )
    printed = run("plan_probes.py", plan, tmp_path / "plans", cwd=tmp_path)
    assert "probe.0: argon-17g, tip" in printed
    assert (tmp_path / "plans" / "result.vtkhdf").exists()


def test_gallery(tmp_path):
    if find_rendering() is None:
        pytest.skip("no OpenGL here: install libegl1 and libgl1-mesa-dri")
    done = subprocess.run(
        [sys.executable, "-m", "examples.gallery", str(tmp_path), "6"],
        capture_output=True, text=True, cwd=EXAMPLES.parent, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    scripts = {path.stem for path in (EXAMPLES / "gallery").glob("[!_]*.py")}
    pictures = {path.stem: path for path in tmp_path.glob("*.png")}
    assert set(pictures) == scripts
    for name, path in pictures.items():
        assert np.asarray(Image.open(path).convert("L")).std() > 5, f"{name} is blank"
        assert f"{name}.py](" in (tmp_path / "README.md").read_text()


def test_the_gallery_is_complete_and_small():
    """The pictures that the repository shows, as `python -m examples.gallery` left them."""
    shown = EXAMPLES.parent / "docs" / "gallery"
    page = (shown / "README.md").read_text()
    for script in (EXAMPLES / "gallery").glob("[!_]*.py"):
        assert (shown / f"{script.stem}.png").stat().st_size < 150_000
        assert f"]({script.stem}.png)" in page


def test_examples_are_short_and_listed():
    listed = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.rglob("*.py"):
        assert len(path.read_text().splitlines()) < 60
        assert (path.name if path.parent == EXAMPLES else f"{path.parent.name}/") in listed
