"""Numbers that goals can be put on: their dotted paths, as in report.json, and their units."""

from __future__ import annotations

from collections.abc import Iterable

from ..quantities import (
    Margin,
    MarginLimit,
    OrganReport,
    SensorReport,
    TargetReport,
    quantities_of,
)

__all__ = [
    "COMPLIANCE",
    "HEALTHY",
    "ICE_MARGIN",
    "LETHAL_MARGIN",
    "coverage",
    "ice_distance",
    "limited_margin",
    "organ_temperature",
    "unit_of",
    "whole_path",
]

ICE_MARGIN = "target.margin.ice.min_mm"
LETHAL_MARGIN = "target.margin.lethal.min_mm"
HEALTHY = "target.healthy_ml"
COMPLIANCE = "target.compliance"  # the smaller of its two shares

_UNITS = {
    key: quantity.unit
    for kind in (Margin, MarginLimit, TargetReport, OrganReport, SensorReport)
    for key, quantity in quantities_of(kind).items()
    if quantity.unit != "share"
}


def coverage(level_c: float) -> str:
    """Path of the share of the target that has been at or below an isotherm."""
    return f"target.coverage.{level_c:g}"


def organ_temperature(organ: str) -> str:
    """Path of an organ's coldest temperature."""
    return f"organs_at_risk.{organ}.coldest_c"


def ice_distance(organ: str) -> str:
    """Path of the distance from an organ to the ice."""
    return f"organs_at_risk.{organ}.ice_distance_mm"


def whole_path(metric: str, known: Iterable[str]) -> str:
    """Return the dotted path that ends so, such as "target.healthy_ml" for "healthy_ml".

    The metric itself where it is known as it stands, or none or several end so.
    """
    known = tuple(known)
    ends = [path for path in known if path.endswith(f".{metric}")]
    return ends[0] if metric not in known and len(ends) == 1 else metric


def limited_margin(by: str) -> str:
    """Path of the ice margin where skin or a barrier leaves less room than is wanted."""
    return f"target.limits.{by}.reached_mm"


def unit_of(metric: str) -> str:
    """Return "mm", "C", "ml", "s", or "" for a share."""
    return _UNITS.get(metric.rsplit(".", 1)[-1], "")
