"""Pictures show things where they are, and a computer without graphics gets a picture too."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cases import ball_share
from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import Curves, EnergyLedger, Performance, Result
from cryosim.tissue import Tissue, TissueGrid
from cryosim.view import draw_planes, find_rendering, open_window, rendering, save_picture, show
from cryosim.view.colors import isotherm_color, structure_colors
from cryosim.view.moment import Moment

CENTER_MM = np.array([-31.0, 12.0, 205.0])
RADII_MM = {0.0: 20.0, -20.0: 15.0, -40.0: 10.0}
TARGET_RADIUS_MM = 8.0
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
        tissue=TissueGrid(grid, index, (tissue,), structures=structures, image=gray),
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
from test_view import round_result
from cryosim.errors import InputError
from cryosim.view import find_rendering, save_picture, show
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


def test_importing_view_does_not_load_vtk() -> None:
    child = run_python("import sys, cryosim.view; print('vtkmodules' in sys.modules)")
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


@needs_graphics
def test_scene_has_its_actors() -> None:
    plotter = show(with_warmer_and_sensor(round_result(image=True)), off_screen=True)
    names = set(plotter.actors)
    sensor = plotter.actors["sensor 0"].center
    plotter.close()
    assert {"isotherm 0", "isotherm -20", "isotherm -40"} <= names
    assert {"structure target", "structure bowel", "structure nerve"} <= names
    assert {"probe 0 active", "probe 0 shaft", "warmer 0 active", "image", "title"} <= names
    np.testing.assert_allclose(sensor, SENSOR_MM, atol=0.01)


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
def test_the_slice_lies_in_the_focus_on_an_oblique_grid() -> None:
    result = round_result(oblique(), image=True)
    plotter = show(result, off_screen=True)
    cut = plotter.actors["image"].mapper.dataset
    height = (cut.points - CENTER_MM) @ result.tissue.grid.direction[:, 2]
    np.testing.assert_allclose(height, height[0], atol=1e-3)
    assert abs(height[0]) < 0.1
    bright = cut.points[cut["image"] > 0]
    np.testing.assert_allclose((bright.min(0) + bright.max(0)) / 2, CENTER_MM, atol=1.5)
    plotter.close()


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
