"""Public functions say in one sentence what they take, and where one gets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cryosim
from cases import plan, small_result
from cryosim.evaluation import evaluate
from cryosim.reporting import html_report

CASES: list[tuple[str, Callable[[], Any], str]] = [
    ("read_plan", lambda: cryosim.read_plan({"probe": []}), "for a dictionary use plan_from_dict"),
    ("read_anatomy", lambda: cryosim.read_anatomy("plan.toml"), "Plan expected, found str"),
    ("place_anatomy", lambda: cryosim.place_anatomy(plan(), plan()), "Anatomy expected"),
    ("simulate, turned", lambda: cryosim.simulate(plan(), small_result().tissue), "TissueGrid"),
    ("simulate", lambda: cryosim.simulate(small_result().tissue, {}), "Plan expected, found dict"),
    ("evaluate", lambda: cryosim.evaluate(plan()), "Result expected, found Plan; simulate and"),
    ("save_result", lambda: cryosim.save_result(plan(), "x.vtkhdf"), "Result expected"),
    ("load_result", lambda: cryosim.load_result(3), "str or Path expected, found int"),
    ("read_volume", lambda: cryosim.read_volume(None), "found NoneType"),
    ("read_labels", lambda: cryosim.read_labels(4), "found int"),
    ("show", lambda: cryosim.show(plan()), "Result expected, found Plan"),
    ("optimize", lambda: cryosim.optimize(plan(), plan()), "read_anatomy returns one"),
    ("export_result", lambda: cryosim.export_result(plan(), "out"), "Result expected"),
    ("compare_masks", lambda: cryosim.compare_masks("a.nii", "b.nii"), "read_labels returns one"),
    ("write_report", lambda: cryosim.write_report(small_result(), small_result(), "x"), "Report"),
    ("write_result", lambda: cryosim.write_result(plan(), small_result(), "x"), "Report expected"),
    ("print_report", lambda: cryosim.print_report(plan(), small_result(), None), "Report expected"),
    ("html_report", lambda: html_report(evaluate(small_result()), plan()), "Result expected"),
]


@pytest.mark.parametrize(("name", "call", "words"), CASES, ids=[name for name, _, _ in CASES])
def test_the_wrong_thing_is_named(
    name: str,  # noqa: ARG001
    call: Callable[[], Any],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cryosim.InputError) as found:
        call()
    message = str(found.value)
    assert words in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []
