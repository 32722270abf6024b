"""Tell the contacts of what uses a credential that it was replaced, renewed or closed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings

from connections.models import Connection, Consumer, RegisterEntry
from connections.notifications import notify
from connections.notifications.notify import Recipient

MAIL = "credential_replaced"


def token_replaced(connection: Connection, *, now: datetime) -> int:
    """Write the mails about a connection whose token was updated. Returns how many."""
    subject = {
        "name": connection.name,
        "kind": connection.credential().words.in_full,
        "happened": "was replaced by a new one",
    }
    return _write(subject, connection, connection.consumers.all(), about=[connection], now=now)


def entry_renewed(entry: RegisterEntry, *, now: datetime) -> int:
    """Write the mails about an entry whose expiry date moved to a later day. Returns how many."""
    day = f"{entry.expires_on:%-d %B %Y}" if entry.expires_on else "an unknown day"
    return _about_entry(entry, f"was renewed and now expires on {day}", now=now)


def entry_closed(entry: RegisterEntry, *, now: datetime) -> int:
    """Write the mails about an entry that was closed. Returns how many."""
    reason = entry.get_closed_reason_display()
    return _about_entry(entry, f"was closed in the register: {reason[:1].lower()}{reason[1:]}", now=now)


def _about_entry(entry: RegisterEntry, happened: str, *, now: datetime) -> int:
    subject = {"name": entry.name, "kind": entry.get_kind_display(), "happened": happened}
    return _write(subject, entry, entry.consumers.all(), about=[], now=now)


def _write(
    subject: dict[str, str],
    credential: Connection | RegisterEntry,
    consumers: Iterable[Consumer],
    *,
    about: list[Connection],
    now: datetime,
) -> int:
    """One mail to each contact, naming everything of theirs that uses the credential."""
    by_contact: dict[str, list[Consumer]] = defaultdict(list)
    for consumer in consumers:
        if consumer.contact:
            by_contact[consumer.contact.casefold()].append(consumer)
    url = settings.SITE_URL + credential.get_absolute_url()
    why = "you are the contact of what uses this credential"
    written = 0
    for theirs in by_contact.values():
        context: dict[str, Any] = {**subject, "url": url, "consumers": [consumer.name for consumer in theirs]}
        recipients = [Recipient(theirs[0].contact, why)]
        written += len(notify.enqueue_mail(MAIL, recipients, context, about=about, now=now))
    return written
