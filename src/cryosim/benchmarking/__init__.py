"""Benchmarking grid spacings: time, memory and error of one plan on several grids."""

from .batch import DEFAULT_SPACINGS_MM, Batch, BatchCallback, Refusal, benchmark
from .comparison import Comparison, Reference, VolumeError, compare, read_reference
from .machine import Machine, describe_machine, measure_bandwidth_gb_s
from .pictures import draw_error, draw_time
from .record import MemoryUse, Record
from .tables import print_batch
from .writing import batch_document, write_batch

__all__ = [
    "DEFAULT_SPACINGS_MM",
    "Batch",
    "BatchCallback",
    "Comparison",
    "Machine",
    "MemoryUse",
    "Record",
    "Reference",
    "Refusal",
    "VolumeError",
    "batch_document",
    "benchmark",
    "compare",
    "describe_machine",
    "draw_error",
    "draw_time",
    "measure_bandwidth_gb_s",
    "print_batch",
    "read_reference",
    "write_batch",
]
