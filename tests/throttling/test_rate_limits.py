"""So many in so long: a full allowance at once, then one by one, over all processes."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from throttling import rate_limits
from throttling.models import Counter
from throttling.rate_limits import Cost, Rate, TooMany, consume, forget, forget_rested, give_back
from throttling.tasks import forget_rested_counters

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RATE = Rate("test", 3, timedelta(minutes=3))
ANN, BOB = Cost(RATE, ("ann",)), Cost(RATE, ("bob",))
UNLIMITED = Cost(Rate(RATE.name, 0, RATE.period), ANN.who)
pytestmark = pytest.mark.django_db


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_the_allowance_may_be_used_at_once_and_no_more() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    with pytest.raises(TooMany) as refused:
        consume([ANN], now=NOW)
    assert refused.value.seconds == 60


def test_it_comes_back_one_by_one() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    consume([ANN], now=at(60))
    with pytest.raises(TooMany) as refused:
        consume([ANN], now=at(90))
    assert refused.value.seconds == 30


def test_after_the_whole_period_it_is_whole_again() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    for _ in range(3):
        consume([ANN], now=at(180))


def test_one_counts_apart_from_another() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    consume([BOB], now=NOW)


def test_refused_by_one_takes_from_none() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    for _ in range(5):
        with pytest.raises(TooMany):
            consume([BOB, ANN], now=NOW)
    for _ in range(3):
        consume([BOB], now=NOW)


def test_the_longest_wait_is_said() -> None:
    slow = Cost(Rate("slow", 1, timedelta(hours=1)), ("ann",))
    consume([ANN, slow], now=NOW)
    for _ in range(2):
        consume([ANN], now=NOW)
    with pytest.raises(TooMany) as refused:
        consume([ANN, slow], now=NOW)
    assert refused.value.rate.name == "slow"


def test_what_is_given_back_may_be_taken_again() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    give_back([ANN])
    consume([ANN], now=NOW)


def test_giving_back_what_nobody_took_does_nothing() -> None:
    give_back([ANN])
    assert not Counter.objects.exists()


def test_a_forgotten_counter_is_at_rest() -> None:
    for _ in range(3):
        consume([ANN], now=NOW)
    forget([ANN])
    consume([ANN], now=NOW)


def test_an_allowance_of_nothing_means_no_limit() -> None:
    free = Cost(Rate("free", 0, timedelta(minutes=1)), ("ann",))
    for _ in range(50):
        consume([free], now=NOW)
    assert not Counter.objects.exists()


def test_what_is_counted_cannot_be_read_from_the_counter() -> None:
    consume([Cost(RATE, ("hunter2",))], now=NOW)
    key = Counter.objects.get().pk
    assert "hunter2" not in key
    assert len(key) == 64


def test_when_another_process_is_quicker_it_is_counted_too() -> None:
    move = rate_limits._move
    others = iter([True])

    def beaten(key: str, before: datetime | None, after: datetime) -> bool:
        if next(others, False):
            move(key, before, after)
        return move(key, before, after)

    with patch.object(rate_limits, "_move", beaten):
        consume([ANN], now=NOW)
    consume([ANN], now=NOW)
    with pytest.raises(TooMany):
        consume([ANN], now=NOW)


def test_counters_at_rest_are_removed() -> None:
    consume([ANN], now=NOW)
    assert forget_rested(now=at(59)) == 0
    assert forget_rested(now=at(61)) == 1
    consume([ANN], now=NOW - timedelta(days=1))
    forget_rested_counters()
    assert not Counter.objects.exists()


def test_a_counter_from_a_clock_that_was_a_day_ahead_refuses_nobody() -> None:
    consume([ANN], now=NOW + timedelta(days=1))
    for _ in range(3):
        consume([ANN], now=NOW)
    with pytest.raises(TooMany) as refused:
        consume([ANN], now=NOW)
    assert refused.value.seconds == 60


def test_a_clock_of_another_machine_that_is_minutes_ahead_opens_no_limit() -> None:
    for _ in range(3):
        consume([ANN], now=at(300))
    with pytest.raises(TooMany) as refused:
        consume([ANN], now=NOW)
    assert refused.value.seconds == 360


def test_nothing_is_given_back_to_what_has_no_limit_any_more() -> None:
    consume([ANN], now=NOW)
    give_back([UNLIMITED])
    assert Counter.objects.count() == 1
