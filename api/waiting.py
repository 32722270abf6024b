"""Requests that wait for long work: for how long, and how many of them at once in this process.

A request that waits occupies a thread, and no database transaction. Beyond `API_WAITING_REQUESTS` a request does not
wait: it is answered at once, with the state as it is.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from django.conf import settings
from django.http import HttpResponse

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


@dataclass(frozen=True, slots=True)
class Wait:
    """For how long a request wants to wait, and the response that says so if it asked by its `Prefer` header."""

    seconds: float
    response: HttpResponse | None = None

    def mark_applied(self) -> None:
        """Say in the response that the preference was applied. RFC 7240."""
        if self.response is not None:
            self.response.headers["Preference-Applied"] = f"wait={self.seconds}"


NO_WAIT = Wait(0)


def requested(response: HttpResponse, asked: int, prefer: str | None) -> Wait:
    """The wait that a request asks for by its parameter, or else by its `Prefer` header."""
    return Wait(asked) if asked or not prefer else Wait(preferred(prefer), response)


def preferred(header: str) -> int:
    """The seconds of `Prefer: wait=10`, at most `LONGEST`; 0 without that preference. RFC 7240."""
    matches = map(_PREFERENCE.fullmatch, header.split(","))
    return next((min(int(match[1]), LONGEST) for match in matches if match), 0)


def follow(
    read: Callable[[], Value],
    is_finished: Callable[[Value], bool],
    *,
    wait: Wait,
    first: Value | None = None,
    every: float = _PAUSE,
) -> Value:
    """The first value that is finished, or the last one that was read in this time. `first` is one just read."""
    value = read() if first is None else first
    if wait.seconds <= 0 or is_finished(value):
        return value
    with _slot() as is_free:
        if is_free:
            wait.mark_applied()
        deadline = monotonic() + wait.seconds
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
