"""One plan on several grids: what each costs, and how far off it is."""

from .batch import DEFAULT_SPACINGS_MM, Batch, BatchCallback, Refusal, benchmark
from .grid_errors import GridErrors, Reference, VolumeError, compare, read_reference
from .machine import Machine, describe_machine, measure_bandwidth_gb_s
from .record import MemoryUse, Record

__all__ = [
    "DEFAULT_SPACINGS_MM",
    "Batch",
    "BatchCallback",
    "GridErrors",
    "Machine",
    "MemoryUse",
    "Record",
    "Reference",
    "Refusal",
    "VolumeError",
    "benchmark",
    "compare",
    "describe_machine",
    "measure_bandwidth_gb_s",
    "read_reference",
]
