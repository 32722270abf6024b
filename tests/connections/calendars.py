"""Connections with an expiry date, and the events of a calendar that shows them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from icalendar import Calendar

from connections.actions.calendar_feeds import fetch
from connections.models import Connection
from tests.factories import ConnectionFactory

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
REVISION = ("sequence", "dtstamp", "last-modified")


def expiring(owner: User, left: int | None = 7, **fields: object) -> Connection:
    expires_on = None if left is None else TODAY + timedelta(days=left)
    return ConnectionFactory.create(owner=owner, expires_on=expires_on, **fields)


def events(content: bytes) -> list[Any]:
    """All but the one that stands for none."""
    found = Calendar.from_ical(content).walk("VEVENT")
    return [event for event in found if not str(event["uid"]).startswith("no-dates@")]


def revisions(secret: str, *, now: datetime = NOON) -> dict[str, tuple[object, ...]]:
    """Of each event at an address, by its id."""
    fetched = fetch(secret, now=now)
    assert fetched is not None
    return {str(event["uid"]): tuple(event.decoded(name) for name in REVISION) for event in events(fetched.content)}
