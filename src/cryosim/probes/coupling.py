"""How a probe thinner than a voxel exchanges heat with the voxels around it.

A voxel that is simply held cold acts like a cylinder of radius 0.2 voxels, whatever the probe's
true radius, and the frozen volume comes out wrong by up to 60 %. Here the exchange is made so that
the grid reproduces the exact field of the probe:

1. `steady_potential` solves the steady field around the capsule (1 on the active surface, 0 far
   away, no flux through the shaft) once per probe geometry, by line charges on its axis.
2. `couple` puts that exact field on the voxel centers. What is missing in each voxel's discrete
   heat balance is what the probe must supply there; divided by the voxel's distance in potential
   from the surface it is a coupling length L, and the heat is L * integral of k dT.

The exchange is exact for the steady field of one probe in a uniform medium at any position and
direction, because it is computed from it; near a probe the field is close to steady from the first
seconds on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from .occupancy import axis_coordinates, inside_probe
from .probe import Needle

__all__ = ["LinePotential", "ProbeCoupling", "couple", "steady_potential"]

FloatArray = NDArray[np.float64]

# A voxel coupled more tightly than this many voxel edges is taken as part of the probe: it would
# follow the probe's temperature anyway and would only make the equations stiff.
_TIGHTEST_COUPLING = 6.0
# Voxels whose center is farther from the active part's axis than this many voxel edges see no
# probe, unless they are the first layer around a probe of several voxels' thickness.
_REACH = 2.0


@dataclass(frozen=True, eq=False)
class LinePotential:
    """Line charges on a probe's axis whose potential is 1 on the active surface.

    Attributes
    ----------
    edges_mm : (n + 1,) ends of the charged segments along the axis, from the tip upwards.
    charges : (n,) charge per length; the potential of a charge q at distance r is q / (4 pi r).
    """

    edges_mm: FloatArray
    charges: FloatArray

    @property
    def total_flux_mm(self) -> float:
        """Flux out of the probe for unit potential and conductivity (its capacity times 4 pi)."""
        return float(np.sum(self.charges * np.diff(self.edges_mm)))

    def at(self, radius_mm: FloatArray, height_mm: FloatArray) -> FloatArray:
        """Potential at distances from the axis and heights above the tip."""
        radius = np.maximum(radius_mm, 1e-6)[..., None]
        reach = np.arcsinh((self.edges_mm - height_mm[..., None]) / radius)
        potential: FloatArray = np.diff(reach, axis=-1) @ self.charges / (4 * np.pi)
        return potential


@lru_cache(maxsize=64)
def steady_potential(diameter_mm: float, active_length_mm: float) -> LinePotential:
    """Solve the steady field of a capsule with an insulated shaft.

    Collocation, least squares: potential 1 on the hemisphere of the tip and on the active cylinder,
    no normal flux on the shaft's wall.
    """
    radius = diameter_mm / 2
    shaft_end = active_length_mm + max(10 * diameter_mm, active_length_mm)
    count = round((shaft_end - 0.4 * radius) / (0.75 * radius))
    edges = np.linspace(0.4 * radius, shaft_end, count + 1)
    angles = np.linspace(0, np.pi / 2, 12, endpoint=False)
    tip = np.stack([radius * np.sin(angles), radius * (1 - np.cos(angles))], axis=1)
    heights = np.arange(radius, active_length_mm, 0.25 * radius)
    wall = np.stack([np.full_like(heights, radius), heights], axis=1)
    active = np.concatenate([tip, wall])
    shaft_heights = np.arange(active_length_mm + 0.125 * radius, shaft_end, 0.25 * radius)

    low, high = edges[:-1], edges[1:]
    r, z = active[:, :1], active[:, 1:]
    safe = np.maximum(r, 1e-9)
    potential_rows = (np.arcsinh((high - z) / safe) - np.arcsinh((low - z) / safe)) / (4 * np.pi)
    z = shaft_heights[:, None]
    # Radial derivative of the same, times the radius so that rows weigh alike.
    flux_rows = (
        (low - z) / np.hypot(radius, low - z) - (high - z) / np.hypot(radius, high - z)
    ) / (4 * np.pi)
    matrix = np.concatenate([potential_rows, flux_rows])
    wanted = np.concatenate([np.ones(len(active)), np.zeros(len(shaft_heights))])
    charges, *_ = np.linalg.lstsq(matrix, wanted, rcond=1e-10)
    return LinePotential(edges, charges)


@dataclass(frozen=True, eq=False)
class ProbeCoupling:
    """The exchange of one or more probes with a grid.

    Attributes
    ----------
    cells : (m, 3) voxels (k, j, i) that exchange heat with a probe.
    owners : (m,) which probe. lengths_m : (m,) coupling lengths.
    inside : (n, 3) voxels (k, j, i) that belong to a probe and leave the unknowns.
    inside_owners : (n,) whose.
    inside_active : (n,) whether the voxel is in the active part (else in the shaft).
    flux_ratio : (p,) flux found on the grid before it was scaled to the exact one; 1 is perfect.
    """

    cells: NDArray[np.int64]
    owners: NDArray[np.int64]
    lengths_m: FloatArray
    inside: NDArray[np.int64]
    inside_owners: NDArray[np.int64]
    inside_active: NDArray[np.bool_]
    flux_ratio: FloatArray


def couple(grid: Grid, probes: Sequence[Needle]) -> ProbeCoupling:
    """Find which voxels exchange heat with which probe, and how strongly.

    A voxel inside two probes belongs to the first.
    """
    parts = [_couple_one(grid, probe) for probe in probes]
    owned = np.full(grid.shape, -1, dtype=np.int64)
    for number in range(len(parts) - 1, -1, -1):
        owned[tuple(parts[number].inside.T)] = number
    kept = [part.inside_free(owned, number) for number, part in enumerate(parts)]
    return ProbeCoupling(
        cells=np.concatenate([part.cells for part in kept]),
        owners=np.concatenate([np.full(len(part.cells), n) for n, part in enumerate(kept)]),
        lengths_m=np.concatenate([part.lengths_m for part in kept]),
        inside=np.concatenate([part.inside for part in kept]),
        inside_owners=np.concatenate([np.full(len(part.inside), n) for n, part in enumerate(kept)]),
        inside_active=np.concatenate([part.inside_active for part in kept]),
        flux_ratio=np.array([part.flux_ratio for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class _OneProbe:
    cells: NDArray[np.int64]
    lengths_m: FloatArray
    inside: NDArray[np.int64]
    inside_active: NDArray[np.bool_]
    flux_ratio: float

    def inside_free(self, owned: NDArray[np.int64], number: int) -> _OneProbe:
        """Drop what lies inside another probe."""
        mine = owned[tuple(self.inside.T)] == number
        outside = owned[tuple(self.cells.T)] < 0
        return _OneProbe(
            self.cells[outside],
            self.lengths_m[outside],
            self.inside[mine],
            self.inside_active[mine],
            self.flux_ratio,
        )


def _couple_one(grid: Grid, probe: Needle) -> _OneProbe:
    """Couple a probe as if it were alone."""
    corner, radius, height = _local_box(grid, probe)
    exact = steady_potential(probe.diameter_mm, probe.active_length_mm)
    needle = inside_probe(probe, radius, height)
    shaft = needle & (height > probe.active_length_mm)
    phi, near = _exact_field(grid, probe, exact, needle & ~shaft, radius, height)
    inside, supply, lengths = _close_tight(grid, phi, near, needle & ~shaft, shaft)
    candidates = lengths > 0
    found = float(supply[candidates].sum())
    lengths *= exact.total_flux_mm / found
    # The outermost layer of the box only serves as neighbors.
    keep = np.zeros(phi.shape, dtype=bool)
    keep[1:-1, 1:-1, 1:-1] = True
    cells, held = np.argwhere(candidates & keep), np.argwhere((inside | shaft) & keep)
    return _on_grid(
        grid,
        corner,
        _OneProbe(
            cells,
            lengths[tuple(cells.T)] * 1e-3,
            held,
            inside[tuple(held.T)],
            found / exact.total_flux_mm,
        ),
    )


def _exact_field(
    grid: Grid,
    probe: Needle,
    exact: LinePotential,
    active: NDArray[np.bool_],
    radius: FloatArray,
    height: FloatArray,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the exact potential around the active part, 1 in it, and which voxels may couple."""
    distance = _distance_from_active(probe, radius, height)
    step = float(grid.spacing_mm.max())
    reach = max(_REACH * step, probe.diameter_mm / 2 + 1.25 * step)
    phi = np.ones(radius.shape)
    wanted = ~active & (distance < reach + 2 * step)
    phi[wanted] = exact.at(radius[wanted], height[wanted])
    return phi, distance < reach


