"""The report as tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..evaluation import DISCLAIMER, Report
from ..simulation import Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["VERDICT_STYLE", "print_report"]

VERDICT_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def print_report(report: Report, result: Result, console: Console) -> None:
    """Print verdicts, target, organs and isotherm volumes as tables."""
    if report.goals:
        console.print(_goal_table(report))
    if report.target is not None:
        console.print(_target_table(report))
    console.print(_kill_table(report))
    if report.organs_at_risk:
        console.print(_organ_table(report))
    if report.sensors:
        console.print(_sensor_table(report))
    console.print(_needle_table(report))
    console.print(_timeline_table(report, result))
    energy, cost = result.energy, result.performance
    console.print(
        f"energy closes to {energy.relative_error:.1e}; probes took out "
        f"{energy.probe_heat_out_j / 1e3:.1f} kJ; {cost.cells:,} voxels, {cost.stages:,} stages "
        f"in {cost.wall_s:.1f} s (+ {cost.compile_s:.1f} s compiling)",
        highlight=False,
    )
    for warning in report.warnings:
        console.print(f"[yellow]warning:[/yellow] {_escape(warning)}", highlight=False)
    console.print(f"[dim]{DISCLAIMER}[/dim]", highlight=False)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _amount(value: float | None, unit: str, digits: int = 1) -> str:
    return "none" if value is None else f"{value:.{digits}f} {unit}".rstrip()


def _goal_table(report: Report) -> Table:
    table = _table("Goals", "goal", "value", "limit", "verdict")
    for goal in report.goals:
        digits = 1 if goal.unit else 3
        sign = "≥" if goal.sense == "at least" else "≤"
        table.add_row(
            _escape(goal.name),
            _amount(goal.value, goal.unit, digits),
            f"{sign} {goal.limit:g} {goal.unit}".rstrip(),
            f"[{VERDICT_STYLE[goal.verdict]}]{goal.verdict}[/]",
        )
    return table


def _target_table(report: Report) -> Table:
    target = report.target
    table = _table("Target", "", "", "")
    table.show_header = False
    if target is None:
        return table
    table.add_row("volume", _amount(target.volume_ml, "ml"), "")
    for level, share in target.coverage.items():
        table.add_row(f"coverage at {level:g} C", f"{100 * share:.1f} %", "")
    for name, margin in (
        ("ice margin", target.margin.ice),
        ("lethal margin", target.margin.lethal),
    ):
        table.add_row(
            f"{name} ({margin.isotherm_c:g} C)",
            f"min {_amount(margin.min_mm, 'mm')}",
            f"{100 * margin.fraction_at_least_10mm:.0f} % of the surface ≥ 10 mm",
        )
    found = target.compliance
    table.add_row(
        f"{found.margin_mm:g} mm compliance",
        f"{100 * found.surface_fraction:.1f} % of the surface",
        f"{100 * found.shell_frozen_fraction:.1f} % of the shell frozen",
    )
    return table


def _kill_table(report: Report) -> Table:
    table = _table("Cell kill", "rule", "killed", "of the target")
    rows = []
    for rule in report.kill:
        rows += [(rule.rule, rule.volume_ml, rule.target_share)]
        rows += [
            (f"  after freeze {after.freezes}", after.volume_ml, after.target_share)
            for after in rule.after_freezes
        ]
    for name, volume, share in rows:
        percent = "" if share is None else f"{100 * share:.1f} %"
        table.add_row(_escape(name), _amount(volume, "ml"), percent)
    return table


def _organ_table(report: Report) -> Table:
    table = _table("Organs at risk", "organ", "coldest", "limit", "below limit", "frozen", "to ice")
    for organ in report.organs_at_risk:
        seconds = organ.longest_below_limit_s
        table.add_row(
            _escape(organ.name),
            _amount(organ.coldest_c, "C"),
            "" if organ.limit_c is None else f"{organ.limit_c:g} C",
            "" if seconds is None else f"{seconds / 60:.1f} min",
            _amount(organ.volume_frozen_ml, "ml", 2),
            _amount(organ.ice_distance_mm, "mm"),
        )
    return table


def _sensor_table(report: Report) -> Table:
    table = _table("Sensors", "sensor", "coldest", "warmest", "at or below 0 C")
    for sensor in report.sensors:
        table.add_row(
            _escape(sensor.name),
            _amount(sensor.coldest_c, "C"),
            _amount(sensor.warmest_c, "C"),
            _amount(sensor.seconds_frozen / 60, "min"),
        )
    return table


def _needle_table(report: Report) -> Table:
    columns = ("needle", "model", "peak", "mean in freezes", "heat out", "coldest")
    table = _table("Needles", *columns)
    for needle in report.needles:
        table.add_row(
            _escape(needle.name),
            _escape(needle.model),
            _amount(needle.peak_power_w, "W"),
            _amount(needle.mean_freeze_power_w, "W"),
            _amount(needle.heat_j / 1e3, "kJ"),
            _amount(needle.coldest_surface_c, "C"),
        )
    return table


def _timeline_table(report: Report, result: Result) -> Table:
    levels = list(report.timeline[0].volume_ml) if report.timeline else []
    columns = ["time", "stage", *[f"{level:g} C" for level in levels]]
    table = _table("Isotherm volumes", *columns)
    ends = dict(zip(result.plan.protocol.ends_s(), result.plan.protocol.stages, strict=True))
    asked = {*ends, *result.plan.report.times_s}
    for row in report.timeline:
        if row.t_s not in asked:
            continue
        stage = ends.get(row.t_s)
        table.add_row(
            f"{row.t_s / 60:g} min",
            f"end of {stage.kind}" if stage is not None else "",
            *[_amount(ml, "ml") for ml in row.volume_ml.values()],
        )
    return table
