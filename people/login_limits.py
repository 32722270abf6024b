"""Limits of sign-in attempts and of sessions. The only module that reads these settings."""

from datetime import timedelta

from django.conf import settings

from throttling import rate_limits
from throttling.networks import network_of
from throttling.rate_limits import Cost, Rate


def sign_in_costs(name: str, address: str | None, browser: str = "") -> list[Cost]:
    """The costs of one attempt: for the name at this address, for the name anywhere, and for the address.

    The first stops guesses from one address without locking others out; the second stops guesses from many addresses.
    An IPv6 address counts as its /64. A known `browser` has a limit of its own, so that attempts from elsewhere can't
    lock the person out of it.
    """
    folded, network = name.strip().casefold(), network_of(address)
    if browser:
        return [Cost(_rate("sign-in of a name in a known browser", 1), (folded, browser))]
    return [
        Cost(_rate("sign-in of a name at an address", 1), (folded, network)),
        Cost(_rate("sign-in of a name", 4), (folded,)),
        Cost(_rate("sign-in at an address", 10), (network,)),
    ]


def give_back_sign_in(costs: list[Cost]) -> None:
    """After a correct password: reset the limits of the name, and give back the attempt of the address."""
    rate_limits.forget(costs[:2])
    rate_limits.give_back(costs[2:])


def code_cost(user_id: int) -> Cost:
    """The cost of one code of a second factor, correct or not; a correct code resets the limit."""
    return Cost(_rate("codes of a second factor", 1), (user_id,))


def same_code_cost(user_id: int, code: str) -> Cost:
    """The cost of this code: each code works once, in any process, however its digits are grouped."""
    digits = "".join(filter(str.isalnum, code)).casefold()
    return Cost(Rate("the same code of a second factor", 1, timedelta(minutes=3)), (user_id, digits))


def notice_cost(address: str | None) -> Cost:
    """The cost of an event about throttled attempts: at most one a minute for each network."""
    return Cost(Rate("notice of throttled sign-ins", 1, timedelta(minutes=1)), (network_of(address),))


def _rate(name: str, times: int) -> Rate:
    return Rate(name, settings.SIGN_IN_ATTEMPTS * times, timedelta(minutes=settings.SIGN_IN_MINUTES))


def idle_limit() -> timedelta:
    """How long a session may go without a request; zero means no limit."""
    return timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def session_limit() -> timedelta:
    """How long a session lasts after the sign-in, used or not."""
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)
