"""Evaluation: isotherm volumes, coverage, margins, cell kill, organs at risk, goals."""

from .evaluate import citations, evaluate, timeline
from .isotherms import isotherm_field, isotherm_volume_ml, share_at_or_below, share_exposed
from .kill import kill_probability, killed_by_isotherm, killed_by_tissue_threshold
from .report import (
    Compliance,
    GoalVerdict,
    KillAfter,
    KillReport,
    Margin,
    Margins,
    NeedleReport,
    OrganReport,
    Report,
    SensorReport,
    TargetReport,
    TimelineRow,
)
from .surfaces import Surface, isosurface, sample, signed_distance_mm
from .target import ICE_C, structure_surface

__all__ = [
    "ICE_C",
    "Compliance",
    "GoalVerdict",
    "KillAfter",
    "KillReport",
    "Margin",
    "Margins",
    "NeedleReport",
    "OrganReport",
    "Report",
    "SensorReport",
    "Surface",
    "TargetReport",
    "TimelineRow",
    "citations",
    "evaluate",
    "isosurface",
    "isotherm_field",
    "isotherm_volume_ml",
    "kill_probability",
    "killed_by_isotherm",
    "killed_by_tissue_threshold",
    "sample",
    "share_at_or_below",
    "share_exposed",
    "signed_distance_mm",
    "structure_surface",
    "timeline",
]
