"""Memory of this process, now and at its peak.

On Linux from /proc: `getrusage` there counts a parent's peak as that of the processes it starts.
"""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

__all__ = ["forget_peak", "peak_bytes", "resident_bytes"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # see proc_pid_clear_refs(5)


def resident_bytes() -> int:
    """Memory that the process has now; its peak where the system does not tell."""
    return _status_bytes("VmRSS:") or _most_ever_bytes()


def peak_bytes() -> int:
    """Most memory that the process had since its start or the last `forget_peak`."""
    return _status_bytes("VmHWM:") or _most_ever_bytes()


def forget_peak() -> None:
    """Count the peak from now on, where the system allows."""
    with contextlib.suppress(OSError):
        if _CLEAR.exists():
            _CLEAR.write_text(_FORGET_PEAK, encoding="ascii")


def _status_bytes(key: str) -> int | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return None


def _most_ever_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
