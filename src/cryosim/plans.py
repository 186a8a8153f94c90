"""What a search found, for people and programs: plans.json, a table, a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import __version__
from .errors import InputError
from .planning import (
    Optimization,
    Tried,
    WeakestPoint,
    direction_words,
    explain,
    times_of,
    weakest_point,
    what_is_wrong,
)
from .report import DISCLAIMER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.table import Table

    from .plan import Plan

__all__ = [
    "ROBUSTNESS_COLUMNS",
    "TRADE_OFF_COLUMNS",
    "TRADE_OFF_QUANTITIES",
    "TradeOff",
    "draw_plans",
    "plans_document",
    "plot_trade_off",
    "print_plans",
    "read_plans",
    "robustness_rows",
    "trade_off_rows",
    "write_plans",
]

TRADE_OFF_COLUMNS = ("probes", "plan", "coverage", "margin", "healthy", "goals")
ROBUSTNESS_COLUMNS = ("goal", "met when misplaced", "worst value", "when")

# Title, scale, and the beginning of the name of its goal.
TRADE_OFF_QUANTITIES = {
    "ice_margin_min_mm": ("smallest ice margin, mm", 1.0, "ice margin"),
    "coverage": ("lethal coverage of the target, %", 100.0, "lethal coverage"),
    "healthy_frozen_ml": ("healthy tissue frozen, ml", 1.0, ""),
}

_LIMIT = re.compile(r" \(at (least|most) [^)]*\)$")  # which the first sentence tells
_FOUND_COLOR, _GRID_COLOR = "#1f5a92", "#8a9299"
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
    own = {key: final[key] for key in _NUMBERS} | {
        "met": found.passed,
        "goals": _goals(final["goals"]),
        "missed": None if found.passed else what_is_wrong(found.best, final["goals"]),
    }
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "passed": found.passed,
        "explanation": [*_explanation(found, weakest), *_probe_sentences(found.plan)],
        "best": {**_plan(found.best), "on_the_plans_grid": own},
        "plans": [{"rank": number + 1, **_plan(one)} for number, one in enumerate(found.ranked)],
        "others": [_plan(one) for one in others],
        "robustness": {
            "probability": dict(robust.probability),
            "worst": {goal: {"value": value, "in": name}
                      for goal, (value, name) in robust.worst.items()},
            "met": dict(robust.met),
        },
        "smallest_margin": None if weakest is None else {
            "at_mm": list(weakest.at_mm), "margin_mm": weakest.margin_mm, "side": weakest.side,
            "vessel_mm": weakest.vessel_mm,
        },
        "times_s": times_of(found.result),
        "directions": found.ways,
        "warnings": list(found.report.warnings),
        "assumptions": list(found.notes),
        "simulations": found.simulations,
        "wall_s": found.wall_s,
    }  # fmt: skip


def _explanation(found: Optimization, weakest: WeakestPoint | None) -> tuple[str, ...]:
    return explain(
        found.best, found.ranked, found.final, found.passed,
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
        tilt_deg = np.degrees(np.arcsin(np.clip(probe.axis[2], -1.0, 1.0)))
        lines.append(
            f"probe.{number}: tip [{tip}], entry [{entry}], {depth_mm:.0f} mm deep, from "
            f"{direction_words(probe.axis)}, {abs(tilt_deg):.0f} degrees out of the axial plane"
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
        "missed": None if one.met else what_is_wrong(one),
        "obstacles": dict(one.obstacles),
        "goals": _goals(outcome.get("goals", {})),
        "refused": outcome.get("refused"),
        **{key: outcome.get(key) for key in _NUMBERS},
    }


def _goals(goals: dict[str, list[Any]]) -> list[dict[str, Any]]:
    keys = ("value", "limit", "sense", "unit", "verdict")
    return [{"name": name, **dict(zip(keys, row, strict=True))} for name, row in goals.items()]


def write_plans(document: Mapping[str, Any], path: str | Path) -> None:
    """Write plans.json."""
    text = json.dumps(document, indent=2, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


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
    plans = [*_ranked(document), *document["others"]]
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


def _ranked(document: Mapping[str, Any]) -> list[dict[str, Any]]:
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


def print_plans(document: Mapping[str, Any], console: Console) -> None:
    """Print the trade-off between numbers of probes, what may go wrong, and why this plan."""
    for sentence in document["explanation"]:
        console.print(f"- {sentence}", highlight=False, markup=False)
    for warning in document["warnings"]:
        console.print(f"warning: {warning}", highlight=False, markup=False)
    console.print(_trade_off_table(document))
    console.print(_robustness_table(document))
    for note in document["assumptions"]:
        console.print(f"assumption: {note}", highlight=False, markup=False)
    console.print(
        f"{document['simulations']} simulations while searching, {document['wall_s']:.0f} s in all",
        highlight=False,
    )


def _trade_off_table(document: Mapping[str, Any]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title="Plans, best first (on its own grid)", title_justify="left", title_style="bold"
    )
    for column in TRADE_OFF_COLUMNS:
        table.add_column(column, justify="left" if column in ("plan", "goals") else "right")
    for row in trade_off_rows(document):
        goals = "[green]met[/]" if row.missed is None else f"[red]missed[/]: {escape(row.missed)}"
        table.add_row(str(row.probes), *row[1:-1], goals)
    return table


def _robustness_table(document: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table(title="If not all is as planned", title_justify="left", title_style="bold")
    for column in ROBUSTNESS_COLUMNS:
        table.add_column(column, justify="left" if column == "goal" else "right")
    for row in robustness_rows(document):
        table.add_row(*row)
    return table


def draw_plans(document: Mapping[str, Any]) -> Figure:
    """Draw margin, coverage and frozen healthy tissue over the number of probes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    handles: dict[str, Any] = {}
    for quantity, axes in zip(TRADE_OFF_QUANTITIES, figure.subplots(1, 3), strict=True):
        plot_trade_off(document, quantity, axes)
        handles.update(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center",
                  ncols=3, frameon=False, fontsize="small")  # fmt: skip
    figure.supxlabel(DISCLAIMER, fontsize=6.5, color="#606060")
    return figure


