"""How much of a voxel lies beyond an isosurface, better than yes or no."""

from __future__ import annotations

from ._compile import kernel
from .arrays import F32_3, READ_F32_3

__all__ = ["share_below"]


@kernel(parallel=False)
def _cube_below_plane(a: float, b: float, c: float, level: float) -> float:
    """Volume of the unit cube (centered at 0) where a x + b y + c z <= level; a, b, c >= 0.

    Closed form by inclusion and exclusion over the corners.
    """
    half = 0.5 * (a + b + c)
    if level <= -half:
        return 0.0
    if level >= half:
        return 1.0
    # A gradient component that is nearly zero would divide by zero; a tiny one changes nothing.
    floor = 1e-3 * max(a, b, c)
    a = max(a, floor)
    b = max(b, floor)
    c = max(c, floor)
    d = level + 0.5 * (a + b + c)
    total = max(d, 0.0) ** 3
    total -= max(d - a, 0.0) ** 3 + max(d - b, 0.0) ** 3 + max(d - c, 0.0) ** 3
    total += max(d - a - b, 0.0) ** 3 + max(d - a - c, 0.0) ** 3 + max(d - b - c, 0.0) ** 3
    total -= max(d - a - b - c, 0.0) ** 3
    return min(max(total / (6.0 * a * b * c), 0.0), 1.0)


@kernel(parallel=False)
def share_below(first: int, last: int, field: READ_F32_3, level: float, share: F32_3) -> None:
    """Share of each voxel of planes `first` to `last` - 1 where the field is at or below a level.

    In each voxel the field is taken as linear with the gradient of central differences (one-sided
    at the edges), and the part of the cube below the level is exact for it.

    Parameters
    ----------
    field : (nz, ny, nx) values at voxel centers. share : same shape, output in 0..1.
    """
    nz, ny, nx = field.shape
    for k in range(first, last):
        k0, k1 = max(k - 1, 0), min(k + 1, nz - 1)
        for j in range(ny):
            j0, j1 = max(j - 1, 0), min(j + 1, ny - 1)
            for i in range(nx):
                i0, i1 = max(i - 1, 0), min(i + 1, nx - 1)
                a = abs(field[k, j, i1] - field[k, j, i0]) / max(i1 - i0, 1)
                b = abs(field[k, j1, i] - field[k, j0, i]) / max(j1 - j0, 1)
                c = abs(field[k1, j, i] - field[k0, j, i]) / max(k1 - k0, 1)
                depth = level - field[k, j, i]
                if a + b + c == 0.0:
                    share[k, j, i] = 1.0 if depth >= 0.0 else 0.0
                else:
                    share[k, j, i] = _cube_below_plane(a, b, c, depth)
