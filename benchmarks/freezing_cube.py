"""A freezing problem that codes of different make can all pose voxel for voxel.

A cube of one tissue at body temperature, its outer faces held there, with a line of voxels in the
middle held cold. The tissue is that of a reference solution of the verification: latent heat spread
evenly between solidus and liquidus, constant properties of ice and of liquid.

Three choices make the discrete problem the same in every code, whatever rule a code has for a face
between two voxels: held voxels are ordinary voxels whose center stays at its temperature; heat
crosses a face by the difference of Kirchhoff's integral of k, which is exact for any k(T); and the
voxels that touch the cold line start as ice, whose conductivity is constant, so that there a
harmonic mean is the same as that integral.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

REFERENCE = Path(__file__).resolve().parents[1] / "tests/verification/references/gel_17g_150.json"

Array = NDArray[np.float64]

BODY_C = 37.0
COLD_C = -150.0
# Of the voxels that touch the cold line.
ICE_C = -10.0
# Voxels along each edge of the block in a corner that is held at body temperature.
CORNER_VOXELS = 4


@dataclass(frozen=True)
class Gel:
    """One tissue; enthalpy (J/m3) and Kirchhoff's integral of k (W/m) are zero at its solidus."""

    k_frozen_w_mk: float
    k_unfrozen_w_mk: float
    rho_c_frozen_j_m3k: float
    rho_c_unfrozen_j_m3k: float
    latent_heat_j_m3: float
    solidus_c: float
    liquidus_c: float

    @property
    def freezing_range_k(self) -> float:
        """From solidus to liquidus."""
        return self.liquidus_c - self.solidus_c

    @property
    def mushy_enthalpy_j_m3(self) -> float:
        """Enthalpy at the liquidus."""
        mean = (self.rho_c_frozen_j_m3k + self.rho_c_unfrozen_j_m3k) / 2
        return mean * self.freezing_range_k + self.latent_heat_j_m3

    @property
    def largest_diffusivity_m2_s(self) -> float:
        """Of ice or liquid; the freezing range is far slower."""
        return max(
            self.k_frozen_w_mk / self.rho_c_frozen_j_m3k,
            self.k_unfrozen_w_mk / self.rho_c_unfrozen_j_m3k,
        )

    def parts_k(self, temperature_c: ArrayLike) -> tuple[Array, Array, Array]:
        """Split a temperature's distance from the solidus: in ice, while freezing, in liquid."""
        rise = np.asarray(temperature_c, dtype=float) - self.solidus_c
        mushy = np.clip(rise, 0.0, self.freezing_range_k)
        return np.minimum(rise, 0.0), mushy, np.maximum(rise - self.freezing_range_k, 0.0)

    def enthalpy_j_m3(self, temperature_c: ArrayLike) -> Array:
        """Enthalpy of a temperature."""
        ice, mushy, liquid = self.parts_k(temperature_c)
        freezing = self.mushy_enthalpy_j_m3 / self.freezing_range_k
        found: Array = (
            self.rho_c_frozen_j_m3k * ice + freezing * mushy + self.rho_c_unfrozen_j_m3k * liquid
        )
        return found

    def temperature_c(self, enthalpy_j_m3: ArrayLike) -> Array:
        """Temperature of an enthalpy."""
        enthalpy = np.asarray(enthalpy_j_m3, dtype=float)
        melted = np.clip(enthalpy, 0.0, self.mushy_enthalpy_j_m3)
        found: Array = (
            self.solidus_c
            + np.minimum(enthalpy, 0.0) / self.rho_c_frozen_j_m3k
            + melted * self.freezing_range_k / self.mushy_enthalpy_j_m3
            + np.maximum(enthalpy - self.mushy_enthalpy_j_m3, 0.0) / self.rho_c_unfrozen_j_m3k
        )
        return found

    def potential_w_m(self, temperature_c: ArrayLike) -> Array:
        """Kirchhoff's integral of k from the solidus to a temperature."""
        ice, mushy, liquid = self.parts_k(temperature_c)
        k_slope = (self.k_unfrozen_w_mk - self.k_frozen_w_mk) / self.freezing_range_k
        found: Array = (
            self.k_frozen_w_mk * (ice + mushy)
            + k_slope * mushy**2 / 2
            + self.k_unfrozen_w_mk * liquid
        )
        return found

    def conductivity_w_mk(self, temperature_c: ArrayLike) -> Array:
        """Conductivity at a temperature."""
        melted = self.parts_k(temperature_c)[1] / self.freezing_range_k
        found: Array = self.k_frozen_w_mk + melted * (self.k_unfrozen_w_mk - self.k_frozen_w_mk)
        return found

    def heat_capacity_j_m3k(self, temperature_c: ArrayLike) -> Array:
        """Slope of the enthalpy at a temperature, latent heat included."""
        temperature = np.asarray(temperature_c)
        freezing = self.mushy_enthalpy_j_m3 / self.freezing_range_k
        colder = np.where(temperature < self.solidus_c, self.rho_c_frozen_j_m3k, freezing)
        return np.where(temperature < self.liquidus_c, colder, self.rho_c_unfrozen_j_m3k)


def read_gel() -> Gel:
    """Read the tissue of the reference solution."""
    numbers = json.loads(REFERENCE.read_text(encoding="utf-8"))["tissue"]
    return Gel(**{name: numbers[name] for name in Gel.__dataclass_fields__})


@dataclass(frozen=True)
class FreezingCube:
    """The problem on one grid. Arrays are (k, j, i).

    Attributes
    ----------
    edge_voxels : voxels along each edge of the cube, at least 12.
    spacing_mm : edge of a voxel. simulated_s : how long is frozen.
    """

    edge_voxels: int
    spacing_mm: float
    simulated_s: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (k, j, i)."""
        return (self.edge_voxels,) * 3

    @property
    def cells(self) -> int:
        """Number of voxels, held ones included."""
        return self.edge_voxels**3

    @property
    def spacing_m(self) -> float:
        """Edge of a voxel, m."""
        return self.spacing_mm * 1e-3

    @cached_property
    def gel(self) -> Gel:
        """What fills the cube."""
        return read_gel()

    @cached_property
    def line(self) -> NDArray[np.bool_]:
        """Voxels of the cold line: along k through the middle, half as long as the cube."""
        found = np.zeros(self.shape, dtype=bool)
        quarter, middle = self.edge_voxels // 4, self.edge_voxels // 2
        found[quarter : self.edge_voxels - quarter, middle, middle] = True
        return found

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """Voxels whose temperature never changes: the line, and a block in a corner.

        A plan of cryosim needs a probe; in that block lies one that can do nothing.
        """
        found = self.line.copy()
        found[:CORNER_VOXELS, :CORNER_VOXELS, :CORNER_VOXELS] = True
        return found

    @cached_property
    def start_c(self) -> Array:
        """Temperatures at the start."""
        found = np.full(self.shape, BODY_C)
        for axis in range(3):
            for shift in (-1, 1):
                found[np.roll(self.line, shift, axis)] = ICE_C
        found[self.line] = COLD_C
        return found

    def explicit_steps(self, refinement: int = 1) -> int:
        """Count plain explicit steps of nine tenths of the stability limit, or finer."""
        limit_s = self.spacing_m**2 / (6 * self.gel.largest_diffusivity_m2_s)
        return refinement * math.ceil(self.simulated_s / (0.9 * limit_s))
