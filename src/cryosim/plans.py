"""What a search found, for people and programs: plans.json, a table, a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import __version__
from .planning import (
    Optimization,
    Tried,
    direction_words,
    explain,
    times_of,
    weakest_point,
    what_is_wrong,
)
from .report import DISCLAIMER

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.table import Table

    from .plan import Plan

__all__ = ["draw_plans", "plans_document", "print_plans", "write_plans"]

_MET_COLOR, _MISSED_COLOR, _GRID_COLOR = "#1f5a92", "#b5541c", "#8a9299"


def plans_document(found: Optimization) -> dict[str, Any]:
    """Return the content of plans.json."""
    weakest = weakest_point(found.result)
    others = [*found.baseline, *([found.given] if found.given is not None else [])]
    robust = found.robustness
    return {
        "version": __version__,
        "disclaimer": DISCLAIMER,
        "passed": found.passed,
        "explanation": list(explanation(found)),
        "best": {**_plan(found.best), "goals_on_the_plans_grid": _goals(found.final["goals"])},
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
        "assumptions": list(found.notes),
        "simulations": found.simulations,
        "wall_s": found.wall_s,
    }  # fmt: skip


def explanation(found: Optimization) -> tuple[str, ...]:
    """Return why this plan, in sentences."""
    return explain(
        found.best, found.ranked, found.final["goals"], found.passed,
        weakest_point(found.result), found.ways, found.robustness,
    )  # fmt: skip


def write_plans(found: Optimization, path: str | Path) -> None:
    """Write plans.json."""
    text = json.dumps(plans_document(found), indent=2, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def print_plans(found: Optimization, console: Console) -> None:
    """Print the trade-off between numbers of probes, what may go wrong, and why this plan."""
    for sentence in explanation(found):
        console.print(f"- {sentence}", highlight=False, markup=False)
    for line in _probe_lines(found.plan):
        console.print(f"- {line}", highlight=False, markup=False)
    console.print(_trade_off_table(found))
    console.print(_robustness_table(found))
    for note in found.notes:
        console.print(f"assumption: {note}", highlight=False, markup=False)
    console.print(
        f"{found.simulations} simulations while searching, {found.wall_s:.0f} s in all",
        highlight=False,
    )


def _probe_lines(plan: Plan) -> list[str]:
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


def draw_plans(found: Optimization) -> Figure:
    """Draw margin, coverage and frozen healthy tissue over the number of probes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    goals = found.final["goals"]
    wanted_mm = goals["ice margin"][1] if "ice margin" in goals else None
    coverages = [100 * row[1] for name, row in goals.items() if name.startswith("lethal coverage")]
    columns: list[tuple[str, Any, float | None]] = [
        ("smallest ice margin, mm", lambda one: one.outcome["ice_margin_min_mm"], wanted_mm),
        ("lethal coverage of the target, %", lambda one: 100 * one.outcome["coverage"],
         coverages[0] if coverages else None),
        ("healthy tissue frozen, ml", lambda one: one.outcome["healthy_frozen_ml"], None),
    ]  # fmt: skip
    handles: dict[str, Any] = {}
    for axes, (title, value, limit) in zip(figure.subplots(1, 3), columns, strict=True):
        _draw_panel(axes, found, value, limit)
        axes.set_title(title, fontsize="medium")
        handles.update(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center",
                  ncols=len(handles), frameon=False, fontsize="small")  # fmt: skip
    figure.supxlabel(DISCLAIMER, fontsize=6.5, color="#606060")
    return figure


def _draw_panel(axes: Any, found: Optimization, value: Any, limit: float | None) -> None:
    met = [one for one in found.ranked if one.met]
    missed = [one for one in found.ranked if not one.met]
    for tried, shift, marker, color, label in (
        (met, -0.06, "o", _MET_COLOR, "searched: all goals met"),
        (missed, -0.06, "X", _MISSED_COLOR, "searched: a goal missed"),
        (found.baseline, 0.06, "s", _GRID_COLOR, "regular grid, full freezing time"),
    ):
        rows = [(one.candidate.count + shift, value(one)) for one in tried
                if "refused" not in one.outcome and value(one) is not None]  # fmt: skip
        if rows:
            axes.plot(*zip(*rows, strict=True), marker, color=color, label=label, markersize=8)
    if limit is not None:
        axes.axhline(limit, color="black", linewidth=1.0, linestyle="--", label="goal")
    counts = sorted({one.candidate.count for one in (*found.ranked, *found.baseline)})
    axes.set_xticks(counts)
    axes.set_xlim(counts[0] - 0.5, counts[-1] + 0.5)
    axes.set_xlabel("probes")
    low, high = axes.get_ylim()
    # Room above, so that no mark is cut; from zero unless all values are high.
    room = 0.1 * (high - low)
    axes.set_ylim(0.0 if 0.0 <= low + room < 0.6 * high else low - room, high + room)
    axes.grid(axis="y", alpha=0.3)


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
        "obstacles": dict(one.obstacles),
        "goals": _goals(outcome.get("goals", {})),
        **{key: outcome.get(key) for key in (
            "coverage", "ice_margin_min_mm", "ice_margin_p05_mm", "lethal_margin_min_mm",
            "frozen_ml", "healthy_frozen_ml", "refused",
        )},
    }  # fmt: skip


def _goals(goals: dict[str, list[Any]]) -> list[dict[str, Any]]:
    keys = ("value", "limit", "sense", "unit", "verdict")
    return [{"name": name, **dict(zip(keys, row, strict=True))} for name, row in goals.items()]


def _trade_off_table(found: Optimization) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Plans, best first", title_justify="left", title_style="bold")
    for column in ("probes", "plan", "freezes", "coverage", "margin", "healthy", "goals"):
        table.add_column(column, justify="left" if column in ("plan", "goals") else "right")
    given = [] if found.given is None else [found.given]
    several = len({one.candidate.model for one in (*found.ranked, *given)}) > 1
    for one in (*found.ranked, *found.baseline, *given):
        best = one is found.best
        # Of the best plan what its own grid says.
        outcome = found.final if best else one.outcome
        name = "best" if best else one.origin
        row = [f"{one.candidate.count}", f"{name}, {one.candidate.model}" if several else name]
        if "refused" in outcome:
            table.add_row(*row, "", "", "", "", escape(outcome["refused"]))
            continue
        margin = outcome["ice_margin_min_mm"]
        met = found.passed if best else one.met
        table.add_row(
            *row,
            f"{100 * one.candidate.freeze_share:.0f} %",
            f"{100 * outcome['coverage']:.1f} %",
            "none" if margin is None else f"{margin:.1f} mm",
            f"{outcome['healthy_frozen_ml']:.0f} ml",
            "[green]met[/]" if met
            else f"[red]missed[/]: {escape(what_is_wrong(one, outcome['goals']))}",
        )  # fmt: skip
    return table


def _robustness_table(found: Optimization) -> Table:
    from rich.table import Table

    table = Table(title="If not all is as planned", title_justify="left", title_style="bold")
    table.add_column("goal")
    for column in ("met when misplaced", "worst value", "when"):
        table.add_column(column, justify="right")
    for goal, probability in found.robustness.probability.items():
        value, name = found.robustness.worst[goal]
        unit = found.final["goals"].get(goal, ("",) * 4)[3]
        table.add_row(
            goal,
            "" if probability is None else f"{100 * probability:.0f} %",
            "cannot be simulated" if value is None else f"{value:.3g} {unit}".rstrip(),
            "as planned" if name == "search" else name,
        )
    return table
