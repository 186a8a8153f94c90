"""What kernels know of tissues: a table with a row for each, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cryosim_kernels.tissue_rows import COLDEST_ICE_C, COLUMNS

from ..tissue import Tissue

__all__ = [
    "column",
    "fastest_conduction",
    "speed_up",
    "tissue_table",
    "unfrozen_conductivity",
]

F64 = NDArray[np.float64]

# Heat capacity of ice, J/kg/K, is 152.5 + 7.122 T and its conductivity goes with 1/T, T in kelvin
# (Cuffey and Paterson; 2.22 x 273.15 / T); both are scaled to a tissue's values at -40 C.
_ICE_C, _ICE_C_SLOPE = 152.5, 7.122
_KELVIN = 273.15
_REFERENCE_K = _KELVIN - 40.0

# Diffusivity that gas is slowed down to, m2/s: twice that of tissue. With ice's, five times that,
# far tissue would take twice the stages wherever there is bowel gas, and bowel behind 8 mm of gas
# would be 0.3 K colder after 10 min.
_GAS_DIFFUSIVITY = 3e-7


def column(table: F64, name: str) -> F64:
    """Return a column of a tissue table by its name in `tissue_rows.COLUMNS`."""
    return table[:, COLUMNS.index(name)]


def fastest_conduction(table: F64) -> tuple[F64, F64]:
    """Largest conductivity (W/m/K) and largest inverse heat capacity (m3 K/J) of each tissue.

    Not colder than the solidus; see `State.stable_step_s` for what is.
    """
    k_frozen, k_unfrozen = column(table, "k_solidus"), unfrozen_conductivity(table)
    inverse_capacity = np.maximum(
        1.0 / column(table, "c_solidus"), column(table, "inverse_rho_c_unfrozen")
    )
    return np.maximum(k_frozen, k_unfrozen), inverse_capacity


def unfrozen_conductivity(table: F64) -> F64:
    """Return k of each tissue above its liquidus, W/m/K."""
    return column(table, "k_solidus") + column(table, "mushy_energy") * column(table, "k_slope")


def speed_up(table: F64, coldest_c: float) -> float:
    """How much faster ice conducts at a temperature than at the solidus; the largest of all."""
    coldest_c = max(coldest_c, COLDEST_ICE_C)
    rise = np.minimum(coldest_c - column(table, "solidus_c"), 0.0)
    conductivity = 1.0 / (1.0 + column(table, "k_fall") * rise)
    capacity = 1.0 + column(table, "c_slope") * rise / column(table, "c_solidus")
    return float(np.max(conductivity / capacity))


def tissue_table(tissues: Sequence[Tissue], perfusion_scale: float) -> tuple[F64, tuple[str, ...]]:
    """Turn tissues into kernel rows (see `tissue_rows.COLUMNS`) and say what was assumed.

    Gas follows its surroundings within milliseconds and stores almost no heat; its heat capacity
    is raised so that it does not dictate the time step.
    """
    rows, assumptions = [], []
    for tissue in tissues:
        frozen, unfrozen = tissue.rho_c_frozen_j_m3k, tissue.rho_c_unfrozen_j_m3k
        if tissue.is_gas:
            frozen = max(frozen, tissue.k_frozen_w_mk / _GAS_DIFFUSIVITY)
            unfrozen = max(unfrozen, tissue.k_unfrozen_w_mk / _GAS_DIFFUSIVITY)
            assumptions.append(
                f"heat capacity of {tissue.name} raised to {unfrozen:.3g} J/m3/K (under 3 % of "
                "soft tissue) so that gas does not dictate the time step; convection in it is not "
                "modelled"
            )
        frozen, slope, k_frozen, fall = _at_solidus(tissue, frozen)
        width = tissue.liquidus_c - tissue.solidus_c
        mushy = (frozen + unfrozen) / 2 * width + tissue.latent_heat_j_m3
        blood = tissue.perfusion_1_s * perfusion_scale * tissue.rho_c_blood_j_m3k
        rows.append(
            (
                tissue.solidus_c,
                frozen,
                slope,
                mushy,
                width / mushy,
                1 / unfrozen,
                k_frozen,
                fall,
                (tissue.k_unfrozen_w_mk - k_frozen) / mushy,
                1 / mushy,
                blood,
                tissue.arterial_c,
                tissue.metabolism_w_m3,
            )
        )
    return np.array(rows, dtype=float), tuple(assumptions)


def _at_solidus(tissue: Tissue, rho_c_frozen: float) -> tuple[float, float, float, float]:
    """Return the row entries of ice: rho c at the solidus, its slope, k there, and its fall."""
    if tissue.frozen_law == "constant":
        return rho_c_frozen, 0.0, tissue.k_frozen_w_mk, 0.0
    solidus_k = tissue.solidus_c + _KELVIN
    scale = rho_c_frozen / (_ICE_C + _ICE_C_SLOPE * _REFERENCE_K)
    return (
        scale * (_ICE_C + _ICE_C_SLOPE * solidus_k),
        scale * _ICE_C_SLOPE,
        tissue.k_frozen_w_mk * _REFERENCE_K / solidus_k,
        1.0 / solidus_k,
    )
