"""One probe in a uniform medium, in any pose against the grid, against an axisymmetric solution."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryosim.evaluation import isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import simulate
from cryosim.tissue import Tissue, TissueGrid

REFERENCES = Path(__file__).parent / "references"
LEVELS_C = (0, -20, -40)
SMALLEST_ML = 1.0
EARLIEST_S = 180


@dataclass(frozen=True)
class Pose:
    """Center of the active part against the nearest voxel center, in voxels, and direction."""

    shift: tuple[float, float, float]
    direction: tuple[float, float, float]


def seed() -> int:
    """Seed of the random poses; the page's command can change it."""
    return int(os.environ.get("CRYOSIM_VV_SEED", "1"))


def random_poses(count: int) -> list[Pose]:
    """Directions even on the sphere, positions even in a voxel."""
    random = np.random.default_rng(seed())
    return [Pose(tuple(random.uniform(-0.5, 0.5, 3)), tuple(random.normal(size=3)))
            for _ in range(count)]  # fmt: skip


def read_reference(name: str) -> dict[str, Any]:
    """Read a reference solution over both cycles: tissue, probe, protocol, timeline."""
    content: dict[str, Any] = json.loads((REFERENCES / f"{name}.json").read_text(encoding="utf-8"))
    return content


def read_refined(name: str) -> dict[str, Any]:
    """Read a solution of `axisymmetric.py` over one freeze, in the same layout."""
    text = (REFERENCES / "axisymmetric.json").read_text(encoding="utf-8")
    case = json.loads(text)["cases"][name]
    medium = dict(case["medium"])
    law = "ice" if medium.pop("ice_law") else "constant"
    needle = case["needle"]
    return {
        "tissue": {**medium, "frozen_law": law},
        "probe": {
            "radius_mm": needle["diameter_mm"] / 2,
            "active_length_mm": needle["active_length_mm"],
            "surface_c": needle["surface_c"],
        },
        "start_c": case["start_c"],
        "protocol_min": [["freeze", case["timeline"][-1]["t_s"] / 60]],
        "timeline": case["timeline"],
    }


def _stages(reference: dict[str, Any], end_s: float) -> str:
    parts, left = [], end_s
    for words, minutes in reference["protocol_min"]:
        seconds = min(left, 60.0 * minutes)
        if seconds > 0:
            parts.append(f"{words.split(',')[0]} {seconds:g} s")
        left -= seconds
    return "; ".join(parts)


def deviations(
    reference: dict[str, Any],
    spacing_mm: float | tuple[float, float, float],
    pose: Pose,
    end_s: float,
    margin_mm: float,
) -> dict[tuple[int, int], float]:
    """Relative deviation of each volume of at least 1 ml from 180 s on, by (time, isotherm).

    Parameters
    ----------
    margin_mm : room around the active part; the faces of the box are held at the start temperature.
    """
    probe = reference["probe"]
    length = probe["active_length_mm"]
    axis = np.asarray(pose.direction) / np.linalg.norm(pose.direction)
    grid = _box(np.abs(axis) * length + 2 * margin_mm, spacing_mm)
    tip = np.asarray(pose.shift) * grid.spacing_mm + _middle(grid) - length / 2 * axis
    rows = [row for row in reference["timeline"] if EARLIEST_S <= row["t_s"] <= end_s]
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform"},
            "probe": [
                {
                    "tip_mm": tuple(tip),
                    "entry_mm": tuple(tip + 100 * axis),
                    "diameter_mm": 2 * probe["radius_mm"],
                    "active_length_mm": length,
                    "surface_c": probe["surface_c"],
                }
            ],
            "protocol": {"text": _stages(reference, end_s)},
            "perfusion": {"stays_off_after_freezing": False},
            "body": {"temperature_c": reference["start_c"]},
            "report": {"times_s": [row["t_s"] for row in rows]},
        }
    )
    tissue = Tissue(name="reference", **reference["tissue"])
    result = simulate(TissueGrid.uniform(grid, tissue), plan)
    found = {}
    for row in rows:
        field = result.temperatures_c[result.times_s.index(row["t_s"])]
        for level in LEVELS_C:
            volume = row[str(level)]["volume_ml"]
            if volume >= SMALLEST_ML:
                at = (row["t_s"], level)
                found[at] = isotherm_volume_ml(result, field, level) / volume - 1
    return found


def _box(size_mm: NDArray[np.float64], spacing_mm: float | tuple[float, float, float]) -> Grid:
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    counts = np.ceil(size_mm / spacing).astype(int)
    origin = -(counts - 1) / 2 * spacing
    return Grid.from_spacing(tuple(counts[::-1]), tuple(spacing), tuple(origin))


def _middle(grid: Grid) -> NDArray[np.float64]:
    """World position of the voxel center next to the middle of the grid."""
    middle: NDArray[np.float64] = grid.to_world((np.asarray(grid.shape[::-1]) - 1) // 2)
    return middle
