"""The tables of a search: what stands in which row, in which unit."""

import io

import numpy as np
from rich.console import Console

from cases import plan
from cryosim.planning import Candidate, conditions_of_met, robustness_rows, trade_off_rows
from cryosim.planning.found_plans import _probe_sentences
from cryosim.reporting import print_plans

NUMBERS = {"coverage": 0.9534, "ice_margin_min_mm": 6.04, "healthy_frozen_ml": 21.4}


def one(origin, count, **changes):
    found = {"origin": origin, "count": count, "model": "argon-17g", "freeze_share": 1.0,
             "met": True, "missed": None, "refused": None, **NUMBERS}  # fmt: skip
    return found | changes


def document(**changes):
    limited = [
        {"name": "ice margin", "key": "target.margin.ice.min_mm", "unit": "mm"},
        {"name": "nerve coldest", "unit": "C"},
        {"name": "lethal coverage (-40 C)", "unit": ""},
    ]
    missed = "ice margin is 3.1 mm (at least 5 mm)"
    return {
        "best": {"goals": limited, "on_the_plans_grid": {**NUMBERS, "met": True, "missed": None}},
        "plans": [
            one("search", 2, rank=1, met=False, missed="ice margin is 4.9 mm (at least 5 mm)",
                ice_margin_min_mm=4.9),
            one("search", 1, rank=2, met=False, missed=missed, ice_margin_min_mm=None),
        ],
        "others": [
            one("regular grid", 3, freeze_share=0.5),
            one("the plan as given", 2, refused="probe.0 and probe.1 are in one place"),
        ],
        "robustness": {
            "probability": {"ice margin": 0.5, "nerve coldest": None,
                            "lethal coverage (-40 C)": 1.0},
            "worst": {
                "ice margin": {"value": 3.04, "in": "misplaced 1"},
                "nerve coldest": {"value": None, "in": "misplaced 2"},
                "lethal coverage (-40 C)": {"value": 0.9534, "in": "search"},
            },
        },
        **changes,
    }  # fmt: skip


def test_the_best_plan_as_its_own_grid_shows_it_and_the_others_as_the_search_does():
    assert [tuple(row) for row in trade_off_rows(document())] == [
        (2, "best", "95.3 %", "6.0 mm", "21 ml", None),
        (1, "search", "95.3 %", "none", "21 ml", "ice margin 3.1 mm"),
        (3, "regular grid, freezes 50 %", "95.3 %", "6.0 mm", "21 ml", None),
        (2, "the plan as given", "", "", "", "probe.0 and probe.1 are in one place"),
    ]


def test_models_are_named_where_there_are_several():
    several = document(others=[one("regular grid", 1, model="icerod-1.5")])
    names = [row.plan for row in trade_off_rows(several)]
    assert names == ["best, argon-17g", "search, argon-17g", "regular grid, icerod-1.5"]


def test_how_often_a_goal_is_met_and_what_it_is_at_worst():
    assert robustness_rows(document()) == [
        ("ice margin", "50 %", "3.04 mm", "misplaced 1"),
        ("nerve coldest", "", "cannot be simulated", "misplaced 2"),
        ("lethal coverage (-40 C)", "100 %", "0.953", "as planned"),
    ]


def test_a_probe_comes_from_where_its_entry_is():
    tip, entry = (1.0, -2.0, 3.0), (1.0, -52.0, 3.0 - 50.0 * np.tan(np.radians(20.0)))
    candidate = Candidate.placed("argon-17g", np.array([tip]), np.array([entry]), 1.0)
    assert _probe_sentences(candidate.plan(plan())) == [
        "probe.0: tip [1, -2, 3], entry [1, -52, -15.2], 53 mm deep, from the front, 20° to the "
        "feet"
    ]


LIMIT = "limited to 4 mm by the skin, posterior side: 1.3 mm reached there"


NOT_HELD = "ice margin: met, but not at the upper end of liver's blood flow (5.3 mm)"


def test_only_what_stood_the_tissues_ranges_is_green():
    """A plan that nobody put to them is met as planned, no more."""
    found = document()
    found["plans"][1]["ranges_unseen"] = False
    held = conditions_of_met(found)
    assert held == [" as planned", "", " as planned", " as planned"]
    found["best"]["on_the_plans_grid"] |= {"within_ranges": [NOT_HELD], "ranges_unseen": False}
    assert conditions_of_met(found)[0] == f", but not throughout the tissues' ranges: {NOT_HELD}"


def test_met_never_stands_without_what_limits_the_margin():
    limited = document()
    limited["best"]["on_the_plans_grid"] |= {"limits": [LIMIT], "ranges_unseen": False}
    first, *others = conditions_of_met(limited)
    assert first == f" where there is tissue: the margin is {LIMIT}"
    assert set(others) == {" as planned"}
    limited = {**limited, "explanation": [], "warnings": [], "assumptions": [], "simulations": 1,
               "wall_s": 1.0, "skin_help": None}  # fmt: skip
    page = Console(width=160, file=io.StringIO(), force_terminal=True)
    print_plans(limited, page)
    row = next(line for line in page.file.getvalue().splitlines() if "met where" in line)
    assert "\x1b[33mmet where there is tissue" in row  # yellow, not green
