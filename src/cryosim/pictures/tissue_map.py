"""What was taken for what: the tissues of a case on three planes, before anything is simulated."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ..probes import Needle
from ..tissue import TissueGrid
from .colors import ACTIVE_PART, EDGE, SHAFT
from .moment import FOOTER
from .panels import PLANES, Plane, draw_needle, mark_panel, name_plane, place_panels, to_plane_mm

__all__ = ["draw_tissues"]

_FIGURE_INCHES = (15.0, 7.2)
_ROOM = (0.01, 0.99, 0.2, 0.88)  # left, right, bottom, top of all panels
_OF_TISSUE = {
    "skin": "#e8a98a", "fat": "#f2df8f", "muscle": "#b5534d", "muscle-by-ct": "#c0655c",
    "soft-tissue": "#d99a8e",
    "bone-cortical": "#ffffff", "bone-cancellous": "#cfc7a4", "bone-marrow": "#f0b35a",
    "cartilage": "#9fd8cf", "tumor": "#ff6a1f", "nerve": "#ffef3d", "spinal-cord": "#d4c400",
    "blood": "#7d0f22", "liver": "#8a5a3c", "kidney": "#a8659c", "spleen": "#6b4a9e",
    "pancreas": "#c9a26b", "lung": "#9cc9ea", "bowel-wall": "#d8a9cc", "stomach-wall": "#b98fd0",
    "bile": "#6f9a2e", "body-fluid": "#4fb3d9", "bladder-wall": "#7fb5a5", "prostate": "#cc8f6b",
}  # fmt: skip
_OTHERS = ("#44bb99", "#77aadd", "#aa4499", "#999933", "#ee8866", "#332288", "#117733")
_ROOM_AIR, _THINGS, _GAS = "#10141a", "#5b6470", "#2f3b4a"
_DARKEST = 0.6  # of a color, where the image is black
_WINDOW = (-200.0, 300.0)  # of a CT; other images from their darkest to their brightest


def draw_tissues(
    tissue: TissueGrid, needles: Sequence[Needle] = (), at_mm: Sequence[float] | None = None
) -> Figure:
    """Draw axial, coronal and sagittal planes in the colors of their tissues, over the image.

    Parameters
    ----------
    tissue : of `place_anatomy`. needles : drawn on top, projected.
    at_mm : world point that the planes go through; by default the middle of the target, or of the
        box.
    """
    focus = _middle_mm(tissue) if at_mm is None else np.asarray(at_mm, dtype=float)
    figure = Figure(figsize=_FIGURE_INCHES, facecolor="white")
    extents_mm = tissue.grid.size_mm.tolist()
    colors, legend = _colors_of(tissue)
    shown = colors[_kinds(tissue)] * (_DARKEST + (1 - _DARKEST) * _gray(tissue)[..., None])
    for plane, panel in zip(PLANES, place_panels(figure, extents_mm, _ROOM), strict=True):
        cut, extent = _cut(tissue, shown, plane, focus)
        panel.imshow(cut, extent=extent, origin="lower", interpolation="nearest")
        for needle in needles:
            draw_needle(panel, plane, tissue.grid, needle, ACTIVE_PART, SHAFT)
        panel.set(xlim=extent[:2], ylim=extent[2:] if plane.upward else extent[:1:-1])
        panel.set_axis_off()
        panel.set_title(name_plane(plane, tissue.grid, to_plane_mm(tissue.grid, focus)), loc="left")
        mark_panel(panel, plane, extents_mm[plane.right])
    figure.suptitle("What was taken for what", fontsize=16, x=0.01, y=0.97, ha="left")
    figure.legend(handles=legend, loc="lower left", ncols=6, frameon=False, fontsize=11)
    figure.text(0.99, 0.01, FOOTER, fontsize=8, color="#8a9299", ha="right")
    return figure


def _middle_mm(tissue: TissueGrid) -> NDArray[np.float64]:
    target = tissue.structures.get("target")
    if target is None or not target.any():
        return tissue.grid.corners_mm().mean(axis=0)
    return tissue.grid.to_world(np.argwhere(target >= 0.5 * target.max())[:, ::-1]).mean(axis=0)


def _kinds(tissue: TissueGrid) -> NDArray[np.intp]:
    """Tissues by their index; then room air, and things in it."""
    kinds = tissue.index.astype(np.intp)
    if tissue.outside_air is not None:
        kinds[tissue.outside_air] = len(tissue.tissues)
    if tissue.things is not None:
        kinds[tissue.things] = len(tissue.tissues) + 1
    return kinds


def _colors_of(tissue: TissueGrid) -> tuple[NDArray[np.float64], list[Patch]]:
    """Return (n, 3) colors by kind, and the legend of the kinds that occur."""
    names = [each.name for each in tissue.tissues]
    others = itertools.cycle(_OTHERS)
    colors = [
        _GAS if each.is_gas else _OF_TISSUE.get(each.name) or next(others)
        for each in tissue.tissues
    ]
    names = [f"{each.name} in the body" if each.is_gas else each.name for each in tissue.tissues]
    names += ["room air", "table and other things, as room air"]
    colors += [_ROOM_AIR, _THINGS]
    present = np.unique(_kinds(tissue))
    legend = [Patch(facecolor=colors[kind], edgecolor=EDGE, label=names[kind]) for kind in present]
    return np.array([to_rgb(color) for color in colors]), legend


def _gray(tissue: TissueGrid) -> NDArray[np.float64]:
    """Return the image from 0 to 1; even where there is none."""
    if tissue.image is None:
        return np.full(tissue.grid.shape, 0.5)
    image = tissue.image.astype(float)
    low, high = _WINDOW if tissue.modality == "ct" else (image.min(), image.max())
    gray: NDArray[np.float64] = np.clip((image - low) / max(high - low, 1e-9), 0.0, 1.0)
    return gray


def _cut(
    tissue: TissueGrid, shown: NDArray[np.float64], plane: Plane, focus_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[float, float, float, float]]:
    """Return the colors (up, right, 3) of a plane, and its left, right, lower, upper edge, mm."""
    grid = tissue.grid
    axis = 2 - plane.across
    cut = np.take(shown, grid.nearest(focus_mm)[axis], axis=axis)
    first = to_plane_mm(grid, grid.to_world((-0.5, -0.5, -0.5)))
    last = first + grid.size_mm
    # Of the axes k, j, i the remaining ones are in the order up, right.
    return cut, (first[plane.right], last[plane.right], first[plane.up], last[plane.up])
