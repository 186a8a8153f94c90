"""The search: choose by the estimate, simulate, correct the estimate, choose again."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plan import Search, Target
from ..plan.metrics import ICE_MARGIN, coverage, unit_of
from ..simulation.cores import usable_cores
from .access import Access
from .candidate import Candidate
from .estimate import Estimate, Found
from .layout import Layout, regular_grid
from .sample_points import Marks
from .template import Template
from .trial import KELVINS_A_MM
from .tried import Evaluates, Tried

__all__ = [
    "Ground",
    "choice_around",
    "ground_of",
    "learned",
    "obstacles",
    "search_count",
    "simulate_choices",
    "try_regular_grid",
]

F64 = NDArray[np.float64]

# Choices of the estimate in so many directions are simulated to begin with; then rounds of two.
_FIRST, _ROUNDS = 2, 5
_STARTS = 14  # layouts that each of these choices begins with
# A round looks this far around the best choice so far, as a share of what is allowed.
_AROUND = 0.25
# Worse than this after the first rounds, a number of probes is given up.
_HOPELESS, _PATIENCE = 0.8, 2
# No more rounds when healthy ice shrinks by less than this, or what is missing to the goals does.
_WORTH, _WORTH_MISSING = 0.03, 0.1
# At last the best choice freezes for such shares of its time, then for such of the best of those.
_LENGTHS = ((0.7, 0.85, 1.15, 1.3), (0.93, 1.07))
# So much more margin is aimed at than is wanted.
_RESERVE_MM = 0.3
# The estimate is asked for more by what real runs miss, and by this for the second choice.
_SAFER_C = 2.0
_MOST_COVERAGE_SLACK = 0.05
# So near to the wanted margin the ice's edge tells what the marks overlook.
_NEAR_MM = 2.5
_COMMON_SPACING_MM = 15.0


@dataclass(frozen=True, eq=False)
class Ground:
    """What a search with one probe model starts from.

    Attributes
    ----------
    model : name in the probe catalog. directions : (n, 3), the best reachable ones first.
    wanted_ml : volume of the target and its margin.
    target_mm : (m, 3) points of the target. shares : shortest and longest freeze share.
    """

    model: str
    template: Template
    marks: Marks
    access: Access
    target: Target
    wanted_ml: float
    target_mm: F64
    directions: F64
    shares: tuple[float, float]
    search: Search

    def layout(self, direction: F64, count: int) -> Layout:
        """Return the layout of so many probes about a direction."""
        half = np.ptp(self.target_mm, axis=0).max() / 2
        return Layout(
            direction, self.target_mm.mean(axis=0), count, self.template.active_length_mm,
            float(half), self.shares, self.search,
        )  # fmt: skip

    def estimate(self) -> Estimate:
        """Return the estimate that nothing was learned from yet."""
        return Estimate(
            self.template, self.marks, self.access, self.target, self.wanted_ml,
            reserve_mm=self.search.placement_sd_mm,
        )  # fmt: skip


def ground_of(one: Tried, grounds: Sequence[Ground]) -> Ground:
    """Return what the search of this choice started from."""
    return next(ground for ground in grounds if ground.model == one.candidate.model)


def search_count(
    ground: Ground,
    count: int,
    evaluates: Evaluates,
    *,
    slack: Mapping[str, float] | None = None,
    fewer: Tried | None = None,
) -> list[Tried]:
    """Search the best placement of so many probes; everything that was simulated, best first.

    Parameters
    ----------
    slack : by goal, how much more than its limit is asked for, as a finer grid has shown.
    fewer : the best of one probe less, to which one is added.
    """
    slack = slack or {}
    estimate = _asking_for_more(ground.estimate(), ground, {ICE_MARGIN: _RESERVE_MM})
    estimate = _asking_for_more(estimate, ground, slack)
    choices = _first_choices(ground, estimate, count, fewer)
    tried = new = simulate_choices(ground, choices, evaluates, slack)
    for number in range(_ROUNDS):
        best = min(tried, key=lambda one: one.rank)
        if best.found is None or (number >= _PATIENCE and best.missing > _HOPELESS):
            break
        # The newest runs are nearest to where the next choice will be.
        newest = min(new, key=lambda one: one.rank)
        variants = _variants(learned(estimate, tried, best, newest, ground), best)
        around = functools.partial(choice_around, best.found, ground.search.seed + number)
        found = _side_by_side(around, variants)
        new = simulate_choices(ground, found, evaluates, slack)
        tried = tried + new
        now = min(tried, key=lambda one: one.rank)
        if best.met and now.rank[1] > (1.0 - _WORTH) * best.rank[1] and any(one.met for one in new):
            break
        if not now.met and number > 0 and now.missing > (1.0 - _WORTH_MISSING) * best.missing:
            break
    tried = tried + _with_other_freezes(tried, ground, evaluates, slack)
    return sorted(tried, key=lambda one: one.rank)


def _with_other_freezes(
    tried: Sequence[Tried], ground: Ground, evaluates: Evaluates, slack: Mapping[str, float]
) -> list[Tried]:
    """Simulate the best choice with freezes of other lengths, and again around the best of those.

    Where probes are matters to every goal, how long they freeze only to how much ice there is: the
    last bit of it is found faster alone.
    """
    found: list[Tried] = []
    low, high = ground.shares
    for factors in _LENGTHS:
        best = min([*tried, *found], key=lambda one: one.rank)
        if best.found is None or low == high:
            break
        shares = np.unique(np.clip(best.found.vector[-1] * np.array(factors), low, high))
        vectors = np.repeat(best.found.vector[None], len(shares), axis=0)
        vectors[:, -1] = shares
        choices = [dataclasses.replace(best.found, vector=vector) for vector in vectors]
        found += simulate_choices(ground, choices, evaluates, slack)
    return found


def _first_choices(
    ground: Ground, estimate: Estimate, count: int, fewer: Tried | None
) -> list[Found]:
    """Choose from every direction and keep the best of some; then what people would try."""

    def choose(number: int) -> Found:
        random = np.random.default_rng([ground.search.seed, count, number])
        layout = ground.layout(ground.directions[number], count)
        starts = layout.starts(ground.target_mm, _STARTS, random)
        return estimate.best(layout, starts, layout.bounds(), random)

    found = _side_by_side(choose, range(len(ground.directions)))
    found = sorted(found, key=lambda one: one.cost)[:_FIRST]
    # What people would try first: a regular grid, for as long as allowed and for half of that.
    layout = found[0].layout
    low, high = ground.shares
    for share in dict.fromkeys((high, max(low, 0.5 * high))):
        vector = _grid_vector(ground, layout, share)
        bounds = layout.bounds()
        vector = np.clip(vector, bounds[:, 0], bounds[:, 1])
        found.append(Found(layout, vector, float(estimate.cost(layout, vector[None])[0])))
    if fewer is not None and fewer.found is not None:
        found.append(_with_one_more(ground, estimate, fewer.found))
    return found


def _with_one_more(ground: Ground, estimate: Estimate, fewer: Found) -> Found:
    """Add a probe where it helps most and move the others a little."""
    random = np.random.default_rng([ground.search.seed, fewer.layout.count])
    layout = ground.layout(fewer.layout.direction, fewer.layout.count + 1)
    bounds = layout.bounds()
    low, high = bounds.T
    added = random.uniform(low, high, (_STARTS, len(low)))
    own = fewer.layout
    turned = 2 * own.turns
    added[:, :turned] = fewer.vector[:turned]
    added[:, -1] = fewer.vector[-1]
    first = 2 * layout.turns
    added[:, first : first + 3 * own.count] = fewer.vector[turned:-1]
    return estimate.best(layout, np.clip(added, low, high), bounds, random)


def _side_by_side(choose: Callable[[Any], Found], what: Iterable[Any]) -> list[Found]:
    """Choose in threads: while the estimate looks up templates others can go on."""
    with ThreadPoolExecutor(usable_cores()) as threads:
        return list(threads.map(choose, what))


def learned(
    estimate: Estimate, tried: Sequence[Tried], best: Tried, newest: Tried, ground: Ground
) -> Estimate:
    """Correct the estimate by all real runs from the direction of the best one.

    What remains is that the goals look at surfaces between voxels and the estimate at marks: as
    much as the newest run differs in that is asked for besides.
    """
    lessons = tuple(
        estimate.lesson(one.found.layout, one.found.vector, np.array(one.outcome["coldest_c"]))
        for one in tried
        if one.found is not None and best.found is not None and "goals" in one.outcome
        and np.array_equal(one.found.layout.direction, best.found.layout.direction)
    )  # fmt: skip
    corrected = dataclasses.replace(estimate, lessons=lessons)
    return _asking_for_more(corrected, ground, _overlooked(newest, ground))


def _overlooked(run: Tried, ground: Ground) -> dict[str, float]:
    """How much worse (positive) a run's goals are than its temperatures at the marks say."""
    if "goals" not in run.outcome:
        return {}
    coldest_c, marks, target = np.array(run.outcome["coldest_c"]), ground.marks, ground.target
    found = {}
    for name, (value, limit, _, unit, *_) in run.outcome["goals"].items():
        if value is None:
            continue
        if name == ICE_MARGIN and abs(value - target.margin_mm) < _NEAR_MM:
            warmest = float(coldest_c[marks.shell].max(initial=-np.inf))
            found[name] = target.margin_mm - warmest / KELVINS_A_MM - value
        elif name == coverage(ground.target.lethal_c):
            found[name] = float((coldest_c[marks.inside] <= target.lethal_c).mean()) - value
        elif name in marks.organs:
            # In kelvins, also where the goal is a distance of the ice.
            above = float(coldest_c[marks.organs[name]].min(initial=np.inf))
            above -= marks.organ_limits_c[name]
            scale = KELVINS_A_MM if unit == "mm" else 1.0
            found[name] = above / scale - (value - limit)
    return {name: amount for name, amount in found.items() if np.isfinite(amount)}


