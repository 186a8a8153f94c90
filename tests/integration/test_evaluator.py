"""Candidates evaluated by real processes, and by a real Dask cluster, some of which are killed."""

import contextlib
import gc
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from candidates import Problem, evaluate, written_down
from cryosim.errors import InputError
from cryosim.tasks import EvaluationCallback, Evaluator, Journal, dask_executor
from processes import is_running, python, wait_for


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "out" / "journal.jsonl", "key") as journal:
        yield journal


@pytest.fixture
def problem(tmp_path):
    return Problem(tmp_path)


def values(outcomes):
    return [outcome["value"] for outcome in outcomes]


def none_is_left(folder):
    pids = {int(pid) for pid in written_down(folder, "pids")}
    return bool(pids) and not any(is_running(pid) for pid in pids)


class Watch(EvaluationCallback):
    def __init__(self):
        self.started, self.done, self.deaths = [], [], []

    def on_start(self, asked, known):
        self.started.append((asked, [outcome["value"] for outcome in known]))

    def on_evaluated(self, outcome, done, asked):
        self.done.append((outcome["value"], done, asked))

    def on_death(self, deaths):
        self.deaths.append(deaths)


# --- processes on this machine ------------------------------------------------------------------


def test_in_the_order_asked_each_once_and_kept(tmp_path, journal, problem, monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    watch = Watch()
    tasks = [{"x": 3, "after": 2, "seconds": 0.1}, {"x": 1}, {"x": 2}, {"x": 1}]
    with Evaluator(evaluate, problem, journal, jobs=2, callbacks=[watch]) as evaluator:
        outcomes = evaluator.evaluate(tasks)
        assert values(outcomes) == [16, 8, 11, 8]
        assert outcomes[0]["threads"] == [1, 1]
        assert "NUMBA_NUM_THREADS" not in os.environ
        assert [outcome for outcome, _, _ in watch.done][-1] == 16  # last, as it waits for two
        assert [counts for _, *counts in watch.done] == [[1, 3], [2, 3], [3, 3]]

        assert values(evaluator.evaluate([{"x": 4}, *tasks])) == [23, 16, 8, 11, 8]
        assert watch.started == [(3, []), (4, [16, 8, 11])]
        assert watch.done[3:] == [(23, 4, 4)]
        assert evaluator.evaluate([]) == []
    assert sorted(written_down(tmp_path, "evaluated")) == ["1", "2", "3", "4"]
    unpickled = written_down(tmp_path, "unpickled")
    assert len(unpickled) == len(set(unpickled)) <= 2
    assert none_is_left(tmp_path)


def test_nothing_to_do_starts_no_process(tmp_path, journal, problem):
    journal.keep({"x": 1}, {"value": 8})
    with Evaluator(evaluate, problem, journal) as evaluator:
        assert evaluator.evaluate([{"x": 1}]) == [{"value": 8}]
    assert not written_down(tmp_path, "unpickled")


def test_a_refused_candidate_is_an_outcome(journal, problem):
    with Evaluator(evaluate, problem, journal, jobs=1) as evaluator:
        outcomes = evaluator.evaluate([{"x": 1, "refused": True}, {"x": 2}])
    assert outcomes[0] == {"refused": "probe.0: hits bone"}
    assert outcomes[1]["value"] == 11
    assert journal.find({"x": 1, "refused": True}) == outcomes[0]


def test_an_error_names_the_task_and_leaves_no_process(tmp_path, journal, problem):
    tasks = [{"x": 1}, {"x": 2, "fails": True, "after": 1, "seconds": 0.3}, {"x": 3, "seconds": 30}]
    evaluator = Evaluator(evaluate, problem, journal, jobs=2)
    with pytest.raises(ZeroDivisionError, match="no such number") as caught:
        evaluator.evaluate(tasks)
    assert caught.value.__notes__ == [
        'while evaluating {"x": 2, "fails": true, "after": 1, "seconds": 0.3}'
    ]
    assert none_is_left(tmp_path)
    assert journal.find({"x": 1})["value"] == 8
    assert values(evaluator.evaluate([{"x": 1}, {"x": 4}])) == [8, 23]  # it can be used again
    evaluator.close()


def test_killed_workers_are_survived(tmp_path, journal, problem):
    tasks = [{"x": x, "seconds": 0.02, "deadly": x in (3, 9)} for x in range(12)]
    watch = Watch()
    with Evaluator(evaluate, problem, journal, jobs=2, callbacks=[watch]) as evaluator:
        assert values(evaluator.evaluate(tasks)) == [x**2 + 7 for x in range(12)]
    assert watch.deaths
    assert [done for _, done, _ in watch.done] == list(range(1, 13))
    assert none_is_left(tmp_path)


def test_a_candidate_that_kills_each_worker(journal, problem):
    tasks = [{"x": 1, "deadly": "always"}, {"x": 2}]
    with (
        Evaluator(evaluate, problem, journal, jobs=1) as evaluator,
        pytest.raises(InputError, match=r"workers died 3 times .*\"x\": 1.*memory ran out"),
    ):
        evaluator.evaluate(tasks)


def test_no_job(journal, problem):
    with pytest.raises(InputError, match="jobs = 0: use 1 or more"):
        Evaluator(evaluate, problem, journal, jobs=0)


# --- executors of others ------------------------------------------------------------------------


def test_threads(tmp_path, journal, problem):
    """Any executor will do, and is left open."""
    with ThreadPoolExecutor(1) as threads:
        with Evaluator(evaluate, problem, journal, executor=threads) as evaluator:
            outcomes = evaluator.evaluate([{"x": x} for x in range(5)])
        assert threads.submit(len, "abc").result() == 3
    assert values(outcomes) == [7, 8, 11, 16, 23]
    assert outcomes[0]["threads"][0] == 1
    assert len(written_down(tmp_path, "unpickled")) == 1


def test_an_executor_that_goes_away(journal, problem):
    threads = ThreadPoolExecutor(1)

    class Closer(EvaluationCallback):
        def on_evaluated(self, *_):
            threads.shutdown(wait=False, cancel_futures=True)

    tasks = [{"x": x, "seconds": 0.1} for x in range(5)]
    with (
        Evaluator(evaluate, problem, journal, executor=threads, callbacks=[Closer()]) as evaluator,
        pytest.raises(InputError, match="went away; start it and the same command again"),
    ):
        evaluator.evaluate(tasks)
    threads.shutdown()
    assert journal.find(tasks[0])["value"] == 7


def test_a_pool_of_others_that_breaks(journal, problem):
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
        Evaluator(evaluate, problem, journal, executor=pool) as evaluator,
        pytest.raises(InputError, match="workers died 3 times"),
    ):
        evaluator.evaluate([{"x": 1, "deadly": True}, {"x": 2}])


