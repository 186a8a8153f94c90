"""The plan: probes, protocol, target, organs at risk and goals; its file format and checks."""

from .optimize import EntryCone, Search
from .plan import Plan
from .plan_file import plan_from_dict, plan_schema, read_plan, write_plan
from .protocol import PRESETS, Protocol, Stage
from .sections import (
    ICE_C,
    LETHAL_HOLD_S,
    AnatomyPlan,
    BodyPlan,
    FlowStop,
    Goal,
    GridPlan,
    OrganAtRisk,
    PerfusionPlan,
    Protection,
    ReportPlan,
    Sensor,
    Skin,
    SkinPack,
    Target,
)
from .sensor import check_sensors
from .slicer_lines import move_probes, probe_lines

__all__ = [
    "ICE_C",
    "LETHAL_HOLD_S",
    "PRESETS",
    "AnatomyPlan",
    "BodyPlan",
    "EntryCone",
    "FlowStop",
    "Goal",
    "GridPlan",
    "OrganAtRisk",
    "PerfusionPlan",
    "Plan",
    "Protection",
    "Protocol",
    "ReportPlan",
    "Search",
    "Sensor",
    "Skin",
    "SkinPack",
    "Stage",
    "Target",
    "check_sensors",
    "move_probes",
    "plan_from_dict",
    "plan_schema",
    "probe_lines",
    "read_plan",
    "write_plan",
]
