"""The upper part of the page: verdict, pictures, charts."""

from __future__ import annotations

from pathlib import Path

from ...evaluation import Report, range_notes, surface_margin
from ...pictures import (
    plot_course,
    plot_growth,
    plot_histogram,
    plot_margin,
    plot_margin_map,
    plot_sensors,
)
from ...pictures.colors import (
    ACTIVE_PART,
    SENSOR,
    SHAFT,
    WARMER,
    isotherm_color,
    stage_color,
    structure_colors,
)
from ...pictures.moment import Moment
from ...pictures.over_time import stage_name
from ...pictures.planes import SHOWN_C
from ...plan import ICE_C
from ...simulation import Result
from ..tables import (
    goals_table,
    growth_table,
    margins_table,
    notes_of,
    organs_table,
    sensors_table,
    target_table,
)
from ..wording import VERDICTS, amount, celsius, duration, percent, skin_given_up, time_to_goals
from .drawings import chart, has_scene, scene, slices
from .markup import Html, caption, element, facts, items, join, plain_table, table

__all__ = [
    "growth",
    "histogram",
    "margins",
    "pictures",
    "protocol",
    "sensors",
    "three_d",
    "verdict",
]


def verdict(report: Report, result: Result) -> Html:
    """Say whether the goals were met."""
    if not report.goals:
        return element("p", "The plan states no goals: there is nothing to judge.")
    notes, doubts = notes_of(report.goals), range_notes(report.goals)
    failed = [celsius(goal.name) for goal in report.goals if goal.verdict == "fail"]
    count = len(report.goals)
    if failed:
        words, look = f"{len(failed)} of {count} goals failed: {', '.join(failed)}", "fail"
    else:
        said = [goal for goal in report.goals if goal.note or goal.within_ranges]
        near = sum(goal.verdict == "warn" and goal not in said for goal in report.goals)
        words = f"All {count} goals met" + (" where there is tissue" * bool(notes))
        words += f", {near} only within half a voxel" * bool(near)
        words += f", {len(doubts)} not throughout the tissues' ranges" * bool(doubts)
        words += ", nobody looked at the tissues' ranges" * report.ranges_unseen
        look = "warn" if near or notes or doubts or report.ranges_unseen else "ok"
    words = "; ".join([words, *map(celsius, doubts), *notes])
    goals = goals_table(report.goals, result.plan.protocol)
    sentences = [skin_given_up(result), time_to_goals(report, result.plan.protocol)]
    sentences += result.ended_early
    rows = [(*map(celsius, told), _badge(word)) for *told, word in goals.rows]
    return join(
        element("p", words, class_=f"overall {look}"),
        table(goals.headings, rows),
        *[element("p", celsius(f"{_capital(sentence)}.")) for sentence in sentences if sentence],
        caption(
            "ok: met. warn: met only within half a voxel, which is as well as the grid knows "
            "lengths, only where the margin has room, or not throughout the tissues' ranges. fail: "
            "not met."
        ),
    )


def pictures(result: Result) -> Html:
    """Show the three planes at the end of each freeze."""
    image = (
        "CT shows the ice up to its edge at 0 °C; colder isotherms lie inside it and cannot be "
        "seen there."
        if result.tissue.image is not None
        else f"Without an image, gray is the temperature: black {SHOWN_C[0]:g} °C and colder, "
        f"white {SHOWN_C[1]:g} °C and warmer."
    )
    parts = [
        _legend(result),
        caption(
            f"{image} Isotherms are those of the moment. Radiological convention: seen from the "
            "feet, from the front and from the left. Probes are projected onto the planes."
        ),
    ]
    for time_s in _freeze_ends_s(result):
        parts += [
            element(
                "div",
                element("h3", _capital(Moment.of(result, time_s).title)),
                _volumes_line(result, time_s),
                slices(result, time_s),
                class_="moment",
            )
        ]
    return join(*parts)


def three_d(result: Result, picture: Path | None) -> Html | None:
    """Show the 3-D picture, where this computer can draw it."""
    if not has_scene():
        return None
    return join(
        element("div", scene(result, picture), class_="scene"),
        caption(
            f"{_capital(Moment.of(result).title)}. Translucent shells are isotherms. "
            "cryosim view shows it in a window that can be turned."
        ),
    )


def growth(report: Report, result: Result) -> Html:
    """Show volumes and margins over time, and list volumes at the ends of the stages."""
    volumes = _beside(
        chart(lambda ax: plot_growth(result, ax), "isotherm volumes over time"),
        join(
            plain_table(growth_table(report, result)),
            caption(
                "Tissue at or below the isotherm at that time, without the probes and gas. Marks "
                "are the times that the result keeps."
            ),
        ),
    )
    if report.target is None or result.course is None or not result.course.margin_mm:
        return volumes
    return join(
        volumes,
        _beside(
            chart(lambda ax: plot_course(result, ax), "smallest margins over time"),
            caption(
                "From the target's surface to the nearest tissue that had not been frozen, or not "
                "been as cold as kills, by that minute; negative while some of the target had not."
            ),
        ),
    )


