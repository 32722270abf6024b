"""The address of a calendar: known by a digest only, and fetched without a lost or an invented change."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User

from connections.actions.calendar_feeds import fetch, make_address
from connections.models import CalendarFeed, Connection
from connections.notifications import calendar_revisions
from connections.notifications.calendar_feed import Entry
from history.models import Event
from history.record import Actor
from tests.connections.calendars import NOON, expiring, revisions


@pytest.fixture
def olga(person: Callable[..., User]) -> User:
    return person("olga", "connections.view_connection", email="olga@example.com")


@pytest.fixture
def secret(olga: User) -> str:
    return make_address(olga, by=Actor("olga", olga.pk), now=NOON)


def test_the_time_of_the_last_change_moves_only_with_what_it_says(olga: User, secret: str) -> None:
    expiring(olga)
    first, later = fetch(secret, now=NOON), fetch(secret, now=NOON + timedelta(days=1))
    assert first is not None
    assert later is not None
    assert (first.changed_at, later.changed_at) == (NOON, NOON)
    Connection.objects.update(name="Renamed")
    renamed = fetch(secret, now=NOON + timedelta(days=2))
    assert renamed is not None
    assert renamed.changed_at == NOON + timedelta(days=2)


def test_an_address_that_is_revoked_during_a_fetch_is_no_error(olga: User, secret: str) -> None:
    expiring(olga)
    store = calendar_revisions._store

    def revoked(entries: list[Entry], *, now: datetime) -> None:
        store(entries, now=now)
        CalendarFeed.objects.all().delete()

    with patch.object(calendar_revisions, "_store", revoked):
        assert len(revisions(secret)) == 1


def test_fetching_is_noted_now_and_then(olga: User, secret: str) -> None:
    for minutes in (0, 10, 20, 70):
        fetch(secret, now=NOON + timedelta(minutes=minutes))
    assert CalendarFeed.objects.get().fetched_at == NOON + timedelta(minutes=70)


def test_only_a_digest_is_stored_and_no_event_tells_it(secret: str) -> None:
    feed = CalendarFeed.objects.get()
    assert feed.secret_digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(Event.objects.values_list())
