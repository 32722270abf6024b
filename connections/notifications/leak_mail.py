"""Mails and messages to channels about a token that was declared leaked."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from connections import clients
from connections.domain.problems.problem import duration_in_words
from connections.models import Connection, LeakedToken
from connections.notifications import notify
from connections.notifications.notify import Recipient


def notify_declared(leak: LeakedToken, connections: Iterable[Connection], *, now: datetime) -> int:
    """Notify the owners of the connections and administrators of the declaration. Returns how many mails that were."""
    return _notify("leaked", leak, connections, now=now)


def notify_result(leak: LeakedToken, connections: Iterable[Connection], *, now: datetime) -> int:
    """Notify the same people whether the token was proved dead. Returns how many mails that were."""
    return _notify("leak_result", leak, connections, now=now)


def _notify(kind: str, leak: LeakedToken, connections: Iterable[Connection], *, now: datetime) -> int:
    about = list(connections)
    return len(notify.enqueue_mail(kind, _recipients(about), _context(leak), about=about, now=now))


def _recipients(connections: Iterable[Connection]) -> list[Recipient]:
    """The recipients for any of the connections, without duplicate addresses."""
    everyone = notify.Recipients()
    people: dict[tuple[str, int], Recipient] = {}
    for connection in connections:
        for recipient in notify.recipients(connection, urgent=True, everybody=everyone):
            channel = recipient.channel.pk if recipient.channel else 0
            people.setdefault((recipient.address.casefold(), channel), recipient)
    return list(people.values())


def _context(leak: LeakedToken) -> dict[str, Any]:
    return {
        "leak": leak,
        "stopped": [user["name"] for user in leak.connections if not user["replaced"]],
        "replaced_in": [user["name"] for user in leak.connections if user["replaced"]],
        "took": duration_in_words(leak.took.total_seconds()) if leak.took else "",
        "place": clients.place_of(leak.server),
        "tokens_page": clients.tokens_page(leak.server, leak.organization),
        "leak_url": notify.page("leak", leak.pk),
    }
