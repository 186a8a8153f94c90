"""Many runs: one plan on several grids, two results, seen ice, two masks, calibration."""

from .calibration import Calibration, Reading, calibrate
from .comparison import ComparedGoal, ComparedNumber, Comparison, PlanDifference, compare_results
from .grids import (
    DEFAULT_SPACINGS_MM,
    Batch,
    BatchCallback,
    GridErrors,
    Machine,
    MemoryUse,
    Record,
    Reference,
    Refusal,
    VolumeError,
    benchmark,
    compare,
    describe_machine,
    measure_bandwidth_gb_s,
    read_reference,
)
from .lone_probe import iceball_size_mm
from .masks import MaskComparison, compare_masks
from .observations import (
    Iceball,
    Observation,
    ObservedNumber,
    SurfaceTemperature,
    read_observations,
)
from .seen_ice import SeenComparison, compare_with_seen

__all__ = [
    "DEFAULT_SPACINGS_MM",
    "Batch",
    "BatchCallback",
    "Calibration",
    "ComparedGoal",
    "ComparedNumber",
    "Comparison",
    "GridErrors",
    "Iceball",
    "Machine",
    "MaskComparison",
    "MemoryUse",
    "Observation",
    "ObservedNumber",
    "PlanDifference",
    "Reading",
    "Record",
    "Reference",
    "Refusal",
    "SeenComparison",
    "SurfaceTemperature",
    "VolumeError",
    "benchmark",
    "calibrate",
    "compare",
    "compare_masks",
    "compare_results",
    "compare_with_seen",
    "describe_machine",
    "iceball_size_mm",
    "measure_bandwidth_gb_s",
    "read_observations",
    "read_reference",
]
