"""The 3-D scene: isotherms around target, organs at risk and probes, on a slice of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid
from ..probes import Needle
from ..simulation import Result
from .colors import (
    ACTIVE_PART,
    EDGE,
    SENSOR,
    SHAFT,
    WARMER,
    isotherm_color,
    isotherm_opacity,
    structure_colors,
)
from .meshes import contour_mesh, image_data, needle_meshes, structure_mesh
from .moment import FOOTER, Moment
from .rendering import PACKAGES_HINT, find_rendering, find_window_rendering

if TYPE_CHECKING:
    import pyvista

__all__ = ["show"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Entry = tuple[str, str]  # of the legend: label and color

_WINDOW_SIZE = (1400, 1000)
_TARGET_OPACITY, _ORGAN_OPACITY = 0.95, 0.65
_TEXT = "#20262c"
_LEGEND_LEFT = 0.79
_SENSOR_RADIUS_MM = 1.5
# The viewer stands in front of the patient, a little aside and above (LPS); behind the patient
# where probes come from behind by more than this share of their length.
_VIEW_FROM = (0.55, -1.0, 0.7)
_FROM_BEHIND = 0.3


def show(
    result: Result,
    *,
    isotherms_c: Sequence[float] | None = None,
    time_s: float | None = None,
    off_screen: bool = False,
    plotter: pyvista.Plotter | None = None,
) -> pyvista.Plotter:
    """Draw a result in 3-D; call ``.show()`` on what comes back to open the window.

    Parameters
    ----------
    isotherms_c : levels of the surfaces; those of the plan's report by default.
    time_s : time of a snapshot; the end of the last freeze by default.
    off_screen : draw without a window, for ``.screenshot()``.
    plotter : draw into this one instead of a new one.

    Returns
    -------
    The plotter; coordinates are LPS millimeters. Actors are named "isotherm -20", "structure
    bowel", "probe 0 active", "probe 0 shaft", "warmer 0 active", "sensor 0", "image".

    Raises
    ------
    InputError
        When this computer cannot draw 3-D, or there is no snapshot at `time_s`.
    """
    moment = Moment.of(result, time_s)
    levels = sorted(result.plan.report.isotherms_c if isotherms_c is None else isotherms_c)[::-1]
    if plotter is None:
        plotter = _new_plotter(off_screen=off_screen)
    legend = _add_isotherms(plotter, moment, levels)
    legend += _add_structures(plotter, moment)
    legend += _add_needles(plotter, moment)
    legend += _add_sensors(plotter, moment)
    _add_background(plotter, moment)
    _add_words(plotter, moment, legend)
    _aim(plotter, moment)
    return plotter


def _new_plotter(*, off_screen: bool) -> Any:
    way = None if off_screen else find_window_rendering()
    if way is None and find_rendering() is None:
        raise InputError(f"this computer cannot draw 3-D; {PACKAGES_HINT}")
    import pyvista

    # Any: to mypy, pyvista's wrapped methods lack their self.
    plotter: Any = pyvista.Plotter(off_screen=off_screen, window_size=list(_WINDOW_SIZE))
    plotter.set_background("white")
    # Translucent surfaces are put in order by depth peeling. It does nothing under SSAA, and under
    # multisampling Mesa draws no translucent surface at all.
    plotter.disable_anti_aliasing()
    plotter.render_window.SetMultiSamples(0)
    plotter.enable_depth_peeling(number_of_peels=12)
    return plotter


def _add_isotherms(
    plotter: pyvista.Plotter, moment: Moment, levels: Sequence[float]
) -> list[Entry]:
    legend = []
    for level in levels:
        name, color = f"isotherm {level:g}", isotherm_color(level)
        surface = contour_mesh(moment.grid, -moment.temperature_c, -level)
        if surface.n_points == 0:
            legend.append((f"{level:g} °C: not reached", color))
            continue
        plotter.add_mesh(
            surface,
            name=name,
            color=color,
            opacity=isotherm_opacity(level),
            smooth_shading=True,
            culling="back",
            ambient=0.25,
            show_scalar_bar=False,
        )
        legend.append((f"{level:g} °C: {moment.volume_ml(level):.1f} ml", color))
    return legend


def _add_structures(plotter: pyvista.Plotter, moment: Moment) -> list[Entry]:
    legend = []
    for name, color in structure_colors(moment.structures).items():
        surface = structure_mesh(moment.grid, moment.structures[name], smooth=True)
        if surface.n_points == 0:
            legend.append((f"{name} (outside)", color))
            continue
        plotter.add_mesh(
            surface,
            name=f"structure {name}",
            color=color,
            opacity=_TARGET_OPACITY if name == "target" else _ORGAN_OPACITY,
            smooth_shading=True,
            culling="back",
            ambient=0.45 if name == "target" else 0.25,
            show_scalar_bar=False,
        )
        volume = float(moment.structures[name].sum(dtype=float)) * moment.grid.cell_volume_ml
        legend.append((f"{name}: {volume:.1f} ml", color))
    return legend


def _add_needles(plotter: pyvista.Plotter, moment: Moment) -> list[Entry]:
    plan = moment.result.plan
    for number, probe in enumerate(plan.probe):
        _add_needle(plotter, moment.grid, probe, f"probe {number}", ACTIVE_PART)
    for number, warmer in enumerate(plan.warmer):
        _add_needle(plotter, moment.grid, warmer, f"warmer {number}", WARMER)
    warm = [("warmer", WARMER)] if plan.warmer else []
    return [("probe, active part", ACTIVE_PART), *warm, ("shaft", SHAFT)]


def _add_needle(
    plotter: pyvista.Plotter, grid: Grid, needle: Needle, name: str, color: str
) -> None:
    active, shaft = needle_meshes(grid, needle)
    plotter.add_mesh(active, name=f"{name} active", color=color, lighting=False)
    plotter.add_mesh(shaft, name=f"{name} shaft", color=SHAFT, ambient=0.4)


def _add_sensors(plotter: pyvista.Plotter, moment: Moment) -> list[Entry]:
    import pyvista

    sensors = moment.result.plan.sensor
    for number, sensor in enumerate(sensors):
        ball = pyvista.Sphere(radius=_SENSOR_RADIUS_MM, center=sensor.at_mm)
        plotter.add_mesh(ball, name=f"sensor {number}", color=SENSOR, lighting=False)
    return [(f"sensor {sensor.name}", SENSOR) for sensor in sensors]


def _add_background(plotter: pyvista.Plotter, moment: Moment) -> None:
    """An axial slice of the image through the focus; without an image the edges of the box."""
    if moment.image is None:
        box = image_data(moment.grid, "values", moment.temperature_c).outline()
        plotter.add_mesh(box, name="box", color=EDGE, line_width=2)
        return
    values = moment.image
    if moment.outside_air is not None:
        values = np.where(moment.outside_air, np.float32("nan"), values)
    image = image_data(moment.grid, "image", values)
    cut = image.slice(normal=tuple(moment.grid.direction[:, 2]), origin=tuple(moment.focus_mm))
    plotter.add_mesh(
        cut,
        name="image",
        scalars="image",
        cmap="gray",
        clim=list(moment.gray_window),
        lighting=False,
        opacity=0.85,
        nan_opacity=0.0,
        show_scalar_bar=False,
    )


def _add_words(plotter: Any, moment: Moment, legend: Sequence[Entry]) -> None:
    plotter.add_text(
        moment.title, position=(0.02, 0.945), viewport=True, font_size=15, color=_TEXT, name="title"
    )
    plotter.add_text(
        FOOTER, position=(0.685, 0.02), viewport=True, font_size=8, color=SHAFT, name="footer"
    )
    plotter.add_actor(_swatches([color for _, color in legend]), name="legend colors")
    for number, (label, _) in enumerate(legend):
        where = (_LEGEND_LEFT + 0.022, _legend_height(number))
        plotter.add_text(
            label, position=where, viewport=True, font_size=11, color=_TEXT, name=f"legend {number}"
        )
    plotter.add_axes(xlabel="L", ylabel="P", zlabel="S", color=_TEXT, line_width=3)


def _legend_height(number: int) -> float:
    """Lower edge of a line of the legend, as a share of the window."""
    return 0.935 - 0.034 * number


def _swatches(colors: Sequence[str]) -> Any:
    """Colored squares for the legend; VTK's own legend writes pale words in pale colors."""
    import pyvista
    from vtkmodules.vtkRenderingCore import vtkActor2D, vtkCoordinate, vtkPolyDataMapper2D

    lowest = _legend_height(len(colors) - 1)
    boxes = [(_LEGEND_LEFT - 0.01, lowest - 0.01, 1.0, 0.98)]  # behind all of it
    for number in range(len(colors)):
        low = _legend_height(number) + 0.004
        boxes.append((_LEGEND_LEFT, low, _LEGEND_LEFT + 0.014, low + 0.02))
    corners = [
        [(left, low, 0), (right, low, 0), (right, high, 0), (left, high, 0)]
        for left, low, right, high in boxes
    ]
    faces = [(4, *range(4 * n, 4 * n + 4)) for n in range(len(boxes))]
    squares = pyvista.PolyData(np.concatenate(corners), faces=np.concatenate(faces))
    shades = [(255, 255, 255, 190), *(pyvista.Color(color).int_rgba for color in colors)]
    squares.cell_data["color"] = np.array(shades, dtype=np.uint8)
    squares.set_active_scalars("color", preference="cell")
    place = vtkCoordinate()
    place.SetCoordinateSystemToNormalizedViewport()
    mapper = vtkPolyDataMapper2D()
    mapper.SetInputData(squares)
    mapper.SetTransformCoordinate(place)
    mapper.SetScalarModeToUseCellData()
    actor = vtkActor2D()
    actor.SetMapper(mapper)
    return actor


