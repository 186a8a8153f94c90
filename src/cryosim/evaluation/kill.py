"""Cell kill: which cells die of what a voxel has been through.

Isotherms and thresholds say dead or alive. The dose-response says which share of the cells dies,
by the coldest temperature and the number of freezes, and so is what shows a second freeze: in pure
conduction it hardly moves an isotherm.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..plan import LETHAL_HOLD_S
from ..quantities import DOSE_RESPONSE, KillAfter, KillReport
from ..simulation import Result
from ..surfaces import share_at_or_below
from .isotherms import share_exposed
from .kill_rules import read_rules

__all__ = [
    "dose_response",
    "evaluate_kill",
    "kill_probability",
    "killed_by_isotherm",
    "killed_by_tissue_threshold",
]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

_FREEZING_C = 0.0


def dose_response(coldest_c: F64, freezes: NDArray[np.integer]) -> F64:
    """Share of cells in 0..1 that dies, by the coldest temperature and the number of freezes.

    What survives falls by the same factor from one to two and from two to three freezes; more
    count as three. Nothing dies that never froze. Numbers and sources: kill.toml.
    """
    rules = read_rules()
    once = np.log1p(-rules.once.death_share(coldest_c))
    # The fitted curves cross, and yet a further freeze revives no cell.
    thrice = np.minimum(once, np.log1p(-rules.thrice.death_share(coldest_c)))
    further = (np.clip(freezes, 1, 3) - 1.0) / 2.0
    killed: F64 = -np.expm1(once + further * (thrice - once))
    return np.where((freezes > 0) & (coldest_c <= _FREEZING_C), killed, 0.0)


def kill_probability(result: Result, after_freezes: int | None = None) -> F32:
    """Share of the cells of each voxel that dies by the dose-response.

    Parameters
    ----------
    after_freezes : count only so many freezes of the protocol; all, and the thaws, when None.

    Returns
    -------
    (k, j, i) float32 in 0..1; that of gas and probes has no meaning.
    """
    if after_freezes is None or after_freezes >= _freeze_count(result):
        coldest, freezes = result.coldest_c, result.freezes_below[_FREEZING_C]
    else:
        coldest, freezes = _after(result, after_freezes)
    killed = np.zeros(coldest.shape, dtype=np.float32)
    frozen = coldest <= _FREEZING_C
    # What was as cold at the start has fallen through no threshold, but is frozen.
    killed[frozen] = dose_response(coldest[frozen].astype(float), np.maximum(freezes[frozen], 1))
    return killed


def killed_by_isotherm(result: Result, level_c: float, hold_s: float = LETHAL_HOLD_S) -> F32:
    """Share of each voxel, (k, j, i), that was at or below a temperature for so long in total.

    Raises
    ------
    InputError
        When exposure to that temperature was not counted.
    """
    if level_c not in result.time_below_s:
        known = ", ".join(f"{level:g}" for level in result.thresholds_c)
        raise InputError(
            f"isotherm {level_c:g} C: time below it was not counted, only below {known} C; add it "
            "to report.isotherms_c"
        )
    # Time jumps from nothing to minutes within a voxel; what was never cold is not killed.
    return np.minimum(
        share_exposed(result.time_below_s[level_c], hold_s),
        share_at_or_below(result.coldest_c, level_c),
    )


def killed_by_tissue_threshold(result: Result) -> F32:
    """Share of each voxel, (k, j, i), that was at or below its tissue's own threshold."""
    thresholds = [read_rules().threshold_of(tissue) for tissue in result.tissue.tissues]
    once = np.array([found.level_c for found in thresholds])
    repeated = np.array([found.repeated_c for found in thresholds])
    index = result.tissue.index
    levels = np.where(result.freezes_below[_FREEZING_C] >= 2, repeated[index], once[index])
    killed = np.zeros(levels.shape, dtype=np.float32)
    for level in np.unique(levels):
        here = levels == level
        killed[here] = share_at_or_below(result.coldest_c, level)[here]
    return killed


def evaluate_kill(result: Result, target: F32 | None) -> tuple[KillReport, ...]:
    """What each rule kills; the dose-response also after each freeze.

    Parameters
    ----------
    result : with coldest temperature and exposure continued through gas.
    target : (k, j, i) share of each voxel that the target fills; None without one.
    """
    through = result.tissue.continued_through_gas
    tissue = 1 - result.probe_share
    tissue[result.tissue.is_gas] = 0.0

    def amount(killed: F32) -> tuple[float, float | None]:
        """Killed tissue in ml, and killed share of the target."""
        volume = float((killed * tissue).sum(dtype=np.float64)) * result.tissue.grid.cell_volume_ml
        if target is None:
            return volume, None
        share = (killed * target).sum(dtype=np.float64) / target.sum(dtype=np.float64)
        return volume, float(share)

    rules = read_rules()
    sources = rules.sources(result.tissue.tissues)
    by_isotherm = [
        KillReport(
            rule.name, rule.source, *amount(killed_by_isotherm(result, rule.level_c, rule.hold_s))
        )
        for rule in rules.isotherms
    ]
    by_threshold = KillReport(
        "threshold of each tissue",
        _about(sources, "threshold of "),
        *amount(through(killed_by_tissue_threshold(result))),
    )
    after = tuple(
        KillAfter(freezes, *amount(through(kill_probability(result, freezes))))
        for freezes in range(1, _freeze_count(result) + 1)
    )
    by_dose = KillReport(
        DOSE_RESPONSE,
        _about(sources, "dose-response"),
        after[-1].volume_ml,
        after[-1].target_share,
        after,
    )
    return (*by_isotherm, by_threshold, by_dose)


def expected_share(kill: Sequence[KillReport]) -> float | None:
    """Share of the target's cells that the dose-response expects dead; None without a target."""
    return next(found.target_share for found in kill if found.rule == DOSE_RESPONSE)


def _about(sources: dict[str, str], start: str) -> str:
    """Sources of what starts with these words, in one sentence."""
    return "; ".join(
        f"{what}: {source}" for what, source in sources.items() if what.startswith(start)
    )


def _freeze_count(result: Result) -> int:
    return sum(stage.kind == "freeze" for stage in result.plan.protocol.stages)


def _after(result: Result, freezes: int) -> tuple[F32, U8]:
    """Coldest temperature when the first freezes end, and how often a voxel froze until then.

    From the fields that were kept: at the ends of stages and of the probes' schedules, and every
    few minutes. A voxel that did not thaw in between has frozen once.
    """
    ends_s = result.plan.protocol.ends_s()
    stages = zip(ends_s, result.plan.protocol.stages, strict=True)
    end_s = [0.0, *(end for end, stage in stages if stage.kind == "freeze")][freezes]
    fields = [
        field
        for time_s, field in zip(result.times_s, result.temperatures_c, strict=True)
        if time_s <= end_s + 1e-6
    ]
    coldest = fields[0]
    count = np.zeros(coldest.shape, dtype=np.uint8)
    for before, after in itertools.pairwise(fields):
        coldest = np.minimum(coldest, after)
        count += (before > _FREEZING_C) & (after <= _FREEZING_C)
    return coldest, count
