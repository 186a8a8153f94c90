"""From a result to a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import expect_type
from ..plan import ICE_C, PRESETS, Plan, Skin
from ..plan.metrics import COMPLIANCE, ICE_MARGIN, limited_margin
from ..probes import catalog, needle_name
from ..quantities import OrganReport, TargetReport
from ..simulation import Result, flow_words
from ..sources import is_assumption
from ..surfaces import isosurface
from ..tissue import citations as tissue_citations
from .curves import evaluate_needles, evaluate_sensors
from .goals import judge_goals, judge_metrics
from .isotherms import isotherm_volume_ml, of_tissue
from .kill import evaluate_kill, expected_share
from .kill_rules import kill_citations, read_rules
from .organs import evaluate_organ
from .range_warnings import range_warnings, ranges_unseen
from .report import GoalVerdict, Report, TimelineRow
from .target import TargetShape, evaluate_target
from .when import timed
from .within_ranges import judged_within_ranges

__all__ = ["citations", "evaluate", "timeline"]

# Ice this near to the grid's outer faces is no longer free to grow.
_ROOM_MM = 10.0
_HEALTHY_FLUX = (0.9, 1.1)
_LEDGER_LIMIT = 1e-5  # single precision; less in lung, which holds little heat
_FROZEN_LAWS = {
    "constant": "are constant, taken at -40 C",
    "ice": "follow the law of ice, from their values at -40 C",
}


def evaluate(result: Result, *, target_shape: TargetShape | None = None) -> Report:
    """Evaluate a result: isotherms, target, cell kill, organs at risk, sensors, needles, goals.

    Parameters
    ----------
    result : of `simulate`; its plan says what is asked, its tissue grid holds the structures. What
        `vary_tissues` added says where within the tissues' ranges goals are not met.
    target_shape : where it is known better than the voxels of the result show it.
    """
    expect_type("evaluate: result", result, Result, "simulate and load_result return one")
    plan = result.plan
    target = target_share = None
    tissue_only = of_tissue(result)
    if plan.target is not None and "target" in result.tissue.structures:
        target_share = result.tissue.structures["target"]
    kill = evaluate_kill(tissue_only, target_share)
    if plan.target is not None and target_share is not None:
        target = evaluate_target(tissue_only, plan.target, expected_share(kill), target_shape)
    at_risk = plan.organs(bool(result.tissue.skin.any()))
    organs = tuple(evaluate_organ(tissue_only, organ) for organ in at_risk)
    half_voxel_mm = float(result.tissue.grid.spacing_mm.max()) / 2
    goals = judge_goals(plan, target, organs, half_voxel_mm)
    goals = timed(goals, result.course, plan)
    if target is not None:
        target = _with_time_to_goals(target, goals, plan)
    report = Report(
        timeline=timeline(result),
        target=target,
        kill=kill,
        organs_at_risk=organs,
        sensors=evaluate_sensors(result),
        needles=evaluate_needles(result),
        goals=goals,
        warnings=(),
        assumptions=_assumptions(result),
        sources=citations(result),
    )
    stated = judge_metrics(plan.goal, {number.path: number.value for number in report.numbers()})
    stated = timed(stated, result.course, plan)
    goals += stated
    return dataclasses.replace(
        report,
        goals=judged_within_ranges(goals, result.varied),
        warnings=_warnings(result, target, organs, goals),
        ranges_unseen=ranges_unseen(result),
    )


def _with_time_to_goals(
    target: TargetReport, goals: Sequence[GoalVerdict], plan: Plan
) -> TargetReport:
    """Add when the target had its margin, and all that is asked of it, and what comes after."""
    reached = [goal.met_s for goal in goals if goal.metric == ICE_MARGIN]
    target = dataclasses.replace(target, margin_reached_s=next(iter(reached), None))
    asked = [goal for goal in goals if goal.metric.startswith("target.")]
    # Nobody follows how margins grow where they have little room.
    limited = {COMPLIANCE, *(limited_margin(limit.by) for limit in target.limits)}
    times = [goal.met_s for goal in asked if goal.metric not in limited]
    found = [time_s for time_s in times if time_s is not None]
    if any(goal.verdict == "fail" for goal in asked) or len(found) < len(times):
        return target
    met_s = max(found)
    return dataclasses.replace(
        target, goals_met_s=met_s, freezing_after_s=plan.protocol.freezing_after_s(met_s)
    )


def citations(result: Result) -> tuple[str, ...]:
    """Return the bibliography of a result: tissues, probes, protocol, methods."""
    found = [*tissue_citations(result.tissue.tissues), *catalog.citations(result.plan.probe)]
    found += kill_citations(result.tissue.tissues)
    if _skin_has_the_default_limit(result):
        found.append(Skin.source)
    preset = result.plan.protocol.preset
    if preset is not None:
        found.append(f"Protocol {preset}: {PRESETS[preset].source}")
    found.append(
        "Bioheat: Pennes, J Appl Physiol 1948;1:93; time stepping RKL2: Meyer, Balsara, Aslam, "
        "J Comput Phys 2014;257:594"
    )
    return tuple(dict.fromkeys(found))


def _skin_has_the_default_limit(result: Result) -> bool:
    skin = result.plan.skin
    own = skin.name in {organ.name for organ in result.plan.organ_at_risk}
    default = skin.judged.min_temperature_c == Skin().min_temperature_c
    return bool(result.tissue.skin.any()) and default and not own


def timeline(result: Result) -> tuple[TimelineRow, ...]:
    """Return the isotherm volumes at every snapshot after the start."""
    levels = sorted(set(result.plan.report.isotherms_c), reverse=True)
    return tuple(
        TimelineRow(time_s, {level: isotherm_volume_ml(result, field, level) for level in levels})
        for time_s, field in zip(result.times_s, result.temperatures_c, strict=True)
        if time_s > 0
    )


def _assumptions(result: Result) -> tuple[str, ...]:
    found = list(result.assumptions)
    for tissue in result.tissue.tissues:
        if tissue.assumptions:
            found.append(f"tissue {tissue.name}: {', '.join(tissue.assumptions)} (assumption)")
    for probe in result.plan.probe:
        found += [
            f"probe {probe.model}: {key}: {source}"
            for key, source in catalog.sources_of(probe).items()
            if is_assumption(source)
        ]
    found.append(
        "perfusion does not return where tissue has been frozen"
        if result.plan.perfusion.stays_off_after_freezing
        else "perfusion returns when tissue thaws"
    )
    found += flow_words(result.plan, result.tissue)
    if result.plan.skin.given_up is not None:
        found.append(f"skin is given up and has no limit: {result.plan.skin.given_up}")
    if result.tissue.outside_air is not None:
        body = result.plan.body
        warmed = "only packs warm it" if result.plan.skin_pack else "it is not warmed"
        found.append(
            f"skin loses {body.skin_to_air_w_m2k:g} W/m2/K to room air of {body.air_c:g} C "
            f"(assumption: still air and radiation); {warmed}"
        )
    for law, words in _FROZEN_LAWS.items():
        names = [tissue.name for tissue in result.tissue.tissues if tissue.frozen_law == law]
        if names:
            found.append(f"frozen conductivity and heat capacity {words}: {', '.join(names)}")
    found += [
        f"cell kill, {about}: {source}"
        for about, source in read_rules().sources(result.tissue.tissues).items()
        if is_assumption(source)
    ]
    return tuple(dict.fromkeys(found))


def _warnings(
    result: Result,
    target: TargetReport | None,
    organs: Sequence[OrganReport],
    goals: Sequence[GoalVerdict],
) -> tuple[str, ...]:
    """What may be wrong, most harmful first: the run, the patient, the anatomy, the numbers."""
    return (
        *_of_the_ledger(result),
        *_of_frozen_skin(organs),
        *result.tissue.warnings,
        *_of_the_box(result, target),
        *range_warnings(result, goals),
        *_of_needles(result),
        *_of_late_times(result),
    )


def _of_the_ledger(result: Result) -> Iterator[str]:
    if result.energy.relative_error > _LEDGER_LIMIT:
        yield (
            f"energy closes only to {result.energy.relative_error:.1e}: do not trust this run, and "
            "report it"
        )


def _of_frozen_skin(organs: Sequence[OrganReport]) -> Iterator[str]:
    for organ in organs:
        if organ.frozen_cm2:
            yield (
                f"the surface of the body freezes: {organ.frozen_cm2:.1f} cm2, "
                f"{organ.coldest_c:.1f} C at most; warm the skin, freeze for less time, or come "
                "from another side"
            )


def _of_the_box(result: Result, target: TargetReport | None) -> Iterator[str]:
    room = _room_around_ice_mm(result)
    if room is not None and room < _ROOM_MM:
        yield (
            f"ice comes within {room:.1f} mm of the edge of the simulated box, which is held at "
            f"{result.plan.body.temperature_c:g} C: the ice is too small there; use a larger image "
            "or grid.padding_mm"
        )
    if target is not None and target.margin.ice.min_mm is None and not target.limits:
        yield "no ice edge in the simulated box: margins are not defined"


def _of_needles(result: Result) -> Iterator[str]:
    low, high = _HEALTHY_FLUX
    for number, ratio in enumerate(result.flux_ratio):
        if not low <= ratio <= high:
            yield (
                f"{needle_name(result.plan.needles, number)} is poorly resolved (heat flow on the "
                f"grid {ratio:.2f} of the exact one before correction); use a smaller "
                "grid.spacing_mm"
            )


def _of_late_times(result: Result) -> Iterator[str]:
    late = [f"{time:g}" for time in result.plan.report.times_s if time > result.times_s[-1]]
    if late:
        yield f"report.times_s: {', '.join(late)} s lie after the end of the protocol"


def _room_around_ice_mm(result: Result) -> float | None:
    """Distance of the ice from the grid's outer faces; None without ice."""
    grid = result.tissue.grid
    ice = isosurface(grid, result.coldest_c, ICE_C)
    if ice.empty:
        return None
    index = grid.to_index(ice.triangles_mm.reshape(-1, 3))
    upper = np.asarray(grid.shape[::-1]) - 0.5
    room = np.minimum(index + 0.5, upper - index) * grid.spacing_mm
    return max(float(room.min()), 0.0)
