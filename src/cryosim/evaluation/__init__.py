"""Evaluation: isotherm volumes, coverage, margins, cell kill, organs at risk, goals."""

from .agreement import Agreement, Shape, compare_shapes, shape_of_mask
from .cropping import Box, crop_to_ice
from .evaluate import citations, evaluate, timeline
from .isotherms import isotherm_field, isotherm_volume_ml, share_exposed
from .kill import kill_probability, killed_by_isotherm, killed_by_tissue_threshold
from .organs import frozen_skin_cm2
from .report import (
    DISCLAIMER,
    GoalVerdict,
    Report,
    TimelineRow,
    timeline_document,
)
from .target import (
    SurfaceMargin,
    TargetShape,
    surface_margin,
    target_coverage,
)
from .temperatures import share_by_temperature
from .within_ranges import range_notes

__all__ = [
    "DISCLAIMER",
    "Agreement",
    "Box",
    "GoalVerdict",
    "Report",
    "Shape",
    "SurfaceMargin",
    "TargetShape",
    "TimelineRow",
    "citations",
    "compare_shapes",
    "crop_to_ice",
    "evaluate",
    "frozen_skin_cm2",
    "isotherm_field",
    "isotherm_volume_ml",
    "kill_probability",
    "killed_by_isotherm",
    "killed_by_tissue_threshold",
    "range_notes",
    "shape_of_mask",
    "share_by_temperature",
    "share_exposed",
    "surface_margin",
    "target_coverage",
    "timeline",
    "timeline_document",
]
