"""Grids along the same axes are sampled as SciPy's general transform samples any grid."""

import numpy as np
import pytest
from scipy import ndimage

from cryosim.images import sampling
from cryosim.images.sampling import linear_samples, nearest_samples

SHAPE = (14, 19, 23)
VALUES = np.random.default_rng(7).normal(0.0, 300.0, (11, 12, 13)).astype(np.float32)
ALONG = {
    "shifted": ([1.0, 1.0, 1.0], [-2.3, 0.95, 0.25]),
    "finer": ([0.5, 0.71, 0.5], [0.25, -1.1, 2.0]),
    "coarser": ([1.0, 2.0, 3.1], [0.0, 0.5, -7.0]),
    "flipped": ([-1.0, 0.5, -0.7], [11.2, 0.25, 14.0]),
    "on voxels": ([1.0, 2.0, 1.0], [3.0, -4.0, -1.0]),
    "elsewhere": ([1.0, 1.0, 1.0], [0.0, 40.0, 0.0]),
}


@pytest.fixture(autouse=True)
def no_general_transform(monkeypatch):
    """What is along the axes does without; the expected values call SciPy themselves."""
    monkeypatch.delattr(sampling, "_transformed")


def by_scipy(values, steps, start, **how):
    found = np.empty(SHAPE, values.dtype)
    ndimage.affine_transform(values, np.diag(steps), np.array(start), output=found, **how)
    return found


@pytest.mark.parametrize(("steps", "start"), ALONG.values(), ids=ALONG)
def test_nearest_along_axes(steps, start):
    labels = np.arange(1, VALUES.size + 1, dtype=np.int32).reshape(VALUES.shape)
    found = nearest_samples(labels, (np.diag(steps), np.array(start)), SHAPE)
    expected = by_scipy(labels, steps, start, order=0, mode="grid-constant")
    assert found.dtype == labels.dtype
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("steps", "start"), ALONG.values(), ids=ALONG)
def test_linear_along_axes(steps, start):
    found = linear_samples(VALUES, (np.diag(steps), np.array(start)), SHAPE)
    expected = by_scipy(VALUES, steps, start, order=1, mode="nearest")
    assert found.dtype == np.float32
    np.testing.assert_array_max_ulp(found, expected, 1)


def test_a_point_on_voxels_has_their_value():
    found = linear_samples(VALUES, (np.diag([1.0, 2.0, 1.0]), np.array([1.0, 0.0, 2.0])), (9, 6, 9))
    assert np.array_equal(found, VALUES[1:10, ::2, 2:11])
