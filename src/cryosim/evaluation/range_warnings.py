"""Which tissue decides a result, by what it does to the goals: the most consequential choice.

Perfusion of resting tissue in a table is up to a hundred times what models of cryosurgery use, and
the ice differs by centimeters between the two. How much of the probes' heat came from blood says
little: 13 % of it can cost 3 mm of margin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..plan import ICE_C
from ..simulation import Result, Varied
from ..tissue import BY_CT, TissueGrid, flows_in_reach, flows_without_range, tissue_variations
from .isotherms import isotherm_volume_ml
from .report import GoalVerdict
from .within_ranges import number_words, room_of, value_in

__all__ = ["range_warnings", "ranges_unseen"]

# A variation is worth a word when it takes so much of a goal's room.
_MOST_OF_ITS_ROOM = 0.5
_MUCH_ICE = 0.1  # share of its volume, where there are no goals


def range_warnings(result: Result, goals: Sequence[GoalVerdict]) -> Iterator[str]:
    """Name the variations that take a goal away or most of its room; or say that nobody looked.

    Parameters
    ----------
    goals : as the result itself meets them or not.
    """
    if ranges_unseen(result):
        what = "the goals hold" if goals else "the ice reaches"
        yield (
            f"how far {what} within the ranges of the tissues was not looked at; cryosim run does, "
            "and cryosim.vary_tissues(result)"
        )
    deciding = [*_on_goals(result, goals)] if goals else [*_on_ice(result)]
    if any(BY_CT in words for words in deciding):
        yield (
            "what Hounsfield units alone show as muscle may be an organ, with its blood flow: "
            "label organs and muscle in anatomy.labels"
        )
    if deciding:
        yield f"tissue decides this result: {'; '.join(deciding)}"
    yield from _beyond(result)
    for tissue in flows_without_range(*_about(result)):
        flow = tissue.perfusion_1_s * result.plan.perfusion.scale
        yield (
            f"another blood flow of {tissue.name} than {flow:.2g} 1/s was not looked at: no range "
            "of it is known"
        )


def _beyond(result: Result) -> Iterator[str]:
    """Say where the plan's factor on all flow leaves the range of a tissue that was cooled."""
    scale = result.plan.perfusion.scale
    if scale == 1.0:
        return
    for tissue in flows_in_reach(*_about(result)):
        low, high = tissue.ranges["perfusion_1_s"]
        flow = scale * tissue.perfusion_1_s
        if not low <= flow <= high:
            yield (
                f"perfusion.scale = {scale:g} makes blood flow of {tissue.name} {flow:.3g} 1/s, "
                f"outside its range of {low:.3g} to {high:.3g}"
            )


def ranges_unseen(result: Result) -> bool:
    """Whether tissues have ranges that matter, and nobody looked."""
    return not result.varied and bool(tissue_variations(*_about(result)))


def _about(result: Result) -> tuple[TissueGrid, NDArray[np.float32], float]:
    return result.tissue, result.coldest_c, result.plan.body.temperature_c


def _on_goals(result: Result, goals: Sequence[GoalVerdict]) -> list[str]:
    """Say of each variation what it does to the goal that it costs most, the worst one first."""
    half_voxel_mm = float(result.tissue.grid.spacing_mm.max()) / 2
    met = [goal for goal in goals if goal.verdict != "fail" and goal.value is not None]
    found: list[tuple[float, str]] = []
    for one in result.varied:
        costs = [
            (_taken(goal, one, half_voxel_mm), _words(goal, one)) for goal in met
            if goal.key in one.goals
        ]  # fmt: skip
        found += sorted(costs, reverse=True)[:1]
    return [words for taken, words in sorted(found, reverse=True) if taken >= _MOST_OF_ITS_ROOM]


def _taken(goal: GoalVerdict, one: Varied, half_voxel_mm: float) -> float:
    """Share of a goal's room that a variation takes; more than 1 where it takes the goal."""
    room = room_of(goal, goal.value, half_voxel_mm)
    left = room_of(goal, value_in(goal, one), half_voxel_mm)
    return (room - left) / max(room, 1e-9) if left < room else 0.0


def _words(goal: GoalVerdict, one: Varied) -> str:
    now, then = number_words(goal, goal.value), number_words(goal, value_in(goal, one))
    return f"{one.where}{_amount(one)} {goal.name} is {then} instead of {now}"


def _on_ice(result: Result) -> Iterator[str]:
    """Say how much ice there is in a variation, where that is much more or less."""
    frozen_ml = isotherm_volume_ml(result, result.coldest_c, ICE_C)
    for one in result.varied:
        if abs(one.frozen_ml) >= _MUCH_ICE * frozen_ml:
            yield (
                f"{one.where}{_amount(one)} {max(frozen_ml + one.frozen_ml, 0.0):.1f} ml freeze "
                f"instead of {frozen_ml:.1f} ml"
            )


def _amount(one: Varied) -> str:
    return f" ({one.amount})" if one.amount else ""
