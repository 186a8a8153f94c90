"""What a simulation leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..plan import Plan
from ..tissue import TissueGrid

__all__ = ["Course", "Curves", "EnergyLedger", "Performance", "Result", "Varied"]

_SAME_TIME_S = 0.5


@dataclass(frozen=True)
class EnergyLedger:
    """Where the heat went, in joules, over the whole protocol.

    Attributes
    ----------
    probe_heat_out_j : taken out of the tissue by the probes (negative while they warm it).
    sensible_j, latent_j : change stored in the tissue; negative when cooled and frozen.
    blood_j, metabolism_j : given to the tissue by perfusion and metabolism.
    vessels_j : given by vessels held at blood temperature.
    air_j : given through the skin by the air around the patient and packs on it.
    protection_j : given by irrigation that is held at its temperature.
    boundary_j : given through the grid's outer faces.
    """

    probe_heat_out_j: float
    sensible_j: float
    latent_j: float
    blood_j: float
    metabolism_j: float
    vessels_j: float
    air_j: float
    protection_j: float
    boundary_j: float

    @property
    def relative_error(self) -> float:
        """What does not add up, over the largest term."""
        given = self.blood_j + self.metabolism_j + self.boundary_j
        given += self.vessels_j + self.air_j + self.protection_j
        stored = self.sensible_j + self.latent_j
        largest = max(abs(value) for value in asdict(self).values())
        gap = stored - (given - self.probe_heat_out_j)
        return abs(gap) / largest if largest > 0 else 0.0


@dataclass(frozen=True)
class Performance:
    """What the run cost.

    Attributes
    ----------
    wall_s : stepping and records, without compiling. compile_s : compiling or loading kernels.
    cells : voxels of the grid. steps : time steps. stages : evaluations of the heat balance.
    cell_updates : cells times stages. memory_bytes : predicted peak.
    """

    wall_s: float
    compile_s: float
    cells: int
    steps: int
    stages: int
    cell_updates: int
    memory_bytes: int


@dataclass(frozen=True, eq=False)
class Curves:
    """What was recorded at every step.

    Attributes
    ----------
    times_s : (n,) increasing; twice the same where a needle was switched.
    sensors_c : sensor name to (n,) temperatures.
    needle_power_w : (p, n) heat that each needle takes out (negative: gives), probes first.
    needle_surface_c : (p, n) mean temperature of its active surface; NaN while it is off.
    """

    times_s: NDArray[np.float64]
    sensors_c: dict[str, NDArray[np.float64]]
    needle_power_w: NDArray[np.float64]
    needle_surface_c: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Course:
    """What had frozen by when, about once a minute; it only ever grows.

    Attributes
    ----------
    times_s : (n,) increasing, from 0 to the end of the protocol.
    volume_ml : isotherm to (n,) tissue that has been at or below it, without probes and gas.
    healthy_ml : (n,) tissue outside the target that has been frozen.
    coverage : isotherm to (n,) share of the target that has been at or below it; of the lethal one,
        for a minute in total. Empty without a target.
    margin_mm : isotherm to (n,) distance from the target's surface to the nearest tissue that has
        not been at or below it, negative until the surface has been; inf where none is near. That
        of ice is of the surface where the wanted margin has room, see `margin_room`.
    organs_c : organ at risk to (n,) the coldest that any part of it has been.
    """

    times_s: NDArray[np.float64]
    volume_ml: Mapping[float, NDArray[np.float64]]
    healthy_ml: NDArray[np.float64]
    coverage: Mapping[float, NDArray[np.float64]]
    margin_mm: Mapping[float, NDArray[np.float64]]
    organs_c: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Varied:
    """What a run would be where tissue is otherwise, within its range; found on a coarser grid.

    Attributes
    ----------
    where : such as "at the upper end of liver's blood flow". amount : "0.0155 1/s", or nothing.
    goals : by key of each goal that has a number in both, how much more that number is than in a
        run on the same coarser grid; None where it is gone, and the goal missed with it.
    frozen_ml : how much more tissue freezes.
    """

    where: str
    amount: str
    goals: Mapping[str, float | None]
    frozen_ml: float


@dataclass(frozen=True, eq=False)
class Result:
    """Fields and bookkeeping of a finished simulation. All arrays are read-only.

    Attributes
    ----------
    tissue, plan : what was simulated.
    times_s : times of the snapshots, increasing; the first is 0.
    temperatures_c : one (k, j, i) float32 field a time.
    coldest_c : (k, j, i) float32, the coldest temperature each voxel has seen.
    thresholds_c : temperatures for which exposure was counted.
    time_below_s : threshold to (k, j, i) float32, seconds at or below it.
    freezes_below : threshold to (k, j, i) uint8, how often the voxel fell through it.
    cooling_rate_k_min : (k, j, i) float32, fastest mean rate from 0 to -20 C; 0 where none.
    thawing_rate_k_min : (k, j, i) float32, slowest mean rate from -20 to 0 C; 0 where none.
    probe_share : (k, j, i) float32, share of each voxel filled by probes and shafts.
    flux_ratio : per probe, heat flow found on the grid over the exact one before correction.
    curves : what sensors and needles recorded at every step.
    course : what had frozen by when; None in results of versions that did not record it.
    ended_early : sentences about freezes that a sensor or organ ended; `plan` has what they took.
    varied : what tissue that is otherwise would change, see `cryosim.vary_tissues`; empty where
        nobody looked.
    """

    tissue: TissueGrid
    plan: Plan
    times_s: tuple[float, ...]
    temperatures_c: Sequence[NDArray[np.float32]]
    coldest_c: NDArray[np.float32]
    time_below_s: Mapping[float, NDArray[np.float32]]
    freezes_below: Mapping[float, NDArray[np.uint8]]
    cooling_rate_k_min: NDArray[np.float32]
    thawing_rate_k_min: NDArray[np.float32]
    probe_share: NDArray[np.float32]
    flux_ratio: tuple[float, ...]
    curves: Curves
    energy: EnergyLedger
    performance: Performance
    assumptions: tuple[str, ...] = ()
    course: Course | None = None
    ended_early: tuple[str, ...] = ()
    varied: tuple[Varied, ...] = ()

    @property
    def thresholds_c(self) -> tuple[float, ...]:
        """Temperatures for which exposure was counted."""
        return tuple(self.time_below_s)

    def snapshot_number(self, time_s: float | None = None) -> int:
        """Return which snapshot was taken at `time_s`; without it, at the end of the last freeze.

        Raises
        ------
        InputError
            When there is no snapshot at that time.
        """
        if time_s is None:
            stages = zip(self.plan.protocol.stages, self.plan.protocol.ends_s(), strict=True)
            time_s = max(end_s for stage, end_s in stages if stage.kind == "freeze")
        away = np.abs(np.asarray(self.times_s) - time_s)
        number = int(away.argmin())
        if not away[number] <= _SAME_TIME_S:
            raise InputError(
                f"time_s = {time_s:g} ({time_s / 60:.3g} min): the result has no snapshot then, "
                f"the nearest is at {self.times_s[number]:g} s ({self.times_s[number] / 60:.3g} "
                "min); add the time to report.times_s and run again"
            )
        return number
