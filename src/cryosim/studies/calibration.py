"""Calibration: the probe that makes an iceball of published size.

A data sheet says how large the ice of a probe is, not how cold its surface is or how much of it
freezes. `calibrate` finds the surface temperature and the active length with which one simulated
probe in a uniform medium makes ice of the published size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Grid
from ..plan import Plan
from ..probes.probe_model import check_number
from ..simulation import Result, Settings, simulate
from ..surfaces import isosurface
from ..tissue import Tissue, TissueGrid

__all__ = ["Calibration", "Iceball", "calibrate", "iceball_size_mm"]

# Sizes of neighboring parameters are compared to hundredths of a millimeter; of the usual steps the
# noise is a tenth.
_TIME_STEPS = Settings(growth=0.02)

F64 = NDArray[np.float64]

SURFACE = "surface_c"
LENGTH = "active_length_mm"

# Argon boils at -186 C and nitrogen at -196 C: no surface is colder; a warmer one than -20 C makes
# no ice worth measuring. Shorter active parts than 3 mm are all tip.
_SURFACE_LIMITS_C = (-196.0, -20.0)
_SHORTEST_MM = 3.0
# Beyond this multiple of the width, the middle of the ice no longer notices the ends of the probe.
_LONGEST_PER_WIDTH = 3.0

# Steps of the finite differences to either side: large enough that the grid noise of the sizes,
# some 0.3 mm on the coarse grid, is lost.
_STEPS = {SURFACE: 15.0, LENGTH: 3.0}
# Natural scales of the unknowns, which make them comparable for the solver.
_SCALES = {SURFACE: 50.0, LENGTH: 10.0}
# A relative step this small, some 0.3 C or 0.05 mm, is below what the grid resolves, and so is a
# slope of the sum of squares this small, some 0.03 mm in a size.
_STEP_TOLERANCE = 3e-3
_SLOPE_TOLERANCE = 0.03

# Room between ice and held faces, in lengths that heat diffuses through the medium meanwhile.
_DIFFUSION_LENGTHS = 3.0
_LEAST_ROOM_MM = 10.0

# Curves through an isotherm of fewer patches would follow its corners.
_FEWEST_PATCHES = 50
_FEWEST_AT_AN_END = 10


@dataclass(frozen=True)
class Iceball:
    """A published size of the ice around a single probe in a uniform medium.

    Attributes
    ----------
    minutes : how long the probe froze.
    start_c : temperature of the medium before, and far away.
    width_mm, length_mm : across and along the probe; one of them may be missing.
    width_uncertainty_mm, length_uncertainty_mm : one standard deviation each, where published.
    isotherm_c : the temperature at the edge; 0 C for ice that was seen.
    """

    minutes: float
    start_c: float
    width_mm: float | None = None
    length_mm: float | None = None
    width_uncertainty_mm: float | None = None
    length_uncertainty_mm: float | None = None
    isotherm_c: float = 0.0

    def __post_init__(self) -> None:
        if self.width_mm is None and self.length_mm is None:
            raise InputError("iceball: neither width_mm nor length_mm; give one or both")
        _check_range("minutes", self.minutes, 0.1, 240.0)
        _check_range("start_c", self.start_c, 0.0, 45.0)
        _check_range("isotherm_c", self.isotherm_c, -150.0, min(20.0, self.start_c - 0.5))
        for key in ("width_mm", "length_mm"):
            if getattr(self, key) is not None:
                _check_range(key, getattr(self, key), 2.0, 200.0)
        for key in ("width", "length"):
            uncertainty = getattr(self, f"{key}_uncertainty_mm")
            if uncertainty is None:
                continue
            _check_range(f"{key}_uncertainty_mm", uncertainty, 0.01, 100.0)
            if getattr(self, f"{key}_mm") is None:
                raise InputError(f"iceball: {key}_uncertainty_mm without {key}_mm; give both")
        if self.width_mm and self.length_mm and self.length_mm < 0.8 * self.width_mm:
            raise InputError(
                f"iceball: length_mm = {self.length_mm:g} along the probe is far less than "
                f"width_mm = {self.width_mm:g} across it; swap them"
            )

    @property
    def sizes_mm(self) -> dict[str, float]:
        """The sizes that were published, by "width_mm" and "length_mm"."""
        found = {"width_mm": self.width_mm, "length_mm": self.length_mm}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def uncertainties_mm(self) -> dict[str, float | None]:
        """The uncertainty of each size that was published; None where it was not stated."""
        found = {"width_mm": self.width_uncertainty_mm, "length_mm": self.length_uncertainty_mm}
        return {key: found[key] for key in self.sizes_mm}

    def describe(self) -> str:
        """Return the observation as a phrase."""
        parts = []
        for key, size in self.sizes_mm.items():
            sigma = self.uncertainties_mm[key]
            spread = "" if sigma is None else f" +- {sigma:g}"
            parts.append(f"{size:.4g}{spread} mm {'wide' if key == 'width_mm' else 'long'}")
        return (
            f"{self.isotherm_c:g} C isotherm {' and '.join(parts)} after {self.minutes:g} min from "
            f"{self.start_c:g} C"
        )


@dataclass(frozen=True)
class Calibration:
    """Effective parameters of a probe, and how well they reproduce the observation.

    Attributes
    ----------
    observed : what was reproduced. tissue : name of the medium.
    diameter_mm, cool_down_s : as given.
    surface_c, active_length_mm : found, or as given where not in `fitted`.
    fitted : names of the parameters that were found.
    at_limit : those of them that ended at the limit of what is physical.
    simulated_mm : size of the simulated isotherm, by "width_mm" and "length_mm".
    residual_mm : simulated minus observed, of each observed size.
    residual_sigmas : the same over the uncertainty; None where that is unknown.
    standard_errors : of each fitted parameter, from the uncertainties of the sizes; None where one
        is unknown.
    spacing_mm : voxels of the last grid. simulations : how many were run, on all grids.
    """

    observed: Iceball
    tissue: str
    diameter_mm: float
    cool_down_s: float
    surface_c: float
    active_length_mm: float
    fitted: tuple[str, ...]
    at_limit: tuple[str, ...]
    simulated_mm: Mapping[str, float]
    residual_mm: Mapping[str, float]
    residual_sigmas: Mapping[str, float | None]
    standard_errors: Mapping[str, float | None]
    spacing_mm: float
    simulations: int

    @property
    def reproduced(self) -> bool:
        """Whether every size came out within a millimeter or two of its uncertainties."""
        return all(
            abs(miss) <= max(1.0, 2.0 * (self.observed.uncertainties_mm[key] or 0.0))
            for key, miss in self.residual_mm.items()
        )

    @property
    def provenance(self) -> str:
        """A sentence for the `source` of a catalog row: what was fitted to what, how well."""
        given = [key for key in (SURFACE, LENGTH) if key not in self.fitted]
        sentence = f"derived: fitted {' and '.join(self._value_of(key) for key in self.fitted)}"
        if given:
            sentence += f" with {self._value_of(given[0])} given"
        sentence += f" to {self.observed.describe()} in {self.tissue}"
        sizes = " x ".join(f"{self.simulated_mm[key]:.1f}" for key in ("width_mm", "length_mm"))
        misses = ", ".join(
            f"{value:+.1f} mm in {key.removesuffix('_mm')}"
            for key, value in self.residual_mm.items()
        )
        sentence += f"; simulated {sizes} mm on {self.spacing_mm:g} mm voxels, off by {misses}"
        if not self.reproduced:
            sentence += "; NOT REPRODUCED, no probe within the limits makes such ice"
        if self.at_limit:
            sentence += f"; {' and '.join(self.at_limit)} at the limit of what is physical"
        return sentence

    def _value_of(self, key: str) -> str:
        error = self.standard_errors.get(key)
        spread = "" if error is None else f" +- {error:.1f}"
        return f"{key} = {getattr(self, key):.1f}{spread}"


def calibrate(
    observed: Iceball,
    tissue: Tissue,
    diameter_mm: float,
    *,
    surface_c: float | None = None,
    active_length_mm: float | None = None,
    cool_down_s: float = 20.0,
    spacings_mm: Sequence[float] = (2.0, 1.0),
) -> Calibration:
    """Find the surface temperature and active length of a probe from the size of its ice.

    Parameters
    ----------
    observed : the published size.
    tissue : the medium, with its own law of frozen conductivity.
    diameter_mm : of the probe.
    surface_c, active_length_mm : given where known, found where None. Two unknowns take two sizes.
    cool_down_s : time constant with which the surface gets cold.
    spacings_mm : voxels, coarse first; each grid starts from the result of the one before.

    Returns
    -------
    Calibration
        Parameters within physical limits that come closest; look at its residuals.

    Raises
    ------
    InputError
        When nothing is left to find, or more than the observed sizes determine.

    Notes
    -----
    Least squares of simulated minus observed sizes over their uncertainties. The derivatives are
    finite differences on the coarsest grid, for every grid: they only guide the search.
    """
    given = {SURFACE: surface_c, LENGTH: active_length_mm}
    for key, value in (*given.items(), ("diameter_mm", diameter_mm), ("cool_down_s", cool_down_s)):
        if value is not None:
            check_number("calibrate", key, value)
    fitted = tuple(key for key, value in given.items() if value is None)
    _check_unknowns(fitted, observed, spacings_mm)
    problem = _Problem(observed, tissue, diameter_mm, cool_down_s, given, fitted, spacings_mm[0])
    smallest = min(observed.sizes_mm.values())
    if max(spacings_mm) > smallest / 2:
        raise InputError(
            f"calibrate: voxels of {max(spacings_mm):g} mm are too coarse for a size of "
            f"{smallest:g} mm; use at most {smallest / 2:.2g} mm"
        )
    values = problem.first_guess()
    for spacing in spacings_mm:
        values = problem.solve(values, spacing, spacings_mm[0])
    return problem.calibration(values, spacings_mm)


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


def _check_range(key: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise InputError(f"iceball: {key} = {value:g} is outside {lowest:g} to {highest:g}")


def _check_unknowns(fitted: Sequence[str], observed: Iceball, spacings_mm: Sequence[float]) -> None:
    if not fitted:
        raise InputError(
            "calibrate: surface_c and active_length_mm are both given, so nothing is left to find; "
            "leave one of them out"
        )
    if len(fitted) > len(observed.sizes_mm):
        raise InputError(
            f"calibrate: {next(iter(observed.sizes_mm))} alone does not determine both surface_c "
            "and active_length_mm; give one of them, or the other size"
        )
    if not spacings_mm or min(spacings_mm) < 0.25:
        raise InputError(
            f"calibrate: spacings_mm = {list(spacings_mm)} must be voxels of at least 0.25 mm"
        )


class _Problem:
    """One probe in a box: sizes as a function of the unknowns, remembered by grid."""

    def __init__(
        self,
        observed: Iceball,
        tissue: Tissue,
        diameter_mm: float,
        cool_down_s: float,
        given: Mapping[str, float | None],
        fitted: tuple[str, ...],
        coarse_mm: float,
    ) -> None:
        self._observed, self._tissue = observed, tissue
        self._diameter_mm, self._cool_down_s = diameter_mm, cool_down_s
        self._given, self._fitted = given, fitted
        self._known: dict[tuple[float, ...], F64] = {}
        sigmas = observed.uncertainties_mm.values()
        self._sigmas = np.array([1.0 if sigma is None else sigma for sigma in sigmas])
        self._targets = np.array(list(observed.sizes_mm.values()))
        self._columns = [("width_mm", "length_mm").index(key) for key in observed.sizes_mm]
        self._limits = {SURFACE: _SURFACE_LIMITS_C, LENGTH: self._length_limits_mm()}
        self._scales = np.array([_SCALES[key] for key in fitted])
        # An even number of coarse voxels: every grid is isotropic, with the probe on edges.
        self._box_mm = 2 * coarse_mm * np.ceil(self._least_box_mm() / (2 * coarse_mm))

    def first_guess(self) -> F64:
        """A cold surface, and the length that its ice would have without round ends."""
        width = self._observed.width_mm or 0.0
        length = self._observed.length_mm or 1.5 * width
        guess = {SURFACE: -120.0, LENGTH: length - 0.7 * width if width else 0.5 * length}
        return np.array([np.clip(guess[key], *self._limits[key]) for key in self._fitted])

    def solve(self, start: F64, spacing_mm: float, coarse_mm: float) -> F64:
        """Least squares on one grid, guided by derivatives on the coarse one."""
        from scipy.optimize import least_squares

        def misses(scaled: F64) -> F64:
            return self._misses(scaled * self._scales, spacing_mm)

        # Finer grids keep the slopes at their start: simulations there are dear.
        kept = None if spacing_mm == coarse_mm else self.slopes(start, coarse_mm)

        def slopes(scaled: F64) -> F64:
            found = self.slopes(scaled * self._scales, coarse_mm) if kept is None else kept
            return found * self._scales

        lowest, highest = self._bounds()
        found = least_squares(
            misses,
            np.clip(start, lowest, highest) / self._scales,
            jac=slopes,
            bounds=(lowest / self._scales, highest / self._scales),
            xtol=_STEP_TOLERANCE,
            gtol=_SLOPE_TOLERANCE,
            max_nfev=10,
        )
        values: F64 = found.x * self._scales
        return values

    def slopes(self, values: F64, spacing_mm: float) -> F64:
        """Derivatives (sizes, unknowns) of the misses, central where the limits permit."""
        columns = []
        for number, key in enumerate(self._fitted):
            ends = np.clip(values[number] + np.array([-1.0, 1.0]) * _STEPS[key], *self._limits[key])
            low, high = values.copy(), values.copy()
            low[number], high[number] = ends
            change = self._misses(high, spacing_mm) - self._misses(low, spacing_mm)
            columns.append(change / (ends[1] - ends[0]))
        return np.stack(columns, axis=1)

    def calibration(self, values: F64, spacings_mm: Sequence[float]) -> Calibration:
        """Gather what was found on the last grid."""
        parameters = self._parameters(values)
        width, length = map(float, self._sizes(values, spacings_mm[-1]))
        misses = self._misses(values, spacings_mm[-1])
        uncertain = self._observed.uncertainties_mm
        lowest, highest = self._bounds()
        near = 1e-3 * self._scales
        at_limit = (values - lowest < near) | (highest - values < near)
        return Calibration(
            observed=self._observed,
            tissue=self._tissue.name,
            diameter_mm=self._diameter_mm,
            cool_down_s=self._cool_down_s,
            **parameters,
            fitted=self._fitted,
            at_limit=tuple(np.array(self._fitted)[at_limit].tolist()),
            simulated_mm={"width_mm": width, "length_mm": length},
            residual_mm=dict(zip(uncertain, (misses * self._sigmas).tolist(), strict=True)),
            residual_sigmas={
                key: None if uncertain[key] is None else miss
                for key, miss in zip(uncertain, misses.tolist(), strict=True)
            },
            standard_errors=self._standard_errors(values, spacings_mm[0]),
            spacing_mm=spacings_mm[-1],
            simulations=len(self._known),
        )

    def _standard_errors(self, values: F64, spacing_mm: float) -> dict[str, float | None]:
        if None in self._observed.uncertainties_mm.values():
            return dict.fromkeys(self._fitted)
        slopes = self.slopes(values, spacing_mm)
        covariance = np.linalg.pinv(slopes.T @ slopes)
        return dict(zip(self._fitted, np.sqrt(np.diag(covariance)).tolist(), strict=True))

    def _parameters(self, values: F64) -> dict[str, Any]:
        return {**self._given, **dict(zip(self._fitted, map(float, values), strict=True))}

    def _bounds(self) -> tuple[F64, F64]:
        limits = np.array([self._limits[key] for key in self._fitted])
        return limits[:, 0], limits[:, 1]

    def _length_limits_mm(self) -> tuple[float, float]:
        """Ice reaches beyond both ends of the active part."""
        width, length = self._observed.width_mm, self._observed.length_mm
        longest = length if length is not None else _LONGEST_PER_WIDTH * (width or 0.0)
        shortest = max(_SHORTEST_MM, self._diameter_mm)
        return shortest, min(max(longest, shortest + 1.0), 100.0)

    def _least_box_mm(self) -> F64:
        """Edges of a box whose held faces the ice does not feel."""
        diffusivity = self._tissue.k_unfrozen_w_mk / self._tissue.rho_c_unfrozen_j_m3k
        diffused_mm = 1e3 * math.sqrt(diffusivity * 60.0 * self._observed.minutes)
        room = max(_DIFFUSION_LENGTHS * diffused_mm, _LEAST_ROOM_MM)
        width = self._observed.width_mm or self._observed.length_mm or 0.0
        active = self._given[LENGTH]
        guess = self._limits[LENGTH][1] if active is None else active + width
        length = max(self._observed.length_mm or guess, active or 0.0)
        return np.array([width, width, length]) + 2 * room

    def _misses(self, values: F64, spacing_mm: float) -> F64:
        """Simulated minus observed sizes over their uncertainties (over 1 mm where unknown)."""
        sizes = self._sizes(values, spacing_mm)[self._columns]
        misses: F64 = (sizes - self._targets) / self._sigmas
        return misses

    def _sizes(self, values: F64, spacing_mm: float) -> F64:
        """Width and length of the simulated isotherm, mm."""
        key = (spacing_mm, *np.round(values, 6).tolist())
        if key not in self._known:
            self._known[key] = self._simulate(self._parameters(values), spacing_mm)
        return self._known[key]

    def _simulate(self, parameters: Mapping[str, float], spacing_mm: float) -> F64:
        half = parameters[LENGTH] / 2
        observed = self._observed
        plan = Plan.model_validate(
            {
                "anatomy": {"phantom": "uniform", "size_mm": self._box_mm.tolist()},
                "probe": [
                    {
                        "tip_mm": (0.0, 0.0, -half),
                        "entry_mm": (0.0, 0.0, half + 100.0),
                        "diameter_mm": self._diameter_mm,
                        "cool_down_s": self._cool_down_s,
                        **parameters,
                    }
                ],
                "protocol": {"stages": [{"kind": "freeze", "minutes": observed.minutes}]},
                "body": {"temperature_c": observed.start_c},
                "report": {"isotherms_c": [observed.isotherm_c]},
            }
        )
        grid = Grid.centered(self._box_mm, spacing_mm)
        result = simulate(TissueGrid.uniform(grid, self._tissue), plan, _TIME_STEPS)
        return np.array(iceball_size_mm(result, result.temperatures_c[-1], observed.isotherm_c))
