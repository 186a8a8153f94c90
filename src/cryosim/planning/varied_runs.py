"""A result with what tissue that is otherwise would change, for its verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import expect_type
from ..evaluation import Report, TargetShape, evaluate
from ..plan import Plan
from ..simulation import Callback, Result, Settings, Varied, simulate
from ..tissue import ORGAN_FLOW_1_S, TissueGrid, coarsened
from .otherwise import Otherwise, applied, otherwise
from .trial import gap_of, outcome_of

__all__ = ["effect_of", "vary_tissues"]

# Only differences count: with longer steps they are the same to a hundredth of a millimeter, and on
# voxels of 4 mm to two tenths of one, where the target is 28 mm wide and little blood flows.
# Nobody asks when a goal was met in them, so no course but at the ends of stages.
_SETTINGS = Settings(growth=0.3, snapshot_every_s=1e9, course_every_s=1e9)
_VOXELS_ACROSS, _FINEST_MM, _COARSEST_MM = 7.0, 2.5, 4.0
# Against the flow of an organ ice comes to rest anywhere within a voxel: finer ones there, and half
# of what their edge is longer than the result's own is taken off what is left of a length.
_NEAR_ICE_C, _COARSEST_IN_ORGANS_MM = 5.0, 2.0


def vary_tissues(result: Result, *, callbacks: Sequence[Callback] = ()) -> Result:
    """Find how far a result holds within the ranges of its tissues; `evaluate` judges by that.

    Each flow that matters and the conduction of ice are put to the end of their range that may harm
    a goal, and the plan is simulated again, on a coarser grid. What counts is the difference to the
    plan as it is on that grid. A freeze that a sensor or an organ ended takes no longer than it
    took.

    Parameters
    ----------
    result : of `simulate`. callbacks : watchers of the runs, one after the other.

    Returns
    -------
    Result
        The same with `varied`.
    """
    expect_type("vary_tissues: result", result, Result, "simulate and load_result return one")
    organs = _in_organs(result)
    tissue = coarsened(result.tissue, _factors(result.tissue, organs))
    longer_mm = float(tissue.grid.spacing_mm.max() - result.tissue.grid.spacing_mm.max())
    unsure_mm = longer_mm / 2 if organs else 0.0
    shape = None
    if result.plan.target is not None and "target" in result.tissue.structures:
        shape = TargetShape.of(result.tissue)

    def run(tissue: TissueGrid, plan: Plan) -> tuple[Result, Report]:
        found = simulate(tissue, plan, _SETTINGS, callbacks)
        return found, evaluate(found, target_shape=shape)

    usual, report = run(tissue, result.plan)
    varied = []
    for one in otherwise(usual, report):
        plan, changed = applied(result.plan, tissue, one.task)
        found, said = run(changed, plan)
        outcomes = outcome_of(said, found), outcome_of(report, usual)
        varied.append(effect_of(one, *outcomes, unsure_mm))
    return dataclasses.replace(result, varied=tuple(varied))


def effect_of(
    one: Otherwise,
    outcome: Mapping[str, Any],
    usual: Mapping[str, Any],
    unsure_mm: float = 0.0,
) -> Varied:
    """Say what a variation changes.

    Parameters
    ----------
    outcome, usual : of `trial.outcome_of`, with the variation and without, on the same grid.
    unsure_mm : how much of a length that grid may hide; taken off where the variation takes some.
    """
    changes = {
        key: _change(outcome["goals"][key], row, unsure_mm)
        for key, row in usual["goals"].items()
        if key in outcome["goals"] and not _says_nothing(outcome["goals"][key], row)
    }
    return Varied(one.where, one.amount, changes, outcome["frozen_ml"] - usual["frozen_ml"])


def _says_nothing(row: Sequence[Any], usual: Sequence[Any]) -> bool:
    """Whether a goal has no number in one of two outcomes, and was not lost."""
    return (row[0] is None or usual[0] is None) and row[4] != "fail"


def _change(row: Sequence[Any], usual: Sequence[Any], unsure_mm: float) -> float | None:
    """How much more a goal's number is; by its room, as limits of margins depend on what froze."""
    if row[0] is None or usual[0] is None:
        return None
    sense, unit = row[2], row[3]
    lost = gap_of(row[0], row[1], sense) - gap_of(usual[0], usual[1], sense)
    if unit == "mm" and lost > 0.0:
        lost += unsure_mm
    return -lost if sense == "at least" else lost


def _in_organs(result: Result) -> bool:
    """Whether ice comes near tissue with the flow of an organ."""
    scale = result.plan.perfusion.scale
    flows = np.array([known.perfusion_1_s * scale for known in result.tissue.tissues])
    frozen = result.coldest_c <= _NEAR_ICE_C
    return bool((flows[result.tissue.index[frozen]] >= ORGAN_FLOW_1_S).any())


def _factors(tissue: TissueGrid, organs: bool) -> tuple[int, ...]:
    """Voxels along k, j, i that become one, so that a target is still some of them wide."""
    wanted_mm = _COARSEST_MM
    if "target" in tissue.structures:
        share = tissue.structures["target"]
        volume_mm3 = 1e3 * float(share.sum(dtype=float)) * tissue.grid.cell_volume_ml
        across_mm = (6.0 / np.pi * volume_mm3) ** (1 / 3)
        wanted_mm = float(np.clip(across_mm / _VOXELS_ACROSS, _FINEST_MM, _COARSEST_MM))
    if organs:
        wanted_mm = min(wanted_mm, _COARSEST_IN_ORGANS_MM)
    steps_mm = tissue.grid.spacing_mm[::-1].tolist()
    return tuple(max(1, int(wanted_mm / step + 1e-9)) for step in steps_mm)
