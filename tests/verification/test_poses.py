"""Isotherm volumes against axisymmetric solutions, in the poses that are quick to run.

Twenty random poses of each reference are run by `python -m benchmarks.vv`.
"""

import numpy as np
import pytest

from verification.case_poses import ON_AN_EDGE
from verification.poses import Pose, deviations, random_poses, read_reference, read_refined

DIAGONAL = Pose((0.2, 0.3, 0.1), (1, 1, 1))


@pytest.mark.parametrize("name", ["gel_17g_150", "muscle_17g_196"])
@pytest.mark.parametrize(
    ("spacing_mm", "poses", "worst"),
    [(2.0, [ON_AN_EDGE, DIAGONAL, *random_poses(2)], 0.05), (1.0, [DIAGONAL], 0.025)],
)
def test_isotherm_volumes(name, spacing_mm, poses, worst):
    reference = read_reference(name)
    found = [list(deviations(reference, spacing_mm, p, 300, 32).values()) for p in poses]
    assert np.abs(found).max() < worst
    assert np.median(np.abs(found)) < 0.015
    assert np.ptp(found, axis=0).max() < 0.02


@pytest.mark.parametrize("name", ["water_24", "liver_15", "ice_law_17g", "thick_38"])
def test_other_media_and_probes(name):
    found = deviations(read_refined(name), 1.5, DIAGONAL, 180, 28)
    assert np.abs(list(found.values())).max() < 0.02


def test_flat_voxels():
    """Anisotropic spacing: the coarse direction decides."""
    found = deviations(read_reference("gel_17g_150"), (0.9, 0.9, 2.5), DIAGONAL, 180, 28)
    assert np.abs(list(found.values())).max() < 0.05


def test_blood_that_returns_and_both_cycles():
    found = deviations(read_reference("muscle_17g_196"), 3.0, DIAGONAL, 3600, 45)
    assert {t_s for t_s, _ in found} >= {1800, 3000, 3600}
    assert np.abs(list(found.values())).max() < 0.05
