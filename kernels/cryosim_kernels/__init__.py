"""Numba kernels of cryosim: plain arrays and numbers in, plain arrays out; SI units and Celsius."""

from . import bioheat, exchange, exposure, far, material, near, partial_volume, surfaces
from ._compile import compile_in_two, compile_kernels, entry_kernels
from ._threads import in_threads

__all__ = [
    "bioheat",
    "compile_in_two",
    "compile_kernels",
    "entry_kernels",
    "exchange",
    "exposure",
    "far",
    "in_threads",
    "material",
    "near",
    "partial_volume",
    "surfaces",
]
