"""What a search found, as plans.json and as rows of its tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import __version__
from ..errors import InputError
from ..evaluation import DISCLAIMER
from ..files import replacing
from ..geometry import approach_words
from .explanation import (
    WeakestPoint,
    explain,
    times_of,
    weakest_point,
    what_is_wrong,
    where_it_has_room,
    where_it_holds,
)
from .optimization import Optimization
from .tried import Tried

if TYPE_CHECKING:
    from ..plan import Plan


__all__ = [
    "ROBUSTNESS_COLUMNS",
    "TRADE_OFF_COLUMNS",
    "TradeOff",
    "conditions_of_met",
    "plans_document",
    "ranked_plans",
    "read_plans",
    "robustness_rows",
    "trade_off_rows",
    "write_plans",
]

TRADE_OFF_COLUMNS = ("probes", "plan", "coverage", "margin", "healthy", "goals")
ROBUSTNESS_COLUMNS = ("goal", "met when misplaced", "worst value", "when")

_LIMIT = re.compile(r" \(at (least|most) [^)]*\)$")  # which the first sentence tells
_AS_PLANNED = " as planned"
_NUMBERS = (
    "coverage", "ice_margin_min_mm", "ice_margin_p05_mm", "lethal_margin_min_mm", "frozen_ml",
    "healthy_frozen_ml",
)  # fmt: skip


class TradeOff(NamedTuple):
    """One plan in the columns of `TRADE_OFF_COLUMNS`; `missed` is None when all goals are met."""

    probes: int
    plan: str
    coverage: str
    margin: str
    healthy: str
    missed: str | None


def plans_document(found: Optimization) -> dict[str, Any]:
    """Return the content of plans.json."""
    weakest = weakest_point(found.result)
    others = [*found.baseline, *([found.given] if found.given is not None else [])]
    robust, final = found.robustness, found.final
    names = _names(found.best.outcome.get("goals", {}))
    own = {key: final[key] for key in _NUMBERS} | {
        "limits": final.get("limits", []),
        "within_ranges": final.get("within_ranges", []),
        "ranges_unseen": found.report.ranges_unseen,
        "met": found.passed,
        "goals": _goals(final["goals"]),
        "missed": None if found.passed else what_is_wrong(found.best, final["goals"]),
    }
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "passed": found.passed,
        "explanation": [
            *_explanation(found, weakest),
            *(found.skin_help.sentences if found.skin_help is not None else ()),
            *found.result.ended_early,
            *_probe_sentences(found.plan),
        ],
        "best": {**_plan(found.best), "on_the_plans_grid": own},
        "plans": [{"rank": number + 1, **_plan(one)} for number, one in enumerate(found.ranked)],
        "others": [_plan(one) for one in others],
        "robustness": {
            "probability": {names[key]: share for key, share in robust.probability.items()},
            "worst": {names[key]: {"value": value, "in": name}
                      for key, (value, name) in robust.worst.items()},
            "met": dict(robust.met),
        },
        "smallest_margin": None if weakest is None else {
            "at_mm": list(weakest.at_mm), "margin_mm": weakest.margin_mm, "side": weakest.side,
            "vessel_mm": weakest.vessel_mm,
        },
        "times_s": times_of(found.report),
        "skin_help": None if found.skin_help is None else found.skin_help.document(),
        "directions": found.ways,
        "warnings": list(found.report.warnings),
        "assumptions": list(found.notes),
        "simulations": found.simulations,
        "wall_s": found.wall_s,
    }  # fmt: skip


def _explanation(found: Optimization, weakest: WeakestPoint | None) -> tuple[str, ...]:
    return explain(
        found.best, found.ranked, found.frugal, found.final, found.passed,
        weakest, found.ways, found.robustness,
    )  # fmt: skip


def _probe_sentences(plan: Plan) -> list[str]:
    """Say of each probe where it goes and how."""
    lines = []
    for number, probe in enumerate(plan.probe):
        depth_mm = np.linalg.norm(np.subtract(probe.entry_mm, probe.tip_mm))
        tip, entry = (
            ", ".join(f"{x:g}" for x in point) for point in (probe.tip_mm, probe.entry_mm)
        )
        lines.append(
            f"probe.{number}: tip [{tip}], entry [{entry}], {depth_mm:.0f} mm deep, "
            f"{approach_words(probe.axis)}"
        )
    return lines


def _plan(one: Tried) -> dict[str, Any]:
    candidate, outcome = one.candidate, one.outcome
    return {
        "origin": one.origin,
        "count": candidate.count,
        "model": candidate.model,
        "freeze_share": candidate.freeze_share,
        "probe": [
            {"model": candidate.model, "tip_mm": list(tip), "entry_mm": list(entry)}
            for tip, entry in zip(candidate.tips_mm, candidate.entries_mm, strict=True)
        ],
        "met": one.met,
        "ranges_unseen": one.missing_at_worst is None,
        "missed": None if one.met else what_is_wrong(one),
        "obstacles": dict(one.obstacles),
        "goals": _goals(outcome.get("goals", {})),
        "refused": outcome.get("refused"),
        "limits": outcome.get("limits", []),
        **{key: outcome.get(key) for key in _NUMBERS},
    }


def _goals(goals: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    keys = ("value", "limit", "sense", "unit", "verdict")
    names = _names(goals)
    return [
        {"name": names[key], "key": key, **dict(zip(keys, row, strict=False))}
        for key, row in goals.items()
    ]


def _names(goals: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Return the name of each goal by its key; with the limit where several share one."""
    counts = Counter(row[5] for row in goals.values())
    return {
        key: name if counts[name] == 1 else f"{name}, {sense} {limit:g}"
        for key, (_, limit, sense, _, _, name) in goals.items()
    }


