"""Numba kernels of cryosim: plain arrays and numbers in, plain arrays out; SI units and Celsius.

Numba is imported with the first module that needs it, so that what only plans a run, such as
`cryosim check`, does without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._fingerprint import source_fingerprint

if TYPE_CHECKING:
    from ._compile import compile_in_two, compile_kernels, entry_kernels
    from ._threads import in_threads

# Name to module. Modules of kernels are found by their names without this.
_PUBLIC = {
    "compile_in_two": "_compile",
    "compile_kernels": "_compile",
    "entry_kernels": "_compile",
    "in_threads": "_threads",
}

__all__ = [
    "compile_in_two",
    "compile_kernels",
    "entry_kernels",
    "in_threads",
    "source_fingerprint",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module 'cryosim_kernels' has no attribute '{name}'")
