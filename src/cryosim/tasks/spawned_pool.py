"""Worker processes on this machine that do not outlive the process they work for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, ParamSpec, TypeVar

from ..simulation.cores import THREADS_VARIABLE

__all__ = ["SpawnedPool", "problem_here"]

P = ParamSpec("P")
R = TypeVar("R")

_HERE: dict[str, Any] = {}


def problem_here() -> Any:
    """Return the problem of the pool that this process works for."""
    return _HERE["problem"]


class SpawnedPool(ProcessPoolExecutor):
    """Spawned processes with one Numba thread each; started as they are needed.

    They end when this process does, even by `kill -9`, and leave Ctrl-C to it.

    Parameters
    ----------
    jobs : processes at most.
    pickled_problem : what each of them unpickles once, see `problem_here`.
    """

    def __init__(self, jobs: int, pickled_problem: bytes) -> None:
        # Never forked: Numba's OpenMP threads do not survive that.
        context = multiprocessing.get_context("spawn")
        ours, self._lifeline = context.Pipe(duplex=False)
        # Not through the pipes of the pool: what is larger than a pipe's buffer hangs it when a
        # worker dies before it has read that, as all do whose script lacks a __main__ guard.
        self._problem = SharedMemory(create=True, size=len(pickled_problem))
        memoryview(self._problem.buf or b"")[: len(pickled_problem)] = pickled_problem
        super().__init__(
            jobs,
            mp_context=context,
            initializer=_start_worker,
            initargs=(ours, self._problem.name),
        )

    def submit(
        self, function: Callable[P, R], /, *arguments: P.args, **named: P.kwargs
    ) -> Future[R]:
        """Hand a call to a process; starts one where none is idle."""
        with _one_thread(), _no_interrupt():
            return super().submit(function, *arguments, **named)

    def end(self) -> None:
        """End the processes at once, whatever they do."""
        self._lifeline.close()
        self.shutdown(cancel_futures=True)
        self._problem.close()
        self._problem.unlink()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Have processes that are started meanwhile read, as they import Numba, to use one thread."""
    before = os.environ.get(THREADS_VARIABLE)
    os.environ[THREADS_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS_VARIABLE]
        else:
            os.environ[THREADS_VARIABLE] = before


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Have processes that are started meanwhile be deaf to Ctrl-C; this one hears it afterwards.

    It reaches the whole group of processes, and the one that started the others decides.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(lifeline: Connection, name_of_problem: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=[lifeline], daemon=True).start()
    memory = SharedMemory(name_of_problem)
    _HERE["problem"] = pickle.loads(memory.buf or b"")  # it may be followed by padding
    memory.close()


def _end_with(lifeline: Connection) -> None:
    """End this process when nobody holds the other end any more: it was closed, or killed."""
    with contextlib.suppress(OSError):
        lifeline.poll(None)
    os._exit(1)
