"""Calibration: the probe that makes ice of published size, or has a surface as cold as measured.

A data sheet says how large the ice of a probe is, not how cold its surface is, how well its gas
cools it, or how much of it freezes. `calibrate` finds numbers with which one simulated probe in a
uniform medium comes closest to what was observed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, did_you_mean, expect_type
from ..probes.probe_model import check_number
from ..tissue import Tissue
from .lone_probe import LoneProbe
from .observations import Iceball, Observation, ObservedNumber, SurfaceTemperature

__all__ = ["Calibration", "Reading", "calibrate"]

F64 = NDArray[np.float64]

SURFACE = "surface_c"
GAS = "gas_c"
EXCHANGE = "exchange_w_m2k"
LENGTH = "active_length_mm"

# The usual gas is argon, which protocols state to be this cold, and nitrogen, which boils there.
_USUAL_GAS_C = -196.0
# Nothing is colder than boiling nitrogen; what is warmer than -20 C makes no ice worth measuring.
_COLD_LIMITS_C = (-196.0, -20.0)
# From a slow stream of gas to boiling in a narrow channel.
_EXCHANGE_LIMITS_W_M2K = (500.0, 50_000.0)
# Shorter active parts than 3 mm are all tip.
_SHORTEST_MM = 3.0
# Beyond this multiple of the width, the middle of the ice no longer notices the ends of the probe.
_LONGEST_PER_WIDTH = 3.0
_LONGEST_MM = 100.0

# Uncertainty of what was published without one, and how close is close enough, by unit.
_USUAL_UNCERTAINTY = {"mm": 1.0, "C": 5.0}
_CLOSE = {"mm": 1.0, "C": 2.0}

# A relative step this small, some 0.3 C or 0.05 mm, is below what the grid resolves, and so is a
# slope of the sum of squares this small, some 0.03 mm in a size.
_STEP_TOLERANCE = 3e-3
_SLOPE_TOLERANCE = 0.03


@dataclass(frozen=True)
class Reading:
    """An observed number beside the simulated one.

    Attributes
    ----------
    observation : that it belongs to. number : its name, value and uncertainty.
    simulated : what the calibrated probe has instead.
    """

    observation: Observation
    number: ObservedNumber
    simulated: float

    @property
    def what(self) -> str:
        """What was measured in words, such as "width of 0 C"."""
        name = self.number.key.rsplit("_", 1)[0]
        if isinstance(self.observation, Iceball):
            return f"{name} of {self.observation.isotherm_c:g} C"
        return name

    @property
    def unit(self) -> str:
        """Unit of number and residual: "mm" or "C"."""
        return "mm" if self.number.key.endswith("_mm") else "C"

    @property
    def residual(self) -> float:
        """Simulated minus observed."""
        return self.simulated - self.number.value

    @property
    def residual_sigmas(self) -> float | None:
        """The same over the uncertainty; None where that is unknown."""
        known = self.number.uncertainty
        return None if known is None else self.residual / known

    @property
    def close(self) -> bool:
        """Whether it came out within a millimeter, two kelvins or two of its uncertainties."""
        return abs(self.residual) <= max(_CLOSE[self.unit], 2.0 * (self.number.uncertainty or 0.0))


@dataclass(frozen=True)
class Calibration:
    """Effective parameters of a probe, and how well they reproduce what was observed.

    Attributes
    ----------
    readings : every observed number beside the simulated one. tissue : name of the medium.
    diameter_mm, cool_down_s : as given.
    surface_c, or gas_c and exchange_w_m2k : found, or as given where not in `fitted`; None for
        what does not drive the probe.
    active_length_mm : likewise.
    fitted : names of the parameters that were found.
    at_limit : those of them that ended at the limit of what is physical.
    standard_errors : of each fitted parameter, from the uncertainties of what was observed; None
        where one is unknown, inf where the parameter changes nothing. That of the exchange holds
        for its logarithm: it is that share of the value.
    spacing_mm : voxels of the last grid. simulations : how many were run, on all grids.
    """

    readings: tuple[Reading, ...]
    tissue: str
    diameter_mm: float
    cool_down_s: float
    surface_c: float | None
    gas_c: float | None
    exchange_w_m2k: float | None
    active_length_mm: float
    fitted: tuple[str, ...]
    at_limit: tuple[str, ...]
    standard_errors: Mapping[str, float | None]
    spacing_mm: float
    simulations: int

    @property
    def reproduced(self) -> bool:
        """Whether every number came out close to what was observed, see `Reading.close`."""
        return all(each.close for each in self.readings)

    @property
    def parameters(self) -> dict[str, str]:
        """What drives the probe and its active length, by name: value in words, +- where known."""
        values = {key: getattr(self, key) for key in (SURFACE, GAS, EXCHANGE, LENGTH)}
        return {key: self._value_of(key) for key, value in values.items() if value is not None}

    @property
    def provenance(self) -> str:
        """A sentence for the `source` of a catalog row: what was fitted to what, how well."""
        named = {key: f"{key} = {value}" for key, value in self.parameters.items()}
        given = [words for key, words in named.items() if key not in self.fitted]
        sentence = f"calibrated: fitted {_listed([named[key] for key in self.fitted])}"
        if given:
            sentence += f" with {_listed(given)} given"
        sentence += f" to {', '.join(self._phrases())} in {self.tissue}"
        sentence += f", on voxels of {self.spacing_mm:g} mm"
        if not self.reproduced:
            sentence += "; NOT REPRODUCED, no probe within the limits comes close"
        if self.at_limit:
            sentence += f"; {_listed(self.at_limit)} at the limit of what is physical"
        return sentence

    def _phrases(self) -> list[str]:
        """Return each observation, with what was simulated instead."""
        found: dict[str, list[str]] = {}
        for each in self.readings:
            words = f"{each.simulated:.1f} {each.unit}"
            found.setdefault(each.observation.describe(), []).append(words)
        return [f"{words} (simulated {_listed(values)})" for words, values in found.items()]

    def _value_of(self, key: str) -> str:
        decimals = 0 if key == EXCHANGE else 1
        error = self.standard_errors.get(key)
        spread = "" if error is None else f" +- {error:.{decimals}f}"
        return f"{getattr(self, key):.{decimals}f}{spread}"


def calibrate(
    observed: Observation | Sequence[Observation],
    tissue: Tissue,
    diameter_mm: float,
    *,
    surface_c: float | None = None,
    gas_c: float | None = None,
    exchange_w_m2k: float | None = None,
    active_length_mm: float | None = None,
    find: Collection[str] | None = None,
    cool_down_s: float = 20.0,
    spacings_mm: Sequence[float] = (2.0, 1.0),
) -> Calibration:
    """Find the numbers of a probe from the size of its ice and the temperature of its surface.

    The probe is a surface at `surface_c`, or, where anything is said of them, gas at `gas_c` behind
    a film, `exchange_w_m2k`.

    Parameters
    ----------
    observed : what was measured, one thing or several, each with its own time and temperature.
    tissue : the medium, with its own law of frozen conductivity.
    diameter_mm : of the probe.
    surface_c, gas_c, exchange_w_m2k, active_length_mm : given where known. Gas is at -196 C where
        nothing is said of it.
    find : names of those to find; by default all that are not given.
    cool_down_s : time constant with which surface or gas gets cold.
    spacings_mm : voxels, coarse first; each grid starts from the result of the one before.

    Returns
    -------
    Calibration
        Parameters within physical limits that come closest; look at its residuals.

    Raises
    ------
    InputError
        When nothing is left to find, or more than the observed numbers determine.

    Notes
    -----
    Least squares of simulated minus observed numbers over their uncertainties (1 mm or 5 C where
    none was published). The exchange is sought by its logarithm. The derivatives are finite
    differences on the coarsest grid, for every grid: they only guide the search.
    """
    observed = (observed,) if isinstance(observed, Observation) else tuple(observed)
    for each in observed:
        expect_type("calibrate: observed", each, (Iceball, SurfaceTemperature))
    given = {SURFACE: surface_c, GAS: gas_c, EXCHANGE: exchange_w_m2k, LENGTH: active_length_mm}
    for key, value in (*given.items(), ("diameter_mm", diameter_mm), ("cool_down_s", cool_down_s)):
        if value is not None:
            check_number("calibrate", key, value)
    known, fitted = _known_and_fitted(given, find)
    _check_grids(observed, spacings_mm)
    _check_enough(observed, fitted)
    longest = _longest_active_mm(observed, diameter_mm)
    unknowns = [_unknown(key, observed, diameter_mm, longest) for key in fitted]
    probe = LoneProbe(observed, tissue, known.get(LENGTH, longest), spacings_mm[0])
    shape = {"diameter_mm": diameter_mm, "cool_down_s": cool_down_s}
    search = _Search(observed, probe, {**known, **shape}, unknowns, spacings_mm[0])
    inner = np.array([each.inner(each.guess) for each in unknowns])
    for spacing in spacings_mm:
        inner = search.solve(inner, spacing)
    numbers = {**known, **search.values(inner)}
    return Calibration(
        readings=search.readings(inner, spacings_mm[-1]),
        tissue=tissue.name,
        **shape,
        surface_c=numbers.get(SURFACE),
        gas_c=numbers.get(GAS),
        exchange_w_m2k=numbers.get(EXCHANGE),
        active_length_mm=numbers[LENGTH],
        fitted=fitted,
        at_limit=search.at_limit(inner),
        standard_errors=search.standard_errors(inner),
        spacing_mm=spacings_mm[-1],
        simulations=search.simulations,
    )


def _known_and_fitted(
    given: Mapping[str, float | None], find: Collection[str] | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the numbers that are known, and the names of those that are to be found."""
    for key in find or ():
        if key not in given:
            raise InputError(
                f"calibrate: find has '{key}'{did_you_mean(key, given)}; use {', '.join(given)}"
            )
        if given[key] is not None:
            raise InputError(f"calibrate: {key} is given and in find; leave one of them out")
    known = {key: value for key, value in given.items() if value is not None}
    mentioned = {*known, *(find or ())}
    film = bool(mentioned & {GAS, EXCHANGE})
    if film and SURFACE in mentioned:
        raise InputError(
            "calibrate: surface_c and gas_c or exchange_w_m2k; a probe is driven by its surface or "
            "by gas behind a film, name one of them"
        )
    if film and GAS not in mentioned:
        known[GAS] = _USUAL_GAS_C
    needed = (GAS, EXCHANGE, LENGTH) if film else (SURFACE, LENGTH)
    fitted = tuple(key for key in needed if key not in known and key in (find or needed))
    if missing := [key for key in needed if key not in known and key not in fitted]:
        raise InputError(f"calibrate: {_listed(missing)} neither given nor in find; do one of them")
    if not fitted:
        raise InputError(
            f"calibrate: {_listed(needed)} are known, so nothing is left to find; leave "
            "one of them out, or name it in find"
        )
    return known, fitted


