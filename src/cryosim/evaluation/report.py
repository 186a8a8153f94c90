"""What an evaluation says: the numbers of report.json as Python objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "DISCLAIMER",
    "DOSE_RESPONSE",
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
    "TargetReport",
    "TimelineRow",
    "Verdict",
    "timeline_document",
]

Verdict = Literal["ok", "warn", "fail"]

DISCLAIMER = (
    "Research software, not a medical device: not for diagnosis or treatment decisions. "
    "Results depend on tissue and probe data of limited accuracy and have not been clinically "
    "validated."
)

DOSE_RESPONSE = "dose-response"  # the rule of cell kill whose numbers are expected values


@dataclass(frozen=True)
class TimelineRow:
    """Isotherm volumes at one time: tissue at or below each isotherm (C), in ml."""

    t_s: float
    volume_ml: Mapping[float, float]


def timeline_document(timeline: Sequence[TimelineRow]) -> list[dict[str, Any]]:
    """Return a timeline as JSON values; isotherms are keys such as "-40"."""
    return [
        {
            "t_s": _number(row.t_s),
            **{f"{c:g}": {"volume_ml": ml} for c, ml in row.volume_ml.items()},
        }
        for row in timeline
    ]


def _number(value: float) -> float | int:
    """600.0 becomes 600, as people write times."""
    return int(value) if float(value).is_integer() else value


@dataclass(frozen=True)
class Margin:
    """Signed distance from the target's surface to an isotherm, positive outwards.

    Attributes
    ----------
    isotherm_c : the isotherm of the coldest-ever field.
    min_mm, p05_mm : smallest, and exceeded by 95 % of the surface; None where nothing got so cold.
    fraction_at_least_10mm : share of the surface with at least 10 mm.
    """

    isotherm_c: float
    min_mm: float | None
    p05_mm: float | None
    fraction_at_least_10mm: float


@dataclass(frozen=True)
class Margins:
    """Margin of the visible ice and of the lethal isotherm."""

    ice: Margin
    lethal: Margin


@dataclass(frozen=True)
class Compliance:
    """Whether the ice reaches the wanted margin everywhere.

    Attributes
    ----------
    margin_mm : the wanted margin.
    surface_fraction : share of the target's surface with at least that ice margin.
    shell_frozen_fraction : share of the shell of that thickness around the target that froze.
    passed : both are 1 within half a voxel.
    """

    margin_mm: float
    surface_fraction: float
    shell_frozen_fraction: float
    passed: bool


@dataclass(frozen=True)
class TargetReport:
    """The target: volume, coverage by isotherm (C) in 0..1, margins, compliance."""

    volume_ml: float
    coverage: Mapping[float, float]
    margin: Margins
    compliance: Compliance


@dataclass(frozen=True)
class OrganReport:
    """An organ at risk.

    Attributes
    ----------
    volume_ml : the part inside the simulated box.
    coldest_c : coldest temperature that any part of it has seen.
    limit_c : the limit given in the plan.
    volume_below_limit_ml, longest_below_limit_s : how much was colder, and for how long at most.
    volume_frozen_ml : part of it that has been at or below 0 C.
    ice_distance_mm : smallest distance to the ice edge, negative inside the ice; None without ice.
    """

    name: str
    volume_ml: float
    coldest_c: float
    limit_c: float | None
    volume_below_limit_ml: float | None
    longest_below_limit_s: float | None
    volume_frozen_ml: float
    ice_distance_mm: float | None


@dataclass(frozen=True)
class SensorReport:
    """A temperature sensor.

    Attributes
    ----------
    at_mm : LPS position.
    coldest_c, warmest_c : of its whole curve.
    seconds_frozen : time at or below 0 C.
    times_s, temperatures_c : its curve, thinned to some 200 points; the result holds all.
    """

    name: str
    at_mm: tuple[float, float, float]
    coldest_c: float
    warmest_c: float
    seconds_frozen: float
    times_s: tuple[float, ...]
    temperatures_c: tuple[float, ...]


@dataclass(frozen=True)
class NeedleReport:
    """A probe, or a warmer; heat counts positive when taken out of the tissue.

    Attributes
    ----------
    name : "probe.0" and so on, or the warmer's name. model : of the catalog, or "warmer".
    peak_power_w : largest mean over 30 s of the heat that a probe took out; of a warmer, of what it
        gave, negative.
    mean_freeze_power_w : mean over all freezes.
    heat_j : over the whole protocol.
    coldest_surface_c : coldest mean temperature of the active surface; None if it was never on.
    """

    name: str
    model: str
    peak_power_w: float
    mean_freeze_power_w: float
    heat_j: float
    coldest_surface_c: float | None


@dataclass(frozen=True)
class KillAfter:
    """What the dose-response expects after the first freezes of the protocol.

    Attributes
    ----------
    freezes : how many.
    volume_ml, target_share : as in `KillReport`.
    """

    freezes: int
    volume_ml: float
    target_share: float | None


@dataclass(frozen=True)
class KillReport:
    """What one rule of cell kill says.

    Attributes
    ----------
    rule : its name. source : where its numbers come from.
    volume_ml : tissue killed, without probes and gas; by the dose-response its expected value.
    target_share : share of the target killed, in 0..1; None for a plan without a target.
    after_freezes : the same after each freeze; only of the dose-response, which counts them.
    """

    rule: str
    source: str
    volume_ml: float
    target_share: float | None
    after_freezes: tuple[KillAfter, ...] = ()


@dataclass(frozen=True)
class GoalVerdict:
    """A goal and how it went; `value` is None where the metric does not exist.

    Attributes
    ----------
    name : as people read it.
    metric : dotted path of the number, as in report.json.
    stated : by the plan's `[[goal]]`, not by its target or an organ.
    """

    name: str
    value: float | None
    limit: float
    sense: Literal["at least", "at most"]
    unit: str
    verdict: Verdict
    metric: str
    stated: bool = False

    @property
    def key(self) -> str:
        """What tells the goal from all others of its plan, whatever it is called."""
        return f"{self.metric} {self.sense} {self.limit:g}" if self.stated else self.metric


@dataclass(frozen=True)
class Report:
    """The evaluation of one result.

    Attributes
    ----------
    timeline : isotherm volumes over time.
    target : None for a plan without a target.
    kill : cell kill, one entry a rule.
    organs_at_risk, sensors, needles, goals : one entry each.
    warnings : what may be wrong. assumptions : what was taken for granted.
    sources : where the numbers come from.
    """

    timeline: tuple[TimelineRow, ...]
    target: TargetReport | None
    kill: tuple[KillReport, ...]
    organs_at_risk: tuple[OrganReport, ...]
    sensors: tuple[SensorReport, ...]
    needles: tuple[NeedleReport, ...]
    goals: tuple[GoalVerdict, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    sources: tuple[str, ...]

    def metrics(self) -> dict[str, float | None]:
        """Return the numbers that goals can be put on, by dotted path (see `Plan.metrics`)."""
        found: dict[str, float | None] = {}
        if self.target is not None:
            target = self.target
            found["target.volume_ml"] = target.volume_ml
            for level, share in target.coverage.items():
                found[f"target.coverage.{level:g}"] = share
            for which, margin in (("ice", target.margin.ice), ("lethal", target.margin.lethal)):
                for key in ("min_mm", "p05_mm", "fraction_at_least_10mm"):
                    found[f"target.margin.{which}.{key}"] = getattr(margin, key)
            for key in ("surface_fraction", "shell_frozen_fraction"):
                found[f"target.compliance.{key}"] = getattr(target.compliance, key)
            found["target.kill.expected"] = self.expected_target_kill
        for organ in self.organs_at_risk:
            keys = ["volume_ml", "coldest_c", "volume_frozen_ml", "ice_distance_mm"]
            if organ.limit_c is not None:
                keys += ["volume_below_limit_ml", "longest_below_limit_s"]
            for key in keys:
                found[f"organs_at_risk.{organ.name}.{key}"] = getattr(organ, key)
        for sensor in self.sensors:
            for key in ("coldest_c", "warmest_c"):
                found[f"sensors.{sensor.name}.{key}"] = getattr(sensor, key)
        return found

    @property
    def expected_target_kill(self) -> float | None:
        """Share of the target's cells that the dose-response expects dead; None without target."""
        return next(found.target_share for found in self.kill if found.rule == DOSE_RESPONSE)

    @property
    def passed(self) -> bool:
        """Whether no goal failed."""
        return all(goal.verdict != "fail" for goal in self.goals)
