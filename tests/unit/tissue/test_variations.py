"""Which tissues are varied, how, and in which order."""

import dataclasses

import numpy as np
import pytest

from cases import REFERENCE_TISSUE
from cryosim.geometry import Grid
from cryosim.tissue import (
    Tissue,
    TissueGrid,
    TissueVariation,
    flows_without_range,
    read_library,
    tissue_variations,
)

BODY_C = 37.0


def tissue(name, flow=0.002, flow_range=(0.001, 0.004), **numbers):
    ranges = {} if flow_range is None else {"perfusion_1_s": flow_range}
    numbers = {"metabolism_w_m3": 1000.0, **REFERENCE_TISSUE, **numbers}
    return Tissue(**{**numbers, "name": name}, perfusion_1_s=flow, ranges=ranges)


LIVER = tissue("liver", 0.01, (0.005, 0.02))
TUMOR = tissue("tumor", 0.005, (0.0025, 0.01), flow_of="liver")
MUSCLE, SKIN, BLADDER = tissue("muscle"), tissue("skin"), tissue("bladder")
TISSUES = (SKIN, MUSCLE, LIVER, TUMOR, BLADDER)


def grid_of(tissues=TISSUES, target=TUMOR):
    """A slab of 4 x 4 x 4 voxels of each tissue."""
    index = np.repeat(np.arange(len(tissues), dtype=np.uint8), 64).reshape(-1, 4, 4)
    share = (index == tissues.index(target)).astype(np.float32)
    return TissueGrid(Grid.centered((4, 4, 4 * len(tissues)), 1.0), index, tissues,
                      structures={"target": share})  # fmt: skip


def coldest(tissues=TISSUES, **kelvins):
    """Each tissue cooled by so many kelvins."""
    by = np.array([kelvins.get(known.name, 0.0) for known in tissues])
    return (BODY_C - by[grid_of(tissues, tissues[0]).index]).astype(np.float32)


def wheres(*arguments):
    return [one.where for one in tissue_variations(*arguments, BODY_C)]


def test_host_and_tumor_come_first_together_though_more_of_others_is_cooled():
    found = wheres(grid_of(), coldest(tumor=1.0, liver=0.5, muscle=30.0, skin=10.0))
    assert found == [
        f"at the {end} end of {name}'s blood flow"
        for name in ("liver", "muscle", "skin")
        for end in ("lower", "upper")
    ]


def test_both_have_the_end_of_their_own_range_and_metabolism_goes_with_flow():
    upper = TissueVariation("perfusion_1_s", "upper", "liver")
    found = dict(zip(TISSUES, upper.applied(TISSUES), strict=True))
    assert found[LIVER] == dataclasses.replace(LIVER, perfusion_1_s=0.02, metabolism_w_m3=2000.0)
    assert found[TUMOR] == dataclasses.replace(TUMOR, perfusion_1_s=0.01, metabolism_w_m3=2000.0)
    assert all(found[one] is one for one in (SKIN, MUSCLE, BLADDER))
    assert upper.amount(TISSUES, 1.0) == "0.02 1/s"
    assert upper.amount(TISSUES, 0.5) == "0.01 1/s"
    lower = TissueVariation("perfusion_1_s", "lower", "liver")
    assert lower.applied(TISSUES)[2].perfusion_1_s == 0.005
    assert (lower.makes_less_ice, upper.makes_less_ice) == (False, True)


def test_two_tumors_in_different_organs_are_varied_with_their_own_host():
    other = dataclasses.replace(TUMOR, flow_of="muscle")
    found = TissueVariation("perfusion_1_s", "upper", "muscle").applied((TUMOR, other))
    assert [one.perfusion_1_s for one in found] == [0.005, 0.01]


@pytest.mark.parametrize("flow_of", ["", "host"])
def test_a_tumor_without_a_host_is_varied_alone(flow_of):
    alone = (LIVER, dataclasses.replace(TUMOR, flow_of=flow_of))
    found = wheres(grid_of(alone, alone[1]), coldest(alone, tumor=20.0))
    assert found == [f"at the {end} end of tumor's blood flow" for end in ("lower", "upper")]


def test_what_was_not_cooled_or_matters_little_is_left_out():
    assert wheres(grid_of(), coldest()) == []
    # Cooled muscle has 3 x 20, skin 3 x 0.5 of the weight of 1/s and kelvins.
    found = wheres(grid_of(target=BLADDER), coldest(muscle=20.0, skin=0.5))
    assert found == [f"at the {end} end of muscle's blood flow" for end in ("lower", "upper")]


def test_no_more_than_three_flows():
    every = {known.name: 30.0 for known in TISSUES}
    found = wheres(grid_of(target=BLADDER), coldest(**every))
    names = [where.split()[-3] for where in found[::2]]
    assert names[:2] == ["bladder's", "liver's"]
    assert len(names) == 3


def test_conduction_of_all_ice_comes_last_where_anything_froze():
    ranged = tuple(
        dataclasses.replace(one, ranges={**one.ranges, "k_frozen_w_mk": (1.5, 2.5)})
        for one in (LIVER, TUMOR)
    )
    about = grid_of(ranged, ranged[1])
    found = tissue_variations(about, coldest(ranged, tumor=40.0), BODY_C)
    assert [one.where for one in found[-2:]] == [
        f"at the {end} end of frozen tissue's conduction" for end in ("lower", "upper")
    ]
    lower, upper = found[-2:]
    assert [one.k_frozen_w_mk for one in lower.applied(ranged)] == [1.5, 1.5]
    assert [one.k_unfrozen_w_mk for one in lower.applied(ranged)] == [0.5, 0.5]
    assert (lower.makes_less_ice, upper.makes_less_ice) == (True, False)
    assert lower.amount(ranged, 1.0) == ""
    assert len(tissue_variations(about, coldest(ranged, tumor=36.0), BODY_C)) == 2


def test_an_end_at_which_a_tissue_lies_already_is_not_looked_at():
    at_end = (tissue("lung", 0.004, (0.001, 0.004)),)
    assert wheres(grid_of(at_end, at_end[0]), coldest(at_end, lung=20.0)) == [
        "at the lower end of lung's blood flow"
    ]


def test_flow_from_nothing_and_to_nothing_leaves_resting_tissue_at_blood_temperature():
    none = tissue("soft", 0.0, (0.0, 0.01), metabolism_w_m3=0.0)
    (found,) = TissueVariation("perfusion_1_s", "upper", "soft").applied([none])
    assert (found.perfusion_1_s, found.metabolism_w_m3) == (0.01, 0.0)
    (found,) = TissueVariation("perfusion_1_s", "lower", "soft").applied(
        [dataclasses.replace(none, perfusion_1_s=0.005, metabolism_w_m3=900.0)]
    )
    assert (found.perfusion_1_s, found.metabolism_w_m3) == (0.0, 0.0)


def test_flows_of_which_no_range_is_known_are_named_where_they_matter():
    own = tissue("own", flow_range=None)
    tissues = (LIVER, own)
    about = grid_of(tissues, LIVER)
    assert flows_without_range(about, coldest(tissues, liver=10.0, own=20.0), BODY_C) == (own,)
    assert flows_without_range(about, coldest(tissues, liver=30.0, own=1.0), BODY_C) == ()


def test_the_library_has_both_ends_for_all_it_can_vary():
    tissues = tuple(read_library().values())
    for name in read_library():
        for end in ("lower", "upper"):
            TissueVariation("perfusion_1_s", end, name).applied(tissues)
    for end in ("lower", "upper"):
        assert TissueVariation("k_frozen_w_mk", end).applied(tissues) != tissues
