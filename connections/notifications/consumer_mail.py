"""Tell the contacts of what uses a credential that it was replaced, renewed or closed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from connections.models import Connection, Consumer, RegisterEntry
from connections.notifications import notify
from connections.notifications.notify import Recipient

MAIL = "credential_replaced"
MOST_ROWS = 50
_WHY = "you are the contact of what uses this credential"
_WHY_SEVERAL = "you are the contact of what uses these credentials"


@dataclass(frozen=True, slots=True)
class _Change:
    """What happened to a credential, in words, and what uses it."""

    name: str
    kind: str
    happened: str
    url: str
    consumers: Iterable[Consumer]


def token_replaced(connection: Connection, *, now: datetime) -> int:
    """Write the mails about a connection whose token was updated. Returns how many."""
    url = settings.SITE_URL + connection.get_absolute_url()
    happened = "was replaced by a new one"
    change = _Change(connection.name, connection.credential().words.in_full, happened, url, connection.consumers.all())
    return _write([change], about=[connection], now=now)


def entries_renewed(entries: Sequence[RegisterEntry], *, now: datetime) -> int:
    """Write the mails about entries whose expiry date moved to a later day. Returns how many."""
    return _about_entries(
        entries, lambda entry: f"was renewed and now expires on {entry.expires_on:%-d %B %Y}", now=now
    )


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
    return _write(changes, about=[], now=now)


def _of_entry(entry: RegisterEntry, happened: str, consumers: Iterable[Consumer]) -> _Change:
    url = settings.SITE_URL + entry.get_absolute_url()
    return _Change(entry.name, entry.get_kind_display(), happened, url, consumers)


def _write(changes: Iterable[_Change], *, about: list[Connection], now: datetime) -> int:
    """One mail to each contact, naming every credential and everything of theirs that uses it."""
    by_contact: dict[str, list[dict[str, Any]]] = defaultdict(list)
    addresses: dict[str, str] = {}
    for change in changes:
        for contact, theirs in _by_contact(change.consumers).items():
            addresses.setdefault(contact, theirs[0].contact)
            names = [consumer.name for consumer in theirs]
            row = {"name": change.name, "kind": change.kind, "happened": change.happened, "url": change.url}
            by_contact[contact].append({**row, "consumers": names})
    written = 0
    for contact, rows in by_contact.items():
        recipients = [Recipient(addresses[contact], _WHY if len(rows) == 1 else _WHY_SEVERAL)]
        written += len(notify.enqueue_mail(MAIL, recipients, _context(rows), about=about, now=now))
    return written


def _by_contact(consumers: Iterable[Consumer]) -> dict[str, list[Consumer]]:
    grouped: dict[str, list[Consumer]] = defaultdict(list)
    for consumer in consumers:
        if consumer.contact:
            grouped[consumer.contact.casefold()].append(consumer)
    return grouped


def _context(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown, count = rows[:MOST_ROWS], len(rows)
    url = shown[0]["url"] if count == 1 else notify.page("register")
    return {"rows": shown, "first": shown[0], "count": count, "more": count - len(shown), "url": url}
