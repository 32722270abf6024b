"""Runners of calls: concurrently for a person who waits, sequentially for the scheduler."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Protocol

from connections.providers.azure_devops import errors


class Runner(Protocol):
    """Makes calls to Azure DevOps."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls; each outcome is the value, the `AzureDevOpsError`, or None if time ran out."""
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
    """Makes all calls at once, with one time limit in seconds for all of them."""

    def __init__(self, limit: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + limit
        self._pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="probe")

    def left(self) -> float:
        """Seconds until the limit, never negative."""
        return max(0.0, self._ends - self._clock())

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls; an unfinished call is None at the limit, and continues in the background."""
        # Copies the context variables, such as the request id in logs.
        futures: list[Future[object]] = [self._pool.submit(copy_context().run, _outcome, call) for call in calls]
        wait(futures, timeout=self.left())
        return [future.result() if future.done() else None for future in futures]

    def close(self) -> None:
        """Start no more calls, and do not wait for unfinished ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SequentialRunner:
    """Makes one call at a time; the transport limits each."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """Make the calls in order."""
        return [_outcome(call) for call in calls]

    def left(self) -> float:
        """Unlimited."""
        return float("inf")
