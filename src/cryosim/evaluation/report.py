"""What an evaluation says: the numbers of report.json as Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..margin_room import end_words
from ..quantities import (
    KillReport,
    NeedleReport,
    Number,
    OrganReport,
    SensorReport,
    TargetReport,
    numbers_of,
)

__all__ = [
    "DISCLAIMER",
    "GoalVerdict",
    "Report",
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
class GoalVerdict:
    """A goal and how it went; `value` is None where the metric does not exist.

    Attributes
    ----------
    name : as people read it.
    metric : dotted path of the number, as in report.json.
    stated : by the plan's `[[goal]]`, not by its target or an organ.
    met_s : when a goal that is met was first met; None where that is not known.
    broken_s : when a limit that is broken was first broken; None likewise.
    note : what has to be said beside the verdict, such as where a margin has no room.
    within_ranges : where within the tissues' ranges a goal that is met is not; empty: nowhere that
        anybody looked.
    """

    name: str
    value: float | None
    limit: float
    sense: Literal["at least", "at most"]
    unit: str
    verdict: Verdict
    metric: str
    stated: bool = False
    met_s: float | None = None
    broken_s: float | None = None
    note: str = ""
    within_ranges: str = ""

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
    ranges_unseen : whether nobody looked how far goals hold within the ranges of the tissues.
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
    ranges_unseen: bool = False

    def numbers(self) -> Iterator[Number]:
        """Give every number of target, organs and sensors, by its dotted path in report.json."""
        if self.target is not None:
            yield from numbers_of(self.target, "target")
            for limit in self.target.limits:
                for number in numbers_of(limit, f"target.limits.{limit.by}"):
                    yield number._replace(
                        name=f"margin limited by {end_words(limit.by)}, {number.name}"
                    )
        for organ in self.organs_at_risk:
            yield from numbers_of(organ, f"organs_at_risk.{organ.name}")
        for sensor in self.sensors:
            yield from numbers_of(sensor, f"sensors.{sensor.name}")

    @property
    def passed(self) -> bool:
        """Whether no goal failed."""
        return all(goal.verdict != "fail" for goal in self.goals)
