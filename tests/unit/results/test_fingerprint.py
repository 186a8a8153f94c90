"""Which edits make what was computed before wrong."""

import importlib
from pathlib import Path

import pytest

from cryosim.results import digest, fingerprint, program_fingerprint


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A folder of a program with a few modules."""
    for name in (
        "simulation/step.py",
        "planning/search.py",
        "pictures/colors.py",
        "results/store.py",
    ):
        path = tmp_path / "toy_program" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        (path.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fingerprint, "_PACKAGES", ("toy_program",))
    importlib.invalidate_caches()
    return tmp_path / "toy_program"


@pytest.mark.parametrize(
    ("edited", "simulations", "searches"),
    [
        ("simulation/step.py", True, True),
        ("planning/search.py", False, True),
        ("pictures/colors.py", False, False),
        ("results/store.py", False, False),
    ],
)
def test_what_an_edit_makes_wrong(program, edited, simulations, searches):
    before = program_fingerprint(), program_fingerprint(also=("planning",))
    (program / edited).write_text("edited = True")
    assert (program_fingerprint() != before[0]) == simulations
    assert (program_fingerprint(also=("planning",)) != before[1]) == searches


def test_what_is_left_out_is_there():
    """A module that is renamed must not begin to count, or cease to, unnoticed."""
    root = importlib.import_module("cryosim").__path__[0]
    names = {path.name for path in Path(root).iterdir()}
    assert set(fingerprint._NO_PART) <= names


def test_the_order_of_keys_plays_no_part():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest([1, 2]) != digest([2, 1])
