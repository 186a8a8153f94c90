"""Placements that meet the goals also when not all is as planned."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..plan import Search
from .robustness import judge, variations_of
from .search import Ground, choice_around, ground_of, learned, simulate_choices
from .template import potential
from .tried import ByCount, Evaluates, Tried

__all__ = ["choose_for_worst", "harden", "harden_count"]

# How often a plan is moved so that the worst case meets the goals, too.
_HARDENINGS = 3


def harden(tried: ByCount, grounds: Sequence[Ground], evaluates: Evaluates) -> None:
    """Let the first of each number be what stands the variations best; fewest probes first.

    What meets the goals only as planned then counts as missing what its worst variation misses.
    """
    enough = np.inf
    for (model, count), found in sorted(tried.items(), key=lambda item: item[0][1]):
        if count > enough:
            break
        if not found[0].met:
            continue
        ground = ground_of(found[0], grounds)
        tried[model, count] = hardened = harden_count(found, ground, evaluates)
        if hardened[0].met:
            # Another model with as few probes is not better before it stood the same.
            enough = count


def harden_count(found: list[Tried], ground: Ground, evaluates: Evaluates) -> list[Tried]:
    """Put in front what stands the variations best, from the best choice as planned."""
    hardened = best = _hardened(found[0], ground.search, evaluates)
    for number in range(_HARDENINGS):
        if hardened[0].met:
            break
        nominal = choose_for_worst(ground, hardened[0], hardened[1], evaluates, number)
        if nominal is None:
            break
        hardened = _hardened(nominal, ground.search, evaluates)
        best = min(best, hardened, key=lambda pair: pair[0].rank)
    return [best[0], *found]


def _hardened(nominal: Tried, search: Search, evaluates: Evaluates) -> tuple[Tried, list[Tried]]:
    """Return a choice with what its worst variation misses, and its variations."""
    _, varied = judge(nominal, variations_of(nominal, search), evaluates)
    worst = max([nominal, *varied], key=lambda one: one.missing)
    missing = 0.0 if worst.met else worst.missing
    return dataclasses.replace(nominal, missing_at_worst=missing), varied


def choose_for_worst(
    ground: Ground, best: Tried, variations: Sequence[Tried], evaluates: Evaluates, number: int
) -> Tried | None:
    """Choose and simulate probes so that the worst of the variations meets the goals.

    At every point the estimate is asked to stand the difference that the worst variation made
    there: the warmest in and around the target, the coldest at organs at risk.

    Parameters
    ----------
    variations : of `best`, as they were simulated. number : of this attempt.
    """
    if best.found is None or best.refused:
        return None
    fields = [one.outcome["coldest_c"] for one in variations if "coldest_c" in one.outcome]
    every = potential(np.array([best.outcome["coldest_c"], *fields]))
    shift = every.max(axis=0) - every[0]
    for which in ground.marks.organs.values():
        shift[which] = every[:, which].min(axis=0) - every[0, which]
    estimate = learned(ground.estimate(), [best], best, best, ground)
    estimate = dataclasses.replace(estimate, shift_k=shift)
    choice = choice_around(best.found, ground.search.seed + number, estimate)
    return simulate_choices(ground, [choice], evaluates, {})[0]
