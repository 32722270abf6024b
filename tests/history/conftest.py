"""Events, and an intruder who writes to the database without the product."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from history import anchors
from history.models import Event
from history.record import Actor, Named, record
from history.verifying import Outcome, verify

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# A moment at which what was appended at NOW and in the twelve minutes after it can still be sealed.
SOON = NOW + timedelta(minutes=12)
Append = Callable[..., list[Event]]
Intrude = Callable[..., None]


@pytest.fixture
def append(db: None) -> Append:
    """Appends events, one a minute: `append(5)`, `append(5, at=long_ago)`."""

    def appended(count: int, *, at: datetime = NOW) -> list[Event]:
        return [
            record(
                "connection.tested",
                Named("connection", 7, "Acme main"),
                by=Actor("Maya", 3, "192.0.2.7"),
                at=at + timedelta(minutes=number),
                detail={"number": number, "health": "healthy"},
            )
            for number in range(count)
        ]

    return appended


def look(*given: str, now: datetime = SOON) -> Outcome:
    """What a verification finds, with anchors as a person gives them."""
    return verify(now=now, anchors=anchors.read(given))


@pytest.fixture
def intrude(db: None) -> Intrude:
    """Runs a statement past the product, as somebody with the database's password would."""

    def run(statement: str, *values: str | int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    return run
