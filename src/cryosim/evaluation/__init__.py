"""Evaluation: isotherm volumes, coverage, margins, organs at risk, goals."""

from .evaluate import citations, evaluate
from .isotherms import isotherm_volume_ml, share_at_or_below, share_exposed
from .report import (
    Compliance,
    GoalVerdict,
    Margin,
    Margins,
    OrganReport,
    Report,
    TargetReport,
    TimelineRow,
)
from .surfaces import Surface, isosurface, signed_distance_mm
from .target import structure_surface

__all__ = [
    "Compliance",
    "GoalVerdict",
    "Margin",
    "Margins",
    "OrganReport",
    "Report",
    "Surface",
    "TargetReport",
    "TimelineRow",
    "citations",
    "evaluate",
    "isosurface",
    "isotherm_volume_ml",
    "share_at_or_below",
    "share_exposed",
    "signed_distance_mm",
    "structure_surface",
]
