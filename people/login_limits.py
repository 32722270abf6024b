"""How often somebody may try to sign in, and how long a session lasts. The only place that reads these settings."""

from datetime import timedelta

from django.conf import settings

from throttling.networks import network_of
from throttling.rate_limits import Cost, Rate


def sign_in_costs(name: str, address: str | None, browser: str = "") -> list[Cost]:
    """What one attempt takes: of this name from this address, of this name from anywhere, and of this address.

    The first keeps one address from guessing and cannot shut others out; the second holds against many addresses.
    An IPv6 address counts as its /64. A `browser` in which this person has signed in before is counted alone, so that
    nobody else's attempts shut them out of it.
    """
    folded, network = name.strip().casefold(), network_of(address)
    if browser:
        return [Cost(_rate("sign-in of a name in a known browser", 1), (folded, browser))]
    return [
        Cost(_rate("sign-in of a name at an address", 1), (folded, network)),
        Cost(_rate("sign-in of a name", 4), (folded,)),
        Cost(_rate("sign-in at an address", 10), (network,)),
    ]


def code_cost(user_id: int) -> Cost:
    """What one code of a second factor takes, right or wrong; a right one gives all back."""
    return Cost(_rate("codes of a second factor", 1), (user_id,))


def same_code_cost(user_id: int, code: str) -> Cost:
    """A code is good once, in whichever process."""
    return Cost(Rate("the same code of a second factor", 1, timedelta(minutes=3)), (user_id, code))


def notice_cost(address: str | None) -> Cost:
    """One event a minute is enough to tell of somebody who goes on guessing."""
    return Cost(Rate("notice of throttled sign-ins", 1, timedelta(minutes=1)), (network_of(address),))


def _rate(name: str, times: int) -> Rate:
    return Rate(name, settings.SIGN_IN_ATTEMPTS * times, timedelta(minutes=settings.SIGN_IN_MINUTES))


def idle_limit() -> timedelta:
    """After how long without a request a session ends; zero means never."""
    return timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def session_limit() -> timedelta:
    """How long after the sign-in a session ends, used or not."""
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)
