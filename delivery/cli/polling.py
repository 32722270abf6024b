"""Wait at a terminal until something in Azure DevOps has finished."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll_until(read: Callable[[], T], is_finished: Callable[[T], bool], *, seconds: float, pause: float) -> T:
    """The first value read that is finished, or the last one before the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        left = deadline - time.monotonic()
        if is_finished(value) or left <= 0:
            return value
        time.sleep(min(pause, left))
