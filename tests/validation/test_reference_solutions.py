"""Isotherm volumes against independent axisymmetric solutions of the same physics."""

import json

import numpy as np
import pytest

from cryosim.evaluation import isotherm_volume_ml
from cryosim.geometry import Grid
from cryosim.plan import Plan
from cryosim.simulation import simulate
from cryosim.tissue import Tissue, TissueGrid

POSES = {
    "centered": ((0.5, 0.5, 0.5), (0, 0, 1)),
    "on an edge": ((0.0, 0.0, 0.0), (0, 0, 1)),
    "off center": ((0.25, 0.1, 0.3), (0, 0, 1)),
    "diagonal": ((0.2, 0.3, 0.1), (1, 1, 1)),
}


def deviations(reference, spacing_mm, shift, direction, minutes):
    """Relative deviation of each volume of at least 1 ml from 180 s on."""
    size = (70.0, 70.0, 96.0)
    axis = np.asarray(direction) / np.linalg.norm(direction)
    tip = np.asarray(shift) * spacing_mm - 15 * axis
    rows = [row for row in reference["timeline"] if 180 <= row["t_s"] <= minutes * 60]
    plan = Plan.model_validate(
        {
            "anatomy": {"phantom": "uniform", "size_mm": size},
            "probe": [
                {
                    "tip_mm": tuple(tip),
                    "entry_mm": tuple(tip + 100 * axis),
                    "diameter_mm": 2 * reference["probe"]["radius_mm"],
                    "active_length_mm": reference["probe"]["active_length_mm"],
                    "surface_c": reference["probe"]["surface_c"],
                }
            ],
            "protocol": {"text": f"freeze {minutes} min"},
            "report": {"times_s": [row["t_s"] for row in rows]},
        }
    )
    tissue = Tissue(name="reference", **reference["tissue"])
    result = simulate(TissueGrid.uniform(Grid.centered(size, spacing_mm), tissue), plan)
    found = []
    for row in rows:
        field = result.temperatures_c[result.times_s.index(row["t_s"])]
        for level in (0, -20, -40):
            volume = row[str(level)]["volume_ml"]
            if volume >= 1.0:
                found.append(isotherm_volume_ml(result, field, level) / volume - 1)
    return np.abs(found)


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("name", ["gel_17g_150", "muscle_17g_196"])
@pytest.mark.parametrize(("spacing", "worst"), [(1.0, 0.03), (2.0, 0.05)])
def test_isotherm_volumes(name, pose, spacing, worst, data_folder):
    reference = json.loads((data_folder.parent / "reference" / f"{name}.json").read_text())
    found = deviations(reference, spacing, *POSES[pose], minutes=5)
    assert found.max() < worst
    assert np.median(found) < 0.02
