"""Triangles of what a result holds, in LPS millimeters: for the scene and for files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..evaluation import isotherm_field
from ..geometry import Grid
from ..probes import Needle
from ..simulation import Result

if TYPE_CHECKING:
    import pyvista

__all__ = [
    "contour_mesh",
    "image_data",
    "isotherm_mesh",
    "needle_meshes",
    "snapshot_mesh",
    "structure_mesh",
    "visible_length_mm",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_SHAFT_BEYOND_BOX_MM = 10.0
_SIDES = 24  # of a round probe
_ROOM_VOXELS = 4  # around ice that is cut out; splines reach about so far
_SPECK_FACES = 40.0  # of a voxel; a cube of three has 54
_MOST_REFINED = 10_000_000  # voxels; above, the triangles are small against the ice anyway


def image_data(grid: Grid, name: str, values: F32) -> pyvista.ImageData:
    """Values at voxel centers as VTK's points; the first point is the center of voxel 0."""
    import pyvista

    data = pyvista.ImageData(
        dimensions=grid.shape[::-1],
        spacing=tuple(grid.spacing_mm),
        origin=tuple(grid.origin_mm),
        direction_matrix=grid.direction,
    )
    data.point_data[name] = values.ravel()
    return data


def contour_mesh(grid: Grid, values: F32, level: float) -> pyvista.PolyData:
    """Triangulate where `values` cross `level`, the outside being where they are lower."""
    # The default method puts the surface in the wrong place when the axes are oblique.
    return image_data(grid, "values", values).contour(
        [level], scalars="values", method="flying_edges"
    )


def _closed(grid: Grid, values: F32, level: float, outside: float) -> pyvista.PolyData:
    """Like `contour_mesh`, closed at the grid's faces by a value beyond them."""
    padded = np.pad(values, 1, constant_values=np.float32(outside))
    around = Grid.from_spacing(
        padded.shape, grid.spacing_mm, grid.to_world((-1, -1, -1)), grid.direction
    )
    return contour_mesh(around, padded, level)


def isotherm_mesh(result: Result, field_c: F32, level_c: float) -> pyvista.PolyData:
    """Closed surface of what is at or below a temperature: tissue and probes, no gas.

    Parameters
    ----------
    field_c : (k, j, i) temperatures on the result's grid, a snapshot or the coldest-ever field.
    """
    grid, turn = result.tissue.grid.canonical()
    field = turn.apply(isotherm_field(result, field_c, level_c))
    warm = max(result.plan.body.temperature_c, level_c + 1.0)
    around, near = _refined(*_cropped(grid, field, level_c))
    return _without_specks(_closed(around, -near, -level_c, -warm), grid)


def snapshot_mesh(grid: Grid, field_c: F32, level_c: float) -> pyvista.PolyData:
    """Closed surface at or below a temperature, for looking at: quick, and through gas, too.

    Ice that ends at the skin looks smooth so, where `isotherm_mesh` follows the faces of voxels.

    Parameters
    ----------
    field_c : (k, j, i) temperatures on a canonical grid.
    """
    around, near = _cropped(grid, field_c, level_c)
    return _without_specks(_closed(around, -near, -level_c, -level_c - 1.0), grid)


def _without_specks(surface: pyvista.PolyData, grid: Grid) -> pyvista.PolyData:
    """Leave out pieces less than some three voxels wide, such as stay where ice ends at the skin.

    The largest piece stays, whatever its size.
    """
    if surface.n_points == 0:
        return surface
    pieces = surface.connectivity("all")
    piece = np.asarray(pieces.cell_data["RegionId"])
    areas = np.bincount(piece, weights=pieces.compute_cell_sizes().cell_data["Area"])
    kept = areas >= min(_SPECK_FACES * grid.cell_face_mm2, areas.max())
    if kept.all():
        return surface
    return surface.extract_cells(kept[piece]).extract_surface(algorithm="geometry")


def _cropped(grid: Grid, field_c: F32, level_c: float) -> tuple[Grid, F32]:
    """Cut out what is at or below a level, with room around it."""
    cold = field_c <= level_c
    if not cold.any():
        return grid, field_c
    spans = [np.flatnonzero(cold.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    low = [max(int(span[0]) - _ROOM_VOXELS, 0) for span in spans]
    high = [int(span[-1]) + 1 + _ROOM_VOXELS for span in spans]
    part = field_c[tuple(slice(*ends) for ends in zip(low, high, strict=True))]
    start = grid.to_world(low[::-1])
    return Grid.from_spacing(part.shape, grid.spacing_mm, start, grid.direction), part


def _refined(grid: Grid, field_c: F32) -> tuple[Grid, F32]:
    """Halve the voxels by cubic splines: flat triangles cut less off a round surface."""
    if min(field_c.shape) < 2 or field_c.size > _MOST_REFINED:
        return grid, field_c
    factors = [(2 * n - 1) / n for n in field_c.shape]
    fine: F32 = ndimage.zoom(field_c, factors, order=3, mode="nearest")
    spacing = grid.spacing_mm / 2
    return Grid.from_spacing(fine.shape, spacing, grid.origin_mm, grid.direction), fine


def structure_mesh(grid: Grid, share: F32, *, smooth: bool = False) -> pyvista.PolyData:
    """Closed surface where voxels are half full, the steps of voxels smoothed or left.

    Parameters
    ----------
    share : (k, j, i) share of each voxel on a canonical grid.
    """
    surface = _closed(grid, share, 0.5, 0.0)
    if smooth and surface.n_points:
        return surface.smooth_taubin(n_iter=20, pass_band=0.1)
    return surface


def needle_meshes(grid: Grid, needle: Needle) -> tuple[pyvista.PolyData, pyvista.PolyData]:
    """Active part, and shaft to a little beyond the box."""
    import pyvista

    radius = needle.diameter_mm / 2
    tip, end = np.asarray(needle.tip_mm), needle.active_end_mm
    active = pyvista.Capsule(
        center=tuple((tip + end) / 2),
        direction=tuple(needle.axis),
        radius=radius,
        cylinder_length=needle.active_length_mm - needle.diameter_mm,
        resolution=_SIDES,
    )
    top = tip + visible_length_mm(needle, grid) * needle.axis
    shaft = pyvista.Cylinder(
        center=tuple((end + top) / 2),
        direction=tuple(needle.axis),
        radius=radius,
        height=float(np.linalg.norm(top - end)),
        resolution=_SIDES,
    )
    return active, shaft


def visible_length_mm(needle: Needle, grid: Grid) -> float:
    """Length from the tip to a little beyond where the shaft leaves the box."""
    heights = np.arange(0.0, float(np.linalg.norm(grid.size_mm)), 1.0)
    points = np.asarray(needle.tip_mm) + heights[:, None] * needle.axis
    inside = heights[grid.contains(points)]
    leaves = float(inside.max()) if inside.size else 0.0
    return max(leaves, needle.active_length_mm) + _SHAFT_BEYOND_BOX_MM