def protocol(result: Result) -> Html:
    """Show freezes and thaws as a bar, as long as they take."""
    stages = result.plan.protocol.stages
    parts = [
        element(
            "div",
            element("b", stage.kind),
            element("span", f"{stage.minutes:g} min{' active' if stage.active else ''}"),
            style=f"flex-grow: {stage.minutes:g}; background: {stage_color(stage)}",
            title=f"{stage_name(stage)}, {stage.minutes:g} min",
        )
        for stage in stages
    ]
    preset = result.plan.protocol.preset
    named = f" (preset {preset})" if preset else ""
    long = duration(result.plan.protocol.duration_s)
    return join(
        element("div", *parts, class_="bar"),
        caption(
            f"{result.plan.protocol.describe()}{named}; {long} in all. A thaw is passive, with "
            "the probes off, unless it says active."
        ),
    )


def histogram(report: Report, result: Result) -> Html | None:
    """Show which share of target and organs has been how cold."""
    if not any(share.any() for share in result.tissue.structures.values()):
        return None
    parts = [chart(lambda ax: plot_histogram(result, ax), "temperature-volume histogram")]
    if report.target is not None and result.plan.target is not None:
        rows = [(celsius(name), celsius(value)) for name, value in target_table(report).rows]
        told = caption(
            "Of the target. Coverage counts what has been at or below the isotherm, at "
            f"{result.plan.target.lethal_c:g} °C for a minute."
        )
        parts = [_beside(parts[0], join(facts(rows), told))]
    if report.organs_at_risk:
        parts.append(plain_table(organs_table(report).turned))
    return join(*parts)


def margins(report: Report, result: Result) -> Html | None:
    """Show how far the ice reaches beyond the target."""
    target = report.target
    if target is None:
        return None
    found = target.compliance
    room = ", or as far as it has room" * bool(target.limits)
    words = join(
        plain_table(margins_table(report)),
        caption(
            f"{found.margin_mm:g} mm of ice{room}: on {percent(found.surface_fraction)} of the "
            f"surface; {percent(found.shell_frozen_fraction)} of the {found.margin_mm:g} mm shell "
            "around the target froze. "
            f"{_where_smallest(report, result)}"
        ),
    )
    drawn = [chart(lambda ax: plot_margin(result, ax), "histogram of ice and lethal margins")]
    if target.margin.ice.min_mm is not None:
        drawn.append(chart(lambda ax: plot_margin_map(result, ax), "map of the ice margin"))
    notes = [_capital(note) for note in notes_of(report.goals)]
    limited = [items(notes)] if notes else []
    return join(element("div", *drawn, class_="charts"), words, *limited)


def sensors(report: Report, result: Result) -> Html | None:
    """Show the curves of the sensors."""
    if not report.sensors:
        return None
    found = sensors_table(report)
    rows = [
        (name, _position(sensor.at_mm), *map(celsius, numbers))
        for sensor, (name, *numbers) in zip(report.sensors, found.rows, strict=True)
    ]
    headings = (found.headings[0], "L, P, S in mm", *map(celsius, found.headings[1:]))
    return _beside(
        chart(lambda ax: plot_sensors(result, ax), "temperatures of the sensors over time"),
        table(headings, rows),
    )


def _badge(word: str) -> Html:
    return element("b", VERDICTS[word], class_=f"badge {word}")


def _beside(chart_: Html, words: Html) -> Html:
    return element("div", chart_, element("div", words), class_="beside")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _position(at_mm: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.1f}" for value in at_mm)


def _freeze_ends_s(result: Result) -> list[float]:
    plan = result.plan.protocol
    stages = zip(plan.stages, plan.ends_s(), strict=True)
    return [end_s for stage, end_s in stages if stage.kind == "freeze"]


def _volumes_line(result: Result, time_s: float) -> Html:
    moment = Moment.of(result, time_s)
    words = [f"{level:g} °C: {amount(moment.volume_ml(level), 'ml')}" for level in moment.levels_c]
    return element("p", "; ".join(words), class_="volumes")


def _legend(result: Result) -> Html:
    plan = result.plan
    entries = [
        (f"{level:g} °C", isotherm_color(level), "solid")
        for level in sorted(set(plan.report.isotherms_c), reverse=True)
    ]
    colors = structure_colors(result.tissue.structures)
    entries += [(name, color, "dashed") for name, color in colors.items()]
    entries += [("probe, active part", ACTIVE_PART, "needle")]
    if plan.warmer:
        entries += [("warmer", WARMER, "needle")]
    entries += [("shaft", SHAFT, "needle")]
    if plan.sensor:
        entries += [("sensor", SENSOR, "dot")]
    return element(
        "ul",
        *[
            element("li", element("i", class_=look, style=f"--color: {color}"), words)
            for words, color, look in entries
        ],
        class_="legend",
    )


def _where_smallest(report: Report, result: Result) -> str:
    if report.target is None or report.target.margin.ice.min_mm is None:
        return ""
    side = surface_margin(result, ICE_C).weak_side
    where = "Where it has room, the" if report.target.limits else "The"
    return f"{where} ice margin is smallest on the target\u2019s {side} side."
