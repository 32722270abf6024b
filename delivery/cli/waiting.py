"""Wait at a terminal for something at Azure DevOps to end."""

import time
from collections.abc import Callable
from typing import TypeVar

Thing = TypeVar("Thing")


def until(look: Callable[[], Thing], is_over: Callable[[Thing], bool], *, seconds: float, pause: float) -> Thing:
    """The last look: the first that is over, or the one after which the time was up."""
    ends = time.monotonic() + seconds
    while True:
        seen = look()
        left = ends - time.monotonic()
        if is_over(seen) or left <= 0:
            return seen
        time.sleep(min(pause, left))
