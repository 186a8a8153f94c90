"""What the freezing slab shows besides its exact solutions: conservation, agreement of steps."""

import dataclasses

import numpy as np
import pytest

from verification.marching import WHOLE_GRID
from verification.slab import GEL, freeze_slab, slab_state

LENGTH_MM, SECONDS = 120.0, 600.0


def test_heat_through_the_wall_is_what_the_slab_lost():
    state = slab_state(GEL, LENGTH_MM, 120, -140.0, 37.0)
    before = state.energy[1, 1, 1:-1].sum() * state.cell_volume_m3
    _, entered = freeze_slab(state, SECONDS)
    after = state.energy[1, 1, 1:-1].sum() * state.cell_volume_m3
    assert after - before == pytest.approx(entered, rel=1e-10)
    assert entered < 0


def test_super_steps_agree_with_plain_explicit_steps():
    results = []
    for name in ("explicit", "rkl2"):
        state = slab_state(GEL, LENGTH_MM, 120, -140.0, 37.0)
        settings = dataclasses.replace(WHOLE_GRID, integrator=name)
        results.append(freeze_slab(state, SECONDS, settings)[0])
    assert np.abs(results[0] - results[1]).mean() < 0.01
    assert np.abs(results[0] - results[1]).max() < 0.15  # in the one cell that is freezing
