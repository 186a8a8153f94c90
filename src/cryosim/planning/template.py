"""A cheap estimate of the ice of several probes: templates of one, added up.

In ice and around it heat flows by the difference of a potential that is linear in the temperature
on either side of the freezing point, steeper in ice by the ratio of conductivities. In that
potential the ice of several probes is roughly the sum of single ones, each weakened because it
meets tissue that the others have cooled. What is wrong with that is learned from full simulations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Template", "potential", "temperature"]

F64 = NDArray[np.float64]

_FREEZING_C = -1.0
# Steepness in ice over that in living tissue, and how much probes weaken each other: 1 would keep
# each surface as cold as it is in steady state, 0 not at all. Chosen where the sum is least wrong
# for two to three probes 15 to 20 mm apart, frozen for 8 to 20 min.
_RATIO = 2.5
_WEAKENING = 0.5
# A little stronger on itself than on another in the same place: two there would have no solution.
_ALONE = 1.001
# Inside the probe's own voxels a template says nothing of the tissue.
_ON_AXIS_MM = 1.0


def potential(temperature_c: F64) -> F64:
    """Potential, K, zero at the freezing point."""
    above = np.asarray(temperature_c, dtype=float) - _FREEZING_C
    return np.where(above >= 0.0, above, _RATIO * above)


def temperature(potential_k: F64) -> F64:
    """Return the temperature, C, of a potential."""
    return _FREEZING_C + np.where(potential_k >= 0.0, potential_k, potential_k / _RATIO)


@dataclass(frozen=True, eq=False)
class Template:
    """Coldest-ever temperatures around a single probe, axisymmetric.

    Attributes
    ----------
    coldest_c : (t, z, r) C, by freeze share, height over the tip and distance from the axis.
    shares : (t,) freeze shares, ascending. first_z_mm, step_mm : first height, and step of both.
    active_length_mm : of the probe. body_c : undisturbed.
    """

    coldest_c: F64
    shares: F64
    first_z_mm: float
    step_mm: float
    active_length_mm: float
    body_c: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "_drop", float(potential(np.array(self.body_c)))
                           - potential(self.coldest_c))  # fmt: skip

    def potentials(self, points_mm: F64, tips_mm: F64, axes: F64, shares: F64) -> F64:
        """Estimate the potential, K, at points for many candidates at once.

        Parameters
        ----------
        points_mm : (m, 3). tips_mm, axes : (c, n, 3) of n probes each. shares : (c,).

        Returns
        -------
        (c, m)
        """
        single = self._drops(points_mm, tips_mm, axes, shares)
        strength = self._strengths(tips_mm, axes, shares)
        return float(potential(np.array(self.body_c))) - np.einsum("cn,cnm->cm", strength, single)

    def _drops(self, points_mm: F64, tips_mm: F64, axes: F64, shares: F64) -> F64:
        """(c, n, m) drop of potential that each probe alone would cause."""
        along = np.einsum("cnd,md->cnm", axes, points_mm)
        along -= np.einsum("cnd,cnd->cn", axes, tips_mm)[..., None]
        square = (
            np.einsum("md,md->m", points_mm, points_mm)
            - 2.0 * np.einsum("cnd,md->cnm", tips_mm, points_mm)
            + np.einsum("cnd,cnd->cn", tips_mm, tips_mm)[..., None]
        )
        across = np.sqrt(np.maximum(square - along**2, 0.0))
        return self._look_up(along, across, shares)

    def _look_up(self, along: F64, across: F64, shares: F64) -> F64:
        drop: F64 = self._drop  # type: ignore[attr-defined]
        when = np.interp(shares, self.shares, np.arange(len(self.shares)))
        where = np.stack(
            [
                np.broadcast_to(when.reshape(-1, *[1] * (along.ndim - 1)), along.shape),
                (along - self.first_z_mm) / self.step_mm,
                np.maximum(across, _ON_AXIS_MM) / self.step_mm,
            ]
        )
        return ndimage.map_coordinates(drop, where.reshape(3, -1), order=1, mode="nearest").reshape(
            along.shape
        )

    def _strengths(self, tips_mm: F64, axes: F64, shares: F64) -> F64:
        """(c, n) share of its lone strength that each probe has beside the others."""
        count = tips_mm.shape[1]
        if count == 1:
            return np.ones(tips_mm.shape[:2])
        middles = tips_mm + 0.5 * self.active_length_mm * axes
        own = self._look_up(
            np.full((len(tips_mm), 1), 0.5 * self.active_length_mm),
            np.zeros((len(tips_mm), 1)), shares,
        )  # fmt: skip
        own = own * _ALONE
        apart = middles[:, None] - tips_mm[:, :, None]
        along = np.einsum("cnmd,cnd->cnm", apart, axes)
        across = np.sqrt(np.maximum(np.einsum("cnmd,cnmd->cnm", apart, apart) - along**2, 0.0))
        coupling = np.moveaxis(self._look_up(along, across, shares), 1, 2)
        at = np.arange(count)
        coupling[:, at, at] = own
        wanted = np.broadcast_to(own, tips_mm.shape[:2])[..., None]
        solved = np.linalg.solve(coupling, wanted)[..., 0]
        return np.clip(solved, 0.05, 1.0) ** _WEAKENING
