"""Mails and messages to channels about a token that was declared leaked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from connections import clients
from connections.domain.problems.problem import duration_in_words
from connections.models import Connection, LeakedToken, RegisterEntry
from connections.notifications import notify
from connections.notifications.notify import Recipient


def notify_declared(leak: LeakedToken, connections: Iterable[Connection], *, now: datetime) -> int:
    """Notify the owners of the connections and administrators of the declaration. Returns how many mails that were."""
    return _notify("leaked", leak, connections, now=now)


def notify_result(leak: LeakedToken, connections: Iterable[Connection], *, now: datetime) -> int:
    """Notify the same people whether the token was proved dead. Returns how many mails that were."""
    return _notify("leak_result", leak, connections, now=now)


def notify_entry_declared(leak: LeakedToken, entry: RegisterEntry, *, now: datetime) -> int:
    """Notify the owner of an entry of the register and administrators. Returns how many mails that were."""
    people = notify.recipients_about_entry(entry, urgent=True, is_reminder=False, everybody=notify.Recipients())
    return len(notify.enqueue_mail("leaked", people, _context(leak), about=[], now=now))


def _notify(kind: str, leak: LeakedToken, connections: Iterable[Connection], *, now: datetime) -> int:
    """One mail to each of the people concerned, about those of the connections that concern them."""
    context, written = _context(leak), 0
    for about, people in _groups(list(connections)):
        written += len(notify.enqueue_mail(kind, people, context, about=about, now=now))
    return written


def _groups(connections: list[Connection]) -> Iterator[tuple[list[Connection], list[Recipient]]]:
    """The people concerned, grouped by the connections that concern them."""
    everyone = notify.Recipients()
    everyone.load([connection.pk for connection in connections])
    people: dict[notify.Address, Recipient] = {}
    concerning: dict[notify.Address, list[int]] = defaultdict(list)
    for number, connection in enumerate(connections):
        for recipient in notify.recipients(connection, urgent=True, everybody=everyone):
            address = notify.address_of(recipient)
            people.setdefault(address, recipient)
            concerning[address].append(number)
    groups: dict[tuple[int, ...], list[Recipient]] = defaultdict(list)
    for address, recipient in people.items():
        groups[tuple(concerning[address])].append(recipient)
    for numbers, recipients in groups.items():
        yield [connections[number] for number in numbers], recipients


def _context(leak: LeakedToken) -> dict[str, Any]:
    return {
        "leak": leak,
        "words": leak.words,
        "stopped": [user["name"] for user in leak.connections if not user["replaced"]],
        "replaced_in": [user["name"] for user in leak.connections if user["replaced"]],
        "took": duration_in_words(leak.took.total_seconds()) if leak.took else "",
        "place": clients.place_of(leak.server),
        "tokens_page": clients.tokens_page(leak.server, leak.organization) if leak.is_token else "",
        "leak_url": notify.page("leak", leak.pk),
    }
