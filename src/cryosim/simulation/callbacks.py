"""Watching a simulation: subclass `Callback` and hand it to `simulate`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Callback"]


class Callback:
    """Hooks that `simulate` calls; each does nothing unless overridden."""

    def on_compile(self) -> None:
        """Kernels are about to be compiled or loaded (seconds, the first time)."""

    def on_start(self, duration_s: float) -> None:
        """Stepping begins."""

    def on_progress(self, time_s: float) -> None:
        """Simulated time has reached `time_s`."""

    def on_snapshot(self, time_s: float, temperature_c: NDArray[np.float32]) -> None:
        """A temperature field, (k, j, i), has been kept; it must not be written to."""

    def on_end(self) -> None:
        """The protocol is over."""
