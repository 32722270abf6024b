"""Tell the contacts of what uses a credential that it was replaced, renewed, closed or declared leaked."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.conf import settings

from connections.models import Connection, Consumer, LeakedToken, RegisterEntry
from connections.notifications import notify
from connections.notifications.notify import Recipient

REPLACED, LEAKED = "credential_replaced", "credential_leaked"
MOST_ROWS = 50
_WHY = "you are the contact of what uses this credential"
_WHY_SEVERAL = "you are the contact of what uses these credentials"


@dataclass(frozen=True, slots=True)
class _Change:
    """What happened to a credential, in words, and what uses it. `connection` is the one that stores it, if any."""

    name: str
    kind: str
    happened: str
    url: str
    consumers: Iterable[Consumer]
    connection: Connection | None = None


def token_replaced(connection: Connection, *, now: datetime) -> int:
    """Write the mails about a connection whose token was updated. Returns how many."""
    kind = connection.credential().words.in_full
    change = _of_connection(connection, kind, "was replaced by a new one", connection.consumers.all())
    return _write(REPLACED, [change], now=now)


def entries_renewed(entries: Sequence[RegisterEntry], *, now: datetime) -> int:
    """Write the mails about entries whose expiry date moved to a later day. Returns how many."""
    return _about_entries(entries, _renewed, now=now)


def _renewed(entry: RegisterEntry) -> str:
    return f"was renewed and now expires on {entry.expires_on:%-d %B %Y}"


def import_renewed(contact: str, entry_ids: Sequence[int], *, now: datetime) -> int:
    """Write the mail to a contact, in lower case, about what an import renewed. Returns how many mails that are."""
    # Someone may have changed them since.
    entries = RegisterEntry.objects.filter(pk__in=entry_ids[:MOST_ROWS]).exclude(expires_on=None)
    pairs = [
        (_of_entry(entry, _renewed(entry), theirs), theirs)
        for entry in entries.prefetch_related("consumers").order_by("pk")
        if (theirs := _by_contact(entry.consumers.all())[contact])
    ]
    return _write_to(REPLACED, pairs, now=now, more_rows=len(entry_ids[MOST_ROWS:])) if pairs else 0


def entries_closed(entries: Sequence[RegisterEntry], *, now: datetime) -> int:
    """Write the mails about entries that were closed. Returns how many."""
    return _about_entries(entries, _closed, now=now)


def _closed(entry: RegisterEntry) -> str:
    reason = entry.get_closed_reason_display()
    return f"was closed in the register: {reason[:1].lower()}{reason[1:]}"


def _about_entries(entries: Sequence[RegisterEntry], happened: Callable[[RegisterEntry], str], *, now: datetime) -> int:
    consumers: dict[int | None, list[Consumer]] = defaultdict(list)
    for consumer in Consumer.objects.filter(entry__in=entries).exclude(contact="") if entries else ():
        consumers[consumer.entry_id].append(consumer)
    changes = [_of_entry(entry, happened(entry), consumers[entry.pk]) for entry in entries]
    return _write(REPLACED, changes, now=now)


def token_leaked(leak: LeakedToken, connections: Sequence[Connection], *, now: datetime) -> int:
    """Write the mails about the connections whose token was declared leaked. Returns how many."""
    consumers: dict[int | None, list[Consumer]] = defaultdict(list)
    for consumer in Consumer.objects.filter(connection__in=connections).exclude(contact=""):
        consumers[consumer.connection_id].append(consumer)
    replaced = {user["id"] for user in leak.connections if user["replaced"]}
    before, kind = "was declared leaked after it had been replaced", leak.words.in_full
    changes = [
        _of_connection(
            connection, kind, before if connection.pk in replaced else "was declared leaked", consumers[connection.pk]
        )
        for connection in connections
    ]
    return _write(LEAKED, changes, now=now, more=_about_leak(leak))


def entry_leaked(leak: LeakedToken, entry: RegisterEntry, *, now: datetime) -> int:
    """Write the mails about an entry whose credential was declared leaked. Returns how many."""
    change = _of_entry(entry, "was declared leaked", entry.consumers.all())
    return _write(LEAKED, [change], now=now, more=_about_leak(leak))


def _about_leak(leak: LeakedToken) -> dict[str, Any]:
    return {"leak": leak, "words": leak.words, "leak_url": notify.page("leak", leak.pk)}


def _of_connection(connection: Connection, kind: str, happened: str, consumers: Iterable[Consumer]) -> _Change:
    url = settings.SITE_URL + connection.get_absolute_url()
    return _Change(connection.name, kind, happened, url, consumers, connection)


def _of_entry(entry: RegisterEntry, happened: str, consumers: Iterable[Consumer]) -> _Change:
    url = settings.SITE_URL + entry.get_absolute_url()
    return _Change(entry.name, entry.get_kind_display(), happened, url, consumers)


def _write(
    mail: str, changes: Iterable[_Change], *, now: datetime, more: Mapping[str, Any] = MappingProxyType({})
) -> int:
    """One mail to each contact, naming every credential and all of theirs that uses it; none to deactivated people."""
    concerned: dict[str, list[tuple[_Change, list[Consumer]]]] = defaultdict(list)
    everybody = notify.Recipients()
    for change in changes:
        for contact, theirs in _by_contact(change.consumers).items():
            if not everybody.has_left(contact):
                concerned[contact].append((change, theirs))
    return sum(_write_to(mail, pairs, now=now, more=more) for pairs in concerned.values())


def _write_to(
    mail: str,
    pairs: Sequence[tuple[_Change, list[Consumer]]],
    *,
    now: datetime,
    more: Mapping[str, Any] = MappingProxyType({}),
    more_rows: int = 0,
) -> int:
    """The mail to the contact of these users. `more_rows` are counted in it, but not named."""
    is_one = len(pairs) + more_rows == 1
    recipients = [Recipient(pairs[0][1][0].contact, _WHY if is_one else _WHY_SEVERAL)]
    context = {**_context([_row(*pair) for pair in pairs], more_rows), **more}
    about = [change.connection for change, _ in pairs if change.connection]
    return len(notify.enqueue_mail(mail, recipients, context, about=about, now=now))


def _row(change: _Change, consumers: Iterable[Consumer]) -> dict[str, Any]:
    names = [consumer.name for consumer in consumers]
    return {
        "name": change.name,
        "kind": change.kind,
        "happened": change.happened,
        "url": change.url,
        "consumers": names,
    }


def _by_contact(consumers: Iterable[Consumer]) -> dict[str, list[Consumer]]:
    grouped: dict[str, list[Consumer]] = defaultdict(list)
    for consumer in consumers:
        if consumer.contact:
            grouped[consumer.contact.casefold()].append(consumer)
    return grouped


def _context(rows: list[dict[str, Any]], more_rows: int) -> dict[str, Any]:
    shown, count = rows[:MOST_ROWS], len(rows) + more_rows
    url = shown[0]["url"] if count == 1 else notify.page("register")
    return {"rows": shown, "first": shown[0], "count": count, "more": count - len(shown), "url": url}
