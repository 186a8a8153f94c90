"""The shortest freezes that do it."""

import functools

import pytest

import cases
from cryosim.errors import InputError
from cryosim.evaluation import evaluate
from cryosim.plan import Plan
from cryosim.planning import shortest_protocol
from cryosim.planning.shortest import room_of
from cryosim.simulation import simulate
from cryosim.tissue import TissueGrid


@functools.cache
def tissue() -> TissueGrid:
    box = cases.box(2.5, (50, 50, 50), perfusion_1_s=0.001)
    target = cases.ball_share(box.grid, (0.0, 0.0, 0.0), 5.0)
    return TissueGrid(box.grid, box.index, box.tissues, structures={"target": target})


def content(text: str, margin_mm: float = 5.0) -> Plan:
    target = {"label": 1, "margin_mm": margin_mm, "lethal_coverage": 0.3}
    return cases.plan(text, target=target)


def test_it_meets_the_goals_and_a_little_less_does_not():
    plan = content("freeze 10 min; thaw 2 min; freeze 5 min")
    found = shortest_protocol(tissue(), plan)
    assert 0.1 < found.share < 0.7
    assert found.simulations <= 9
    assert room_of(found.report) >= 0.0
    assert found.plan.protocol == plan.protocol.with_freezes(found.share)
    assert [stage.minutes for stage in found.plan.protocol.stages][1] == 2.0
    less = plan.model_copy(update={"protocol": plan.protocol.with_freezes(found.share - 0.01)})
    assert room_of(evaluate(simulate(tissue(), less))) < 0.0


def test_a_protocol_that_is_too_short_stays_as_it_is():
    plan = content("freeze 1 min; thaw 1 min", margin_mm=9.0)
    found = shortest_protocol(tissue(), plan)
    assert (found.share, found.simulations) == (1.0, 1)
    assert found.plan.protocol == plan.protocol
    assert not found.report.passed


def test_without_a_target_nothing_is_shortest():
    with pytest.raises(InputError, match=r"no target.*add \[target\]"):
        shortest_protocol(tissue(), cases.plan())
