"""A one-dimensional slab for the production code, and its exact solutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, fsolve
from scipy.special import erf, erfc

from cryosim.geometry import Grid
from cryosim.plan import BodyPlan, PerfusionPlan
from cryosim.probes import ProbeCoupling
from cryosim.simulation import Settings
from cryosim.simulation.state import INNER, State, build_state
from cryosim.tissue import Tissue, TissueGrid
from cryosim_kernels import bioheat, material
from verification.marching import march


@dataclass(frozen=True)
class Medium:
    """Numbers of a freezing medium, SI and Celsius; the sets W and G of the verification cases."""

    k_frozen: float
    k_unfrozen: float
    rho_c_frozen: float
    rho_c_unfrozen: float
    latent: float
    solidus: float
    liquidus: float

    def tissue(self, **numbers: Any) -> Tissue:
        return Tissue(
            name="slab",
            k_unfrozen_w_mk=self.k_unfrozen,
            k_frozen_w_mk=self.k_frozen,
            rho_c_unfrozen_j_m3k=self.rho_c_unfrozen,
            rho_c_frozen_j_m3k=self.rho_c_frozen,
            latent_heat_j_m3=self.latent,
            solidus_c=self.solidus,
            liquidus_c=self.liquidus,
            **numbers,
        )


# The sets W and G; G with its freezing range, and squeezed to almost a point for sharp fronts.
WATER = Medium(2.22, 0.6, 917 * 2090, 1000 * 4180, 334e6, -0.05, 0.05)
GEL = Medium(2.0, 0.5, 998 * 1800, 3.6e6, 250e6, -8.0, -1.0)
GEL_SHARP = Medium(2.0, 0.5, 998 * 1800, 3.6e6, 250e6, -1.05, -0.95)


def no_probes() -> ProbeCoupling:
    cells = np.zeros((0, 3), dtype=np.int64)
    none = np.zeros(0, dtype=np.int64)
    return ProbeCoupling(cells, none, np.zeros(0), cells, none, np.zeros(0, bool), np.zeros(0))


def slab_state(
    medium: Medium, length_mm: float, cells: int, cold_c: float, start_c: float, **numbers: Any
) -> State:
    """A row of cells along x: the low end held at `cold_c`, all other faces insulated.

    `numbers` are further fields of the tissue.
    """
    spacing = length_mm / cells
    grid = Grid.from_spacing((1, 1, cells), (spacing, 1.0, 1.0), (spacing / 2, 0.0, 0.0))
    tissue = TissueGrid.uniform(grid, medium.tissue(**numbers))
    body = BodyPlan(temperature_c=37.0, outer_faces="insulated")
    state, _ = build_state(tissue, no_probes(), PerfusionPlan(), body, 0)
    state.temperature[...] = start_c
    material.enthalpy_from_temperature(state.temperature, state.index, state.table, state.energy)
    state.temperature[:, :, 0] = cold_c
    state.resistivity[:, :, 0] = bioheat.HELD_RESISTIVITY
    return state


def freeze_slab(
    state: State, seconds: float, settings: Settings | None = None
) -> tuple[np.ndarray, float]:
    """Advance; return cell temperatures and the heat that entered through the ends, J."""
    heat = march(state, seconds, settings)
    return state.temperature[INNER][0, 0].copy(), float(heat.sum())


def neumann(medium: Medium, cold_c: float, start_c: float, freezing_c: float):
    """Two-phase solution (C1): similarity constant lambda and T(x in m, t in s)."""
    a_f = medium.k_frozen / medium.rho_c_frozen
    a_u = medium.k_unfrozen / medium.rho_c_unfrozen
    ratio = np.sqrt(a_f / a_u)

    def balance(lam):
        frozen = medium.k_frozen * (freezing_c - cold_c) * np.exp(-(lam**2))
        frozen /= np.sqrt(np.pi * a_f) * erf(lam)
        unfrozen = medium.k_unfrozen * (start_c - freezing_c) * np.exp(-((lam * ratio) ** 2))
        unfrozen /= np.sqrt(np.pi * a_u) * erfc(lam * ratio)
        return frozen - unfrozen - medium.latent * lam * np.sqrt(a_f)

    lam = float(fsolve(balance, 0.4, xtol=1e-13)[0])

    def temperature(x, t):
        front = 2 * lam * np.sqrt(a_f * t)
        frozen = cold_c + (freezing_c - cold_c) * erf(x / (2 * np.sqrt(a_f * t))) / erf(lam)
        outside = erfc(x / (2 * np.sqrt(a_u * t))) / erfc(lam * ratio)
        return np.where(x < front, frozen, start_c - (start_c - freezing_c) * outside)

    return lam, 2 * lam * np.sqrt(a_f), temperature


def three_region(medium: Medium, cold_c: float, start_c: float, guess):
    """Mushy-zone similarity solution (C2): interface constants (m/sqrt(s)) and T(x, t)."""
    k_m = (medium.k_frozen + medium.k_unfrozen) / 2
    width = medium.liquidus - medium.solidus
    c_m = (medium.rho_c_frozen + medium.rho_c_unfrozen) / 2 + medium.latent / width
    a_f = medium.k_frozen / medium.rho_c_frozen
    a_u = medium.k_unfrozen / medium.rho_c_unfrozen
    a_m = k_m / c_m

    def slope(k, a, rise, spread, at):
        return k * rise / spread * np.exp(-(at**2) / a) / np.sqrt(np.pi * a)

    def balance(unknown):
        s, m = unknown  # interfaces at 2 s sqrt(t) and 2 m sqrt(t)
        spread = erf(m / np.sqrt(a_m)) - erf(s / np.sqrt(a_m))
        frozen = slope(medium.k_frozen, a_f, medium.solidus - cold_c, erf(s / np.sqrt(a_f)), s)
        mushy_s = slope(k_m, a_m, width, spread, s)
        mushy_m = slope(k_m, a_m, width, spread, m)
        warm = slope(medium.k_unfrozen, a_u, start_c - medium.liquidus, erfc(m / np.sqrt(a_u)), m)
        return [(frozen - mushy_s) / 1e3, (mushy_m - warm) / 1e3]

    s, m = fsolve(balance, guess, xtol=1e-13)

    def temperature(x, t):
        z = x / (2 * np.sqrt(t))
        frozen = cold_c + (medium.solidus - cold_c) * erf(z / np.sqrt(a_f)) / erf(s / np.sqrt(a_f))
        share = (erf(z / np.sqrt(a_m)) - erf(s / np.sqrt(a_m))) / (
            erf(m / np.sqrt(a_m)) - erf(s / np.sqrt(a_m))
        )
        warm = start_c - (start_c - medium.liquidus) * erfc(z / np.sqrt(a_u)) / erfc(
            m / np.sqrt(a_u)
        )
        return np.where(z < s, frozen, np.where(z < m, medium.solidus + width * share, warm))

    return float(s), float(m), temperature


def similarity_profile(medium: Medium, cold_c: float, start_c: float, bracket, ice_law=False):
    """Exact profile of the production model (k linear in T between solidus and liquidus).

    With z = x / (2 sqrt(t)) the heat equation is (k T')' = -2 z c T'; the wall's gradient is found
    by shooting, in pieces, because c jumps at solidus and liquidus. Returns T(x, t).

    Parameters
    ----------
    ice_law : frozen, k goes with 1/T and c with 152.5 + 7.122 T (kelvin) from -40 C on, as the
        production's frozen_law = "ice".
    """
    k_ice, c_ice = _frozen_laws(medium, ice_law)
    k_edge, c_edge = k_ice(medium.solidus), c_ice(medium.solidus)
    width = medium.liquidus - medium.solidus
    mushy_c = (c_edge + medium.rho_c_unfrozen) / 2 + medium.latent / width

    def k_mushy(t):
        return k_edge + (t - medium.solidus) / width * (medium.k_unfrozen - k_edge)

    phases = (
        (medium.solidus, k_ice, c_ice),
        (medium.liquidus, k_mushy, lambda _: mushy_c),
        (np.inf, lambda _: medium.k_unfrozen, lambda _: medium.rho_c_unfrozen),
    )

    def shoot(flux):
        z, values, pieces = 0.0, [cold_c, flux], []
        for level, k, c in phases:
            piece = _similarity_piece(level, k, c, z, values)
            pieces.append(piece)
            z, values = piece.t[-1], piece.y[:, -1]
            if piece.status == 0:
                break
        return pieces, values[0]

    flux = brentq(lambda flux: shoot(flux)[1] - start_c, *bracket, xtol=1e-6)
    pieces, _ = shoot(flux)

    def temperature(x, t):
        z = np.atleast_1d(x / (2 * np.sqrt(t)))
        found = np.full(z.shape, start_c)
        for piece in pieces:
            within = (z >= piece.t[0]) & (z <= piece.t[-1])
            if within.any():
                found[within] = piece.sol(z[within])[0]
        return found

    return temperature


def _frozen_laws(medium: Medium, ice_law: bool):
    """k(T) and c(T) below the solidus."""
    if not ice_law:
        return (lambda _: medium.k_frozen), (lambda _: medium.rho_c_frozen)
    at_40 = 233.15

    def k(t):
        return medium.k_frozen * at_40 / (t + 273.15)

    def c(t):
        return medium.rho_c_frozen * (152.5 + 7.122 * (t + 273.15)) / (152.5 + 7.122 * at_40)

    return k, c


def _similarity_piece(level, k, c, z, values):
    """Integrate (T, k T') over z until T reaches a level."""

    def reached(_, y):
        return y[0] - level if np.isfinite(level) else 1.0

    reached.terminal = True

    def slope(z, y):
        gradient = y[1] / k(y[0])
        return [gradient, -2 * z * c(y[0]) * gradient]

    return solve_ivp(
        slope, (z, 6e-3), values, events=reached, rtol=1e-10, atol=[1e-9, 1e-3], dense_output=True
    )
