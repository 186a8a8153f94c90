"""Numba kernels of cryosim: plain arrays and numbers in, plain arrays out; SI units and Celsius."""