# --- the main process stopped on the way ----------------------------------------------------------


@contextlib.contextmanager
def searching(folder, seconds, count):
    """Run `candidates.search` in a process of its own."""
    # A test run in the background has its children ignore Ctrl-C unless they say otherwise.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"from candidates import search; search({str(folder)!r}, {seconds}, {count})"
    )
    with python("-c", script) as process:
        yield process


def kept(folder):
    """Return how many whole lines the journal holds, without its header."""
    path = folder / "out" / "journal.jsonl"
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.exists() else 0


def goes_on(folder):
    """Whether a search, taken up again, ends and evaluates only what was not in the journal."""
    before = kept(folder)
    evaluated = len(written_down(folder, "evaluated"))
    with searching(folder, 0.1, 12) as process:
        printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    assert printed.split() == [str(x**2 + 7) for x in range(12)]
    return len(written_down(folder, "evaluated")) == evaluated + 12 - before


def test_kill_9_loses_nothing_and_leaves_nobody(tmp_path):
    with searching(tmp_path, 0.1, 12) as process:
        wait_for(lambda: kept(tmp_path) >= 4)
        process.kill()
        process.wait(timeout=10)
        wait_for(lambda: none_is_left(tmp_path), 5)
    assert 4 <= kept(tmp_path) < 12
    assert goes_on(tmp_path)
    assert kept(tmp_path) == 12


def test_ctrl_c_keeps_what_is_finished_and_leaves_nobody(tmp_path):
    with searching(tmp_path, 0.1, 12) as process:
        wait_for(lambda: kept(tmp_path) >= 4)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, complaints = process.communicate(timeout=10)
        assert none_is_left(tmp_path)
    assert complaints.splitlines()[-1] == "KeyboardInterrupt"
    assert complaints.count("Traceback") == 1
    assert 4 <= kept(tmp_path) < 12
    assert goes_on(tmp_path)


