"""Labels know which values they hold, however high."""

import numpy as np
import pytest

from cryosim.images import label_values


@pytest.mark.parametrize(
    "values", [[0], [0, 3, 7, 255], [1, 65535], [0, 65536, 2**31 - 1], [-2, 0, 5]]
)
def test_different_values_in_order(values):
    labels = np.resize(np.array(values, np.int32), (3, 5, 7))[::-1]
    found = label_values(labels)
    assert found.dtype == np.int32
    assert found.tolist() == values
