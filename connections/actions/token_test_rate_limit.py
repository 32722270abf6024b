"""Rate limit of token tests, against guessing of tokens and overload."""

from datetime import datetime, timedelta

from django.conf import settings

from history.current_actor import acting
from history.record import Actor, Named, record
from throttling import rate_limits
from throttling.networks import network_of
from throttling.rate_limits import Cost, Rate, TooMany


class TooManyTests(TooMany):
    """The person or the IP address exceeded the rate limit. `seconds` is the time until the next test."""

    code = "too_many_tests"


def count_test(*, now: datetime) -> None:
    """Count a test for the current person and IP address. Raises `TooManyTests`; commands have no limit."""
    by = acting()
    try:
        rate_limits.consume(_costs(by), now=now)
    except TooMany as error:
        _record(by, now=now)
        raise TooManyTests(error.rate, error.wait) from None


def _costs(by: Actor) -> list[Cost]:
    costs = []
    if by.id is not None:
        costs.append(Cost(_rate("tests of a person", settings.TESTS_PER_PERSON), (by.id,)))
    if by.address is not None:
        costs.append(Cost(_rate("tests from an address", settings.TESTS_PER_ADDRESS), (network_of(by.address),)))
    return costs


def _rate(name: str, allowance: int) -> Rate:
    return Rate(name, allowance, timedelta(minutes=settings.TESTS_MINUTES))


def _record(by: Actor, *, now: datetime) -> None:
    """Record an event, at most once a minute per person and network."""
    notice = Cost(Rate("notice of refused tests", 1, timedelta(minutes=1)), (by.id, network_of(by.address)))
    try:
        rate_limits.consume([notice], now=now)
    except TooMany:
        return
    record("connection.tests_refused", Named("person", by.id or 0, by.name), by=by, at=now)