def plot_trade_off(document: Mapping[str, Any], quantity: str, axes: Axes) -> Axes:
    """Draw one of `TRADE_OFF_QUANTITIES` over the number of probes."""
    title, scale, goal = TRADE_OFF_QUANTITIES[quantity]
    plans = _ranked(document)
    grids = [one for one in document["others"] if one["origin"] == "regular grid"]
    for shown, shift, marker, color, label in (
        (plans, -0.06, "o", _FOUND_COLOR, "searched"),
        (grids, 0.06, "s", _GRID_COLOR, "regular grid, full freezing time"),
    ):
        for met, fill in ((True, color), (False, "white")):
            rows = [(one["count"] + shift, scale * one[quantity]) for one in shown
                    if one["met"] == met and one[quantity] is not None]  # fmt: skip
            name = f"{label}: {'all goals met' if met else 'a goal missed'}"
            if rows:
                axes.plot(*zip(*rows, strict=True), linestyle="", marker=marker, color=color,
                          markerfacecolor=fill, label=name, markersize=8)  # fmt: skip
    for one in document["best"]["goals"]:
        if goal and one["name"].startswith(goal):
            axes.axhline(
                scale * one["limit"], color="black", linewidth=1.0, linestyle="--", label="goal"
            )
    counts = sorted({one["count"] for one in (*plans, *grids)})
    axes.set_xticks(counts)
    axes.set_xlim(counts[0] - 0.5, counts[-1] + 0.5)
    axes.set_xlabel("probes")
    axes.set_title(title, fontsize="medium")
    low, high = axes.get_ylim()
    # Room above, so that no mark is cut; from zero unless all values are high.
    room = 0.1 * (high - low)
    axes.set_ylim(0.0 if 0.0 <= low + room < 0.6 * high else low - room, high + room)
    axes.grid(axis="y", alpha=0.3)
    return axes
