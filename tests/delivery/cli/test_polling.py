"""Waiting at a terminal: for what has finished, and while Azure DevOps wants no requests."""

import time
from collections.abc import Callable

import pytest

from delivery.cli.polling import poll_until
from delivery.remote_read import RemoteReadError


def reading(*results: int | RemoteReadError) -> Callable[[], int]:
    left = list(results)

    def read() -> int:
        result = left.pop(0)
        if isinstance(result, RemoteReadError):
            raise result
        return result

    return read


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def test_it_waits_as_long_as_azure_devops_asks_for(slept: list[float]) -> None:
    throttled = RemoteReadError("throttled", retry_after=40.0)
    assert poll_until(reading(1, throttled, 2), lambda value: value == 2, seconds=60, pause=5) == 2
    assert slept == [5, 40]


@pytest.mark.parametrize(("code", "retry_after"), [("throttled", 100.0), ("timed_out", None)])
def test_other_problems_and_longer_waits_end_it(slept: list[float], code: str, retry_after: float | None) -> None:
    failure = RemoteReadError(code, retry_after=retry_after)
    with pytest.raises(RemoteReadError):
        poll_until(reading(failure), bool, seconds=60, pause=5)
    assert slept == []
