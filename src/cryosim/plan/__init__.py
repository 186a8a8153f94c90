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
from .placement import check_sensors
from .protocol import PRESETS, Protocol, Stage
from .reached import move_probes, probe_lines
from .reading import plan_from_dict, plan_schema, read_plan, write_plan
from .search import EntryCone, Search

__all__ = [
    "PRESETS",
    "AnatomyPlan",
    "BodyPlan",
    "EntryCone",
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
