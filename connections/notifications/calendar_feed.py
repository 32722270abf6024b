"""Expiry dates as an iCalendar file (RFC 5545).

Calendar programs detect a changed event by DTSTAMP, LAST-MODIFIED and SEQUENCE. Evolution and GNOME Calendar keep
their copy as long as these are the same, so each event has a revision that increases with every change.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from connections import clients
from connections.domain import expiry
from connections.models import Connection, RegisterEntry, StoredCredential
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.credential import Words

# Each function imports what it uses: icalendar would be a fifth of what the web loads before it serves the first page.
if TYPE_CHECKING:
    from icalendar import Alarm, Calendar, Event

NAME = "Azure DevOps credentials"
MEDIA_TYPE = "text/calendar; charset=utf-8"
_PRODUCT = "-//MFE Orchestrator//Code Repositories//EN"
# How often calendar programs should refresh.
_REFRESH = timedelta(hours=6)
# A week and a day before, at nine in the morning; an all-day event begins at midnight.
_ALARMS = (timedelta(days=7), timedelta(days=1))
_MORNING = timedelta(hours=9)
# Tokens that expired longer ago are left out.
_SHOWN_AFTER = timedelta(days=90)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Identifies an event: the id of its connection, and "expiry" or "all-organizations".
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Revision:
    """How often an event has changed, and when it last changed, to the second."""

    sequence: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An event without its revision, and a digest of its content."""

    key: Key
    event: "Event"
    digest: str
    first: Revision


Revise = Callable[[list[Entry]], Mapping[Key, Revision]]


def _first_revisions(entries: list[Entry]) -> Mapping[Key, Revision]:
    return {entry.key: entry.first for entry in entries}


def calendar_of(
    connections: Iterable[Connection],
    register: Iterable[RegisterEntry] = (),
    *,
    today: date,
    revise: Revise = _first_revisions,
) -> bytes:
    """The file, with event revisions of connections from `revise`. The same connections give the same bytes.

    An entry of the register has its revision in its own row, because only edits change its event.
    """
    entries = [entry for connection in connections for entry in _entries(connection, today)]
    revisions = revise(entries)
    calendar = _empty_calendar()
    for entry in entries:
        # The revision is missing if the connection was disconnected in the meantime.
        calendar.add_component(_stamped(entry.event, revisions.get(entry.key, entry.first)))
    for credential in _shown(register, today):
        calendar.add_component(_register_event(credential))
    if not calendar.subcomponents:
        calendar.add_component(_placeholder())
    return bytes(calendar.to_ical())


def _empty_calendar() -> "Calendar":
    from icalendar import Calendar, vDuration

    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", NAME)
    calendar.add("x-wr-calname", NAME)
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(_REFRESH))
    return calendar


def _placeholder() -> "Event":
    """Placeholder in an empty calendar: evolution-data-server ignores a file without events and keeps old ones."""
    from icalendar import Event

    event = Event()
    event.add("uid", f"no-dates@{_host()}")
    event.add("dtstart", _LONG_AGO.date())
    event.add("summary", "No credential for Azure DevOps expires")
    event.add("transp", "TRANSPARENT")
    return _stamped(event, Revision(0, _LONG_AGO))


def _stamped(event: "Event", revision: Revision) -> "Event":
    event.add("dtstamp", revision.changed_at)
    event.add("last-modified", revision.changed_at)
    event.add("sequence", revision.sequence)
    return event


def _entries(connection: Connection, today: date) -> Iterator[Entry]:
    name = connection.name
    if connection.last_day is not None and connection.last_day >= today - _SHOWN_AFTER:
        words = f"{_words(connection).in_full} of “{name}” expires"
        yield _entry(connection, connection.last_day, words, "expiry", _what_to_do(connection, today))
    if connection.token_reach == Connection.Reach.ALL and today < expiry.GLOBAL_TOKENS_END:
        words = f"Azure DevOps token of “{name}” stops working: it is valid for all organizations"
        to_do = "Create a new token for this organization only before this day."
        yield _entry(connection, expiry.GLOBAL_TOKENS_END, words, "all-organizations", to_do)


def _words(connection: Connection) -> Words:
    stored: StoredCredential | None = getattr(connection, "stored_credential", None)
    return stored.words if stored else PersonalAccessToken.words


def _entry(connection: Connection, day: date, words: str, what: str, to_do: str) -> Entry:
    event = _event(f"{what}-{connection.pk}", day, words, _description(connection, to_do), _page(connection))
    event.add("categories", ["Azure DevOps"])
    digest = hashlib.sha256(event.to_ical()).hexdigest()
    return Entry((connection.pk, what), event, digest, Revision(0, connection.token_set_at))


def _shown(register: Iterable[RegisterEntry], today: date) -> Iterator[RegisterEntry]:
    shown_from = today - _SHOWN_AFTER
    return (entry for entry in register if entry.expires_on is not None and entry.expires_on >= shown_from)


def _register_event(entry: RegisterEntry) -> "Event":
    words = f"{entry.get_kind_display()} “{entry.name}” expires"
    url = settings.SITE_URL + entry.get_absolute_url()
    facts = {"Organization": entry.organization, "Purpose": entry.purpose}
    lines = [f"{label}: {value}" for label, value in facts.items() if value]
    description = "\n".join([*lines, f"Record the new date, or close the entry: {url}"])
    event = _event(f"register-{entry.pk}", entry.expires_on or date.max, words, description, url)
    return _stamped(event, Revision(entry.revision, entry.changed_at.replace(microsecond=0)))


def _event(name: str, day: date, words: str, description: str, url: str) -> "Event":
    from icalendar import Event

    event = Event()
    # The UID does not contain the date, so that a new token moves the event instead of adding one.
    event.add("uid", f"{name}@{_host()}")
    event.add("dtstart", day)
    if day < date.max:
        event.add("dtend", day + timedelta(days=1))
    event.add("summary", words)
    event.add("description", description)
    event.add("url", url)
    event.add("transp", "TRANSPARENT")
    for before in _ALARMS:
        event.add_component(_alarm(words, before))
    return event


def _alarm(words: str, before: timedelta) -> "Alarm":
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", words)
    alarm.add("trigger", _MORNING - before)
    return alarm


def _what_to_do(connection: Connection, today: date) -> str:
    words, stored = _words(connection), getattr(connection, "stored_credential", None)
    if stored is not None and stored.principal:
        do = f"open the application {stored.client}, then “Certificates & secrets”, and {words.new}"
        return f"Before this day, in Microsoft Entra, {do}. The old one keeps working until its date."
    if connection.is_token_dead(today=today):
        return "The token is no longer accepted. Create a new one."
    since = ": since 31 March 2026, expired tokens can no longer be extended or regenerated"
    at_the_service = clients.place_of(connection.server) == "organization"
    return f"Extend or replace the token before this day{since if at_the_service else ''}."


def _description(connection: Connection, to_do: str) -> str:
    place = clients.place_of(connection.server)
    lines = (
        f"{place.capitalize()}: {connection.organization}",
        f"{_words(connection).owner}: {connection.identity_name}",
        f"Owner: {connection.owner.get_full_name() or connection.owner.get_username()}",
        to_do,
        f"Update it here: {_page(connection)}",
    )
    return "\n".join(lines)


def _page(connection: Connection) -> str:
    return f"{settings.SITE_URL}{reverse('connections:update-token', args=[connection.pk])}"


def _host() -> Any:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
