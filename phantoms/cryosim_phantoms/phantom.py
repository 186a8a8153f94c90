"""What a phantom is, and the pieces of its default plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryosim.images import Labels, Volume

__all__ = ["Phantom", "organ_at_risk", "parallel_probes"]


@dataclass(frozen=True, eq=False)
class Phantom:
    """A case with a known answer.

    Attributes
    ----------
    name, description : one word, and one line for lists.
    volume : CT in Hounsfield units.
    labels : structure of every voxel, with names.
    plan : a complete default plan in the plan file's keys, except for where the anatomy comes from:
        its anatomy section holds at most `tissues`, for labels whose name does not tell the tissue.
    """

    name: str
    description: str
    volume: Volume
    labels: Labels
    plan: Mapping[str, Any]


def organ_at_risk(name: str, label: str, min_temperature_c: float) -> dict[str, Any]:
    """Return a plan's entry for an organ that must not become colder than given."""
    return {"name": name, "label": label, "min_temperature_c": min_temperature_c}


def parallel_probes(
    model: str,
    toward_entry: Sequence[float],
    offsets_mm: Sequence[tuple[float, float]],
    *,
    depth_mm: float,
    entry_distance_mm: float,
) -> list[dict[str, Any]]:
    """Return plan entries of parallel probes about the world origin.

    Parameters
    ----------
    toward_entry : direction from tip to skin.
    offsets_mm : of each probe, across this direction: within the axial plane, and headward.
    depth_mm : how far the tip lies beyond the origin. entry_distance_mm : from tip to entry.
    """
    axis = np.asarray(toward_entry, dtype=float)
    axis /= np.linalg.norm(axis)
    level = np.cross([0.0, 0.0, 1.0], axis)
    level /= np.linalg.norm(level)
    headward = np.cross(axis, level)
    probes = []
    for beside, above in offsets_mm:
        tip = -depth_mm * axis + beside * level + above * headward
        entry = tip + entry_distance_mm * axis
        probes.append({"model": model, "tip_mm": _tenths(tip), "entry_mm": _tenths(entry)})
    return probes


def _tenths(point: Sequence[float] | np.ndarray[Any, Any]) -> list[float]:
    return [round(float(value), 1) + 0.0 for value in point]