def _asking_for_more(estimate: Estimate, ground: Ground, more: Mapping[str, float]) -> Estimate:
    """Ask for more than the goals say, or less: mm of margin, a share of coverage, C of organs."""
    slacks = dict(estimate.organ_slack_c)
    share, slack_c = estimate.coverage_slack, estimate.slack_c
    for name, amount in more.items():
        if name == ICE_MARGIN:
            slack_c += KELVINS_A_MM * amount
        elif name == coverage(ground.target.lethal_c):
            share = float(np.clip(share + amount, 0.0, _MOST_COVERAGE_SLACK))
        elif name in ground.marks.organs:
            kelvins = amount * (KELVINS_A_MM if unit_of(name) == "mm" else 1.0)
            slacks[name] = slacks.get(name, 0.0) + kelvins
    return dataclasses.replace(
        estimate, slack_c=slack_c, coverage_slack=share, organ_slack_c=slacks
    )


def _variants(estimate: Estimate, best: Tried) -> tuple[Estimate, Estimate]:
    """Two ways to ask: as needed, and for more; or for less once all goals are met."""
    by = -0.5 * _SAFER_C if best.met else _SAFER_C
    return estimate, dataclasses.replace(estimate, slack_c=estimate.slack_c + by)


def choice_around(best: Found, seed: int, estimate: Estimate) -> Found:
    """Choose not far from another choice."""
    random = np.random.default_rng([seed, best.layout.count])
    bounds = best.layout.bounds()
    reach = _AROUND * np.ptp(bounds, axis=1)
    low = np.maximum(bounds[:, 0], best.vector - reach)
    high = np.minimum(bounds[:, 1], best.vector + reach)
    return estimate.best(best.layout, best.vector[None], np.stack([low, high], axis=1), random)


