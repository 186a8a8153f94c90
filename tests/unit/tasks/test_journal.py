"""The journal of a search: nothing lost, nothing mixed up, whatever stopped the last process."""

import json
import resource
import signal

import pytest

from cryosim.errors import InputError
from cryosim.tasks import Journal

TASKS = [{"probes": [[0, 1.5, x]], "stage": "coarse"} for x in range(3)]
OUTCOMES = [{"coverage": 0.1 + 0.2, "goals": ["ok"]}, {"refused": "probe.0: hits bone"}, {}]


@pytest.fixture
def path(tmp_path):
    """A journal of three evaluations."""
    path = tmp_path / "out" / "journal.jsonl"
    with Journal(path, "key") as journal:
        for task, outcome in zip(TASKS, OUTCOMES, strict=True):
            journal.keep(task, outcome)
    return path


def found(path):
    with Journal(path, "key") as journal:
        return [journal.find(task) for task in TASKS]


def test_found_again(path):
    assert found(path) == OUTCOMES
    with Journal(path, "key") as journal:
        assert journal.find({"stage": "coarse", "probes": [[0, 1.5, 0]]}) == OUTCOMES[0]
        assert journal.find({"stage": "fine", "probes": [[0, 1.5, 0]]}) is None


def test_on_disk_at_once(tmp_path):
    with Journal(tmp_path / "journal.jsonl", "key") as journal:
        journal.keep(TASKS[0], OUTCOMES[0])
        assert len((tmp_path / "journal.jsonl").read_bytes().splitlines()) == 2


def test_found_is_what_a_later_process_reads(path):
    with Journal(path, "key") as journal:
        journal.keep({"x": 1}, {"pair": (1, 2)})
        assert journal.find({"x": 1}) == {"pair": [1, 2]}
        journal.find({"x": 1})["pair"].clear()
        assert journal.find({"x": 1}) == {"pair": [1, 2]}


def test_torn_anywhere(path):
    """Cut after any byte: whole lines are found, and the journal goes on in a new line."""
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        left = max(whole[:length].count(b"\n") - 1, 0)
        assert found(path) == OUTCOMES[:left] + [None] * (3 - left)
        with Journal(path, "key") as journal:
            journal.keep(TASKS[2], OUTCOMES[2])
        assert found(path) == OUTCOMES[:left] + [None] * (2 - left) + OUTCOMES[2:]
        assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_damaged_line_counts_as_missing(path):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b"\0" * 30 + b"\n"
    path.write_bytes(b"".join(lines))
    assert found(path) == [OUTCOMES[0], None, OUTCOMES[2]]


def test_another_search_is_refused(path):
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"output .*out: holds the search of another plan.* -o$"):
        Journal(path, "other")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"notes\n", "is not the journal of a search"),
        (b"notes", "is not the journal of a search"),
        (b"[]\n", "is not the journal of a search"),
        (b"\xff\xfe\n", "is not the journal of a search"),
        (b'{"format": 99, "key": "key"}\n', "holds a search in format 99"),
    ],
)
def test_other_files_are_left_alone(path, content, expected):
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        Journal(path, "key")
    assert path.read_bytes() == content


def test_one_process_at_a_time(path):
    with Journal(path, "key"), pytest.raises(InputError, match=r"another search is running in it"):
        Journal(path, "key")
    assert found(path) == OUTCOMES


def test_a_full_disk(path):
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal(path, "key") as journal:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
            with pytest.raises(InputError, match=r"out: cannot be written \(File too large\)"):
                journal.keep({"x": 1}, {"value": "lost"})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        assert journal.find({"x": 1}) is None
        journal.keep({"x": 2}, {})
    assert found(path) == OUTCOMES
    with Journal(path, "key") as journal:
        assert journal.find({"x": 2}) == {}


def test_no_place(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"output .*out: cannot be written \("):
        Journal(tmp_path / "out" / "journal.jsonl", "key")


def test_no_json_is_no_outcome(path):
    with Journal(path, "key") as journal, pytest.raises(ValueError, match="JSON compliant"):
        journal.keep({"x": 1}, {"value": float("nan")})
    assert found(path) == OUTCOMES
