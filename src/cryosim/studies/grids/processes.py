"""Run cases side by side, each in a fresh process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...simulation.cores import THREADS_VARIABLE, usable_cores
from .case import Case
from .record import Record

__all__ = ["Finished", "Progress", "Refused", "run_cases", "threads_each"]

_WORKER = f"{__package__}.worker"


@dataclass(frozen=True)
class Progress:
    """A case has simulated this share of its protocol."""

    case: Case
    share: float


@dataclass(frozen=True)
class Finished:
    """A case is done."""

    case: Case
    record: Record


@dataclass(frozen=True)
class Refused:
    """A case cannot be run; `reason` is one sentence."""

    case: Case
    reason: str


Message = Progress | Finished | Refused


def threads_each(jobs: int) -> int:
    """Threads of each of so many cases side by side; the cores to use, divided."""
    return max(1, usable_cores() // jobs)


def run_cases(cases: Sequence[Case], jobs: int) -> Generator[Message, None, None]:
    """Run cases in the given order, so many side by side, and yield what they tell.

    Each is a new interpreter, so that its memory and its compiling are its own, and no module of
    the caller is run twice. Closing the iterator ends those under way.
    """
    waiting = list(cases)
    told: queue.Queue[Message] = queue.Queue()
    running: dict[str, _Process] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                case = waiting.pop(0)
                running[case.key] = _Process(case, jobs, told)
            message = told.get()
            yield message
            if not isinstance(message, Progress):
                running.pop(message.case.key).end()
    finally:
        for process in running.values():
            process.end()


class _Process:
    """The process of one case; a thread puts what it tells into a queue."""

    def __init__(self, case: Case, jobs: int, told: queue.Queue[Message]) -> None:
        self._case, self._told = case, told
        threads = threads_each(jobs)
        # The modules of this process, also where only it knows the way to them.
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, THREADS_VARIABLE: str(threads), "PYTHONPATH": paths},
        )
        request = {**case.document(), "threads": threads, "jobs": jobs}
        self._reader = threading.Thread(
            target=self._converse, args=[json.dumps(request)], daemon=True
        )
        self._reader.start()

    def end(self) -> None:
        """Stop the process if it still runs."""
        self._process.kill()
        self._reader.join()

    def _converse(self, request: str) -> None:
        """Hand the process its case and pass on what it tells, until it ends."""
        last: Message | None = None
        complaint = ""
        with self._process as process:
            if process.stdin is None or process.stdout is None:  # excluded by how it was started
                return
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(request + "\n")
            for line in process.stdout:
                message = _understand(self._case, line)
                if message is None:
                    complaint = line.strip() or complaint
                    continue
                self._told.put(message)
                last = message
        if last is None or isinstance(last, Progress):
            reason = _why_it_died(process.returncode, complaint)
            self._told.put(Refused(self._case, reason))


def _understand(case: Case, line: str) -> Message | None:
    """Read a line of a process; None for one that is no message, such as a traceback's."""
    try:
        content = json.loads(line)
        if "record" in content:
            return Finished(case, Record.from_document(content["record"]))
        if "refused" in content:
            return Refused(case, str(content["refused"]))
        return Progress(case, float(content["share"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _why_it_died(code: int, complaint: str) -> str:
    if code < 0:
        return f"its process was killed (signal {-code}); most often memory ran out"
    return f"its process failed ({complaint or f'code {code}'}); please report this plan"
