"""Tumors take the flow of the organ that they lie in."""

from __future__ import annotations

import numpy as np
import pytest

from cryosim.errors import InputError
from cryosim.geometry import Grid
from cryosim.tissue import TissueGrid, define_tissue, flow_from_hosts, read_library

LIBRARY = read_library()


def grid_of(names, index):
    grid = Grid.centered(np.array(index.shape[::-1], dtype=float), 1.0)
    return TissueGrid(grid, index.astype(np.uint8), tuple(LIBRARY[name] for name in names))


def in_two(left, right, border=10):
    """Tumor of 10^3 voxels in a box whose left part, below `border` along x, is another tissue."""
    index = np.full((20, 20, 20), 1)
    index[:, :, :border] = 0
    index[5:15, 5:15, 5:15] = 2
    return grid_of((left, right, "tumor"), index)


def tumor_of(tissue, at=(10, 10, 10)):
    return tissue.tissues[tissue.index[at]]


def test_a_tumor_in_liver_has_the_flow_the_range_and_the_metabolism_of_liver():
    tissue = flow_from_hosts(in_two("liver", "liver"))
    tumor, liver = tumor_of(tissue), LIBRARY["liver"]
    assert (tumor.name, tumor.flow_of) == ("tumor", "liver")
    assert tumor.perfusion_1_s == liver.perfusion_1_s
    assert tumor.metabolism_w_m3 == liver.metabolism_w_m3
    assert tumor.ranges["perfusion_1_s"] == liver.ranges["perfusion_1_s"]
    assert tumor.k_frozen_w_mk == LIBRARY["tumor"].k_frozen_w_mk
    assert tumor.ranges["k_frozen_w_mk"] == LIBRARY["tumor"].ranges["k_frozen_w_mk"]
    assert tumor.sources["perfusion_1_s"].startswith("assumption: that of liver")
    assert "tumor has the blood flow of liver, 0.0095 1/s" in tissue.assumptions[-1]


@pytest.mark.parametrize(
    ("left", "right", "border", "host"),
    [
        ("kidney", "fat", 8, "kidney"),  # bulges out: more of it lies in fat, the organ feeds it
        ("kidney", "fat", 4, "fat"),  # touches no kidney
        ("muscle", "fat", 12, "muscle"),
        ("muscle", "fat", 8, "fat"),
        ("liver", "kidney", 12, "liver"),
        ("gas", "muscle", 14, "muscle"),
        ("blood", "liver", 14, "liver"),
    ],
)
def test_the_host_is_the_organ_or_else_what_covers_most(left, right, border, host):
    assert tumor_of(flow_from_hosts(in_two(left, right, border))).flow_of == host


def test_a_tumor_that_touches_an_organ_with_less_than_a_tenth_of_its_surface_is_not_its():
    index = np.full((20, 20, 20), 1)
    index[5:15, 5:15, 5:15] = 2
    index[5:10, 5:15, 4] = 0  # 50 of 600 faces
    assert tumor_of(flow_from_hosts(grid_of(("liver", "fat", "tumor"), index))).flow_of == "fat"
    index[5:15, 5:15, 4] = 0
    assert tumor_of(flow_from_hosts(grid_of(("liver", "fat", "tumor"), index))).flow_of == "liver"


def test_two_tumors_have_each_its_own_host():
    index = np.zeros((12, 12, 30))
    index[:, :, 15:] = 1
    index[4:8, 4:8, 4:8] = 2
    index[4:8, 4:8, 20:24] = 2
    tissue = flow_from_hosts(grid_of(("liver", "muscle", "tumor"), index))
    assert tumor_of(tissue, (5, 5, 5)).flow_of == "liver"
    assert tumor_of(tissue, (5, 5, 21)).flow_of == "muscle"
    assert len(tissue.tissues) == 4
    assert np.array_equal(tissue.index < 2, index < 2)


def test_without_a_host_a_tumor_keeps_its_own_numbers():
    alone = flow_from_hosts(
        TissueGrid.uniform(Grid.centered((9.0, 9.0, 9.0), 3.0), LIBRARY["tumor"])
    )
    assert (alone.tissues[0].flow_of, alone.tissues[0].perfusion_1_s) == ("", 5e-4)
    embolized = TissueGrid.uniform(alone.grid, LIBRARY["tumor-embolized"])
    assert flow_from_hosts(embolized).tissues[0].perfusion_1_s == 2.5e-4


def test_an_embolized_tumor_has_a_share_of_its_hosts_flow():
    index = in_two("kidney", "kidney").index
    tumor = tumor_of(flow_from_hosts(grid_of(("kidney", "fat", "tumor-embolized"), index)))
    kidney, share = LIBRARY["kidney"], LIBRARY["tumor-embolized"].host_flow_share
    least, most = LIBRARY["tumor-embolized"].ranges["host_flow_share"]
    low, high = kidney.ranges["perfusion_1_s"]
    assert tumor.perfusion_1_s == pytest.approx(share * kidney.perfusion_1_s)
    assert tumor.metabolism_w_m3 == pytest.approx(share * kidney.metabolism_w_m3)
    assert tumor.ranges["perfusion_1_s"] == pytest.approx((least * low, most * high))


def test_what_states_its_flow_keeps_it():
    stated = define_tissue({"name": "mine", "base": "tumor", "perfusion_1_s": 0.003}, LIBRARY)
    inherits = define_tissue({"name": "mine", "base": "tumor", "k_frozen_w_mk": 2.2}, LIBRARY)
    assert (stated.flow_of, inherits.flow_of) == ("", "host")
    for wrong in ({"base": "liver"}, {"base": "tumor", "perfusion_1_s": 0.003}):
        with pytest.raises(InputError, match="host_flow_share is of a tumor without"):
            define_tissue({"name": "mine", "host_flow_share": 0.5, **wrong}, LIBRARY)
    avascular = LIBRARY["tumor-avascular"]
    assert (avascular.flow_of, avascular.perfusion_1_s) == ("", 0.0)
    assert avascular.k_frozen_w_mk == LIBRARY["tumor"].k_frozen_w_mk
