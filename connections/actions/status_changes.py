"""Decide whether people do not know yet how a connection stands, and tell them once it is certain."""

from dataclasses import dataclass
from datetime import datetime

from connections.domain.health import Health, NotifiedState, should_notify, status_change
from connections.models import Connection
from connections.notifications import notify

# A look at a token that was accepted says what it cannot do; another one says nothing of that.
ACCEPTED = (Health.HEALTHY, Health.LIMITED)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the newest look means for news. `answered` is False for trouble on the way, which confirms nothing.

    `confirmed` says that a person saw it, so that no second look is needed.
    """

    lacking: frozenset[str]
    answered: bool
    seen_again: bool
    confirmed: bool = False


def apply_observation(connection: Connection, look: Observation, *, at: datetime) -> None:
    """Count the look, and write mails when it is time, in the caller's transaction. The caller saves."""
    if not look.answered and connection.health != Health.UNREACHABLE:
        # It says nothing of the token, not even that it can do as little as before.
        return
    told = NotifiedState(Health(connection.notified_health), frozenset(connection.notified_lacking))
    now = NotifiedState(Health(connection.health), look.lacking if connection.health in ACCEPTED else told.lacking)
    what = status_change(told, now)
    if what is None:
        connection.confirmations = 0
        # What works again may be lost again, and is news then.
        record_notified(connection, now.lacking & told.lacking)
        return
    if look.answered:
        connection.confirmations = connection.confirmations + 1 if look.seen_again else 1
    lasted = at - connection.health_since
    if should_notify(what, looks=connection.confirmations, lasted=lasted, confirmed=look.confirmed):
        notify.notify_status_change(connection, what, now=at)
        connection.notified_health = connection.health
        connection.confirmations = 0
        record_notified(connection, now.lacking)


def record_notified(connection: Connection, lacking: frozenset[str]) -> None:
    """Keep what people know of a token's limits. The caller saves."""
    connection.notified_lacking = sorted(lacking)
