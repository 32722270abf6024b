"""Wait at a terminal until something in Azure DevOps has finished."""

import time
from collections.abc import Callable
from typing import TypeVar

from connections.providers.azure_devops.errors import Throttled
from delivery.remote_read import RemoteReadError

T = TypeVar("T")


def poll_until(read: Callable[[], T], is_finished: Callable[[T], bool], *, seconds: float, pause: float) -> T:
    """The first value read that is finished, or the last one before the time is up.

    Waits while Azure DevOps wants no requests. Raises `RemoteReadError`.
    """
    deadline = time.monotonic() + seconds
    while True:
        value, wait = None, pause
        try:
            value = read()
        except RemoteReadError as failure:
            wait = failure.retry_after or pause
            if failure.code != Throttled.code or deadline - time.monotonic() < wait:
                raise
        left = deadline - time.monotonic()
        if value is not None and (is_finished(value) or left <= 0):
            return value
        time.sleep(min(wait, max(left, 0.0)))
