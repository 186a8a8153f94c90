"""A single probe that freezes in a box of one medium, and what would be measured of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid
from ..plan import Plan
from ..simulation import Result, Settings, simulate
from ..surfaces import isosurface
from ..tissue import Tissue, TissueGrid
from .observations import Iceball, Observation

__all__ = ["LoneProbe", "iceball_size_mm"]

F64 = NDArray[np.float64]

# Sizes of neighboring parameters are compared to hundredths of a millimeter; of the usual steps the
# noise is a tenth.
_TIME_STEPS = Settings(growth=0.02, snapshot_every_s=1e9, course_every_s=1e9)

# Room between ice and held faces, in lengths that heat diffuses through the medium meanwhile; ice
# of which no size is known is taken to be as wide as four of them.
_DIFFUSION_LENGTHS = 3.0
_WIDTH_IN_DIFFUSION_LENGTHS = 4.0
_LEAST_ROOM_MM = 10.0

# Curves through an isotherm of fewer patches would follow its corners.
_FEWEST_PATCHES = 50
_FEWEST_AT_AN_END = 10


class LoneProbe:
    """What observations would have read off a probe with other numbers.

    Parameters
    ----------
    observed : when, from which temperature, and what is read off.
    tissue : the medium.
    longest_active_mm : longest active part that will be asked for.
    coarsest_mm : voxels of the coarsest grid that will be.
    """

    def __init__(
        self,
        observed: Sequence[Observation],
        tissue: Tissue,
        longest_active_mm: float,
        coarsest_mm: float,
    ) -> None:
        self._observed, self._tissue = observed, tissue
        least = _least_box_mm(observed, tissue, longest_active_mm)
        # An even number of coarse voxels: every grid is isotropic, with the probe on edges.
        self._box_mm = 2 * coarsest_mm * np.ceil(least / (2 * coarsest_mm))

    def readings(self, probe: Mapping[str, float], spacing_mm: float) -> tuple[F64, int]:
        """Simulate a probe of these numbers, once for each temperature from which one started.

        Returns
        -------
        numbers : (n,) in the order of the numbers of `observed`. simulations : how many were run.
        """
        results = {}
        for start_c in {each.start_c for each in self._observed}:
            minutes = [each.minutes for each in self._observed if each.start_c == start_c]
            results[start_c] = self._simulate(probe, start_c, minutes, spacing_mm)
        numbers = [
            number for each in self._observed for number in _read_off(each, results[each.start_c])
        ]
        return np.array(numbers), len(results)

    def _simulate(
        self,
        probe: Mapping[str, float],
        start_c: float,
        minutes: Sequence[float],
        spacing_mm: float,
    ) -> Result:
        half = probe["active_length_mm"] / 2
        plan = Plan.model_validate(
            {
                "anatomy": {"phantom": "uniform", "size_mm": self._box_mm.tolist()},
                "probe": [
                    {
                        "tip_mm": (0.0, 0.0, -half),
                        "entry_mm": (0.0, 0.0, half + 100.0),
                        **probe,
                    }
                ],
                "protocol": {"stages": [{"kind": "freeze", "minutes": max(minutes)}]},
                "body": {"temperature_c": start_c},
                "report": {"isotherms_c": [0.0], "times_s": [60.0 * each for each in minutes]},
            }
        )
        grid = Grid.centered(self._box_mm, spacing_mm)
        return simulate(TissueGrid.uniform(grid, self._tissue), plan, _TIME_STEPS)


def _read_off(observation: Observation, result: Result) -> list[float]:
    """Return the numbers of an observation as the simulated probe would have had them."""
    time_s = 60.0 * observation.minutes
    if isinstance(observation, Iceball):
        field_c = result.temperatures_c[result.snapshot_number(time_s)]
        sizes = iceball_size_mm(result, field_c, observation.isotherm_c)
        by_key = dict(zip(("width_mm", "length_mm"), sizes, strict=True))
        return [by_key[number.key] for number in observation.numbers]
    surface_c = result.curves.needle_surface_c[0]
    on = ~np.isnan(surface_c)
    return [float(np.interp(time_s, result.curves.times_s[on], surface_c[on]))]


def _least_box_mm(observed: Sequence[Observation], tissue: Tissue, longest_active_mm: float) -> F64:
    """Edges of a box whose held faces the ice does not feel."""
    diffusivity = tissue.k_unfrozen_w_mk / tissue.rho_c_unfrozen_j_m3k
    minutes = max(each.minutes for each in observed)
    diffused_mm = 1e3 * math.sqrt(diffusivity * 60.0 * minutes)
    room = max(_DIFFUSION_LENGTHS * diffused_mm, _LEAST_ROOM_MM)
    ice = [each for each in observed if isinstance(each, Iceball)]
    widths = [each.width_mm or each.length_mm or 0.0 for each in ice]
    width = max(widths, default=_WIDTH_IN_DIFFUSION_LENGTHS * diffused_mm)
    # Where no length was seen, ice reaches half its width beyond both ends.
    lengths = [each.length_mm for each in ice if each.length_mm is not None]
    length = max(longest_active_mm, max(lengths, default=longest_active_mm + width))
    return np.array([width, width, length]) + 2 * room


def iceball_size_mm(
    result: Result, field_c: NDArray[np.float32], isotherm_c: float
) -> tuple[float, float]:
    """Width and length of the isotherm around a single probe; zeros where there is none.

    Curves are fitted through the isotherm at its belt and at both ends. Single points of it would
    not do: while the outermost voxel freezes, it stays at one temperature, and the isotherm beside
    it stays put for half a voxel.

    Parameters
    ----------
    result : of a plan with one probe.
    field_c : (k, j, i) temperatures on the result's grid, a snapshot or the coldest-ever field.
    """
    surface = isosurface(result.tissue.grid, field_c, isotherm_c)
    probe = result.plan.probe[0]
    if len(surface.starts) - 1 < _FEWEST_PATCHES:
        return 0.0, 0.0
    from_tip = surface.centers_mm - np.asarray(probe.tip_mm)
    along = from_tip @ probe.axis
    across = np.linalg.norm(from_tip - along[:, None] * probe.axis, axis=1)
    weights = np.sqrt(surface.areas_mm2)
    middle, length = (along.max() + along.min()) / 2, np.ptp(along)
    belt = np.abs(along - middle) <= 0.25 * length
    heights = np.linspace(-0.25, 0.25, 51) * length
    curve = np.polyfit(along[belt] - middle, across[belt], 2, w=weights[belt])
    radius = float(np.polyval(curve, heights).max())
    # An ellipsoid or a capsule falls away from its end linearly in this.
    fall = 1 - np.sqrt(1 - np.minimum(across / radius, 1.0) ** 2)
    ends = []
    for side in (-1.0, 1.0):
        cap = (side * (along - middle) > 0) & (across <= 0.9 * radius)
        if np.count_nonzero(cap) < _FEWEST_AT_AN_END or not np.isfinite(radius):
            return 0.0, 0.0
        ends.append(np.polyfit(fall[cap], along[cap], 2, w=weights[cap])[-1])
    return 2 * radius, float(ends[1] - ends[0])
