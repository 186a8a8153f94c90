"""What tests of the evaluator evaluate: a module that worker processes can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numba

from cryosim.errors import InputError
from cryosim.tasks import Evaluator, Journal

PROBLEM_BYTES = 1 << 20


class Problem:
    """A problem of a real one's size; counts how often it is unpickled."""

    def __init__(self, folder):
        self.folder, self.offset = str(folder), 7
        self.anatomy = bytes(PROBLEM_BYTES)

    def __setstate__(self, state):
        self.__dict__.update(state)
        write_down(self.folder, "unpickled", os.getpid())


def write_down(folder, name, what):
    with (Path(folder) / name).open("a") as file:
        file.write(f"{what}\n")


def written_down(folder, name):
    path = Path(folder) / name
    return path.read_text().split() if path.exists() else []


def evaluate(problem, task):
    """Write down who evaluates what, do what the task says, and return a number."""
    write_down(problem.folder, "pids", os.getpid())
    while len(written_down(problem.folder, "evaluated")) < task.get("after", 0):
        time.sleep(0.01)
    time.sleep(task.get("seconds", 0))
    if task.get("refused"):
        raise InputError("probe.0: hits bone")
    if task.get("fails"):
        raise ZeroDivisionError("no such number")
    if task.get("deadly") == "always" or (task.get("deadly") and first_time(problem, task)):
        os.kill(os.getpid(), signal.SIGKILL)
    write_down(problem.folder, "evaluated", task["x"])
    return {
        "value": task["x"] ** 2 + problem.offset,
        "threads": [numba.get_num_threads(), numba.config.NUMBA_NUM_THREADS],
    }


def first_time(problem, task):
    try:
        (Path(problem.folder) / f"died-{task['x']}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def search(folder, seconds, count):
    """Evaluate so many candidates with two workers, as a program would."""
    tasks = [{"x": x, "seconds": seconds} for x in range(count)]
    with (
        Journal(Path(folder) / "out" / "journal.jsonl", "key") as journal,
        Evaluator(evaluate, Problem(folder), journal, jobs=2) as evaluator,
    ):
        outcomes = evaluator.evaluate(tasks)
    sys.stdout.write(" ".join(str(outcome["value"]) for outcome in outcomes))
