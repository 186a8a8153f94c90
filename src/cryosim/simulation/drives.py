"""What drives each needle at each moment: freezing, thawing, warming, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..plan import Plan, Protocol, Stage
from ..probes import Needle, Probe, Warmer
from .state import OFF, State

__all__ = ["Drives", "stage_at"]

F64 = NDArray[np.float64]
Mode = Literal["off", "freeze", "thaw", "warm"]


class Drives:
    """Keeps `state.drives` up to date as time goes on.

    A needle with a time constant approaches its temperature from that of its surroundings at the
    moment it was switched.
    """

    def __init__(self, plan: Plan, state: State) -> None:
        self._plan, self._state = plan, state
        self._needles: Sequence[Needle] = plan.needles
        self._modes: list[Mode] = ["off"] * len(self._needles)
        self._since_s = [0.0] * len(self._needles)
        self._start_c = [0.0] * len(self._needles)

    def follow(self, plan: Plan) -> None:
        """Go on by a plan that differs in when stages end."""
        self._plan, self._needles = plan, plan.needles

    def switch(self, time_s: float) -> None:
        """Find what each needle does from this moment on."""
        stage = self._plan.protocol.stages[stage_at(self._plan.protocol, time_s)]
        for number, needle in enumerate(self._needles):
            mode = _mode_of(needle, stage, time_s)
            if mode != self._modes[number]:
                self._start_c[number] = self._surface_or_surroundings(number)
                self._modes[number], self._since_s[number] = mode, time_s
        self.at(time_s)

    def at(self, time_s: float) -> bool:
        """Set the drives for a moment since the last switch; tell whether they changed."""
        before = self._state.drives.copy()
        for number, needle in enumerate(self._needles):
            self._state.drives[number] = self._row(number, needle, time_s)
        return not np.array_equal(before, self._state.drives, equal_nan=True)

    @property
    def coldest_c(self) -> float:
        """Coldest that any needle can drive its surface now; inf where none does."""
        found = [np.inf]
        for mode, needle, start in zip(self._modes, self._needles, self._start_c, strict=True):
            if mode == "freeze" and isinstance(needle, Probe):
                found.append(min(needle.coldest_c, start))
            elif mode == "thaw":
                found.append(start)
        return min(found)

    @property
    def follows_curve(self) -> bool:
        """Whether a probe follows a measured curve now, which may fall at any time."""
        return any(
            mode == "freeze" and isinstance(needle, Probe) and bool(needle.curve)
            for mode, needle in zip(self._modes, self._needles, strict=True)
        )

    def _row(self, number: int, needle: Needle, time_s: float) -> tuple[float, float, float, float]:
        mode, since = self._modes[number], time_s - self._since_s[number]
        if isinstance(needle, Warmer) and mode == "warm":
            return needle.temperature_c, 0.0, needle.power_limit_w or np.inf, 1.0
        if not isinstance(needle, Probe) or mode == "off":
            return OFF
        if mode == "freeze":
            aim, limit, share = needle.freezing_c(since), needle.power_limit_w, needle.duty
        else:
            aim, limit, share = needle.active_thaw_c, needle.active_thaw_power_w, 1.0
        if needle.cool_down_s > 0 and not (needle.curve and mode == "freeze"):
            aim += (self._start_c[number] - aim) * np.exp(-since / needle.cool_down_s)
        return aim, self._film(number, needle), limit or np.inf, share

    def _film(self, number: int, probe: Probe) -> float:
        """Conductance of the gas's film per coupling length, W/m/K; 0 without a film."""
        if probe.exchange_w_m2k is None:
            return 0.0
        length = float(self._state.whole_coupling_m[number])
        return probe.exchange_w_m2k * probe.active_area_m2 / length

    def _surface_or_surroundings(self, number: int) -> float:
        """Temperature of a needle's surface, or of the tissue around one that is off."""
        surface = float(self._state.probe_surface[number])
        if not np.isnan(surface):
            return surface
        first, last = self._state.coupling_starts[number : number + 2]
        cells = self._state.coupled_cells[first:last]
        weights = self._state.coupling_lengths_m[first:last]
        around = self._state.temperature.reshape(-1)[cells]
        return float(np.average(around, weights=weights)) if len(cells) else 0.0


def stage_at(protocol: Protocol, time_s: float) -> int:
    """Return which stage follows a moment, or ends with the protocol."""
    ends = protocol.ends_s()
    return next((n for n, end in enumerate(ends) if time_s < end - 1e-9), len(ends) - 1)


def _mode_of(needle: Needle, stage: Stage, time_s: float) -> Mode:
    if not isinstance(needle, Probe):
        return "warm"
    runs = [(60.0 * start, 60.0 * stop) for start, stop in needle.runs_min]
    if runs and not any(start - 1e-6 <= time_s < stop - 1e-6 for start, stop in runs):
        return "off"
    if stage.kind == "freeze":
        return "freeze"
    return "thaw" if stage.active else "off"
