"""The workers of a Dask cluster as an executor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ..errors import InputError
from ..results import program_fingerprint

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as DaskFuture

__all__ = ["dask_executor"]

P = ParamSpec("P")
R = TypeVar("R")

_CONNECT_S = 10.0
_COUNTS = ("planning", "tasks")


@contextlib.contextmanager
def dask_executor(address: str, timeout_s: float = _CONNECT_S) -> Iterator[Executor]:
    """Connect to a Dask cluster; workers may come and go, and be killed.

    Candidates that a killed worker had under way go to another one. Each takes one thread: start
    one worker for each core, `dask worker ADDRESS --nworkers auto --nthreads 1`.

    Parameters
    ----------
    address : of the scheduler, such as "tcp://10.0.0.1:8786".
    timeout_s : how long to wait for it.

    Raises
    ------
    InputError
        When Dask is not installed, nobody answers, or workers run another cryosim than this one.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            f"--scheduler {address}: needs Dask; pip install 'cryosim[distributed]'"
        ) from None
    try:
        # Not by a client: one that finds nobody closes when it is collected as garbage, which waits
        # for ever if that happens while another one starts.
        with ThreadPoolExecutor(1) as thread:  # where no event loop runs, as one does in notebooks
            thread.submit(asyncio.run, _connect(address, timeout_s)).result()
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there ({reason}); start one with "
            "'dask scheduler' and give the address that it prints"
        ) from None
    with Client(address, timeout=timeout_s, set_as_default=False) as client:
        _check_workers(client, address)
        yield _DaskExecutor(client)


async def _connect(address: str, timeout_s: float) -> None:
    from distributed.comm import connect

    comm = await connect(address, timeout=timeout_s)
    await comm.close()


def _check_workers(client: Client, address: str) -> None:
    """Refuse workers that would not find what this process would."""
    ours = program_fingerprint(_COUNTS)
    found = client.run(program_fingerprint, _COUNTS, on_error="return")
    for worker, theirs in found.items():
        if theirs != ours:
            raise InputError(
                f"--scheduler {address}: worker {worker} has another version of cryosim or Numba "
                "than this machine, or none; install the same on both"
            )


class _DaskExecutor(Executor):
    """Dask's executor, which sends what many calls share only once to each worker."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Not pure: what failed with a killed worker must not be taken for the answer next time.
        # No retries either: they are for exceptions, which come again.
        self._executor = client.get_executor(pure=False)
        self._shared: dict[bytes, DaskFuture] = {}

    def submit(
        self, function: Callable[P, R], /, *arguments: P.args, **named: P.kwargs
    ) -> Future[R]:
        """Hand a call to the cluster."""
        return self._executor.submit(function, *map(self._share, arguments), **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls."""
        self._executor.shutdown(wait=wait and not cancel_futures)

    def _share(self, argument: Any) -> Any:
        """Put bytes where each worker gets them from; the scheduler would keep them per call.

        The result of a call, not scattered data: that could not be made again when the worker that
        holds it is killed.
        """
        if not isinstance(argument, bytes):
            return argument
        shared = self._shared.get(argument)
        if shared is None or shared.status not in ("pending", "finished"):
            shared = self._shared[argument] = self._client.submit(_same, argument, pure=False)
        return shared


def _same(content: bytes) -> bytes:
    return content
