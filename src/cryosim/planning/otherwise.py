"""What may be otherwise in a patient than a plan has it, within what is known of tissues."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..evaluation import GoalVerdict, Report
from ..plan import Plan
from ..simulation import Result
from ..tissue import TissueGrid, TissueVariation, tissue_variations

__all__ = ["Otherwise", "applied", "otherwise"]

_BLOOD_IS_BACK = {"blood_is_back": True}


@dataclass(frozen=True)
class Otherwise:
    """One way in which tissue is otherwise.

    Attributes
    ----------
    where, amount : as in `Varied`.
    task : JSON values from which `applied` makes it.
    """

    where: str
    amount: str
    task: Mapping[str, Any]


def otherwise(result: Result, report: Report) -> list[Otherwise]:
    """Return the variations that can harm a goal of a plan, the most important first.

    Less ice harms goals of the target, more ice those of organs at risk, either what the plan
    states by itself; where there are no goals both count.

    Parameters
    ----------
    result, report : of the plan as it is, on any grid.
    """
    tissue, plan = result.tissue, result.plan
    less, more = _harmful(report.goals)
    found = [
        Otherwise(
            one.where,
            one.amount(tissue.tissues, plan.perfusion.scale),
            {"tissue": [one.number, one.end, one.of]},
        )
        for one in tissue_variations(tissue, result.coldest_c, plan.body.temperature_c)
        if (less if one.makes_less_ice else more)
    ]
    freezes = sum(stage.kind == "freeze" for stage in plan.protocol.stages)
    perfused = any(known.perfusion_1_s > 0.0 for known in tissue.tissues)
    if less and perfused and freezes > 1 and plan.perfusion.stays_off_after_freezing:
        found.append(Otherwise("with blood back in thawed tissue", "", _BLOOD_IS_BACK))
    return found


def applied(plan: Plan, tissue: TissueGrid, task: Mapping[str, Any]) -> tuple[Plan, TissueGrid]:
    """Return plan and tissue as `Otherwise.task` has them."""
    if "tissue" in task:
        changed = TissueVariation(*task["tissue"]).applied(tissue.tissues)
        tissue = dataclasses.replace(tissue, tissues=changed)
    if "blood_is_back" in task:
        perfusion = plan.perfusion.model_copy(update={"stays_off_after_freezing": False})
        plan = plan.model_copy(update={"perfusion": perfusion})
    return plan, tissue


def _harmful(goals: Sequence[GoalVerdict]) -> tuple[bool, bool]:
    """Whether less ice and more ice can harm a goal."""
    every = not goals or any(goal.stated for goal in goals)
    target = any(goal.metric.startswith("target.") for goal in goals)
    organs = any(goal.metric.startswith("organs_at_risk.") for goal in goals)
    return every or target, every or organs