def write_plans(document: Mapping[str, Any], path: str | Path) -> None:
    """Write plans.json."""
    text = json.dumps(document, indent=2, allow_nan=False)
    with replacing(path, "plans") as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def read_plans(path: str | Path) -> dict[str, Any] | None:
    """Read plans.json; None where there is none.

    Raises
    ------
    InputError
        When the file is not what `write_plans` wrote.
    """
    if not Path(path).exists():
        return None
    try:
        found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        trade_off_rows(found), robustness_rows(found)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{path}: not a plans.json of this version; search again, or move it away"
        ) from None
    return found


def trade_off_rows(document: Mapping[str, Any]) -> list[TradeOff]:
    """Return a row for each plan, the best first, and of that what its own grid says."""
    plans = [*ranked_plans(document), *document["others"]]
    several = len({one["model"] for one in plans}) > 1
    rows = []
    for one in plans:
        name = "best" if one.get("rank") == 1 else one["origin"]
        name += f", {one['model']}" if several else ""
        if one["freeze_share"] != 1.0:
            name += f", freezes {100 * one['freeze_share']:.0f} %"
        if one["refused"] is not None:
            rows.append(TradeOff(one["count"], name, "", "", "", one["refused"]))
            continue
        margin = one["ice_margin_min_mm"]
        rows.append(
            TradeOff(
                one["count"],
                name,
                f"{100 * one['coverage']:.1f} %",
                "none" if margin is None else f"{margin:.1f} mm",
                f"{one['healthy_frozen_ml']:.0f} ml",
                one["missed"] and _LIMIT.sub("", one["missed"]).replace(" is ", " "),
            )
        )
    return rows


def conditions_of_met(document: Mapping[str, Any]) -> list[str]:
    """Return what has to be said behind "met" in each row of `trade_off_rows`, if anything.

    Where the margin has room, and which goals tissue within its range takes away; a plan that
    nobody put to that is met as planned, no more.
    """
    return [
        _AS_PLANNED * one.get("ranges_unseen", True) + where_it_has_room(one) + where_it_holds(one)
        for one in (*ranked_plans(document), *document["others"])
    ]


def ranked_plans(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ranked plans, the best one with what its own grid says."""
    best, *others = document["plans"]
    return [{**best, **document["best"]["on_the_plans_grid"]}, *others]


def robustness_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return goal, how often it is met when probes are misplaced, its worst value, and when."""
    robust = document["robustness"]
    units = {one["name"]: one["unit"] for one in document["best"]["goals"]}
    rows = []
    for goal, worst in robust["worst"].items():
        probability, value = robust["probability"][goal], worst["value"]
        rows.append((
            goal,
            "" if probability is None else f"{100 * probability:.0f} %",
            "cannot be simulated" if value is None else f"{value:.3g} {units[goal]}".rstrip(),
            "as planned" if worst["in"] == "search" else worst["in"],
        ))  # fmt: skip
    return rows
