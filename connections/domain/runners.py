"""How the calls of a check are made: side by side for a person who waits, one after another for the scheduler."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Protocol

from connections.providers.azure_devops import errors


class Runner(Protocol):
    """Makes calls to Azure DevOps."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls; an element is the value, the `AzureDevOpsError`, or None when time ran out."""
        ...

    def left(self) -> float:
        """Seconds until the limit."""
        ...


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except errors.AzureDevOpsError as error:
        return error


class ConcurrentRunner:
    """All calls at once, with one limit in seconds over everything."""

    def __init__(self, limit: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + limit
        self._pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="probe")

    def left(self) -> float:
        """Seconds until the limit, never negative."""
        return max(0.0, self._ends - self._clock())

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls; what is not finished at the limit is None, and is left to end by itself."""
        # Each call takes along what is bound to this thread, such as the ids that log lines carry.
        futures: list[Future[object]] = [self._pool.submit(copy_context().run, _outcome, call) for call in calls]
        wait(futures, timeout=self.left())
        return [future.result() if future.done() else None for future in futures]

    def close(self) -> None:
        """Start nothing more; do not wait for a call that is stuck."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SequentialRunner:
    """One call at a time; each has its own deadline in the transport."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls in order."""
        return [_outcome(call) for call in calls]

    def left(self) -> float:
        """There is no limit over everything."""
        return float("inf")
