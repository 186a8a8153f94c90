"""One decorator for all kernels, and a cache that never serves stale machine code."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, get_type_hints

import numba
import numpy as np
from llvmlite.binding import get_host_cpu_name as host_name

from ._fingerprint import source_fingerprint

_KERNELS: list[Any] = []
_SCALARS: dict[Any, Any] = {
    float: numba.types.float64,
    int: numba.types.int64,
    bool: numba.types.boolean,
    np.float32: numba.types.float32,
}
_BACKWARDS = "import cryosim_kernels as k; k.compile_kernels(backwards=True)"


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kernels = source_fingerprint()
    folder = Path(base) / "cryosim" / f"kernels-{kernels}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"cryosim-kernels-{kernels}"
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def kernel(*, parallel: bool, reorder: bool = False) -> Any:
    """Compile a function of arrays and numbers; the only place where compiler flags are set.

    Those whose names begin with an underscore are for other kernels: Python would crash on a call.
    Fused multiply-add is allowed, nothing else of fast-math: NaN and signed zeros keep their rules.
    `reorder` also lets the compiler change the order of sums, which it needs to vectorize them.
    """
    allowed = {"contract", "reassoc"} if reorder else {"contract"}

    def compile_lazily(function: Any) -> Any:
        dispatcher = numba.njit(
            cache=True,
            parallel=parallel,
            nogil=True,
            error_model="numpy",
            fastmath=allowed,
            # What nobody calls takes time to compile all the same.
            no_cfunc_wrapper=True,
            no_cpython_wrapper=function.__name__.startswith("_"),
        )(function)
        _KERNELS.append(dispatcher)
        return dispatcher

    return compile_lazily


def declared_types(dispatcher: Any) -> tuple[Any, ...] | None:
    """Return the types that a kernel says it takes; None where it does not say all."""
    found = []
    hints = get_type_hints(dispatcher.py_func, include_extras=True)
    for name in dispatcher.py_func.__code__.co_varnames[: dispatcher.py_func.__code__.co_argcount]:
        declared = getattr(hints[name], "__metadata__", (_SCALARS.get(hints[name]),))[0]
        if declared is None:
            return None
        found.append(declared)
    return tuple(found)


def entry_kernels() -> list[tuple[Any, tuple[Any, ...]]]:
    """Return the kernels that declare arrays, which a run and its evaluation call, and types.

    Those that other kernels call are compiled within them. Kernels of the near zone stand last:
    they take half of the time, and share what they call.
    """
    _import_every_module()
    called = {name for one in _KERNELS for name in one.py_func.__code__.co_names}
    found = [(one, declared_types(one)) for one in _KERNELS if one.__name__ not in called]
    found.sort(key=lambda entry: entry[0].__module__ == "cryosim_kernels.near")
    return [
        (one, declared)
        for one, declared in found
        if declared and any(isinstance(each, numba.types.Array) for each in declared)
    ]


def _import_every_module() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f".{module.name}", __package__)


def compile_kernels(backwards: bool = False) -> None:
    """Compile the entry kernels, or load them where that was done before.

    Two processes, one of which goes backwards, take half of the time: each loads what the other
    has compiled.
    """
    kernels = entry_kernels()
    for dispatcher, declared in reversed(kernels) if backwards else kernels:
        dispatcher.compile(declared)


def compile_in_two() -> None:
    """Compile the entry kernels in this process and another one, once for each processor."""
    done = Path(numba.config.CACHE_DIR) / f"compiled-for-{numba.config.CPU_NAME or host_name()}"
    if done.exists():
        return
    try:
        other = subprocess.Popen([sys.executable, "-P", "-c", _BACKWARDS])
    except OSError:
        compile_kernels()
        return
    compile_kernels()
    other.wait()
    with contextlib.suppress(OSError):
        done.touch()


# Threads that spin while they wait slow other processes, and themselves, down many times when cores
# are shared; but to wake sleeping ones takes as long as a stage on a small grid. So they spin for
# some microseconds, about the time between two kernels (2.8 times as fast at 2 mm), and then sleep.
# Read when the first parallel kernel runs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())