def _aim(plotter: pyvista.Plotter, moment: Moment) -> None:
    """Look at the focus as the operator does, from the side with fewer organs at risk."""
    toward = np.asarray(_VIEW_FROM) / np.linalg.norm(_VIEW_FROM)
    if _organs_lie_left(moment):
        toward[0] = -toward[0]
    shafts = np.mean([probe.axis for probe in moment.result.plan.probe], axis=0)
    if shafts[1] > _FROM_BEHIND:
        toward[1] = -toward[1]
    radius = float(np.linalg.norm(moment.grid.size_mm)) / 2
    distance = 0.85 * radius / np.sin(np.radians(plotter.camera.view_angle / 2))
    plotter.camera_position = [
        tuple(moment.focus_mm + distance * toward),
        tuple(moment.focus_mm),
        (0.0, 0.0, 1.0),
    ]
    plotter.reset_camera_clipping_range()


def _organs_lie_left(moment: Moment) -> bool:
    """Tell whether the organs at risk lie to the patient's left of the focus."""
    cells = [
        np.argwhere(share > 0.5) for name, share in moment.structures.items() if name != "target"
    ]
    found = np.concatenate([np.zeros((0, 3), dtype=np.int64), *cells])
    if len(found) == 0:
        return False
    middle = moment.grid.to_world(found[:, ::-1].mean(axis=0))
    return bool(middle[0] > moment.focus_mm[0])
