"""Evaluate candidates through any executor, each kept at once, whatever dies on the way."""

from __future__ import annotations

import contextlib
import functools
import json
import pickle
import queue
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from types import TracebackType
from typing import Any, Self

import numba

from ..errors import InputError
from ..results import digest
from ..simulation.cores import usable_cores
from .journal import Journal
from .spawned_pool import SpawnedPool, problem_here

__all__ = ["EvaluationCallback", "Evaluator", "Outcome", "Task"]

Task = Mapping[str, Any]
Outcome = dict[str, Any]

_DEATHS = 3  # without an evaluation finished in between


class EvaluationCallback:
    """Hooks of a search and of `Evaluator.evaluate`; each does nothing unless overridden."""

    def on_warnings(self, warnings: Sequence[str]) -> None:
        """What may be wrong with what is searched in, before anything is evaluated."""

    def on_start(self, asked: int, known: Sequence[Outcome]) -> None:
        """So many different tasks are asked for; these are the outcomes known already."""

    def on_evaluated(self, outcome: Outcome, done: int, asked: int) -> None:
        """A task was evaluated and is in the journal; so many of those asked are done."""

    def on_death(self, deaths: int) -> None:
        """Workers died; what they had under way is evaluated again."""


class Evaluator:
    """Evaluates tasks of one problem in parallel; what is in the journal is not done again.

    Without an executor, processes are spawned when the first task needs them. A script that does
    so must not do it again when such a process imports it: `if __name__ == "__main__":`.

    Parameters
    ----------
    function : called as function(problem, task) in the workers, on one Numba thread; a function of
        a module, that returns a dict of JSON values. Where it raises `InputError`, the outcome is
        {"refused": sentence}.
    problem : what all tasks share; unpickled once by a worker.
    journal : its key must stand for function and problem: only the task tells outcomes apart.
    executor : any; processes on this machine by default. It is not shut down here.
    jobs : processes on this machine; as many as cores by default.
    callbacks : watchers, called in the order in which tasks are finished.

    Raises
    ------
    InputError
        When `jobs` is below 1.
    """

    def __init__(
        self,
        function: Callable[[Any, Task], Outcome],
        problem: object,
        journal: Journal,
        *,
        executor: Executor | None = None,
        jobs: int | None = None,
        callbacks: Sequence[EvaluationCallback] = (),
    ) -> None:
        self._jobs = usable_cores() if jobs is None else jobs
        if self._jobs < 1:
            raise InputError(f"jobs = {jobs}: use 1 or more")
        self._function = function
        self._problem = pickle.dumps(problem, protocol=pickle.HIGHEST_PROTOCOL)
        self._journal = journal
        self._executor = executor
        self._callbacks = callbacks
        self._pool: SpawnedPool | None = None

    def evaluate(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Return the outcomes of tasks, in their order.

        Parameters
        ----------
        tasks : dicts of JSON values; equal ones are evaluated once.

        Raises
        ------
        InputError
            When workers die again and again, or the journal cannot be written.
        Exception
            What the function raised, with a note that names the task.
        """
        asked = {digest(task): task for task in tasks}
        found = {name: self._journal.find(task) for name, task in asked.items()}
        known = [outcome for outcome in found.values() if outcome is not None]
        missing = {name: asked[name] for name, outcome in found.items() if outcome is None}
        for callback in self._callbacks:
            callback.on_start(len(asked), known)
        try:
            self._complete(missing, len(asked))
        except BaseException:
            self.close()
            raise
        outcomes = (self._journal.find(task) for task in tasks)
        return [outcome for outcome in outcomes if outcome is not None]

    def close(self) -> None:
        """End the processes that were started here, whatever they do."""
        if self._pool is not None:
            self._pool.end()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _complete(self, missing: dict[str, Task], asked: int) -> None:
        """Evaluate until nothing is missing, through deaths of workers."""
        deaths = 0
        while missing:
            before = len(missing)
            death = self._attempt(missing, asked)
            if death is None:
                return
            deaths = 1 if len(missing) < before else deaths + 1
            if deaths == _DEATHS:
                raise _too_deadly(deaths, next(iter(missing.values()))) from death
            for callback in self._callbacks:
                callback.on_death(deaths)
            self.close()  # a pool that lost a process takes no more tasks

    def _attempt(self, missing: dict[str, Task], asked: int) -> Exception | None:
        """Evaluate what is missing and take out what was finished; return what killed the rest."""
        futures: dict[Future[str], str] = {}
        # Not `as_completed`: nobody need tell it of what an executor cancels as it shuts down.
        finished: queue.SimpleQueue[Future[str]] = queue.SimpleQueue()
        try:
            death = self._submit_all(missing, futures, finished)
            while futures:
                future = finished.get()
                name = futures[future]
                try:
                    outcome = _outcome(future, missing[name])
                except _deadly() as error:
                    death = error
                else:
                    self._journal.keep(missing.pop(name), outcome)
                    for callback in self._callbacks:
                        callback.on_evaluated(outcome, asked - len(missing), asked)
                # As long as somebody holds it, Dask evaluates again what a dead worker had found.
                del futures[future]
        except BaseException:
            self._give_up(futures, missing)
            raise
        return death

    def _submit_all(
        self,
        missing: Mapping[str, Task],
        futures: dict[Future[str], str],
        finished: queue.SimpleQueue[Future[str]],
    ) -> Exception | None:
        """Submit what is missing, until the executor takes no more; return why it does not."""
        try:
            for name, task in missing.items():
                future = self._submit(task)
                futures[future] = name
                future.add_done_callback(finished.put)
        except BrokenExecutor as error:
            return error
        return None

    def _give_up(self, futures: Mapping[Future[str], str], missing: Mapping[str, Task]) -> None:
        """Start nothing more, but keep what was finished while something went wrong."""
        for future, name in futures.items():
            if not future.cancel() and name in missing and _is_evaluated(future):
                self._journal.keep(missing[name], json.loads(future.result()))

    def _submit(self, task: Task) -> Future[str]:
        if self._executor is not None:
            return self._executor.submit(_evaluate, self._function, task, self._problem)
        if self._pool is None:
            self._pool = SpawnedPool(self._jobs, self._problem)
        return self._pool.submit(_evaluate, self._function, task)


def _evaluate(
    function: Callable[[Any, Task], Outcome], task: Task, pickled_problem: bytes | None = None
) -> str:
    """Evaluate a task in a worker; return its outcome as JSON, which any executor can carry."""
    problem = problem_here() if pickled_problem is None else _unpickle(pickled_problem)
    with _one_numba_thread():
        try:
            outcome = function(problem, task)
        except InputError as error:
            outcome = {"refused": str(error)}
    return json.dumps(outcome, allow_nan=False)


@functools.lru_cache(maxsize=2)
def _unpickle(pickled: bytes) -> Any:
    return pickle.loads(pickled)


@contextlib.contextmanager
def _one_numba_thread() -> Iterator[None]:
    """Keep Numba from taking all cores in each of the workers that share them."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _outcome(future: Future[str], task: Task) -> Outcome:
    """Return what a worker found.

    Raises
    ------
    InputError
        When the executor gave the task up.
    Exception
        What tells of a dead worker; what the function raised, with a note that names the task.
    """
    try:
        return json.loads(future.result())
    except _deadly():
        raise
    except CancelledError:
        raise InputError(
            "the cluster or pool that evaluates candidates went away; start it and the same "
            "command again, which goes on with what is finished"
        ) from None
    except Exception as error:
        error.add_note(f"while evaluating {json.dumps(task)}")
        raise


def _is_evaluated(future: Future[str]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _deadly() -> tuple[type[Exception], ...]:
    """Return the exceptions that tell of dead workers."""
    # Who handed a Dask executor over has imported it; nobody else need have it.
    dask = sys.modules.get("distributed")
    return (BrokenExecutor,) if dask is None else (BrokenExecutor, dask.KilledWorker)


def _too_deadly(deaths: int, task: Task) -> InputError:
    return InputError(
        f"workers died {deaths} times without finishing one of the candidates left, such as "
        f"{json.dumps(task)}; most often memory ran out: use fewer workers or a larger spacing; "
        'in a script, put what runs under `if __name__ == "__main__":`'
    )
