"""One result in 3-D: isotherms around target, organs at risk and probes, and the image's planes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..evaluation import (
    SurfaceMargin,
    crop_to_ice,
    isotherm_volume_ml,
    surface_margin,
    target_coverage,
)
from ..pictures.charts import GOAL
from ..pictures.colors import (
    ACTIVE_PART,
    EDGE,
    SENSOR,
    SHAFT,
    TARGET,
    WARMER,
    isotherm_color,
    isotherm_opacity,
    margin_bounds,
    margin_colors,
    structure_colors,
)
from ..pictures.moment import Moment
from ..plan import ICE_C, Target
from ..probes import Needle
from ..simulation import Result
from ..surfaces import share_at_or_below
from .image_planes import image_planes
from .legend import ColorSteps, Legend, Row
from .meshes import image_data, needle_meshes, snapshot_mesh, structure_mesh
from .words import INK, Words

if TYPE_CHECKING:
    import pyvista

__all__ = ["ColorBy", "Scene"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
ColorBy = Literal["ice", "lethal"] | None
Line = Row | ColorSteps

# Large organs, such as skin, are fainter, so that they do not hide the rest.
_ORGAN_AREAS_MM2, _ORGAN_OPACITIES = (5e3, 3e4), (0.45, 0.12)
_SENSOR_RADIUS_MM = 1.5
_SMALLEST_RADIUS_MM = 2.0
_PATCHES_ABOUT = 4
_NAME_SIZE = 16
_PARTS = ("isotherm", "structure", "image", "probe", "warmer", "sensor", "smallest")


class Scene:
    """What is drawn of a result in one renderer of a plotter.

    Attributes
    ----------
    moment : of the result, as shown.
    levels_c : isotherms, warmest first.
    hidden : names of actors that are not to be seen, see `hide`.
    window : of the image; None: as `Moment.gray_window` chooses.
    letter : "A" or "B" of two results beside each other, otherwise empty.
    words : what is written.
    """

    def __init__(
        self,
        plotter: Any,
        moment: Moment,
        isotherms_c: Sequence[float] | None,
        color_target_by: ColorBy,
        window: str | None,
        letter: str,
    ) -> None:
        self._plotter = plotter
        self._place = plotter.renderers.index_to_loc(plotter.renderers.active_index)
        self.renderer = plotter.renderer
        self.moment = moment
        self.levels_c = sorted(set(moment.levels_c if isotherms_c is None else isotherms_c))[::-1]
        self.hidden: set[str] = set()
        self.window = window
        self.letter = letter
        self.words = Words(self.renderer)
        has_target = "target" in moment.structures and bool(moment.structures["target"].any())
        # What is said in numbers is measured where the ice is.
        self._near_ice, self._ice_box = crop_to_ice(moment.result, max([ICE_C, *self.levels_c]))
        self._covered = target_coverage(self._near_ice, self.levels_c) if has_target else {}
        self._target = moment.result.plan.target if has_target else None
        self._color_by = color_target_by if self._target is not None else None
        self._lines = [*self._add_structures(), *self._add_needles(), *self._add_sensors()]
        self._planes = image_planes(moment)
        self._color_planes()
        self._add_background()
        plotter.add_axes(xlabel="L", ylabel="P", zlabel="S", color=INK, line_width=3)
        self.show_time(moment.time_s)

    @property
    def result(self) -> Result:
        """What is drawn."""
        return self.moment.result

    def activate(self) -> None:
        """Let the plotter draw where this scene is."""
        self._plotter.subplot(*np.atleast_1d(self._place))

    def show_time(self, time_s: float) -> None:
        """Show the snapshot nearest to a time."""
        nearest = min(self.result.times_s, key=lambda kept_s: abs(kept_s - time_s))
        self.moment = Moment.of(self.result, nearest)
        field_c = self.result.temperatures_c[self.result.snapshot_number(nearest)]
        self.activate()
        heads = ("now", "of target", "by the end") if self._covered else ("now",)
        rows = [Row("", values=heads)]
        for level in self.levels_c:
            name = f"isotherm {level:g}"
            surface = snapshot_mesh(self.moment.grid, self.moment.temperature_c, level)
            if surface.n_points:
                self._add(
                    surface,
                    name,
                    color=isotherm_color(level),
                    opacity=isotherm_opacity(level),
                    culling="front",  # open to the viewer, so as not to tint what it holds
                )
            else:
                self._plotter.remove_actor(name, render=False)
            volume = isotherm_volume_ml(self._near_ice, field_c[self._ice_box], level)
            now = f"{volume:.1f} ml" if surface.n_points else "not reached"
            rows.append(
                Row(f"{level:g} °C", isotherm_color(level), (now, *self._shares(field_c, level)))
            )
        self._color_planes()
        self.hide(self.hidden)
        title = ": ".join(filter(None, (self.letter, self.moment.title)))
        self.words.legend = Legend(title, (*rows, *self._lines))
        self.words.write()

    def _shares(self, field_c: F32, level: float) -> list[str]:
        """Say which share of the target is at or below a level, and has been by the end."""
        if not self._covered:
            return []
        cold = share_at_or_below(field_c[self._ice_box], level)
        cold = cold * self._near_ice.tissue.structures["target"]
        now = cold.sum(dtype=float) / self.moment.structures["target"].sum(dtype=float)
        return [f"{100 * share:.3g} %" for share in (now, self._covered[level])]

    def show_window(self, name: str) -> None:
        """Show the image with other gray values."""
        self.window = name
        self._color_planes()

    def _color_planes(self) -> None:
        for plane in self._planes:
            plane.color(self.moment.gray_window(self.window), self.moment.temperature_c)

    def hide(self, names: set[str]) -> None:
        """Hide actors of these names, or whose names go on after them, and show all others."""
        self.hidden = names
        for name, actor in self.renderer.actors.items():
            if name.startswith(_PARTS):
                actor.SetVisibility(not any(f"{name} ".startswith(f"{one} ") for one in names))

    def _add(self, mesh: Any, name: str, **look: Any) -> None:
        look = {"smooth_shading": True, "ambient": 0.25, "culling": "back", **look}
        self._plotter.add_mesh(
            mesh, name=name, show_scalar_bar=False, reset_camera=False, render=False, **look
        )

    def _add_label(self, name: str, words: str, at_mm: Any) -> None:
        """Write beside a point, also where something is in front of it."""
        import pyvista

        label = pyvista.Label(f"  {words}", position=at_mm, size=_NAME_SIZE)
        label.prop.color = INK
        label.prop.background_color, label.prop.background_opacity = "white", 0.5
        self._plotter.add_actor(label, name=name, reset_camera=False, render=False)

    def _add_structures(self) -> list[Line]:
        lines: list[Line] = []
        for name, color in structure_colors(self.moment.structures).items():
            share = self.moment.structures[name]
            surface = structure_mesh(self.moment.grid, share, smooth=True)
            volume = float(share.sum(dtype=float)) * self.moment.grid.cell_volume_ml
            if surface.n_points == 0:
                lines.append(Row(f"{name} (outside)", color))
            elif name == "target" and self._target is not None and self._color_by is not None:
                row = Row(name, None, (f"{volume:.1f} ml",))
                lines += self._add_margin(surface, row, self._target, self._color_by)
            else:
                opacity = 1.0
                if name != "target":
                    opacity = float(np.interp(surface.area, _ORGAN_AREAS_MM2, _ORGAN_OPACITIES))
                self._add(surface, f"structure {name}", color=color, opacity=opacity)
                lines.append(Row(name, color, (f"{volume:.1f} ml",)))
        return lines

    def _add_margin(
        self, surface: pyvista.PolyData, row: Row, target: Target, color_by: str
    ) -> list[Line]:
        """Add the target's surface in the colors of its margin, and its weakest point."""
        import pyvista

        level, goal = (ICE_C, target.margin_mm) if color_by == "ice" else (target.lethal_c, 0.0)
        margin = surface_margin(self._near_ice, level)
        name = f"{color_by} margin ({level:g} °C, whole procedure)"
        if not margin.has_edge:
            self._add(surface, "structure target", color=TARGET)
            reached = "beyond the box" if np.any(margin.margin_mm > 0) else "not reached"
            return [dataclasses.replace(row, color=TARGET), Row(f"{name}: {reached}")]
        surface["margin_mm"] = _at_points(margin, surface.points)
        edges, colors = margin_bounds(goal), margin_colors()
        self._add(
            surface, "structure target", scalars="margin_mm", cmap=colors, n_colors=len(colors),
            clim=(edges[0], edges[-1]), interpolate_before_map=True, ambient=0.4, diffuse=0.6,
        )  # fmt: skip
        at = margin.smallest
        ball = pyvista.Sphere(radius=_SMALLEST_RADIUS_MM, center=margin.points_mm[at])
        self._add(ball, "smallest margin", color=GOAL)
        smallest = f"{margin.margin_mm[at]:.1f} mm"
        middle = len(colors) // 2
        ticks = {
            0: f"< {edges[0]:g}",
            middle: f"{edges[middle]:g}",
            len(colors): f"> {edges[-1]:g} mm",
        }
        if goal:
            ticks[middle] = f"goal {goal:g}"
        return [
            row, Row(name), ColorSteps(tuple(colors), ticks),
            Row(f"smallest{margin.where}: {smallest}, {margin.weak_side}", GOAL),
        ]  # fmt: skip

    def _add_needles(self) -> list[Line]:
        plan = self.result.plan
        for number, probe in enumerate(plan.probe):
            self._add_needle(probe, f"probe {number}", ACTIVE_PART)
        for number, warmer in enumerate(plan.warmer):
            self._add_needle(warmer, f"warmer {number}", WARMER)
        warm = [Row("warmer", WARMER)] if plan.warmer else []
        return [Row("probe, active part", ACTIVE_PART), *warm, Row("shaft", SHAFT)]

    def _add_needle(self, needle: Needle, name: str, color: str) -> None:
        active, shaft = needle_meshes(self.moment.grid, needle)
        self._add(active, f"{name} active", color=color, lighting=False)
        self._add(shaft, f"{name} shaft", color=SHAFT)

    def _add_sensors(self) -> list[Line]:
        import pyvista

        sensors = self.result.plan.sensor
        if not sensors:
            return []
        for number, sensor in enumerate(sensors):
            ball = pyvista.Sphere(radius=_SENSOR_RADIUS_MM, center=sensor.at_mm)
            self._add(ball, f"sensor {number}", color=SENSOR, lighting=False)
            self._add_label(f"sensor {number} name", sensor.name, sensor.at_mm)
        return [Row("sensor", SENSOR)]

    def _add_background(self) -> None:
        """The image in three planes; without an image the edges of the box."""
        for plane in self._planes:
            self._add(
                plane.mesh,
                f"image {plane.name}",
                scalars="color",
                rgba=True,
                lighting=False,
                culling=False,
                smooth_shading=False,
            )
        if not self._planes:
            box = image_data(self.moment.grid, "values", self.moment.temperature_c).outline()
            self._add(box, "image box", color=EDGE, line_width=2)


def _at_points(margin: SurfaceMargin, points_mm: F64) -> F64:
    """Margins near points of the smoothed surface, from the patches about each."""
    count = min(_PATCHES_ABOUT, len(margin.points_mm))
    distance, nearest = cKDTree(margin.points_mm).query(points_mm, k=[*range(1, count + 1)])
    weights = 1 / np.maximum(distance, 1e-3) ** 2
    values: F64 = (weights * margin.margin_mm[nearest]).sum(axis=1) / weights.sum(axis=1)
    return values
