"""Requests that wait for long work: for how long, and how many of them at once in this process.

A request that waits occupies a thread, and no database transaction. Beyond `API_WAITING_REQUESTS` a request does not
wait: it is answered at once, with the state as it is.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from django.conf import settings

Value = TypeVar("Value")
LONGEST = 30
_PAUSE = 1.0  # seconds between two reads
_PREFERENCE = re.compile(r"\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:;.*)?", re.ASCII | re.IGNORECASE)
_lock = threading.Lock()
_waiting = 0
_stopping = threading.Event()


def stop() -> None:
    """End every wait, because this process ends."""
    _stopping.set()


def preferred(header: str) -> int:
    """The seconds of `Prefer: wait=10`, at most `LONGEST`; 0 without that preference. RFC 7240."""
    matches = map(_PREFERENCE.fullmatch, header.split(","))
    return next((min(int(match[1]), LONGEST) for match in matches if match), 0)


def follow(
    read: Callable[[], Value],
    is_finished: Callable[[Value], bool],
    *,
    seconds: float,
    first: Value | None = None,
    every: float = _PAUSE,
) -> Value:
    """The first value that is finished, or the last one that was read in this time. `first` is one just read."""
    value = read() if first is None else first
    if seconds <= 0 or is_finished(value):
        return value
    with _slot() as is_free:
        deadline = monotonic() + seconds
        while is_free and not is_finished(value) and (left := deadline - monotonic()) > 0:
            if pause(min(every, left)):
                break
            value = read()
    return value


def pause(seconds: float) -> bool:
    """Sleep. Returns whether this process ends meanwhile."""
    return _stopping.wait(seconds)


@contextmanager
def _slot() -> Iterator[bool]:
    """Whether this request may wait; if so, it is counted until it ends."""
    global _waiting
    with _lock:
        is_free = _waiting < settings.API_WAITING_REQUESTS
        _waiting += is_free
    try:
        yield is_free
    finally:
        with _lock:
            _waiting -= is_free
