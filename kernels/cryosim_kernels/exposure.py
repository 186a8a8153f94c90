"""What each cell has been through: how cold, how long, how often, how fast."""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ._compile import kernel
from .arrays import BOOL_2, F32_3, F32_4, F64_1, U8_3, U8_4
from .tissue_rows import CLOSED

__all__ = ["RATE_LOWER_C", "RATE_UPPER_C", "record_exposure"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

# Between these temperatures cooling and thawing rates are taken, C.
RATE_UPPER_C = 0.0
RATE_LOWER_C = -20.0


@kernel(parallel=False)
def _rates(
    before: float,
    now: float,
    now_s: float,
    seconds: float,
    crossed_at: float,
    cooling_rate: float,
    thawing_rate: float,
) -> tuple[float, float, float]:
    """Bring clock and rates of one cell up to date, see `record_exposure`."""
    degree_minutes = 60.0 * (RATE_UPPER_C - RATE_LOWER_C)
    per_kelvin = seconds / (now - before)
    at_upper = now_s - seconds + (RATE_UPPER_C - before) * per_kelvin
    at_lower = now_s - seconds + (RATE_LOWER_C - before) * per_kelvin
    if before > RATE_UPPER_C >= now:
        crossed_at = at_upper
    if before > RATE_LOWER_C >= now and crossed_at > 0.0:
        cooling_rate = max(cooling_rate, degree_minutes / (at_lower - crossed_at))
    if before <= RATE_LOWER_C < now:
        crossed_at = -at_lower
    if before <= RATE_UPPER_C < now and crossed_at < 0.0:
        rate = degree_minutes / (at_upper + crossed_at)
        thawing_rate = rate if thawing_rate == 0.0 else min(thawing_rate, rate)
    return crossed_at, cooling_rate, thawing_rate


@kernel(parallel=True)
def record_exposure(
    temperature: F32_3,
    index: U8_3,
    rows: BOOL_2,
    liquidus: F64_1,
    solidus: F64_1,
    now_s: float,
    seconds: float,
    thresholds: F64_1,
    remember_freezing: bool,
    earlier: F32_3,
    coldest: F32_3,
    time_below: F32_4,
    freezes_below: U8_4,
    crossed_at: F32_3,
    cooling_rate: F32_3,
    thawing_rate: F32_3,
    perfusable: F32_3,
) -> None:
    """Update what each cell has been through since the last record.

    The temperature is taken as linear in time between records, so that times and rates do not
    depend on where the records fall.

    Parameters
    ----------
    rows : (nz+2, ny+2) rows of voxels along i to look at.
    liquidus, solidus : (n,) per tissue, C.
    now_s, seconds : time of this record, and since the last one, s.
    thresholds : (m,) C.
    remember_freezing : blood flow never returns where it was lost.
    earlier : padded; temperature at the last record, updated.
    coldest : padded; coldest temperature so far, C, updated.
    time_below : (m, padded) seconds at or below each threshold, updated.
    freezes_below : (m, padded) how often the temperature fell through each threshold, updated.
    crossed_at : padded; when the cell last fell through RATE_UPPER_C, s, or, as a negative number,
        when it rose through RATE_LOWER_C since; updated.
    cooling_rate : padded; fastest mean rate from RATE_UPPER_C to RATE_LOWER_C, K/min, updated.
    thawing_rate : padded; slowest mean rate back, K/min (0: never), updated.
    perfusable : padded; smallest liquid fraction so far, updated when freezing is remembered.
    """
    nz, ny, nx = temperature.shape
    for k in prange(1, nz - 1):
        for j in range(1, ny - 1):
            if not rows[k, j]:
                continue
            for i in range(1, nx - 1):
                now = np.float32(temperature[k, j, i])
                before = earlier[k, j, i]
                earlier[k, j, i] = now
                high = max(now, before)
                low = min(now, before)
                for m in range(thresholds.size):
                    threshold = thresholds[m]
                    if low > threshold:
                        continue
                    share = 1.0
                    if high > threshold:
                        share = (threshold - low) / (high - low)
                        if now < before and freezes_below[m, k, j, i] < 255:
                            freezes_below[m, k, j, i] += 1
                    time_below[m, k, j, i] += np.float32(share * seconds)
                if low <= RATE_UPPER_C and high > RATE_LOWER_C and high > low:
                    crossed_at[k, j, i], cooling_rate[k, j, i], thawing_rate[k, j, i] = _rates(
                        before,
                        now,
                        now_s,
                        seconds,
                        crossed_at[k, j, i],
                        cooling_rate[k, j, i],
                        thawing_rate[k, j, i],
                    )
                coldest[k, j, i] = min(coldest[k, j, i], now)
                tissue = index[k, j, i]
                if remember_freezing and tissue < CLOSED and now < liquidus[tissue]:
                    liquid = (now - solidus[tissue]) / (liquidus[tissue] - solidus[tissue])
                    if liquid < perfusable[k, j, i]:
                        perfusable[k, j, i] = np.float32(max(liquid, 0.0))
