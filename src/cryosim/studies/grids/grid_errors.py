"""Errors of isotherm volumes against the finest grid of a batch, or a reference solution."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...evaluation import TimelineRow
from ...plan import Plan
from ...simulation import Settings, snapshot_times
from .record import Record, parse_timeline

__all__ = ["GridErrors", "Reference", "VolumeError", "check_reference", "compare", "read_reference"]

# Below this share of an isotherm's largest volume a percentage says little: the last ice to thaw.
_SHARE_THAT_COUNTS = 0.1


@dataclass(frozen=True)
class Reference:
    """What volumes are compared with.

    Attributes
    ----------
    name : for titles.
    timeline : isotherm volumes over time.
    spacing_mm : of the grid that it comes from, when that is one of the batch.
    """

    name: str
    timeline: tuple[TimelineRow, ...]
    spacing_mm: float | None = None


@dataclass(frozen=True)
class VolumeError:
    """Deviation of one volume.

    Attributes
    ----------
    t_s, isotherm_c : of which volume.
    percent : of the reference's volume; positive when too large.
    counts : the reference's volume is at least a tenth of its largest at this isotherm.
    """

    t_s: float
    isotherm_c: float
    percent: float
    counts: bool


@dataclass(frozen=True)
class GridErrors:
    """Errors of a batch.

    Attributes
    ----------
    reference : what was compared with.
    times_s, isotherms_c : at which it was, those in both.
    missing_times_s : of the reference, which the batch has no volumes at.
    errors : spacing to its errors; without the spacing that is the reference.
    """

    reference: Reference
    times_s: tuple[float, ...]
    isotherms_c: tuple[float, ...]
    missing_times_s: tuple[float, ...]
    errors: Mapping[float, tuple[VolumeError, ...]]

    def largest(self, spacing_mm: float, isotherm_c: float) -> VolumeError | None:
        """Return the largest error of those that count; None where there is none."""
        found = [
            error
            for error in self.errors.get(spacing_mm, ())
            if error.counts and error.isotherm_c == isotherm_c
        ]
        return max(found, key=lambda error: abs(error.percent), default=None)


def read_reference(path: str | Path) -> Reference:
    """Read a reference solution: JSON with a `timeline` as in report.json.

    Raises
    ------
    InputError
        When it cannot be read or holds no timeline.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"reference {path}: cannot be read ({reason})") from None
    except ValueError as error:
        raise InputError(f"reference {path}: not valid JSON: {error}") from None
    try:
        timeline = parse_timeline(content["timeline"])
    except (KeyError, TypeError, ValueError, AttributeError):
        timeline = ()
    numbers = [value for row in timeline for value in (row.t_s, *row.volume_ml.values())]
    if not numbers or not all(math.isfinite(value) and value >= 0 for value in numbers):
        raise InputError(
            f"reference {path}: holds no timeline of volumes; use a file with rows such as "
            '{"t_s": 600, "0": {"volume_ml": 25.2}}, for example a report.json'
        )
    return Reference(path.name, timeline)


def check_reference(reference: Reference, plan: Plan, settings: Settings) -> None:
    """Refuse a reference that the plan's timeline has nothing in common with.

    Raises
    ------
    InputError
        When they share no time or no isotherm.
    """
    rows = reference.timeline
    for key, ours, theirs in (
        ("times_s", set(snapshot_times(plan, settings)), {row.t_s for row in rows}),
        (
            "isotherms_c",
            set(plan.report.isotherms_c),
            {level for row in rows for level in row.volume_ml},
        ),
    ):
        if not ours & theirs:
            known = ", ".join(f"{value:g}" for value in sorted(theirs))
            raise InputError(
                f"reference {reference.name}: the plan's timeline has none of its {key}; add some "
                f"of {known} to report.{key} of the plan"
            )


def compare(records: Sequence[Record], reference: Reference) -> GridErrors:
    """Compare records of one plan with a reference, at the times and isotherms that both have."""
    theirs = _volumes(reference.timeline)
    common = theirs.keys() & _volumes(records[0].timeline).keys()
    times = {time_s for time_s, _ in common}
    return GridErrors(
        reference=reference,
        times_s=tuple(sorted(times)),
        isotherms_c=tuple(sorted({level for _, level in common}, reverse=True)),
        missing_times_s=tuple(sorted({time_s for time_s, _ in theirs} - times)),
        errors={
            record.spacing_mm: _errors(_volumes(record.timeline), theirs)
            for record in records
            if record.spacing_mm != reference.spacing_mm
        },
    )


def _volumes(timeline: Sequence[TimelineRow]) -> dict[tuple[float, float], float]:
    """Volumes in ml by time and isotherm."""
    return {(row.t_s, level): ml for row in timeline for level, ml in row.volume_ml.items()}


def _errors(
    ours: Mapping[tuple[float, float], float], theirs: Mapping[tuple[float, float], float]
) -> tuple[VolumeError, ...]:
    largest: dict[float, float] = {}
    for (_, level), ml in theirs.items():
        largest[level] = max(ml, largest.get(level, 0.0))
    return tuple(
        VolumeError(
            t_s=time_s,
            isotherm_c=level,
            percent=100 * (ours[time_s, level] / ml - 1),
            counts=ml >= _SHARE_THAT_COUNTS * largest[level],
        )
        for (time_s, level), ml in theirs.items()
        if ml > 0 and (time_s, level) in ours
    )