def simulate_choices(
    ground: Ground, found: Sequence[Found], evaluates: Evaluates, slack: Mapping[str, float]
) -> list[Tried]:
    """Simulate what the estimate chose."""
    candidates = [_candidate(ground, one) for one in found]
    outcomes = evaluates.evaluate([one.task() for one in candidates])
    return [
        Tried(
            candidate,
            outcome,
            "search",
            choice,
            slack,
            obstacles=obstacles(ground, candidate),
            reserve_mm=ground.search.placement_sd_mm,
        )
        for candidate, outcome, choice in zip(candidates, outcomes, found, strict=True)
    ]


def _candidate(ground: Ground, found: Found) -> Candidate:
    tips, axes, shares = found.layout.place(found.vector[None])
    return _to_skin(ground, tips[0], axes[0], float(shares[0]))


def _to_skin(ground: Ground, tips: F64, axes: F64, share: float) -> Candidate:
    """Put the entry where the shaft meets the skin, or as far up as it may be long."""
    depth = ground.access.paths(tips, axes).depth_mm
    shortest = ground.template.active_length_mm + 5.0
    depth = np.clip(depth, shortest, ground.access.max_depth_mm)
    return Candidate.placed(ground.model, tips, tips + depth[:, None] * axes, share)


def obstacles(ground: Ground, candidate: Candidate) -> dict[str, float]:
    """Say what is wrong with where probes are: what shafts cross, their length, their spacing."""
    tips = np.array([candidate.tips_mm])
    axes = np.array([candidate.entries_mm]) - tips
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    return ground.layout(axes[0, 0], candidate.count).faults(tips, axes, ground.access)


def try_regular_grid(ground: Ground, counts: Sequence[int], evaluates: Evaluates) -> list[Tried]:
    """Simulate regular grids of parallel probes, as people place them: the baseline.

    From the best direction, middles of the active parts at the target's middle, freezing as long
    as the protocol says.
    """
    candidates = []
    for count in counts:
        layout = ground.layout(ground.directions[0], count)
        tips, axes, _ = layout.place(_grid_vector(ground, layout, 1.0)[None])
        candidates.append(_to_skin(ground, tips[0], axes[0], 1.0))
    outcomes = evaluates.evaluate([one.task() for one in candidates])
    return [
        Tried(candidate, outcome, "regular grid", obstacles=obstacles(ground, candidate))
        for candidate, outcome in zip(candidates, outcomes, strict=True)
    ]


def _grid_vector(ground: Ground, layout: Layout, share: float) -> F64:
    """Return the vector of a regular grid about the target's middle."""
    spacing = float(np.clip(_COMMON_SPACING_MM, *ground.search.spacing_mm))
    spots = np.concatenate(
        [regular_grid(layout.count, spacing), np.zeros((layout.count, 1))], axis=1
    )
    return np.concatenate([np.zeros(2 * layout.turns), spots.ravel(), [share]])
