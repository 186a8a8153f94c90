"""Where probes may stand: from numbers that an optimizer moves to tips and directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from ..errors import InputError
from ..plan import Search
from .access import Access, Paths

__all__ = ["Layout", "detour_mm", "even_directions", "reachable_directions", "regular_grid"]

F64 = NDArray[np.float64]

# How far an active part's middle may lie beside the target's own extent along the shaft, and how
# far a direction may turn from where it starts.
_BESIDE_MM = 12.0
_TURN = 0.4
# Directions that are tried to begin with are at least so far apart.
_APART_DEG = 30.0
_EVEN = 400
# A shaft that never reaches the skin counts as so much in the way.
_UNREACHED_MM = 50.0
# Positions are rounded to a tenth of a millimeter, and ways looked at in steps.
_ROUNDED_MM = 1.6
# The active part ends so far under the skin at least, which it would freeze.
_UNDER_SKIN_MM = 3.0
# What a tilt out of the axial plane counts for, beyond what a gantry or a thick slice forgives.
_MM_A_DEGREE, _FREE_TILT_DEG = 1.0, 15.0
# Handles and shafts of needles need so much room; looked at every few millimeters.
_SHAFTS_APART_MM, _SHAFT_STEP_MM = 5.0, 5.0


def even_directions(count: int = _EVEN) -> F64:
    """(count, 3) unit vectors, evenly over the sphere (Fibonacci's lattice)."""
    number = np.arange(count) + 0.5
    z = 1.0 - 2.0 * number / count
    angle = np.pi * (1.0 + 5.0**0.5) * number
    across = np.sqrt(1.0 - z * z)
    return np.stack([across * np.cos(angle), across * np.sin(angle), z], axis=1)


def reachable_directions(
    access: Access, search: Search, target_mm: F64, most: int
) -> tuple[F64, dict[str, int]]:
    """Choose directions from which the target can be reached, the shortest ways first.

    Parameters
    ----------
    target_mm : (n, 3) points of the target; the way to its center and to points around it counts.

    Returns
    -------
    directions : (m, 3), at most `most`, well apart; the least obstructed one where none is free
        from the middle.
    ways : how many of all directions are free, and how many each constraint rules out.

    Raises
    ------
    InputError
        When no direction is free, from wherever in the target.
    """
    directions = even_directions()
    center = target_mm.mean(axis=0)
    spread = target_mm[np.linspace(0, len(target_mm) - 1, 5).astype(int)]
    starts = np.concatenate([center[None], 0.5 * (spread + center)])
    paths = [access.paths(np.broadcast_to(start, directions.shape), directions) for start in starts]
    counted = [_count_ways(path, directions, access, search) for path in paths]
    ways = counted[0]
    if not any(each["are free"] for each in counted):
        listed = ", ".join(f"{count} {why}" for why, count in ways.items() if count)
        raise InputError(
            f"optimize: no way leads to the target: of {len(directions)} directions from its "
            f"middle {listed}; say in optimize.allowed what shafts may cross, or use a smaller "
            "optimize.clearance_mm or a larger optimize.max_depth_mm"
        )
    cost = np.mean([_obstruction(path, directions[:, None], search).sum(axis=-1)
                    for path in paths], axis=0)  # fmt: skip
    depth = np.where(np.isfinite(paths[0].depth_mm), paths[0].depth_mm, search.max_depth_mm)
    order = np.lexsort((depth + detour_mm(directions), np.round(cost)))
    chosen: list[int] = []
    least = np.cos(np.radians(_APART_DEG))
    for number in order:
        if chosen and cost[number] > max(5.0, 2.0 * cost[chosen[0]]):
            break
        if all(directions[number] @ directions[other] < least for other in chosen):
            chosen.append(int(number))
        if len(chosen) == most:
            break
    return directions[chosen], ways


def detour_mm(axes: F64) -> F64:
    """(...,) millimeters of way that the tilt of (..., 3) axes counts for.

    Under CT a needle is seen in one slice where it lies in the axial plane, or nearly.
    """
    tilt_deg = np.degrees(np.arcsin(np.clip(np.abs(axes[..., 2]), 0.0, 1.0)))
    found: F64 = _MM_A_DEGREE * np.maximum(tilt_deg - _FREE_TILT_DEG, 0.0)
    return found


def _count_ways(paths: Paths, directions: F64, access: Access, search: Search) -> dict[str, int]:
    wrong = {
        f"cross {name}": paths.blocked_mm[:, number] > 0 for number, name in enumerate(access.names)
    }
    wrong["do not reach the skin in the image within max_depth_mm"] = np.isinf(paths.depth_mm)
    wrong["enter outside entry_label"] = paths.entry_missed_mm > 0
    wrong["lie outside entry_cone"] = _outside_cone_deg(directions, search) > 0
    free = ~np.any(list(wrong.values()), axis=0)
    counts = {name: int(ruled_out.sum()) for name, ruled_out in wrong.items()}
    return {"are free": int(free.sum()), **{name: n for name, n in counts.items() if n}}


def _obstruction(paths: Paths, axes: F64, search: Search) -> F64:
    """How much in the way a shaft is, mm and degrees; 0 when it is allowed; (..., 1)."""
    unreached = np.where(np.isinf(paths.depth_mm), _UNREACHED_MM, 0.0)
    cost = paths.blocked_mm.sum(axis=1) + unreached + paths.entry_missed_mm
    return cost[:, None] + _outside_cone_deg(axes.reshape(-1, 3), search)[:, None]


def _outside_cone_deg(axes: F64, search: Search) -> F64:
    cone = search.entry_cone
    if cone is None:
        return np.zeros(len(axes))
    toward = np.array(cone.toward) / np.linalg.norm(cone.toward)
    angle = np.degrees(np.arccos(np.clip(axes @ toward, -1.0, 1.0)))
    return np.maximum(angle - cone.half_angle_deg, 0.0)


@dataclass(frozen=True, eq=False)
class Layout:
    """Some probes about a direction; turns vectors of numbers into tips and directions.

    A vector holds two numbers that turn the direction (of each probe, if they are free), then for
    each probe two positions across it and one along it, mm from the target's middle, and last the
    freeze share.

    Attributes
    ----------
    direction : (3,) from target to skin. center_mm : (3,) middle of the target.
    count : probes. active_length_mm : of each. reach_mm : half the target's extent across.
    """

    direction: F64
    center_mm: F64
    count: int
    active_length_mm: float
    reach_mm: float
    shares: tuple[float, float]
    search: Search

    @property
    def turns(self) -> int:
        """How many directions there are."""
        return self.count if self.search.directions == "free" else 1

    def bounds(self) -> F64:
        """(d, 2) lowest and highest of each number."""
        across, along = self.reach_mm + 5.0, _BESIDE_MM
        rows = [(-_TURN, _TURN)] * (2 * self.turns)
        rows += [(-across, across), (-across, across), (-along, along)] * self.count
        return np.array([*rows, self.shares])

    def place(self, vectors: F64) -> tuple[F64, F64, F64]:
        """Return tips (c, n, 3), axes (c, n, 3) and shares (c,) of (c, d) vectors."""
        first, second = self._basis()
        turn = vectors[:, : 2 * self.turns].reshape(len(vectors), self.turns, 2)
        axes = self.direction + turn[..., :1] * first + turn[..., 1:] * second
        axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
        axes = np.broadcast_to(axes, (len(vectors), self.count, 3))
        place = vectors[:, 2 * self.turns : -1].reshape(len(vectors), self.count, 3)
        # Across the probe's own direction, so that a turn moves it about the target's middle.
        side = second - np.einsum("cnd,d->cn", axes, second)[..., None] * axes
        side /= np.linalg.norm(side, axis=-1, keepdims=True)
        level = np.cross(side, axes)
        middle = self.center_mm + place[..., :1] * level + place[..., 1:2] * side
        middle = middle + place[..., 2:] * axes
        return middle - 0.5 * self.active_length_mm * axes, axes, vectors[:, -1]

    def starts(self, target_mm: F64, number: int, random: np.random.Generator) -> F64:
        """(number, d) vectors with probes spread over the target's shadow, then at random.

        Over a target of a few points, as a regular grid.
        """
        second = self._basis()[1]
        level = np.cross(second, self.direction)
        shadow = (target_mm - self.center_mm) @ np.stack([level, second], axis=1)
        seed = int(random.integers(2**31))
        if len(np.unique(shadow.round(1), axis=0)) < 2 * self.count:
            spots = regular_grid(self.count, self.search.spacing_mm[0])
        else:
            spots, _ = kmeans2(shadow, self.count, minit="++", seed=seed)
        low, high = self.bounds().T
        found = np.empty((number, len(low)))
        for row in range(number):
            spread = 0.6 + 0.8 * row / number
            moved = np.zeros((self.count, 3))
            moved[:, :2] = spots * spread + random.normal(0.0, 2.0 if row else 0.0, spots.shape)
            moved[:, 2] = random.normal(0.0, 4.0 if row else 0.0, self.count)
            turn = random.normal(0.0, 0.12 if row else 0.0, 2 * self.turns)
            share = self.shares[0] + (self.shares[1] - self.shares[0]) * random.random()
            found[row] = np.concatenate([turn, moved.ravel(), [share]])
        return np.clip(found, low, high)

    def penalty(self, tips_mm: F64, axes: F64, paths: Paths) -> F64:
        """(c,) how far candidates are from what is allowed, mm and degrees; 0 when allowed.

        Parameters
        ----------
        tips_mm, axes : (c, n, 3). paths : of all these shafts, (c n,).
        """
        count = tips_mm.shape[1]
        each = _obstruction(paths, axes.reshape(-1, 3), self.search)[:, 0]
        each += np.maximum(self.active_length_mm + _UNDER_SKIN_MM - paths.depth_mm, 0.0)
        cost = each.reshape(-1, count).sum(axis=1)
        return cost + self._crowding(tips_mm, axes)

    def faults(self, tips_mm: F64, axes: F64, access: Access) -> dict[str, float]:
        """Say what is wrong with one candidate, (1, n, 3) each, by name: mm or degrees."""
        paths = access.paths(tips_mm[0], axes[0])
        found = {
            f"crosses {name}": float(paths.blocked_mm[:, number].sum())
            for number, name in enumerate(access.names)
        }
        missed = np.isinf(paths.depth_mm)
        found["does not reach the skin within max_depth_mm"] = _UNREACHED_MM * float(missed.sum())
        found["enters outside entry_label"] = float(paths.entry_missed_mm.sum())
        found["leans out of entry_cone"] = float(_outside_cone_deg(axes[0], self.search).sum())
        crowding = self._crowding(tips_mm, axes)[0]
        found["is not spaced as wanted"] = float(crowding) if crowding > _ROUNDED_MM else 0.0
        return {name: amount for name, amount in found.items() if amount > _ROUNDED_MM}

    def _crowding(self, tips_mm: F64, axes: F64) -> F64:
        """How far nearest neighbors are from the spacing that is wanted."""
        count = tips_mm.shape[1]
        if count == 1:
            return np.zeros(len(tips_mm))
        low, high = self.search.spacing_mm
        # From three heights of each active part to the axes of the others.
        heights = self.active_length_mm * np.array([0.0, 0.5, 1.0])
        points = tips_mm[:, :, None] + heights[:, None] * axes[:, :, None]
        apart = points[:, :, None] - tips_mm[:, None, :, None]
        along = np.einsum("cnmhd,cmd->cnmh", apart, axes)
        along = np.clip(along, 0.0, self.active_length_mm)[..., None]
        nearest = apart - along * axes[:, None, :, None]
        distance = np.linalg.norm(nearest, axis=-1).min(axis=-1)
        distance = np.minimum(distance, np.swapaxes(distance, 1, 2))
        at = np.arange(count)
        distance[:, at, at] = np.inf
        nearest = distance.min(axis=-1)
        crowding = np.maximum(low - nearest, 0.0) + np.maximum(nearest - high, 0.0)
        return crowding.sum(axis=-1) + self._touching(tips_mm, axes)

    def _touching(self, tips_mm: F64, axes: F64) -> F64:
        """How far shafts that lean towards each other come too near on their way to the skin."""
        if self.turns == 1:
            return np.zeros(len(tips_mm))
        heights = np.arange(0.0, self.search.max_depth_mm, _SHAFT_STEP_MM)
        points = tips_mm[:, :, None] + heights[:, None] * axes[:, :, None]
        cost = np.zeros(len(tips_mm))
        for one in range(self.count):
            for other in range(one):
                apart = points[:, one, :, None] - points[:, other, None, :]
                nearest = np.linalg.norm(apart, axis=-1).min(axis=(-1, -2))
                cost += np.maximum(_SHAFTS_APART_MM - nearest, 0.0)
        return cost

    def _basis(self) -> tuple[F64, F64]:
        helper = np.eye(3)[np.argmin(np.abs(self.direction))]
        second = helper - (helper @ self.direction) * self.direction
        second /= np.linalg.norm(second)
        return np.cross(second, self.direction), second


def regular_grid(count: int, spacing_mm: float) -> F64:
    """(count, 2) positions of a regular grid of parallel probes, as templates on the skin have.

    Rows of a square grid, as nearly square as the number allows, about their middle.
    """
    columns = int(np.ceil(np.sqrt(count)))
    number = np.arange(count)
    spots = np.stack([number % columns, number // columns], axis=1).astype(float)
    # A last row that is not full stands in the middle.
    last = count % columns
    if last:
        spots[-last:, 0] += 0.5 * (columns - last)
    return spacing_mm * (spots - spots.mean(axis=0))
