"""A loop that stands still: when that is said, and what its process does."""

import threading

import pytest

from core.heartbeats import EVERY
from core.models import Heartbeat
from orchestrator import health, loop_watchdog
from orchestrator.loop_watchdog import LoopWatchdog, loop_turns, stacks

LIMIT = 120.0


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Loop:
    """A watchdog with what it ended."""

    def __init__(self) -> None:
        self.hand = Hand()
        self.ended: list[float] = []
        self.watchdog = LoopWatchdog(LIMIT, end=self.ended.append, clock=self.hand)

    def looked_at_after(self, seconds: float) -> list[float]:
        self.hand.at += seconds
        self.watchdog.check()
        return self.ended


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_a_loop_that_stands_still_for_two_minutes_ends_its_process(loop: Loop) -> None:
    assert loop.looked_at_after(119.9) == []
    assert loop.looked_at_after(0.1) == [pytest.approx(LIMIT)]


def test_a_loop_that_turns_goes_on(loop: Loop) -> None:
    for _ in range(10):
        assert loop.looked_at_after(60) == []
        loop.watchdog.beat()


def test_while_there_is_no_loop_nothing_is_ended_and_afterwards_it_has_its_whole_time(loop: Loop) -> None:
    with loop.watchdog.resting():
        assert loop.looked_at_after(3600) == []
        assert loop.watchdog.seconds_stalled() is None
    assert loop.looked_at_after(119) == []
    assert loop.looked_at_after(1) == [pytest.approx(LIMIT)]


@pytest.mark.parametrize(
    ("seconds", "turns"), [(None, None), (0.0, True), (15.0, True), (20.0, None), (40.0, False), (119.0, False)]
)
def test_a_loop_turns_until_it_surely_does_not(seconds: float | None, turns: bool | None) -> None:
    assert loop_turns(seconds, LIMIT) is turns


def test_what_stands_still_is_told_of_well_within_a_minute() -> None:
    # The wait, the next sign, and what /readyz remembers.
    assert loop_turns(LIMIT / 3, LIMIT) is False
    assert LIMIT / 3 + 2 * loop_watchdog.EVERY + health.CACHED_SECONDS < 60
    assert health.STALLED_FOR.total_seconds() >= 4 * loop_watchdog.EVERY


def test_a_loop_that_turns_is_never_taken_for_a_late_one() -> None:
    # A sign that comes just too early to be written, and the next one.
    assert EVERY.total_seconds() + 2 * loop_watchdog.EVERY < health.LOOP_LATE_AFTER.total_seconds()


def test_the_stacks_name_every_thread_and_where_it_is() -> None:
    over, at_work = threading.Event(), threading.Event()

    def waits_for_the_test() -> None:
        at_work.set()
        over.wait(30)

    thread = threading.Thread(target=waits_for_the_test, name="the one that waits")
    thread.start()
    try:
        at_work.wait(30)
        told = stacks()
    finally:
        over.set()
        thread.join()
    assert told.startswith("Thread MainThread:\n")
    assert "Thread the one that waits:\n" in told
    assert "in waits_for_the_test" in told


def test_the_reason_is_logged_before_the_process_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    loop_watchdog.end_process(Heartbeat.Part.WORKER, 121.4)
    assert codes == [1]
    assert "The loop of the worker has been stuck for 0:02:01; the process exits, to be restarted." in caplog.text
    assert "test_the_reason_is_logged_before_the_process_ends" in caplog.text
