"""Where camera and legend are: the legend covers neither a shaft nor the ice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .meshes import visible_length_mm
from .scene import Scene
from .standpoint import toward_viewer
from .words import Corner

__all__ = ["compose"]

F64 = NDArray[np.float64]

# In the order in which they are liked.
_CORNERS: tuple[Corner, ...] = ("top right", "bottom right", "top left")
_ROOM = 1.35  # around what is looked at
# Between ice and legend, and so far the scene moves away from the legend at least, as shares of
# the width, of the height where the picture is upright.
_GAP, _ASIDE, _ALONG = 0.01, 0.11, 0.15
# In tiny windows the legend may cover ice after all.
_LEAST_FREE = 0.25
_STEP_MM = 2.0  # along shafts


def compose(scenes: Sequence[Scene]) -> None:
    """Look as the operator does at ice and target; put the legends where they cover least.

    Parameters
    ----------
    scenes : under one camera, that of the first.
    """
    camera = scenes[0].renderer.camera
    for scene in scenes:
        scene.renderer.camera = camera
    covered = {corner: _shaft_covered_at(scenes, corner) for corner in _CORNERS}
    _shaft_covered_at(scenes, min(covered, key=lambda corner: covered[corner]))
    for scene in scenes:
        scene.renderer.reset_camera_clipping_range()


def _shaft_covered_at(scenes: Sequence[Scene], corner: Corner) -> float:
    """Put legends into a corner, and ice beside them; return which share of shafts they cover."""
    for scene in scenes:
        scene.words.corner = corner
        scene.words.write()
    _aim(scenes)
    _make_room(scenes, corner)
    covered = 0.0
    for scene in scenes:
        left, bottom, right, top = scene.words.covers
        x, y = _in_picture(scene, _shafts_mm(scene)).T
        hidden = (left < x) & (x < right) & (bottom < y) & (y < top)
        covered += float(hidden.mean()) if len(hidden) else 0.0
    return covered


def _aim(scenes: Sequence[Scene]) -> None:
    """Turn to ice and target of all, from the side with fewer organs at risk."""
    points = np.concatenate([one.moment.points_of_interest_mm for one in scenes])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(points - middle, axis=1).max())
    renderer = scenes[0].renderer
    camera = renderer.camera
    distance = _ROOM * radius / np.sin(np.radians(camera.view_angle / 2))
    width, height = renderer.GetSize()
    if width < height:
        distance *= height / width
    camera.focal_point = tuple(middle)
    camera.position = tuple(middle + distance * toward_viewer(scenes[0].moment))
    camera.up = (0.0, 0.0, 1.0)
    camera.SetWindowCenter(0.0, 0.0)
    camera.is_set = True


def _make_room(scenes: Sequence[Scene], corner: Corner) -> None:
    """Move what is looked at beside the legends; step back where it is too large for that."""
    camera = scenes[0].renderer.camera
    width, height = scenes[0].renderer.GetSize()
    axis, least = (0, _ASIDE) if width >= height else (1, _ALONG)
    # Toward lower places where the legend is at the right or at the top.
    lower = corner.endswith("right") if axis == 0 else corner.startswith("top")
    if lower:
        free = _GAP, min(scene.words.covers[axis] for scene in scenes) - _GAP
    else:
        free = max(scene.words.covers[axis + 2] for scene in scenes) + _GAP, 1.0 - _GAP
    span = _span(scenes, axis)
    factor = (span[1] - span[0]) / max(free[1] - free[0], _LEAST_FREE)
    if factor > 1.0:
        away = np.subtract(camera.position, camera.focal_point)
        camera.position = tuple(camera.focal_point + factor * away)
        span = _span(scenes, axis)
    move = min(max(-least if lower else least, free[0] - span[0]), free[1] - span[1])
    camera.SetWindowCenter(*((-2.0 * move, 0.0) if axis == 0 else (0.0, -2.0 * move)))


def _span(scenes: Sequence[Scene], axis: int) -> tuple[float, float]:
    """From where to where ice and target of all reach in the picture."""
    places = [_in_picture(scene, scene.moment.points_of_interest_mm)[:, axis] for scene in scenes]
    return float(min(one.min() for one in places)), float(max(one.max() for one in places))


def _shafts_mm(scene: Scene) -> F64:
    """(n, 3) points along all needles, as far as they are drawn."""
    grid = scene.moment.grid
    points = [np.zeros((0, 3))]
    for needle in scene.result.plan.needles:
        heights = np.arange(0.0, visible_length_mm(needle, grid), _STEP_MM)
        points.append(np.asarray(needle.tip_mm) + heights[:, None] * needle.axis)
    return np.concatenate(points)


def _in_picture(scene: Scene, points_mm: F64) -> F64:
    """(n, 2) places in the renderer, from 0 at the left and at the bottom to 1."""
    renderer = scene.renderer
    matrix = renderer.camera.GetCompositeProjectionTransformMatrix(
        renderer.GetTiledAspectRatio(), -1.0, 1.0
    )
    rows = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    x, y, _, w = rows @ np.column_stack([points_mm, np.ones(len(points_mm))]).T
    return (np.column_stack([x, y]) / w[:, None] + 1.0) / 2.0
