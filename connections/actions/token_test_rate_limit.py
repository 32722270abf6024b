"""How many tests somebody may ask for: the test button guesses no tokens and floods no server."""

from datetime import datetime, timedelta

from django.conf import settings

from history.current_actor import acting
from history.record import Actor, Named, record
from throttling import rate_limits
from throttling.networks import network_of
from throttling.rate_limits import Cost, Rate, TooMany


class TooManyTests(TooMany):
    """The person or the address tested too often. `seconds` says when there is one test again."""

    code = "too_many_tests"


def count_test(*, now: datetime) -> None:
    """Count one test for whoever acts and where they are. Raises `TooManyTests`; the command line has no limit."""
    by = acting()
    try:
        rate_limits.consume(_takes(by), now=now)
    except TooMany as refused:
        _tell(by, now=now)
        raise TooManyTests(refused.rate, refused.wait) from None


def _takes(by: Actor) -> list[Cost]:
    takes = []
    if by.id is not None:
        takes.append(Cost(_rate("tests of a person", settings.TESTS_PER_PERSON), (by.id,)))
    if by.address is not None:
        takes.append(Cost(_rate("tests from an address", settings.TESTS_PER_ADDRESS), (network_of(by.address),)))
    return takes


def _rate(name: str, allowance: int) -> Rate:
    return Rate(name, allowance, timedelta(minutes=settings.TESTS_MINUTES))


def _tell(by: Actor, *, now: datetime) -> None:
    """One event a minute is enough to tell of somebody who goes on."""
    notice = Cost(Rate("notice of refused tests", 1, timedelta(minutes=1)), (by.id, network_of(by.address)))
    try:
        rate_limits.consume([notice], now=now)
    except TooMany:
        return
    record("connection.tests_refused", Named("person", by.id or 0, by.name), by=by, at=now)
