"""Rows of the tissue table: what their columns are, and the indices of voxels that have no row.

Known without Numba, so that a table can be made and looked at without it.
"""

from __future__ import annotations

__all__ = [
    "ARTERIAL",
    "BLOOD",
    "CLOSED",
    "COLDEST_ICE_C",
    "COLUMNS",
    "C_SLOPE",
    "C_SOLIDUS",
    "HELD",
    "INV_MUSHY",
    "INV_UNFROZEN",
    "K_FALL",
    "K_SLOPE",
    "K_SOLIDUS",
    "METABOLISM",
    "MUSHY",
    "MUSHY_SLOPE",
    "SOLIDUS",
]

# Reserved tissue indices, see `bioheat`.
HELD = 255
CLOSED = 254

# No probe is colder; below it ice keeps k and the secant of its heat capacity, so that a stage that
# overshoots is not stiffer than what it overshot, C.
COLDEST_ICE_C = -200.0

# Columns of the tissue table, one row a tissue, SI units and degrees Celsius. In ice, x degrees
# above the solidus (x < 0), rho c = c_solidus + c_slope x and k = k_solidus / (1 + k_fall x).
COLUMNS = (
    "solidus_c",
    "c_solidus",
    "c_slope",
    "mushy_energy",
    "mushy_slope",
    "inverse_rho_c_unfrozen",
    "k_solidus",
    "k_fall",
    "k_slope",
    "inverse_mushy_energy",
    "blood_coefficient",
    "arterial_c",
    "metabolism",
)
SOLIDUS, C_SOLIDUS, C_SLOPE, MUSHY, MUSHY_SLOPE, INV_UNFROZEN = range(6)
K_SOLIDUS, K_FALL, K_SLOPE, INV_MUSHY, BLOOD, ARTERIAL, METABOLISM = range(6, 13)