def test_ctrl_c_while_processes_start(tmp_path):
    with searching(tmp_path, 30, 4) as process:
        wait_for((tmp_path / "out" / "journal.jsonl").exists)
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=10)
    assert complaints.count("Traceback") == 1


def test_a_second_search_beside_it(tmp_path):
    with searching(tmp_path, 30, 1):
        wait_for(lambda: written_down(tmp_path, "pids"))
        with pytest.raises(InputError, match="another search is running"):
            Journal(tmp_path / "out" / "journal.jsonl", "key")


# --- a Dask cluster -------------------------------------------------------------------------------


@contextlib.contextmanager
def cluster_of_two(deaths_per_task):
    """Start a cluster that tries a task so many times more when it kills its worker."""
    distributed = pytest.importorskip("distributed", reason="needs the extra 'distributed'")
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": deaths_per_task}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        dask_executor(cluster.scheduler_address) as executor,
    ):
        yield executor


@pytest.mark.parametrize("deaths_per_task", [3, 0])
def test_a_cluster_whose_workers_are_killed(tmp_path, journal, problem, deaths_per_task):
    """One is killed from outside; one candidate kills, once, the worker that evaluates it."""
    tasks = [{"x": x, "seconds": 0.1, "deadly": x == 7} for x in range(20)]

    class Killer(Watch):
        def on_evaluated(self, outcome, done, asked):
            super().on_evaluated(outcome, done, asked)
            if done == 12:
                os.kill(int(written_down(tmp_path, "pids")[-1]), signal.SIGKILL)

    watch = Killer()
    with (
        cluster_of_two(deaths_per_task) as executor,
        Evaluator(evaluate, problem, journal, executor=executor, callbacks=[watch]) as evaluator,
    ):
        assert values(evaluator.evaluate(tasks)) == [x**2 + 7 for x in range(20)]
    assert [done for _, done, _ in watch.done] == list(range(1, 21))
    assert bool(watch.deaths) == (deaths_per_task == 0)
    assert len(written_down(tmp_path, "evaluated")) <= 22  # what was kept is not evaluated again
    workers = set(written_down(tmp_path, "pids"))
    assert len(workers) >= 3
    assert len(written_down(tmp_path, "unpickled")) == len(workers)


def test_candidates_that_no_cluster_can_evaluate(journal, problem):
    with (
        cluster_of_two(0) as executor,
        Evaluator(evaluate, problem, journal, executor=executor) as evaluator,
    ):
        with pytest.raises(ZeroDivisionError):
            evaluator.evaluate([{"x": 1, "fails": True}])
        assert values(evaluator.evaluate([{"x": 1}])) == [8]
        with pytest.raises(InputError, match="workers died 3 times"):
            evaluator.evaluate([{"x": 1, "deadly": "always"}])


def test_workers_with_another_version(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs the extra 'distributed'")
    monkeypatch.setattr(
        "cryosim.tasks.dask_cluster.program_fingerprint", lambda _: time.monotonic_ns()
    )
    with (
        distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster,
        pytest.raises(InputError, match=r"worker .* has another version of cryosim or Numba"),
        dask_executor(cluster.scheduler_address),
    ):
        pass


def test_nobody_at_the_address():
    pytest.importorskip("distributed", reason="needs the extra 'distributed'")
    for address in ("tcp://127.0.0.1:9", "nowhere", "bus://127.0.0.1:8786"):
        with (
            pytest.raises(InputError, match=rf"--scheduler {address}: no Dask scheduler answers"),
            dask_executor(address, timeout_s=0.5),
        ):
            pass


def test_address_after_address_does_not_hang():
    """Clients that found nobody were collected while another started, and waited for each other."""
    pytest.importorskip("distributed", reason="needs the extra 'distributed'")
    before = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    try:
        for _ in range(8):
            with pytest.raises(InputError), dask_executor("nowhere", timeout_s=0.2):
                pass
    finally:
        gc.set_threshold(*before)


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(InputError, match=r"pip install 'cryosim\[distributed\]'"),
        dask_executor("tcp://127.0.0.1:8786"),
    ):
        pass