def _listed(words: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _check_enough(observed: Sequence[Observation], fitted: Sequence[str]) -> None:
    keys = [number.key for each in observed for number in each.numbers]
    if len(fitted) > len(keys):
        raise InputError(
            f"calibrate: {_listed(keys)} alone does not determine {_listed(fitted)}; "
            "give one of them, or observe more"
        )


def _check_grids(observed: Sequence[Observation], spacings_mm: Sequence[float]) -> None:
    if not observed:
        raise InputError("calibrate: observed is empty; give an Iceball or SurfaceTemperature")
    if not spacings_mm or min(spacings_mm) < 0.25:
        raise InputError(
            f"calibrate: spacings_mm = {list(spacings_mm)} must be voxels of at least 0.25 mm"
        )
    smallest = min(_sizes_mm(observed), default=math.inf)
    if max(spacings_mm) > smallest / 2:
        raise InputError(
            f"calibrate: voxels of {max(spacings_mm):g} mm are too coarse for a size of "
            f"{smallest:g} mm; use at most {smallest / 2:.2g} mm"
        )


def _sizes_mm(observed: Sequence[Observation], which: str = "_mm") -> list[float]:
    """Every observed size whose name ends so."""
    return [
        number.value
        for each in observed
        if isinstance(each, Iceball)
        for number in each.numbers
        if number.key.endswith(which)
    ]


@dataclass(frozen=True)
class _Unknown:
    """A number to find. The search walks along its value, or the logarithm of it over `lowest`.

    Attributes
    ----------
    lowest, highest, guess : in its own unit.
    step : of the finite differences to either side, along the walk: so large that the grid noise
        of the sizes, some 0.3 mm on the coarse grid, is lost.
    scale : of the walk, which makes unknowns comparable for the solver.
    """

    key: str
    lowest: float
    highest: float
    guess: float
    step: float
    scale: float
    logarithmic: bool = False

    def inner(self, value: float) -> float:
        """Place of a value along the walk; the nearest limit beyond them."""
        within = min(max(value, self.lowest), self.highest)
        return math.log(within / self.lowest) if self.logarithmic else within

    def value(self, inner: float) -> float:
        """Value at a place along the walk."""
        return self.lowest * math.exp(inner) if self.logarithmic else float(inner)

    def error(self, inner: float, inner_error: float) -> float:
        """Standard error of the value from that along the walk."""
        return self.value(inner) * inner_error if self.logarithmic else inner_error


def _unknown(
    key: str, observed: Sequence[Observation], diameter_mm: float, longest_mm: float
) -> _Unknown:
    if key == SURFACE:
        return _Unknown(key, *_COLD_LIMITS_C, guess=-120.0, step=15.0, scale=50.0)
    if key == GAS:
        return _Unknown(key, *_COLD_LIMITS_C, guess=-170.0, step=15.0, scale=50.0)
    if key == EXCHANGE:
        return _Unknown(
            key, *_EXCHANGE_LIMITS_W_M2K, guess=4500.0, step=0.4, scale=1.0, logarithmic=True
        )
    guess = _first_length_mm(observed, longest_mm)
    shortest = max(_SHORTEST_MM, diameter_mm)
    return _Unknown(key, shortest, longest_mm, guess=guess, step=3.0, scale=10.0)


def _first_length_mm(observed: Sequence[Observation], longest_mm: float) -> float:
    """The length that the largest ice would have without round ends."""
    width = max(_sizes_mm(observed, "width_mm"), default=0.0)
    length = max(_sizes_mm(observed, "length_mm"), default=1.5 * width)
    if not length:
        return 0.5 * longest_mm
    return length - 0.7 * width if width else 0.5 * length


def _longest_active_mm(observed: Sequence[Observation], diameter_mm: float) -> float:
    """Ice reaches beyond both ends of the active part."""
    width = max(_sizes_mm(observed, "width_mm"), default=_LONGEST_MM)
    longest = max(_sizes_mm(observed, "length_mm"), default=_LONGEST_PER_WIDTH * width)
    return min(max(longest, max(_SHORTEST_MM, diameter_mm) + 1.0), _LONGEST_MM)


class _Search:
    """Observed numbers as a function of the unknowns, remembered by grid."""

    def __init__(
        self,
        observed: Sequence[Observation],
        probe: LoneProbe,
        known: Mapping[str, float],
        unknowns: Sequence[_Unknown],
        coarse_mm: float,
    ) -> None:
        self.simulations = 0
        self._probe, self._known, self._unknowns = probe, known, unknowns
        self._coarse_mm = coarse_mm
        self._numbers = [(each, number) for each in observed for number in each.numbers]
        self._targets = np.array([number.value for _, number in self._numbers])
        self._sigmas = np.array(
            [
                number.uncertainty or _USUAL_UNCERTAINTY[Reading(each, number, 0.0).unit]
                for each, number in self._numbers
            ]
        )
        self._lowest = np.array([each.inner(each.lowest) for each in unknowns])
        self._highest = np.array([each.inner(each.highest) for each in unknowns])
        self._scales = np.array([each.scale for each in unknowns])
        self._remembered: dict[tuple[float, ...], F64] = {}

    def solve(self, start: F64, spacing_mm: float) -> F64:
        """Least squares on one grid, guided by derivatives on the coarse one."""
        from scipy.optimize import least_squares

        def misses(scaled: F64) -> F64:
            return self._misses(scaled * self._scales, spacing_mm)

        # Finer grids keep the slopes at their start: simulations there are dear.
        kept = None if spacing_mm == self._coarse_mm else self._slopes(start)

        def slopes(scaled: F64) -> F64:
            found = self._slopes(scaled * self._scales) if kept is None else kept
            return found * self._scales

        found = least_squares(
            misses,
            np.clip(start, self._lowest, self._highest) / self._scales,
            jac=slopes,
            bounds=(self._lowest / self._scales, self._highest / self._scales),
            xtol=_STEP_TOLERANCE,
            gtol=_SLOPE_TOLERANCE,
            max_nfev=10,
        )
        inner: F64 = found.x * self._scales
        return inner

    def values(self, inner: F64) -> dict[str, float]:
        """The unknowns in their own units, by name."""
        pairs = zip(self._unknowns, inner.tolist(), strict=True)
        return {each.key: each.value(place) for each, place in pairs}

    def readings(self, inner: F64, spacing_mm: float) -> tuple[Reading, ...]:
        """Every observed number beside the simulated one."""
        found = self._read(inner, spacing_mm).tolist()
        return tuple(
            Reading(each, number, simulated)
            for (each, number), simulated in zip(self._numbers, found, strict=True)
        )

    def at_limit(self, inner: F64) -> tuple[str, ...]:
        """Names of the unknowns that ended at a limit."""
        near = 1e-3 * self._scales
        at_limit = (inner - self._lowest < near) | (self._highest - inner < near)
        return tuple(
            each.key for each, at in zip(self._unknowns, at_limit.tolist(), strict=True) if at
        )

    def standard_errors(self, inner: F64) -> dict[str, float | None]:
        """Of each unknown, in its own unit, from the uncertainties of the numbers."""
        if any(number.uncertainty is None for _, number in self._numbers):
            return {each.key: None for each in self._unknowns}
        _, strengths, directions = np.linalg.svd(self._slopes(inner) * self._scales)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.nan_to_num((directions.T / strengths) ** 2, nan=0.0, posinf=np.inf)
        errors = (np.sqrt(spread.sum(axis=1)) * self._scales).tolist()
        return {
            each.key: each.error(place, error)
            for each, place, error in zip(self._unknowns, inner.tolist(), errors, strict=True)
        }

    def _slopes(self, inner: F64) -> F64:
        """Derivatives (numbers, unknowns) of the misses, central where the limits permit."""
        columns = []
        for n, unknown in enumerate(self._unknowns):
            ends = inner[n] + np.array([-unknown.step, unknown.step])
            low, high = inner.copy(), inner.copy()
            low[n], high[n] = np.clip(ends, self._lowest[n], self._highest[n])
            change = self._misses(high, self._coarse_mm) - self._misses(low, self._coarse_mm)
            columns.append(change / (high[n] - low[n]))
        return np.stack(columns, axis=1)

    def _misses(self, inner: F64, spacing_mm: float) -> F64:
        """Simulated minus observed numbers over their uncertainties."""
        misses: F64 = (self._read(inner, spacing_mm) - self._targets) / self._sigmas
        return misses

    def _read(self, inner: F64, spacing_mm: float) -> F64:
        """Return the numbers of the simulated probe."""
        key = (spacing_mm, *np.round(inner, 6).tolist())
        if key not in self._remembered:
            numbers, simulations = self._probe.readings(
                {**self._known, **self.values(inner)}, spacing_mm
            )
            self._remembered[key] = numbers
            self.simulations += simulations
        return self._remembered[key]
