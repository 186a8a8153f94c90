"""The plan: probes, protocol, target, organs at risk and goals; its file format and checks."""

from .model import (
    AnatomyPlan,
    BodyPlan,
    Goal,
    GridPlan,
    OrganAtRisk,
    PerfusionPlan,
    Plan,
    Protection,
    ReportPlan,
    Sensor,
    SkinPack,
    Target,
)
from .protocol import PRESETS, Protocol, Stage
from .reading import plan_from_dict, plan_schema, read_plan

__all__ = [
    "PRESETS",
    "AnatomyPlan",
    "BodyPlan",
    "Goal",
    "GridPlan",
    "OrganAtRisk",
    "PerfusionPlan",
    "Plan",
    "Protection",
    "Protocol",
    "ReportPlan",
    "Sensor",
    "SkinPack",
    "Stage",
    "Target",
    "plan_from_dict",
    "plan_schema",
    "read_plan",
]
