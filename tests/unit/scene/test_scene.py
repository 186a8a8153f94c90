"""Pictures show things where they are, and a computer without graphics gets a picture too."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from browser import CHROMIUM, asked_hosts, browse
from cases import ball_share
from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.pictures import draw_planes
from cryosim.pictures.colors import isotherm_color, structure_colors
from cryosim.pictures.moment import Moment
from cryosim.plan import Plan
from cryosim.scene import (
    find_rendering,
    open_window,
    rendering,
    save_movie,
    save_picture,
    save_web_scene,
    show,
)
from cryosim.scene.controls import Controls
from cryosim.scene.image_planes import image_planes
from cryosim.scene.legend import Row
from cryosim.scene.showing import build_scenes
from cryosim.scene.standpoint import toward_viewer
from cryosim.simulation import Curves, EnergyLedger, Performance, Result
from cryosim.tissue import Tissue, TissueGrid

CENTER_MM = np.array([-31.0, 12.0, 205.0])
RADII_MM = {0.0: 20.0, -20.0: 15.0, -40.0: 10.0}
TARGET_RADIUS_MM = 8.0
# Of a target that lies aside in the ice.
TARGET_OFFSET_MM = np.array([0.0, 3.0, -4.0])
# The organ lies to the patient's left, in front and above.
ORGAN_OFFSET_MM = np.array([14.0, -9.0, 2.0])
SENSOR_MM = CENTER_MM + np.array([6.0, 5.0, 3.0])

needs_graphics = pytest.mark.skipif(
    find_rendering() is None,
    reason="no OpenGL here (Debian, Ubuntu: apt install libegl1 libgl1-mesa-dri)",
)


def oblique() -> np.ndarray:
    turn, tilt = np.radians(17.0), np.radians(-11.0)
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    return np.array(about_z) @ np.array(about_x)


def round_result(direction: np.ndarray | None = None, *, image: bool = False) -> Result:
    """Isotherms that are balls of known radius about a known point; unequal spacings."""
    unit = np.eye(3) if direction is None else direction
    shape, spacing = (40, 44, 36), np.array([1.5, 1.3, 1.4])
    corner = (
        CENTER_MM + np.array([0.3, 0.1, -0.2]) - unit @ (spacing * (np.array(shape[::-1]) - 1) / 2)
    )
    grid = Grid.from_spacing(shape, spacing, corner, unit)
    k, j, i = np.indices(shape)
    distance = np.linalg.norm(grid.to_world(np.stack([i, j, k], axis=-1)) - CENTER_MM, axis=-1)
    field = np.minimum(4 * (distance - RADII_MM[0.0]), 37).astype(np.float32)
    warm = np.full(shape, 37, dtype=np.float32)
    structures = {
        "target": ball_share(grid, CENTER_MM, TARGET_RADIUS_MM),
        "bowel": ball_share(grid, CENTER_MM + ORGAN_OFFSET_MM, 4.0),
        "nerve": ball_share(grid, CENTER_MM + np.array([-14.0, 12.0, 12.0]), 3.0),
    }
    gray = np.where(distance < 25, 40, -1000).astype(np.float32) if image else None
    tissue = Tissue("ref", 0.5, 2.0, 3.6e6, 1.8e6, 2.5e8, -8.0, -1.0)
    index = np.zeros(shape, dtype=np.uint8)
    tip = CENTER_MM - (0, 0, 10)
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform"},
            "probe": [
                {
                    "tip_mm": tuple(tip),
                    "entry_mm": (tip[0], tip[1], tip[2] + 90),
                    "diameter_mm": 2.0,
                    "active_length_mm": 20,
                    "surface_c": -140,
                }
            ],
            "protocol": {"text": "freeze 10 min; thaw 5 min; freeze 10 min; thaw 5 min"},
        }
    )
    return Result(
        tissue=TissueGrid(
            grid,
            index,
            (tissue,),
            structures=structures,
            image=gray,
            modality="ct" if image else None,
        ),
        plan=plan,
        times_s=(0.0, 600.0, 900.0, 1500.0, 1800.0),
        temperatures_c=(warm, warm, warm, field, warm),
        coldest_c=field,
        time_below_s={0.0: np.zeros(shape, dtype=np.float32)},
        freezes_below={0.0: np.zeros(shape, dtype=np.uint8)},
        cooling_rate_k_min=np.zeros(shape, dtype=np.float32),
        thawing_rate_k_min=np.zeros(shape, dtype=np.float32),
        probe_share=np.zeros(shape, dtype=np.float32),
        flux_ratio=(1.0,),
        curves=Curves(np.zeros(1), {}, np.zeros((1, 1)), np.zeros((1, 1))),
        energy=EnergyLedger(1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        performance=Performance(1.0, 0.0, 1, 1, 1, 1, 1),
    )


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with this one's import path."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False
    )


# --- which moment ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time_s", "title"),
    [
        (None, "end of freeze 2, 25 min"),
        (0.0, "freeze 1, 0 min"),
        (600.0, "end of freeze 1, 10 min"),
        (900.0, "end of thaw 1, 15 min"),
        (1800.0, "end of thaw 2, 30 min"),
    ],
)
def test_title_says_when(time_s: float | None, title: str) -> None:
    assert Moment.of(round_result(), time_s).title == title


def test_a_time_without_snapshot_is_refused() -> None:
    with pytest.raises(InputError, match="nearest is at 600 s"):
        draw_planes(round_result(), time_s=700.0)


@pytest.mark.parametrize("direction", [None, oblique(), np.diag([-1.0, 1.0, -1.0])])
def test_the_focus_is_the_middle_of_the_target(direction: np.ndarray | None) -> None:
    moment = Moment.of(round_result(direction))
    np.testing.assert_allclose(moment.focus_mm, CENTER_MM, atol=0.05)


def test_volumes_are_those_of_the_balls() -> None:
    moment = Moment.of(round_result(oblique()))
    for level, radius in RADII_MM.items():
        assert moment.volume_ml(level) == pytest.approx(4e-3 / 3 * np.pi * radius**3, rel=0.02)


# --- colors ---------------------------------------------------------------------------------------


def test_colder_is_darker_and_every_structure_has_its_own_color() -> None:
    shades = [isotherm_color(level) for level in (10, 0, -20, -40, -60)]
    light = [sum(int(shade[n : n + 2], 16) for n in (1, 3, 5)) for shade in shades]
    assert light == sorted(light, reverse=True)
    colors = structure_colors(["bowel", "target", "nerve", "skin", "kidney"])
    assert len(set(colors.values())) == 5
    assert colors["target"] == structure_colors(["target"])["target"]


# --- planes ---------------------------------------------------------------------------------------


def find_letters(panel) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.get_position() for text in panel.texts if text.get_text() in
            {"R", "L", "A", "P", "S", "I"}}  # fmt: skip


def to_panel(panel, x_mm: float, y_mm: float) -> np.ndarray:
    """Where a point lies in a panel: 0 to 1 from left to right and from bottom to top."""
    panel.figure.draw_without_rendering()
    return panel.transAxes.inverted().transform(panel.transData.transform((x_mm, y_mm)))


def isotherm_lines(panel, level: float) -> np.ndarray:
    found = [
        lines
        for lines in panel.collections
        if hasattr(lines, "levels") and list(lines.levels) == [level]
    ]
    vertices = [path.vertices for lines in found for path in lines.get_paths()]
    return np.concatenate(vertices)


def test_letters_follow_the_radiological_convention() -> None:
    axial, coronal, sagittal = draw_planes(round_result()).axes[:3]
    for panel, left, right, top, bottom in (
        (axial, "R", "L", "A", "P"),
        (coronal, "R", "L", "S", "I"),
        (sagittal, "A", "P", "S", "I"),
    ):
        letters = find_letters(panel)
        assert letters[left][0] < 0.5 < letters[right][0]
        assert letters[bottom][1] < 0.5 < letters[top][1]


def test_world_directions_agree_with_the_letters() -> None:
    """Points to the left, behind and above the center appear where L, P and S are written."""
    axial, coronal, sagittal = draw_planes(round_result()).axes[:3]
    x, y, z = CENTER_MM
    assert to_panel(axial, x + 5, y)[0] > to_panel(axial, x, y)[0]
    assert to_panel(axial, x, y + 5)[1] < to_panel(axial, x, y)[1]
    assert to_panel(coronal, x + 5, z)[0] > to_panel(coronal, x, z)[0]
    assert to_panel(coronal, x, z + 5)[1] > to_panel(coronal, x, z)[1]
    assert to_panel(sagittal, y + 5, z)[0] > to_panel(sagittal, y, z)[0]
    assert to_panel(sagittal, y, z + 5)[1] > to_panel(sagittal, y, z)[1]


@pytest.mark.parametrize("direction", [None, np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, -1.0, -1])])
def test_isotherms_lie_at_their_millimeters(direction: np.ndarray | None) -> None:
    panels = draw_planes(round_result(direction)).axes[:3]
    for panel, seen in zip(panels, ([0, 1], [0, 2], [1, 2]), strict=True):
        for level, radius in RADII_MM.items():
            away = np.linalg.norm(isotherm_lines(panel, level) - CENTER_MM[seen], axis=1)
            np.testing.assert_allclose(away, radius, atol=0.08)


def test_labels_keep_off_where_isotherms_meet() -> None:
    """Toward the lower left, ice ends in one flat wall: all isotherms run along it."""
    result = round_result()
    grid = result.tissue.grid
    k, j, i = np.indices(grid.shape)
    away = grid.to_world(np.stack([i, j, k], axis=-1)) - CENTER_MM
    walled = np.where(np.minimum(away[..., 0], away[..., 1]) < -4.0, 37.0, result.coldest_c)
    result = dataclasses.replace(result, temperatures_c=(walled.astype(np.float32),) * 5)
    figure = draw_planes(result)
    figure.draw_without_rendering()
    for panel, seen in zip(figure.axes[:3], ([0, 1], [0, 2], [1, 2]), strict=True):
        labels = [text for text in panel.texts if "°C" in text.get_text()]
        assert len(labels) == 3
        for text in labels:
            assert text.get_position()[0] > CENTER_MM[seen[0]] - 2.0  # the wall is at -4
        boxes = [text.get_window_extent() for text in panel.texts]
        meeting = [a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n]]
        assert not any(meeting)


def test_planes_are_to_one_scale_and_undistorted() -> None:
    figure = draw_planes(round_result())
    figure.draw_without_rendering()
    scales = []
    for panel in figure.axes[:3]:
        origin, right, up = (panel.transData.transform(p) for p in ((0, 0), (10, 0), (0, 10)))
        scales += [np.linalg.norm(right - origin), np.linalg.norm(up - origin)]
    np.testing.assert_allclose(scales, scales[0], rtol=1e-6)


def test_legend_names_everything_with_units() -> None:
    (legend,) = draw_planes(round_result()).legends
    words = [text.get_text() for text in legend.get_texts()]
    assert [word.split(":")[0] for word in words[:3]] == ["0 °C", "-20 °C", "-40 °C"]
    assert all(word.endswith(" ml") for word in words[:3])
    assert words[3:6] == ["target", "bowel", "nerve (outside these planes)"]
    assert any("active part" in word for word in words)


def with_warmer_and_sensor(result: Result) -> Result:
    """The same result, as if the plan had them too."""
    tip = tuple(CENTER_MM + np.array([12.0, 0.0, -10.0]))
    extra = {
        "warmer": [{"name": "urethra", "tip_mm": tip, "entry_mm": (tip[0], tip[1], tip[2] + 90),
                    "diameter_mm": 4, "active_length_mm": 20, "temperature_c": 40}],
        "sensor": [{"name": "wall", "at_mm": tuple(SENSOR_MM)}],
    }  # fmt: skip
    return dataclasses.replace(
        result, plan=Plan.model_validate({**result.plan.model_dump(exclude_none=True), **extra})
    )


def test_warmers_and_sensors_are_drawn_where_they_are() -> None:
    figure = draw_planes(with_warmer_and_sensor(round_result()))
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "warmer (projected)" in words
    assert "sensor (projected)" in words
    for panel, seen in zip(figure.axes[:3], ([0, 1], [0, 2], [1, 2]), strict=True):
        (name,) = (text for text in panel.texts if text.get_text() == "wall")
        np.testing.assert_allclose(name.xy, SENSOR_MM[seen])


def test_planes_without_ice_and_without_target() -> None:
    result = round_result(image=True)
    figure = draw_planes(result, time_s=0.0)
    (legend,) = figure.legends
    assert legend.get_texts()[0].get_text() == "0 °C: not reached"


@pytest.mark.parametrize("image", [True, False])
@pytest.mark.parametrize("direction", [None, oblique()])
def test_planes_picture_is_not_blank(
    direction: np.ndarray | None, image: bool, tmp_path: Path
) -> None:
    from PIL import Image

    path = tmp_path / "planes.png"
    draw_planes(round_result(direction, image=image)).savefig(path)
    assert np.asarray(Image.open(path).convert("L")).std() > 20


# --- detection ------------------------------------------------------------------------------------

FALL_BACK = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_scene import round_result
from cryosim.errors import InputError
from cryosim.scene import find_rendering, save_picture, show
assert find_rendering() is None
print(save_picture(round_result(), Path({path!r})))
try:
    show(round_result(), off_screen=True)
except InputError as error:
    print(error)
assert "vtkmodules" not in sys.modules
"""


