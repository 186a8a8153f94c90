"""Every verification and validation case, run and judged."""

import pytest

from evidence import Case, find_cases

CASES = [
    pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else [])
    for case in find_cases()
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case):
    evidence = case.run()
    assert evidence.checks
    wrong = [check for check in evidence.checks if not check.as_expected]
    assert not wrong


def test_names_are_unique():
    names = [case.name for case in find_cases()]
    assert len(set(names)) == len(names)
    assert names
