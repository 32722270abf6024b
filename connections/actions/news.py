"""Decide whether people do not know yet how a connection stands, and tell them once it is certain."""

from dataclasses import dataclass
from datetime import datetime

from connections.actions import notify
from connections.models import Connection
from connections.status import Health, Known, is_certain, news

# A look at a token that was accepted says what it cannot do; another one says nothing of that.
ACCEPTED = (Health.HEALTHY, Health.LIMITED)


@dataclass(frozen=True, slots=True)
class Look:
    """What the newest look means for news. `answered` is False for trouble on the way, which confirms nothing.

    `confirmed` says that a person saw it, so that no second look is needed.
    """

    lacking: frozenset[str]
    answered: bool
    seen_again: bool
    confirmed: bool = False


def take(connection: Connection, look: Look, *, at: datetime) -> None:
    """Count the look, and write mails when it is time, in the caller's transaction. The caller saves."""
    if not look.answered and connection.health != Health.UNREACHABLE:
        # It says nothing of the token, not even that it can do as little as before.
        return
    told = Known(Health(connection.told_health), frozenset(connection.told_lacking))
    now = Known(Health(connection.health), look.lacking if connection.health in ACCEPTED else told.lacking)
    what = news(told, now)
    if what is None:
        connection.looks_at_news = 0
        # What works again may be lost again, and is news then.
        remember(connection, now.lacking & told.lacking)
        return
    if look.answered:
        connection.looks_at_news = connection.looks_at_news + 1 if look.seen_again else 1
    lasted = at - connection.health_since
    if is_certain(what, looks=connection.looks_at_news, lasted=lasted, confirmed=look.confirmed):
        notify.tell_status(connection, what, now=at)
        connection.told_health = connection.health
        connection.looks_at_news = 0
        remember(connection, now.lacking)


def remember(connection: Connection, lacking: frozenset[str]) -> None:
    """Keep what people know of a token's limits. The caller saves."""
    connection.told_lacking = sorted(lacking)