def test_without_graphics_the_picture_shows_planes(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    code = FALL_BACK.format(folder=str(Path(__file__).parent), path=str(path))
    child = run_python(code, CRYOSIM_RENDERING="none")
    assert child.returncode == 0, child.stderr
    first, second = child.stdout.splitlines()
    assert "three planes" in first
    assert "libegl1 libgl1-mesa-dri" in first
    assert "cannot draw 3-D" in second
    assert path.stat().st_size > 10_000


def test_importing_pictures_and_scene_does_not_load_vtk() -> None:
    child = run_python(
        "import sys, cryosim.pictures, cryosim.scene; print('vtkmodules' in sys.modules)"
    )
    assert child.stdout.strip() == "False", child.stderr


@pytest.fixture
def fresh_detection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No memory of what works, neither in this process nor in the user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "untouched")
    monkeypatch.delenv("CRYOSIM_RENDERING", raising=False)
    monkeypatch.setattr(rendering, "_found", {})
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def test_ways_are_tried_in_turn_and_success_is_remembered(
    fresh_detection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def only_osmesa(way: str) -> bool:
        tried.append(way)
        return way == "osmesa"

    monkeypatch.setattr(rendering, "_draws", only_osmesa)
    for _ in range(3):
        assert find_rendering() == "osmesa"
        rendering._found.clear()
    assert tried == ["egl", "osmesa"]
    assert os.environ["VTK_DEFAULT_OPENGL_WINDOW"] == "vtkOSOpenGLRenderWindow"
    assert len(list((fresh_detection / "cryosim").iterdir())) == 1


def test_failure_is_not_remembered_beyond_the_process(
    fresh_detection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_draws", lambda _: False)
    assert find_rendering() is None
    assert not (fresh_detection / "cryosim").exists()
    assert os.environ["VTK_DEFAULT_OPENGL_WINDOW"] == "untouched"
    monkeypatch.setattr(rendering, "_draws", lambda _: True)
    assert find_rendering() is None
    rendering._found.clear()
    assert find_rendering() == "egl"


@pytest.mark.usefixtures("fresh_detection")
def test_override_is_tried_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_draws", lambda way: way == "egl")
    monkeypatch.setenv("CRYOSIM_RENDERING", "osmesa")
    assert find_rendering() is None
    monkeypatch.setenv("CRYOSIM_RENDERING", "magic")
    with pytest.raises(InputError, match="use one of none, egl, osmesa, default"):
        find_rendering()


@pytest.mark.usefixtures("fresh_detection")
def test_a_crashing_child_is_a_plain_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_TRIAL", "import os; os.abort()")
    assert find_rendering() is None


def test_no_window_without_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(InputError, match="--screenshot"):
        open_window(round_result())


@pytest.mark.parametrize("name", ["picture.jpg", "nowhere/picture.png"])
def test_pictures_that_cannot_be_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYOSIM_RENDERING", "none")
    with pytest.raises(InputError, match="picture"):
        save_picture(round_result(), tmp_path / name)


# --- 3-D scene ------------------------------------------------------------------------------------


def centroid(mesh) -> np.ndarray:
    """Center of gravity of the volume inside a closed surface."""
    start = mesh.points.mean(axis=0)
    corners = mesh.points[mesh.regular_faces].astype(float) - start
    volumes = np.linalg.det(corners)
    return start + (volumes[:, None] * corners.sum(axis=1)).sum(axis=0) / (4 * volumes.sum())


def drawn(result: Result, **look) -> tuple:
    """A plotter off screen with one or two scenes."""
    return build_scenes(result, off_screen=True, **look)


def with_target(result: Result, offset_mm: np.ndarray = TARGET_OFFSET_MM) -> Result:
    """The same result, with a target aside that shall get a margin."""
    plan = {**result.plan.model_dump(exclude_none=True), "target": {"label": 1, "margin_mm": 8}}
    target = ball_share(result.tissue.grid, CENTER_MM + offset_mm, TARGET_RADIUS_MM)
    tissue = dataclasses.replace(
        result.tissue, structures={**result.tissue.structures, "target": target}
    )
    warm = np.zeros(tissue.grid.shape, dtype=np.float32)
    return dataclasses.replace(
        result, tissue=tissue, plan=Plan.model_validate(plan),
        time_below_s={level: np.where(result.coldest_c <= level, 600, warm).astype(np.float32)
                      for level in (0.0, -40.0)},
    )  # fmt: skip


def labels(scene) -> dict[str, tuple[str, ...]]:
    return {line.label: line.values for line in scene.words.legend.lines if isinstance(line, Row)}


@needs_graphics
def test_scene_has_its_actors() -> None:
    plotter = show(with_warmer_and_sensor(round_result(image=True)), off_screen=True)
    names = set(plotter.actors)
    sensor = plotter.actors["sensor 0"].center
    plotter.close()
    assert {"isotherm 0", "isotherm -20", "isotherm -40"} <= names
    assert {"structure target", "structure bowel", "structure nerve"} <= names
    assert {"probe 0 active", "probe 0 shaft", "warmer 0 active"} <= names
    assert {"image axial", "image coronal", "image sagittal"} <= names
    np.testing.assert_allclose(sensor, SENSOR_MM, atol=0.01)


@needs_graphics
def test_the_legend_has_volumes_and_coverage() -> None:
    plotter, (scene,) = drawn(with_target(round_result()))
    found = labels(scene)
    plotter.close()
    assert scene.words.legend.title == "end of freeze 2, 25 min"
    for level, radius in RADII_MM.items():
        now, share, by_the_end = found[f"{level:g} °C"]
        assert float(now.removesuffix(" ml")) == pytest.approx(
            4e-3 / 3 * np.pi * radius**3, rel=0.03
        )
        # The end of the last freeze is the coldest; the lethal isotherm has to stay a minute.
        share, by_the_end = (float(text.removesuffix(" %")) for text in (share, by_the_end))
        assert share == pytest.approx(by_the_end, abs=1.0)
    # The target reaches from 3 mm on one side of the center to 13 mm on the other.
    shares = [float(found[f"{level:g} °C"][1].removesuffix(" %")) for level in RADII_MM]
    assert shares[:2] == [100, 100]
    assert 60 < shares[2] < 90
    assert found["target"] == ("2.2 ml",)


@needs_graphics
def test_the_legend_says_how_much_of_the_target_is_frozen_now_and_by_the_end() -> None:
    result = with_target(round_result())
    _, (scene,) = drawn(result)
    at_the_end = {level: labels(scene)[level][2] for level in ("0 °C", "-20 °C", "-40 °C")}
    scene.show_time(0.0)
    before = labels(scene)
    for level, share in at_the_end.items():
        assert before[level] == ("not reached", "0 %", share)


@needs_graphics
@pytest.mark.parametrize("direction", [None, oblique(), np.diag([-1.0, 1.0, -1.0])])
@pytest.mark.parametrize(("margin", "level"), [("ice", 0.0), ("lethal", -40.0)])
def test_the_target_shows_its_margin_and_where_it_is_smallest(
    direction: np.ndarray | None, margin: str, level: float
) -> None:
    plotter, (scene,) = drawn(with_target(round_result(direction)), color_target_by=margin)
    mesh = plotter.actors["structure target"].mapper.dataset
    wanted = RADII_MM[level] - np.linalg.norm(mesh.points - CENTER_MM, axis=1)
    np.testing.assert_allclose(mesh["margin_mm"], wanted, atol=0.8)
    assert np.abs(mesh["margin_mm"] - wanted).mean() < 0.25
    smallest = RADII_MM[level] - np.linalg.norm(TARGET_OFFSET_MM) - TARGET_RADIUS_MM
    outwards = TARGET_OFFSET_MM / np.linalg.norm(TARGET_OFFSET_MM)
    away = np.array(plotter.actors["smallest margin"].center) - CENTER_MM
    np.testing.assert_allclose(away, (RADII_MM[level] - smallest) * outwards, atol=2.0)
    (said,) = (label for label in labels(scene) if label.startswith("smallest: "))
    assert float(said.split()[1]) == pytest.approx(smallest, abs=0.3)
    # Orange falls short of the goal, purple does not.
    table, goal = plotter.actors["structure target"].mapper.lookup_table, 8 if level == 0 else 0
    short, beyond = (table.map_value(goal + step) for step in (-9, 9))
    assert short[0] > short[2]
    assert beyond[2] > beyond[0]
    plotter.close()


@needs_graphics
def test_a_target_without_margin_is_plain() -> None:
    frozen = with_target(round_result())
    warm = np.full_like(frozen.coldest_c, 37)
    for result, look in (
        (frozen, {"color_target_by": None}),
        (round_result(), {}),  # no [target] in the plan
        (dataclasses.replace(frozen, coldest_c=warm), {}),
    ):
        plotter, (scene,) = drawn(result, **look)
        assert "margin_mm" not in plotter.actors["structure target"].mapper.dataset.array_names
        assert "smallest margin" not in plotter.actors
        plotter.close()
    assert "ice margin (0 °C, whole procedure): not reached" in labels(scene)


@needs_graphics
def test_other_times_show_other_ice_and_the_same_view() -> None:
    plotter, (scene,) = drawn(round_result(image=True))
    before = plotter.camera_position
    frozen = plotter.actors["image axial"].mapper.dataset["color"][:, 3].astype(float)
    scene.show_time(100.0)
    warm = plotter.actors["image axial"].mapper.dataset["color"][:, 3].astype(float)
    assert scene.moment.time_s == 0.0  # the nearest that was kept
    assert labels(scene)["0 °C"][0] == "not reached"
    assert not [name for name in plotter.actors if name.startswith("isotherm")]
    assert warm.sum() > frozen.sum()  # the image is faint in ice
    scene.show_time(1500.0)
    assert "isotherm -40" in plotter.actors
    assert plotter.camera_position == before
    plotter.close()


@needs_graphics
@pytest.mark.parametrize("direction", [None, oblique()])
def test_the_image_is_cut_away_between_viewer_and_ice(direction: np.ndarray | None) -> None:
    plotter, (scene,) = drawn(round_result(direction, image=True))
    scene.show_time(0.0)  # no ice
    toward = np.array(plotter.camera.position) - np.array(plotter.camera.focal_point)
    axes = scene.moment.grid.direction.T
    for name, across in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
        image = plotter.actors[f"image {name}"].mapper.dataset
        offsets = image.points - scene.moment.focus_mm
        in_plane = [axes[n] * np.sign(axes[n] @ toward) for n in range(3) if n != across]
        nearer = np.array([offsets @ axis for axis in in_plane])
        body = np.linalg.norm(offsets, axis=1) < 20
        cut, kept = body & np.all(nearer > 2, axis=0), body & np.any(nearer < -2, axis=0)
        assert image["color"][cut, 3].max() == 0
        assert image["color"][kept, 3].min() > 200
    plotter.close()


@needs_graphics
def test_windows_of_the_image() -> None:
    plotter, (scene,) = drawn(round_result(image=True), window="lung")
    image = plotter.actors["image axial"].mapper.dataset
    # -1000 and 40 HU in a window of 1500 about -600.
    assert (image["color"][:, 0].min(), image["color"][:, 0].max()) == (60, 236)
    scene.show_window("soft-tissue")
    assert image["color"][:, 0].min() == 0
    plotter.close()
    with pytest.raises(InputError, match="soft-tissue, bone, lung"):
        drawn(round_result(image=True), window="brain")
    with pytest.raises(InputError, match="no CT"):
        drawn(round_result(), window="bone")


@needs_graphics
def test_a_ct_without_air_is_still_a_ct() -> None:
    """The box of a deep target holds nothing darker than fat."""
    result = round_result(image=True)
    bright = np.maximum(result.tissue.image, 30.0)
    tissue = dataclasses.replace(result.tissue, image=bright)
    plotter, _ = drawn(dataclasses.replace(result, tissue=tissue), window="bone")
    plotter.close()
    tissue = dataclasses.replace(tissue, modality="mr")
    with pytest.raises(InputError, match="no CT"):
        drawn(dataclasses.replace(result, tissue=tissue), window="bone")


@needs_graphics
def test_two_results_share_a_camera_where_they_meet() -> None:
    first = round_result()
    plotter, scenes = drawn(first, compare_with=with_target(first))
    one, other = (scene.renderer for scene in scenes)
    assert one.camera is other.camera
    assert [scene.words.legend.title[:3] for scene in scenes] == ["A: ", "B: "]
    assert "smallest margin" in other.actors
    assert "smallest margin" not in one.actors
    plotter.close()
    grid = first.tissue.grid
    moved = Grid.from_spacing(grid.shape, grid.spacing_mm, grid.origin_mm + 500, grid.direction)
    tissue = dataclasses.replace(first.tissue, grid=moved)
    plotter, scenes = drawn(first, compare_with=dataclasses.replace(first, tissue=tissue))
    assert scenes[0].renderer.camera is not scenes[1].renderer.camera
    plotter.close()


@needs_graphics
@pytest.mark.parametrize("size", [(400, 286), (1400, 1000), (700, 1000)])
def test_words_can_be_read_at_any_size_and_lie_inside(size: tuple[int, int]) -> None:
    import pyvista

    plotter, (scene,) = drawn(with_target(round_result()))
    plotter.window_size = size
    plotter.screenshot(return_img=True)
    props = list(scene.renderer.GetViewProps())
    texts = [p for p in props if hasattr(p, "GetInput") and not isinstance(p, pyvista.Label)]
    words = {text.GetInput(): text for text in texts}
    assert words["0 °C"].GetTextProperty().GetFontSize() >= 11
    for text in texts:
        extent = [0.0, 0.0]
        text.GetSize(scene.renderer, extent)
        low = np.array(text.GetPosition()) * size
        assert np.all(low >= 0), text.GetInput()
        assert np.all(low + extent <= np.array(size) + 2), text.GetInput()
    rows = sorted(
        text.GetPosition()[1] * size[1] for text in texts if text.GetInput() in labels(scene)
    )
    assert np.diff(rows).min() >= words["0 °C"].GetTextProperty().GetFontSize()
    plotter.close()


@needs_graphics
def test_show_draws_into_a_plotter_of_the_user() -> None:
    import pyvista

    plotter = pyvista.Plotter(off_screen=True, shape=(1, 2))
    plotter.subplot(0, 1)
    assert show(round_result(), plotter=plotter) is plotter
    assert not plotter.widgets.slider_widgets  # nobody could move it
    assert "isotherm 0" in plotter.renderers[1].actors
    assert "isotherm 0" not in plotter.renderers[0].actors
    plotter.close()
    alone = pyvista.Plotter(off_screen=True)
    with pytest.raises(InputError, match=r"shape=\(1, 2\)"):
        show(round_result(), compare_with=round_result(), plotter=alone)
    alone.close()


# --- keys and slider ------------------------------------------------------------------------------


def press(plotter, key: str) -> None:
    """As the window does it."""
    plotter.iren.interactor.SetKeySym(key)
    plotter.iren.interactor.InvokeEvent("KeyPressEvent")


def seen(scene) -> set[str]:
    return {name for name, actor in scene.renderer.actors.items() if actor.GetVisibility()}


@pytest.fixture
def window():
    """A plotter with a scene and its controls; off screen it takes keys, too."""
    plotter, (scene,) = drawn(with_warmer_and_sensor(with_target(round_result(image=True))))
    controls = Controls(plotter, [scene])
    yield plotter, scene, controls
    plotter.close()


@needs_graphics
def test_keys_show_and_hide(window) -> None:
    plotter, scene, _ = window
    everything = seen(scene)
    for key, hidden in (
        ("t", {"structure target", "smallest margin"}),
        ("o", {"structure bowel", "structure nerve"}),
        ("g", {"image axial", "image coronal", "image sagittal"}),
        ("n", {name for name in everything if name.startswith(("probe", "warmer", "sensor"))}),
    ):
        press(plotter, key)
        assert everything - seen(scene) == hidden, key
        press(plotter, key)
        assert seen(scene) == everything
    shown = []
    for _ in range(5):
        press(plotter, "d")
        shown.append({name for name in seen(scene) if name.startswith("isotherm")})
    every = {f"isotherm {level:g}" for level in RADII_MM}
    assert shown == [{"isotherm 0"}, {"isotherm -20"}, {"isotherm -40"}, set(), every]


@needs_graphics
def test_what_is_hidden_stays_hidden_at_other_times(window) -> None:
    plotter, scene, _ = window
    press(plotter, "d")
    press(plotter, "Left")
    press(plotter, "Right")
    assert {name for name in seen(scene) if name.startswith("isotherm")} == {"isotherm 0"}


@needs_graphics
def test_arrows_and_slider_move_through_snapshots(window) -> None:
    plotter, scene, _ = window
    (slider,) = plotter.widgets.slider_widgets
    press(plotter, "Left")
    assert scene.moment.time_s == 900
    assert slider.GetRepresentation().GetValue() == 15
    for _ in range(9):
        press(plotter, "Right")
    assert scene.moment.time_s == 1800
    slider.GetRepresentation().SetValue(11.0)
    slider.InvokeEvent("InteractionEvent")
    assert scene.moment.time_s == 600


@needs_graphics
def test_space_plays_to_the_end_and_again_from_the_beginning(window) -> None:
    plotter, scene, controls = window
    press(plotter, "space")
    assert controls.playing
    plotter.iren.interactor.InvokeEvent("TimerEvent")
    assert scene.moment.time_s == 1800
    assert not controls.playing
    press(plotter, "space")
    assert scene.moment.time_s == 0
    press(plotter, "space")
    plotter.iren.interactor.InvokeEvent("TimerEvent")
    assert scene.moment.time_s == 0


@needs_graphics
def test_keys_turn_the_view_and_change_the_window(window) -> None:
    plotter, scene, _ = window
    distance = plotter.camera.distance
    for key, toward in (("a", (0, 0, -1)), ("c", (0, -1, 0)), ("l", (1, 0, 0))):
        press(plotter, key)
        away = np.array(plotter.camera.position) - plotter.camera.focal_point
        np.testing.assert_allclose(away, distance * np.array(toward), atol=1e-6 * distance)
    for name in ("bone", "lung", "soft-tissue"):
        press(plotter, "h")
        assert scene.window == name


# --- movies and pages -----------------------------------------------------------------------------


def blue_share(picture: np.ndarray) -> float:
    middle = picture[250:900, 200:900].astype(int)
    return float(((middle[..., 2] > middle[..., 0] + 20) & (middle[..., 2] > 150)).mean())


@needs_graphics
def test_a_movie_shows_the_ice_grow(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "growth.gif"
    save_movie(round_result(), path)
    shares = []
    with Image.open(path) as movie:
        for frame in range(movie.n_frames):
            movie.seek(frame)
            shares.append(blue_share(np.asarray(movie.convert("RGB"))))
    assert len(shares) == 5
    assert shares[0] == pytest.approx(shares[1], abs=0.01)
    assert shares[3] > shares[0] + 0.1
    assert [file.name for file in tmp_path.iterdir()] == ["growth.gif"]


@needs_graphics
def test_a_movie_as_mp4(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'movie'")
    path = tmp_path / "growth.mp4"
    save_movie(round_result(), path, compare_with=with_target(round_result()))
    _, seconds = ffmpeg.count_frames_and_secs(str(path))
    assert seconds == pytest.approx(5 * 0.4 + 2, abs=0.5)


def test_missing_extras_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setitem(sys.modules, "trame_pyvista", None)
    with pytest.raises(InputError, match=r"pip install 'cryosim\[movie\]'"):
        save_movie(round_result(), tmp_path / "growth.mp4")
    with pytest.raises(InputError, match=r"pip install 'cryosim\[web\]'"):
        save_web_scene(round_result(), tmp_path / "scene.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("save", "name", "message"),
    [
        (save_movie, "growth.avi", r"\.mp4 or \.gif"),
        (save_movie, "nowhere/growth.gif", "cannot be written"),
        (save_web_scene, "scene.htm", r"\.html"),
    ],
)
def test_files_that_cannot_be_written(save, name: str, message: str, tmp_path: Path) -> None:
    if "nowhere" in name and find_rendering() is None:
        pytest.skip("no OpenGL here")
    with pytest.raises(InputError, match=message):
        save(round_result(), tmp_path / name)


@needs_graphics
def test_a_page_turns_in_a_browser_and_asks_for_nothing(
    recorder: tuple[str, list[str]], tmp_path: Path
) -> None:
    pytest.importorskip("trame_pyvista", reason="needs the extra 'web'")
    path = tmp_path / "scene.html"
    save_web_scene(with_target(round_result(oblique(), image=True)), path)
    page = path.read_text(encoding="utf-8")
    assert "end of freeze 2, 25 min" in page
    assert "not a medical device" in page
    if CHROMIUM is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    from PIL import Image

    shot = tmp_path / "shot.png"
    browse(tmp_path, "--enable-unsafe-swiftshader", "--window-size=1100,1000",
           "--virtual-time-budget=8000", f"--screenshot={shot}", str(path))  # fmt: skip
    assert blue_share(np.asarray(Image.open(shot).convert("RGB"))) > 0.05
    assert asked_hosts(recorder, tmp_path, page) == set()


@needs_graphics
@pytest.mark.parametrize("direction", [None, oblique(), np.diag([-1.0, 1.0, 1.0])])
def test_surfaces_are_where_the_ice_is(direction: np.ndarray | None) -> None:
    plotter = show(round_result(direction), off_screen=True)
    meshes = {name: plotter.actors[name].mapper.dataset for name in plotter.actors
              if name.startswith(("isotherm", "structure"))}  # fmt: skip
    balls = {f"isotherm {level:g}": (CENTER_MM, radius) for level, radius in RADII_MM.items()}
    balls["structure target"] = (CENTER_MM, TARGET_RADIUS_MM)
    balls["structure bowel"] = (CENTER_MM + ORGAN_OFFSET_MM, 4.0)
    for name, (center, radius) in balls.items():
        mesh = meshes[name]
        found_radius = (mesh.volume * 3 / (4 * np.pi)) ** (1 / 3)
        assert found_radius == pytest.approx(radius, abs=0.15), name
        if name.startswith("isotherm"):  # structures are smoothed, which shrinks small ones
            assert mesh.volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02), name
        np.testing.assert_allclose(centroid(mesh), center, atol=0.1)
        middle = np.reshape(mesh.bounds, (3, 2)).mean(axis=1)
        np.testing.assert_allclose(middle, center, atol=0.25)
    plotter.close()


@needs_graphics
def test_probes_lie_between_tip_and_entry() -> None:
    result = round_result(oblique())
    plotter = show(result, off_screen=True)
    low = CENTER_MM[2] - 10
    active = plotter.actors["probe 0 active"].bounds
    np.testing.assert_allclose(active[4:], (low, low + 20), atol=0.05)
    np.testing.assert_allclose(active[:2], CENTER_MM[0] + np.array([-1, 1]), atol=0.05)
    shaft = plotter.actors["probe 0 shaft"].bounds
    assert shaft[4] == pytest.approx(low + 20, abs=0.05)
    plotter.close()


@needs_graphics
@pytest.mark.parametrize("direction", [oblique(), np.diag([-1.0, 1.0, -1.0])])
def test_the_image_lies_in_the_focus_along_the_axes_of_its_grid(direction: np.ndarray) -> None:
    result = round_result(direction, image=True)
    plotter = show(result, off_screen=True)
    for name, axis in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
        cut = plotter.actors[f"image {name}"].mapper.dataset
        height = (cut.points - CENTER_MM) @ direction[:, axis]
        np.testing.assert_allclose(height, height[0], atol=1e-3)
        assert abs(height[0]) < 0.1
        away = np.linalg.norm(cut.points - CENTER_MM, axis=1)
        assert np.all(cut["color"][away < 24, 0] > 120)
        assert np.all(cut["color"][away > 27, 0] == 0)
    plotter.close()


@needs_graphics
def test_a_plane_between_voxels_shows_what_lies_between() -> None:
    """Gray values that climb evenly show where each plane was cut."""
    result = round_result(image=True)
    k, j, i = np.indices(result.tissue.grid.shape)
    image = (3.0 * k + 2.0 * j + 1.0 * i).astype(np.float32)
    tissue = dataclasses.replace(result.tissue, image=image - 100)
    moment = Moment.of(dataclasses.replace(result, tissue=tissue))
    for plane in image_planes(moment):
        plane.color((-150.0, 150.0), moment.temperature_c)
        index = tissue.grid.to_index(np.asarray(plane.mesh.points))
        expected = np.clip((index @ [1.0, 2.0, 3.0] + 50.0) / 300.0, 0, 1) * 255
        np.testing.assert_allclose(plane.mesh["color"][:, 0], expected, atol=0.6)


def test_the_viewer_stands_away_from_organs_where_probes_come_from() -> None:
    """In front and above; to the right where organs lie left; behind where probes do."""
    result = round_result()

    def seen(organ_x_mm: float, entry_y_mm: float) -> list[float]:
        organ = ball_share(result.tissue.grid, np.add(CENTER_MM, (organ_x_mm, 0, 0)), 4.0)
        target = result.tissue.structures["target"]
        tissue = dataclasses.replace(result.tissue, structures={"target": target, "bowel": organ})
        probe = result.plan.probe[0]
        entry = tuple(np.add(probe.tip_mm, (0.0, entry_y_mm, 20.0)))
        plan = result.plan.model_copy(
            update={"probe": (probe.model_copy(update={"entry_mm": entry}),)}
        )
        toward = toward_viewer(Moment.of(dataclasses.replace(result, tissue=tissue, plan=plan)))
        assert np.linalg.norm(toward) == pytest.approx(1.0)
        return np.sign(toward).tolist()

    assert seen(14.0, -60.0) == [-1.0, -1.0, 1.0]
    assert seen(-14.0, -60.0) == [1.0, -1.0, 1.0]
    assert seen(-14.0, 60.0) == [1.0, 1.0, 1.0]


def seen_at(renderer, point_mm: np.ndarray) -> np.ndarray:
    """Where VTK draws a point, as shares of the renderer's width and height."""
    renderer.SetWorldPoint(*point_mm, 1.0)
    renderer.WorldToView()
    return (np.array(renderer.GetViewPoint()[:2]) + 1) / 2


@needs_graphics
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize(
    "toward",
    [(0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (1, 1, 1), (-1, -1, 0.6)],
)
def test_the_legend_covers_neither_shafts_nor_ice(
    toward: tuple[float, float, float], columns: int
) -> None:
    result = with_target(round_result())
    probe = result.plan.probe[0]
    axis = np.array(toward) / np.linalg.norm(toward)
    tip = CENTER_MM - 10 * axis
    moved = probe.model_copy(update={"tip_mm": tuple(tip), "entry_mm": tuple(tip + 90 * axis)})
    result = dataclasses.replace(result, plan=result.plan.model_copy(update={"probe": (moved,)}))
    plotter, scenes = drawn(result, compare_with=result if columns == 2 else None)
    plotter.screenshot(return_img=True)
    for scene in scenes:
        left, bottom, right, top = scene.words.covers
        assert 0 <= left < right <= 1.01
        assert 0 <= bottom < top <= 1.01
        shaft = np.asarray(scene.renderer.actors["probe 0 shaft"].mapper.dataset.points)
        ice = np.asarray(scene.renderer.actors["isotherm 0"].mapper.dataset.points)
        for point in (*shaft, *ice[::20]):
            x, y = seen_at(scene.renderer, point)
            assert not (left < x < right and bottom < y < top)
    plotter.close()


@needs_graphics
@pytest.mark.parametrize("columns", [1, 2])
def test_a_picture_is_that_of_the_window(columns: int, tmp_path: Path) -> None:
    """Drawn in tiles, the scene is where the legend leaves room for it."""
    result = with_target(round_result())
    look = {} if columns == 1 else {"compare_with": result}
    plotter, _ = drawn(result, **look)
    window = np.asarray(plotter.screenshot(return_img=True)).astype(int)
    plotter.close()
    save_picture(result, tmp_path / "picture.png", **look)
    picture = np.asarray(Image.open(tmp_path / "picture.png")).astype(int)
    assert picture.shape == window.shape
    places = [np.argwhere(one[..., 2] - one[..., 0] > 60).mean(axis=0) for one in (window, picture)]
    np.testing.assert_allclose(places[0], places[1], atol=4.0)


@needs_graphics
def test_the_edge_of_the_skin_is_not_black() -> None:
    """Voxels that are half air, whose gray is black, fade; the room's gray is the skin's."""
    result = round_result(image=True)
    grid = result.tissue.grid
    k, j, i = np.indices(grid.shape)
    away = np.linalg.norm(grid.to_world(np.stack([i, j, k], axis=-1)) - CENTER_MM, axis=-1)
    hu = np.clip(40 - 1040 * (away - 24) / 2.0, -1000, 40).astype(np.float32)
    tissue = dataclasses.replace(result.tissue, image=hu, outside_air=hu < -500)
    moment = Moment.of(dataclasses.replace(result, tissue=tissue))
    for plane in image_planes(moment):
        plane.color((-160.0, 240.0), np.full(grid.shape, 37.0, np.float32))
        color = np.asarray(plane.mesh["color"])
        distance = np.linalg.norm(np.asarray(plane.mesh.points) - CENTER_MM, axis=1)
        assert np.all(color[distance > 25.2, 3] == 0)
        assert color[:, :3].min() >= 24
        assert color[distance < 23.5, 3].max() > 200


@needs_graphics
def test_a_level_that_is_not_reached_is_left_out() -> None:
    plotter = show(round_result(), isotherms_c=(0, -90), off_screen=True)
    assert "isotherm 0" in plotter.actors
    assert "isotherm -90" not in plotter.actors
    plotter.close()


@needs_graphics
@pytest.mark.parametrize("image", [True, False])
def test_screenshot_shows_translucent_ice(image: bool, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "picture.png"
    note = save_picture(round_result(oblique(), image=image), path)
    assert "3-D" in note
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert pixels.shape == (1000, 1400, 3)
    # The ice in the middle is blue, and some of it as light as the warmest isotherm.
    middle = pixels[250:800, 400:1000].reshape(-1, 3)
    bluish = middle[:, 2] > middle[:, 0] + 20
    assert bluish.mean() > 0.05
