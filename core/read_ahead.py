"""Read what comes next while something else is done with what came before."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def read_ahead(items: Iterable[Item], most: int) -> Iterator[Iterator[Item]]:
    """The same items in the same order; up to `most` of them are read before they are taken, by one other thread.

    What reading raises is raised after the items before it. At the end, it waits for the item that is being read and
    reads no more. Reading must not use the database: the other thread would need a connection to it of its own.
    """
    source = iter(items)
    thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")

    def read() -> Future[list[Item]]:
        return thread.submit(copy_context().run, _next, source)

    def taken() -> Iterator[Item]:
        waiting = deque(read() for _ in range(most))
        while item := waiting.popleft().result():
            waiting.append(read())
            yield from item

    try:
        yield taken()
    finally:
        thread.shutdown(cancel_futures=True)


def _next(source: Iterator[Item]) -> list[Item]:
    """The next item, or nothing."""
    return list(islice(source, 1))
