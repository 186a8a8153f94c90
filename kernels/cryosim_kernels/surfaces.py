"""Isosurfaces as triangles, and exact distances to them.

Each cube between eight voxel centers is cut into six tetrahedra around its main diagonal
(the Kuhn subdivision, which matches across cube faces), and each tetrahedron into at most two
triangles by linear interpolation along its edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import F64_1, F64_2, F64_3, I64_1, I64_2, READ_F32_3

__all__ = ["count_triangles", "distance_to_triangles", "fill_triangles"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# Corner numbers: bit 0 is +i, bit 1 is +j, bit 2 is +k. Paths from corner 0 to corner 7.
_TETRAHEDRA = np.array(
    [[0, 1, 3, 7], [0, 1, 5, 7], [0, 2, 3, 7], [0, 2, 6, 7], [0, 4, 5, 7], [0, 4, 6, 7]],
    dtype=np.int64,
)


@kernel(parallel=False)
def count_triangles(first: int, last: int, field: READ_F32_3, level: float, counts: I64_1) -> None:
    """Count the triangles of the isosurface between slab k and k + 1, `first` to `last` - 1.

    Parameters
    ----------
    field : (nz, ny, nx). counts : (nz - 1,) output.
    """
    _, ny, nx = field.shape
    for k in range(first, last):
        found = 0
        for j in range(ny - 1):
            for i in range(nx - 1):
                below = 0
                for corner in range(8):
                    di, dj, dk = corner & 1, (corner >> 1) & 1, (corner >> 2) & 1
                    if field[k + dk, j + dj, i + di] <= level:
                        below |= 1 << corner
                if below in (0, 255):
                    continue
                for n in range(6):
                    inside = 0
                    for m in range(4):
                        inside += (below >> _TETRAHEDRA[n, m]) & 1
                    if inside in (1, 3):
                        found += 1
                    elif inside == 2:
                        found += 2
        counts[k] = found


@kernel(parallel=False)
def _cut(
    values: F64, corners: F64, a: int, b: int, level: float, triangles: F64, row: int, vertex: int
) -> None:
    """Write the point where the edge from corner a to corner b crosses the level."""
    share = (level - values[a]) / (values[b] - values[a])
    for axis in range(3):
        triangles[row, vertex, axis] = corners[a, axis] + share * (
            corners[b, axis] - corners[a, axis]
        )


@kernel(parallel=False)
def _emit(
    values: F64,
    corners: F64,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    below: int,
    level: float,
    triangles: F64,
    row: int,
) -> int:
    """Write the triangles of one tetrahedron, `below` of whose corners are inside; return how many.

    low, high : corner numbers inside and outside.
    """
    if below == 1:
        for m in range(3):
            _cut(values, corners, low[0], high[m], level, triangles, row, m)
        return 1
    if below == 3:
        for m in range(3):
            _cut(values, corners, low[m], high[0], level, triangles, row, m)
        return 1
    if below == 2:
        _cut(values, corners, low[0], high[0], level, triangles, row, 0)
        _cut(values, corners, low[0], high[1], level, triangles, row, 1)
        _cut(values, corners, low[1], high[0], level, triangles, row, 2)
        _cut(values, corners, low[0], high[1], level, triangles, row + 1, 0)
        _cut(values, corners, low[1], high[0], level, triangles, row + 1, 1)
        _cut(values, corners, low[1], high[1], level, triangles, row + 1, 2)
        return 2
    return 0


@kernel(parallel=False)
def fill_triangles(
    first: int, last: int, field: READ_F32_3, level: float, offsets: I64_1, triangles: F64_3
) -> None:
    """Write the triangles of slabs `first` to `last` - 1, in index coordinates (i, j, k).

    Parameters
    ----------
    field : (nz, ny, nx). offsets : (nz - 1,) first row of each slab.
    triangles : (n, 3, 3) output.
    """
    _, ny, nx = field.shape
    values = np.empty(4)
    corners = np.empty((4, 3))
    low = np.empty(4, dtype=np.int64)
    high = np.empty(4, dtype=np.int64)
    for k in range(first, last):
        row = offsets[k]
        for j in range(ny - 1):
            for i in range(nx - 1):
                smallest = field[k, j, i]
                largest = smallest
                for corner in range(1, 8):
                    v = field[k + ((corner >> 2) & 1), j + ((corner >> 1) & 1), i + (corner & 1)]
                    smallest = min(smallest, v)
                    largest = max(largest, v)
                if smallest > level or largest <= level:
                    continue
                for n in range(6):
                    below, above = 0, 0
                    for m in range(4):
                        corner = _TETRAHEDRA[n, m]
                        di, dj, dk = corner & 1, (corner >> 1) & 1, (corner >> 2) & 1
                        values[m] = field[k + dk, j + dj, i + di]
                        corners[m, 0], corners[m, 1], corners[m, 2] = i + di, j + dj, k + dk
                        if values[m] <= level:
                            low[below] = m
                            below += 1
                        else:
                            high[above] = m
                            above += 1
                    row += _emit(values, corners, low, high, below, level, triangles, row)


@kernel(parallel=False)
def _squared_distance(p: F64, triangle: F64) -> float:
    """Squared distance from a point to a triangle, by the region the projection falls in."""
    ab0, ab1, ab2 = (
        triangle[1, 0] - triangle[0, 0],
        triangle[1, 1] - triangle[0, 1],
        triangle[1, 2] - triangle[0, 2],
    )
    ac0, ac1, ac2 = (
        triangle[2, 0] - triangle[0, 0],
        triangle[2, 1] - triangle[0, 1],
        triangle[2, 2] - triangle[0, 2],
    )
    ap0, ap1, ap2 = p[0] - triangle[0, 0], p[1] - triangle[0, 1], p[2] - triangle[0, 2]
    bb = ab0 * ab0 + ab1 * ab1 + ab2 * ab2
    cc = ac0 * ac0 + ac1 * ac1 + ac2 * ac2
    bc = ab0 * ac0 + ab1 * ac1 + ab2 * ac2
    pb = ap0 * ab0 + ap1 * ab1 + ap2 * ab2
    pc = ap0 * ac0 + ap1 * ac1 + ap2 * ac2
    determinant = bb * cc - bc * bc
    s, t = -1.0, -1.0
    if determinant > 1e-14 * bb * cc:
        s = (cc * pb - bc * pc) / determinant
        t = (bb * pc - bc * pb) / determinant
    if s >= 0.0 and t >= 0.0 and s + t <= 1.0:
        d0 = ap0 - s * ab0 - t * ac0
        d1 = ap1 - s * ab1 - t * ac1
        d2 = ap2 - s * ab2 - t * ac2
        return d0 * d0 + d1 * d1 + d2 * d2
    # Outside the face the nearest point is on one of the three edges.
    best = np.inf
    for edge in range(3):
        a = triangle[edge]
        b = triangle[(edge + 1) % 3]
        e0, e1, e2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        q0, q1, q2 = p[0] - a[0], p[1] - a[1], p[2] - a[2]
        length = e0 * e0 + e1 * e1 + e2 * e2
        u = 0.0
        if length > 0.0:
            u = min(max((q0 * e0 + q1 * e1 + q2 * e2) / length, 0.0), 1.0)
        d0, d1, d2 = q0 - u * e0, q1 - u * e1, q2 - u * e2
        best = min(best, d0 * d0 + d1 * d1 + d2 * d2)
    return best


@kernel(parallel=False)
def distance_to_triangles(
    first: int,
    last: int,
    points: F64_2,
    triangles: F64_3,
    starts: I64_1,
    candidates: I64_2,
    distance: F64_1,
) -> None:
    """Distance from points `first` to `last` - 1 to the nearest triangle of their candidates.

    Parameters
    ----------
    points : (n, 3). triangles : (m, 3, 3). starts : (p + 1,) first triangle of each patch, and m.
    candidates : (n, c) patches.
    distance : (n,) output, in the unit of the coordinates.
    """
    for n in range(first, last):
        best = np.inf
        for c in range(candidates.shape[1]):
            patch = candidates[n, c]
            for row in range(starts[patch], starts[patch + 1]):
                best = min(best, _squared_distance(points[n], triangles[row]))
        distance[n] = np.sqrt(best)