def _close_tight(
    grid: Grid,
    phi: FloatArray,
    near: NDArray[np.bool_],
    active: NDArray[np.bool_],
    shaft: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], FloatArray, FloatArray]:
    """Take voxels that would couple too tightly for the probe's own, until none does.

    Returns
    -------
    The voxels of the active part, what each voxel lacks in flux, and the coupling lengths, mm.
    """
    edge = float(np.prod(grid.spacing_mm)) ** (1 / 3)
    inside, closed = active.copy(), active | shaft
    while True:
        supply = _missing_flux(phi, closed, grid.spacing_mm)
        candidates = near & ~closed & (supply > 0)
        lengths = np.where(candidates, supply / np.maximum(1 - phi, 1e-9), 0.0)
        too_tight = lengths > _TIGHTEST_COUPLING * edge
        if not too_tight.any():
            return inside, supply, lengths
        inside |= too_tight
        closed |= too_tight
        phi = np.where(too_tight, 1.0, phi)


def _on_grid(grid: Grid, corner: NDArray[np.int64], part: _OneProbe) -> _OneProbe:
    """Move box indices onto the grid and drop what lies outside it."""
    shape = np.asarray(grid.shape)

    def shifted(cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        moved = cells + corner
        return moved, np.all((moved >= 0) & (moved < shape), axis=1)

    cells, ok = shifted(part.cells)
    inside, inside_ok = shifted(part.inside)
    return _OneProbe(
        cells[ok],
        part.lengths_m[ok],
        inside[inside_ok],
        part.inside_active[inside_ok],
        part.flux_ratio,
    )


def _local_box(grid: Grid, probe: Needle) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    """Voxels around the probe down to the grid's edge: corner (k, j, i), radius and height."""
    ends = grid.to_index(np.stack([np.asarray(probe.tip_mm), _shaft_end(grid, probe)]))[:, ::-1]
    room = np.ceil(probe.diameter_mm / 2 / grid.spacing_mm[::-1]) + np.ceil(_REACH) + 3
    lower = np.floor(ends.min(axis=0) - room).astype(np.int64)
    upper = np.ceil(ends.max(axis=0) + room).astype(np.int64)
    axes = [np.arange(a, b + 1) for a, b in zip(lower, upper, strict=True)]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    radius, height = axis_coordinates(probe, grid.to_world(np.stack([i, j, k], axis=-1)))
    return lower, radius, height


def _shaft_end(grid: Grid, probe: Needle) -> FloatArray:
    """Where the shaft's axis is far enough up to leave the grid, at most its diagonal away."""
    diagonal = float(np.linalg.norm(grid.size_mm))
    steps = np.linspace(probe.active_length_mm, probe.active_length_mm + diagonal, 200)
    points = np.asarray(probe.tip_mm) + steps[:, None] * probe.axis
    outside = ~grid.contains(points)
    # The shaft may only be re-entered by a concave grid, which a box is not.
    last = int(np.argmax(outside)) if outside.any() else len(steps) - 1
    end: FloatArray = points[last]
    return end


def _distance_from_active(probe: Needle, radius: FloatArray, height: FloatArray) -> FloatArray:
    half = probe.diameter_mm / 2
    along = height - np.clip(height, half, probe.active_length_mm)
    distance: FloatArray = np.hypot(radius, along)
    return distance


def _missing_flux(phi: FloatArray, closed: NDArray[np.bool_], spacing_mm: FloatArray) -> FloatArray:
    """Flux a voxel passes on to its open neighbors but receives from none of them, mm."""
    supply = np.zeros_like(phi)
    for axis in range(3):
        step = spacing_mm[2 - axis]
        factor = float(np.prod(spacing_mm)) / step**2
        lower = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        upper = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        open_face = ~(closed[lower] | closed[upper])
        flux = np.where(open_face, factor * (phi[lower] - phi[upper]), 0.0)
        supply[lower] += flux
        supply[upper] -= flux
    return supply
