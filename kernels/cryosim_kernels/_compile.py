"""One decorator for all kernels, and a cache that never serves stale machine code."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numba


def _source_fingerprint() -> str:
    """Hash every kernel source: Numba's own cache looks at one file, not at what it calls."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "cryosim" / f"kernels-{_source_fingerprint()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"cryosim-kernels-{_source_fingerprint()}"
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def kernel(*, parallel: bool, reorder: bool = False) -> Any:
    """Compile a function of arrays and numbers; the only place where compiler flags are set.

    Fused multiply-add is allowed, nothing else of fast-math: NaN and signed zeros keep their rules.
    `reorder` also lets the compiler change the order of sums, which it needs to vectorize them.
    """
    allowed = {"contract", "reassoc"} if reorder else {"contract"}

    def compile_lazily(function: Any) -> Any:
        return numba.njit(
            cache=True, parallel=parallel, nogil=True, error_model="numpy", fastmath=allowed
        )(function)

    return compile_lazily


# Threads that spin while they wait slow other processes, and themselves, down many times when cores
# are shared; but to wake sleeping ones takes as long as a stage on a small grid. So they spin for
# some microseconds, about the time between two kernels (2.8 times as fast at 2 mm), and then sleep.
# Read when the first parallel kernel runs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())
