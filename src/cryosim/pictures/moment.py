"""What a picture shows: one moment of a result, turned so that the axes run nearest L, P, S."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import InputError
from ..evaluation import isotherm_volume_ml
from ..geometry import Grid
from ..simulation import Result

__all__ = ["FOOTER", "WINDOWS_HU", "Moment"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FOOTER = f"cryosim {__version__} · research software, not a medical device"

_SAME_TIME_S = 0.5
# Black and white of the usual windows (width / level): 400 / 40, 1800 / 400, 1500 / -600.
WINDOWS_HU = {
    "soft-tissue": (-160.0, 240.0),
    "bone": (-500.0, 1300.0),
    "lung": (-1350.0, 150.0),
}


@dataclass(frozen=True, eq=False)
class Moment:
    """A result at one time.

    Attributes
    ----------
    result : where it comes from.
    time_s : time since the first freeze began.
    grid : the result's voxels with axes running nearest to world x, y, z.
    temperature_c : (k, j, i) on `grid`.
    image : (k, j, i) on `grid`, or None. outside_air : where it shows the room, or None.
    structures : name to (k, j, i) on `grid`, share of each voxel.
    """

    result: Result
    time_s: float
    grid: Grid
    temperature_c: F32
    image: F32 | None
    outside_air: NDArray[np.bool_] | None
    structures: Mapping[str, F32]

    @classmethod
    def of(cls, result: Result, time_s: float | None = None) -> Moment:
        """Take the snapshot at `time_s`; without it the one at the end of the last freeze.

        Raises
        ------
        InputError
            When there is no snapshot at that time.
        """
        number = result.snapshot_number(time_s)
        grid, turn = result.tissue.grid.canonical()
        image, air = result.tissue.image, result.tissue.outside_air
        return cls(
            result=result,
            time_s=result.times_s[number],
            grid=grid,
            temperature_c=turn.apply(result.temperatures_c[number]),
            image=None if image is None else turn.apply(image),
            outside_air=None if air is None else turn.apply(air),
            structures={name: turn.apply(s) for name, s in result.tissue.structures.items()},
        )

    @property
    def title(self) -> str:
        """When it is, for example "end of freeze 2, 50 min"."""
        return f"{self._stage()}, {self.time_s / 60:.4g} min"

    @property
    def levels_c(self) -> list[float]:
        """Isotherms of the plan's report, warmest first."""
        return sorted(set(self.result.plan.report.isotherms_c), reverse=True)

    @property
    def focus_mm(self) -> F64:
        """World position to look at: the middle of the target, else of the active probe parts."""
        target = self.structures.get("target")
        if target is not None and target.any():
            cells = np.argwhere(target > 0)
            weights = target[tuple(cells.T)].astype(float)
            return self.grid.to_world(np.average(cells[:, ::-1], axis=0, weights=weights))
        ends = [(probe.tip_mm, probe.active_end_mm) for probe in self.result.plan.probe]
        middle: F64 = np.mean(np.asarray(ends, dtype=float), axis=(0, 1))
        return middle

    @cached_property
    def points_of_interest_mm(self) -> F64:
        """(n, 3) world positions about what must be seen: all ice ever, target, active parts."""
        result = self.result
        seen = result.coldest_c <= max(self.levels_c)
        if "target" in result.tissue.structures:
            seen |= result.tissue.structures["target"] > 0
        rows = np.argwhere(seen.any(axis=2))
        inside = seen[tuple(rows.T)]
        ends = inside.argmax(axis=1), seen.shape[2] - 1 - inside[:, ::-1].argmax(axis=1)
        index = np.concatenate([np.column_stack([end, rows[:, ::-1]]) for end in ends])
        active = np.array([end for probe in result.plan.probe for end in probe.active_points_mm(2)])
        return np.concatenate([result.tissue.grid.to_world(index), active])

    def gray_window(self, name: str | None = None) -> tuple[float, float]:
        """Image values shown black and white.

        Parameters
        ----------
        name : of one of `WINDOWS_HU`, for CT; by default soft tissue, and for MR what is there.

        Raises
        ------
        InputError
            When a window is unknown, or asked for where there is no CT.
        """
        if name is not None and name not in WINDOWS_HU:
            raise InputError(f"window '{name}' is unknown; use one of {', '.join(WINDOWS_HU)}")
        if self.is_ct:
            return WINDOWS_HU[name or "soft-tissue"]
        if name is not None:
            raise InputError(f"window '{name}' is in HU, and the result holds no CT; leave it out")
        if self.image is None:
            raise ValueError("there is no image")
        low, high = np.percentile(self.image, (1, 99))
        return float(low), float(max(high, low + 1e-6))

    @property
    def is_ct(self) -> bool:
        """Whether there is an image, and its values are HU."""
        return self.image is not None and self.result.tissue.modality == "ct"

    def volume_ml(self, level_c: float) -> float:
        """Volume of tissue at or below a temperature."""
        number = self.result.times_s.index(self.time_s)
        return isotherm_volume_ml(self.result, self.result.temperatures_c[number], level_c)

    def _stage(self) -> str:
        counts = {"freeze": 0, "thaw": 0}
        protocol = self.result.plan.protocol
        kinds = [stage.kind for stage in protocol.stages]
        for kind, end_s in zip(kinds, protocol.ends_s(), strict=True):
            counts[kind] += 1
            if self.time_s <= end_s + _SAME_TIME_S:
                name = f"{kind} {counts[kind]}" if kinds.count(kind) > 1 else kind
                at_end = self.time_s >= end_s - _SAME_TIME_S
                return f"end of {name}" if at_end else name
        return "after the protocol"
