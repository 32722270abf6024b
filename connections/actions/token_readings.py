"""Store what Azure DevOps says about a stored token: its expiry date, scopes and organizations.

Only for an entry of which it is certain that it is this token, or that its owner picked and confirmed.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from connections.actions import versions
from connections.actions.connect import shown_date
from connections.actions.refusal_causes import correct_problem
from connections.models import Connection, KnownToken
from connections.providers.azure_devops.personal_tokens import TokenEntry
from history.record import Actor, record


@dataclass(frozen=True, slots=True)
class Reading:
    """What Azure DevOps says about a stored token, which is recognized by its fingerprint."""

    fingerprint: str
    server: str
    organization: str
    entry: TokenEntry
    source: KnownToken.Source


def day_of(entry: TokenEntry) -> date | None:
    """The day on which a token expires, here."""
    return timezone.localdate(entry.valid_to) if entry.valid_to else None


def store_reading(
    reading: Reading, *, by: Actor, now: datetime, kind: str = "connection.token_read"
) -> list[Connection]:
    """Store a reading for every connection that uses the token. Returns those for which it is news.

    `kind` is the event that is recorded for these.
    """
    with transaction.atomic():
        using = versions.held_with(reading.fingerprint)
        if not using:
            return []
        news = remember(reading, now=now)
        changed = [(connection, news | _write(connection, reading, now=now)) for connection in using]
        for connection, detail in changed:
            if detail:
                record(kind, connection, by=by, at=now, detail={"name": reading.entry.name} | detail)
    return [connection for connection, detail in changed if detail]


def remember(reading: Reading, *, now: datetime) -> dict[str, object]:
    """Update the row about the token. Returns what an event says about it; empty if only its date is new.

    Runs in the caller's transaction.
    """
    known = KnownToken.objects.filter(fingerprint=reading.fingerprint).first()
    entry = reading.entry
    facts = {
        "server": reading.server,
        "organization": reading.organization,
        "authorization_id": entry.id,
        "source": reading.source,
        "name": entry.name[:255],
        "scope": entry.scope,
        "valid_to": entry.valid_to,
        "read_at": now,
    }
    KnownToken.objects.update_or_create(fingerprint=reading.fingerprint, defaults=facts)
    if known is None or known.authorization_id != entry.id:
        return {"is_picked": reading.source == KnownToken.Source.PICKED}
    if known.scope != entry.scope:
        return {"scopes": {"before": known.scope.split(), "after": entry.scope.split()}}
    return {}


def _write(connection: Connection, reading: Reading, *, now: datetime) -> dict[str, object]:
    """Store the date and the organizations of a connection. Returns what changed, before and after."""
    before = {"expires_on": shown_date(connection.expires_on), "token_reach": connection.token_reach}
    day = day_of(reading.entry)
    connection.expires_on, connection.expires_read_on = day or connection.expires_on, day
    connection.token_reach = _reach(connection, reading.entry)
    connection.save(update_fields=["expires_on", "expires_read_on", "token_reach"])
    after = {"expires_on": shown_date(connection.expires_on), "token_reach": connection.token_reach}
    changed: dict[str, object] = {
        name: {"before": before[name], "after": after[name]} for name in after if before[name] != after[name]
    }
    if changed:
        correct_problem(connection, now=now)
    return changed


def _reach(connection: Connection, entry: TokenEntry) -> str:
    """For which organizations the token is valid; as recorded, if it is for some and not for all."""
    if entry.organizations is None:
        return Connection.Reach.ALL
    only_here = [name.lower() for name in entry.organizations] == [connection.organization_id.lower()]
    return Connection.Reach.ONE if only_here else connection.token_reach


def forget_pick(fingerprint: str, *, by: Actor, now: datetime) -> list[Connection]:
    """Take back which entry a person picked: the dates stay, as entered. Returns the connections with the token."""
    with transaction.atomic():
        using = versions.held_with(fingerprint)
        picked = KnownToken.objects.filter(fingerprint=fingerprint, source=KnownToken.Source.PICKED)
        if not picked.delete()[0]:
            return []
        for connection in using:
            connection.expires_read_on = None
            connection.save(update_fields=["expires_read_on"])
            record("connection.token_pick_undone", connection, by=by, at=now)
    return using
