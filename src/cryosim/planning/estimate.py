"""Choosing probes by the cheap estimate: thousands of choices a second, corrected by real runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, differential_evolution

from ..plan import ICE_C, Target
from .access import Access
from .layout import Layout, detour_mm
from .sample_points import Marks
from .template import Template, potential, temperature
from .trial import KELVINS_A_MM, SKIN_MM_A_CM2

__all__ = ["RESERVE_WORTH", "Estimate", "Found", "Lesson"]

F64 = NDArray[np.float64]

# Kelvins that a goal is missed by count as this many of the units of `trial.outcome_of`: the ice's
# edge climbs some 3 K a millimeter, and a goal in millimeters counts by ten.
_KELVIN = 1.0 / 30.0
_ORGAN_KELVIN = 1.0 / 10.0
_COVERAGE = 1.0 / 0.1
# A shaft where it must not be weighs more than any goal; healthy tissue decides among equals.
_PLACEMENT, _HEALTHY = 1.0, 0.02
# A millimeter that a goal's reserve lacks counts as this share more of frozen healthy tissue.
RESERVE_WORTH = 0.25
# Five centimeters less of way in the body are worth half of that.
_SHORT_WAYS = 2e-4
# Edges that are blurred so that half a voxel counts half.
_LETHAL_BLUR_C, _ICE_BLUR_C = 3.0, 3.0
_MEMBERS, _GENERATIONS = 28, 45
# Choices nearer to each other than this share of what is allowed are the same to a lesson.
_SAME_PLACE = 0.01


@dataclass(frozen=True)
class Found:
    """A choice of the estimate: a vector of its layout, and its cost."""

    layout: Layout
    vector: F64 = field(compare=False)
    cost: float


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a real run had more than the estimate.

    Attributes
    ----------
    place : (d,) its vector, each number as a share of what is allowed.
    difference_k : (m,) potential.
    """

    place: F64
    difference_k: F64


