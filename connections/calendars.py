"""The way out to calendar programs: expiry dates as an iCalendar file (RFC 5545)."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from icalendar import Alarm, Calendar, Event

from connections import clients, expiry
from connections.models import Connection

NAME = "Azure DevOps tokens"
MEDIA_TYPE = "text/calendar; charset=utf-8"
_PRODUCT = "-//MFE Orchestrator//Code Repositories//EN"
# How often programs are asked to look again.
_REFRESH = timedelta(hours=6)
# A week and a day before, in the morning: an all-day event begins at midnight.
_ALARMS = (timedelta(days=7), timedelta(days=1))
_MORNING = timedelta(hours=9)
# An end that lies so far back is no news in a calendar any more.
_SHOWN_AFTER = timedelta(days=90)


def calendar_of(connections: Iterable[Connection], *, today: date) -> bytes:
    """The file. The same connections give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", NAME)
    calendar.add("x-wr-calname", NAME)
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", _REFRESH)
    for connection in connections:
        for event in _events(connection, today):
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _events(connection: Connection, today: date) -> Iterable[Event]:
    name = connection.name
    if connection.expires_on is not None and connection.expires_on >= today - _SHOWN_AFTER:
        words = f"Azure DevOps token of “{name}” expires"
        yield _event(connection, connection.expires_on, words, "expiry", _what_to_do(connection, today))
    if connection.token_reach == Connection.Reach.ALL and today < expiry.GLOBAL_TOKENS_END:
        words = f"Azure DevOps token of “{name}” stops working: it was made for all organizations"
        to_do = "Create a new token for exactly this organization before this day."
        yield _event(connection, expiry.GLOBAL_TOKENS_END, words, "all-organizations", to_do)


def _event(connection: Connection, day: date, words: str, what: str, to_do: str) -> Event:
    event = Event()
    # One event for each connection, whatever its date: a new token moves it.
    event.add("uid", f"{what}-{connection.pk}@{_host()}")
    event.add("dtstamp", connection.token_set_at)
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", words)
    event.add("description", _description(connection, to_do))
    event.add("url", _page(connection))
    event.add("categories", ["Azure DevOps"])
    event.add("transp", "TRANSPARENT")
    for before in _ALARMS:
        event.add_component(_alarm(words, before))
    return event


def _alarm(words: str, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", words)
    alarm.add("trigger", _MORNING - before)
    return alarm


def _what_to_do(connection: Connection, today: date) -> str:
    if connection.is_token_dead(today=today):
        return "The token is not accepted any more. Create a new one."
    since = ": since 31 March 2026 an expired token can no longer be extended, and it cannot be regenerated either"
    at_the_service = clients.place_of(connection.server) == "organization"
    return f"Extend or replace the token before this day{since if at_the_service else ''}."


def _description(connection: Connection, to_do: str) -> str:
    place = clients.place_of(connection.server)
    lines = (
        f"{place.capitalize()}: {connection.organization}",
        f"Token of: {connection.identity_name}",
        f"Owner: {connection.owner.get_full_name() or connection.owner.get_username()}",
        to_do,
        f"Update it here: {_page(connection)}",
    )
    return "\n".join(lines)


def _page(connection: Connection) -> str:
    return f"{settings.SITE_URL}{reverse('connections:update-token', args=[connection.pk])}"


def _host() -> Any:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