@dataclass(frozen=True, eq=False)
class Estimate:
    """The cost of choices by the sum of templates.

    Attributes
    ----------
    template : of the probe. marks : the points that count. access : where shafts may go.
    target : what is wanted. wanted_ml : its volume and that of its margin.
    lessons : what real runs taught, each the more the nearer a choice is to it.
    shift_k : (m,) potential that counts besides.
    reserve_mm : that goals should have beyond their limits, if it costs little.
    slack_c, coverage_slack : so much colder than needed the ice's edge shall be, and so much more
        of the target dead. organ_slack_c : so much warmer each goal's organ.
    """

    template: Template
    marks: Marks
    access: Access
    target: Target
    wanted_ml: float
    lessons: tuple[Lesson, ...] = ()
    shift_k: F64 | float = 0.0
    reserve_mm: float = 0.0
    slack_c: float = 0.0
    coverage_slack: float = 0.0
    organ_slack_c: Mapping[str, float] = field(default_factory=dict)

    def lesson(self, layout: Layout, vector: F64, coldest_c: F64) -> Lesson:
        """Compare with the coldest temperatures, (m,), that a choice had in a real run."""
        tips, axes, shares = layout.place(vector[None])
        own = self.template.potentials(self.marks.points_mm, tips, axes, shares)[0]
        return Lesson(vector / _width(layout), potential(coldest_c) - own)

    def cost(self, layout: Layout, vectors: F64) -> F64:
        """(c,) cost of (c, d) vectors of a layout: 0 would be all goals met with no healthy ice."""
        tips, axes, shares = layout.place(vectors)
        found = self.template.potentials(self.marks.points_mm, tips, axes, shares)
        coldest_c = temperature(found + self._correction(layout, vectors) + self.shift_k)
        healthy = self._healthy(coldest_c) * (1.0 + RESERVE_WORTH * self.lacking_mm(coldest_c))
        cost = self.missing(coldest_c) + _HEALTHY * healthy
        paths = self.access.paths(tips.reshape(-1, 3), axes.reshape(-1, 3))
        way = np.minimum(paths.depth_mm, self.access.max_depth_mm)
        way = way.reshape(len(vectors), -1) + detour_mm(axes)
        cost += _SHORT_WAYS * way.sum(axis=1)
        return cost + _PLACEMENT * layout.penalty(tips, axes, paths)

    def _correction(self, layout: Layout, vectors: F64) -> F64 | float:
        """(c, m) what the lessons say, weighted by their distance (Shepard's interpolation)."""
        if not self.lessons:
            return 0.0
        places = vectors / _width(layout)
        taught = np.array([one.place for one in self.lessons])
        square = ((places[:, None] - taught) ** 2).sum(axis=-1)
        weights = 1.0 / (square + _SAME_PLACE**2) ** 1.5
        weights /= weights.sum(axis=1, keepdims=True)
        return weights @ np.array([one.difference_k for one in self.lessons])

    def missing(self, coldest_c: F64) -> F64:
        """(c,) how much the goals are missed by, in the units of `trial.outcome_of`."""
        marks, target = self.marks, self.target
        shell = np.maximum(coldest_c[:, marks.shell] + self.slack_c, 0.0)
        inside = coldest_c[:, marks.inside] - target.lethal_c
        dead = 1.0 / (1.0 + np.exp(np.clip(inside / _LETHAL_BLUR_C, -50.0, 50.0)))
        wanted = min(target.lethal_coverage + self.coverage_slack, 1.0)
        uncovered = np.maximum(wanted - dead.mean(axis=1), 0.0)
        cost = _COVERAGE * uncovered
        cost += _KELVIN * np.sqrt((np.maximum(inside, 0.0) ** 2).mean(axis=1))
        if shell.shape[1]:
            cost += _KELVIN * (shell.max(axis=1) + np.sqrt((shell**2).mean(axis=1)))
        for name, which in marks.organs.items():
            limit = marks.organ_limits_c[name] + self.organ_slack_c.get(name, 0.0)
            cold = coldest_c[:, which].min(axis=1, initial=limit)
            cost += _ORGAN_KELVIN * np.maximum(limit - cold, 0.0)
        return cost

    def lacking_mm(self, coldest_c: F64) -> F64:
        """(c,) how many millimeters of reserve goals lack, like `trial.lacking_mm`."""
        marks = self.marks
        rooms = [self.target.lethal_c - coldest_c[:, marks.inside].max(axis=1, initial=-np.inf)]
        rooms.append(ICE_C - coldest_c[:, marks.shell].max(axis=1, initial=-np.inf))
        rooms += [
            coldest_c[:, which].min(axis=1, initial=np.inf) - marks.organ_limits_c[name]
            for name, which in marks.organs.items()
        ]
        lacking: F64 = self.reserve_mm - np.array(rooms) / KELVINS_A_MM
        skin_cm2 = marks.skin_cm2 * _frozen(coldest_c[:, marks.skin])
        return lacking.clip(0.0, self.reserve_mm).sum(axis=0) + SKIN_MM_A_CM2 * skin_cm2

    def _healthy(self, coldest_c: F64) -> F64:
        """Frozen healthy tissue as a multiple of what has to freeze."""
        frozen = _frozen(coldest_c[:, self.marks.healthy])
        return frozen * self.marks.healthy_ml / self.wanted_ml

    def best(self, layout: Layout, starts: F64, bounds: F64, random: np.random.Generator) -> Found:
        """Find the best vector within bounds by differential evolution.

        Parameters
        ----------
        starts : (s, d) first members; the rest are moved copies of them. bounds : (d, 2).
        """
        low, high = bounds.T
        count = max(_MEMBERS, 2 * len(low))
        copies = starts[np.arange(count) % len(starts)].copy()
        moved = np.arange(count) >= len(starts)
        copies[moved] += random.normal(0.0, 0.1, copies[moved].shape) * (high - low)

        def cost(columns: F64) -> Any:
            return self.cost(layout, columns.T)

        found = differential_evolution(
            cost,
            Bounds(low, high),
            init=np.clip(copies, low, high),
            maxiter=_GENERATIONS,
            vectorized=True,
            updating="deferred",
            polish=False,
            tol=1e-4,
            rng=random,
        )
        return Found(layout, np.asarray(found.x), float(found.fun))


def _frozen(coldest_c: F64) -> F64:
    """(c,) how many of (c, m) points froze; near the edge of the ice a share of them."""
    frozen = 1.0 / (1.0 + np.exp(np.clip(coldest_c / _ICE_BLUR_C, -50.0, 50.0)))
    count: F64 = frozen.sum(axis=1)
    return count


def _width(layout: Layout) -> F64:
    """How far each number may be moved; 1 where it is given, as the time of a fixed protocol."""
    width = np.ptp(layout.bounds(), axis=1)
    return np.where(width > 0.0, width, 1.0)
