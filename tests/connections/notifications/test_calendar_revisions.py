"""Revisions of events: calendar programs learn from them that an event has changed."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from connections.actions.calendar_feeds import fetch, make_address
from connections.models import CalendarEntry, Connection
from connections.notifications import calendar_revisions
from connections.notifications.calendar_feed import Entry
from history.record import Actor
from tests.connections.calendars import NOON, TODAY, expiring, revisions
from tests.factories import ConnectionFactory


@pytest.fixture
def olga(person: Callable[..., User]) -> User:
    return person("olga", "connections.view_connection", email="olga@example.com")


@pytest.fixture
def secret(olga: User) -> str:
    return make_address(olga, by=Actor("olga", olga.pk), now=NOON)


def changes(connection: Connection) -> dict[str, Callable[[], object]]:
    """What can become another in an event, and how."""
    return {
        "date": lambda: Connection.objects.update(expires_on=date(2027, 3, 1)),
        "name": lambda: Connection.objects.update(name="Renamed"),
        "owner": lambda: User.objects.update(first_name="Olga", last_name="Example"),
        "identity": lambda: Connection.objects.update(identity_name="Maya Other"),
        "organization": lambda: Connection.objects.update(organization="fabrikam"),
        "token refused": lambda: Connection.objects.update(health="rejected", problem="token_refused"),
    }


@pytest.mark.parametrize("change", ["date", "name", "owner", "identity", "organization", "token refused"])
def test_an_event_that_changes_tells_programs_so(olga: User, secret: str, change: str) -> None:
    connection = expiring(olga)
    (before,) = revisions(secret).values()
    assert before == (0, NOON, NOON)
    changes(connection)[change]()
    later = NOON + timedelta(hours=3)
    (after,) = revisions(secret, now=later).values()
    assert after == (1, later, later)
    assert revisions(secret, now=NOON + timedelta(days=3)) == revisions(secret, now=later)


def test_a_day_that_passes_changes_only_the_event_whose_token_ends(olga: User, secret: str) -> None:
    ending, staying = expiring(olga, 1), expiring(olga, 30)
    before, after = revisions(secret), revisions(secret, now=NOON + timedelta(days=2))
    changed = {uid.split("@")[0] for uid in before if before[uid] != after[uid]}
    assert changed == {f"expiry-{ending.pk}"}
    assert len(before) == len(after) == 2
    assert staying.pk != ending.pk


def test_what_changes_in_the_same_second_is_a_later_revision(client: Client, olga: User, secret: str) -> None:
    expiring(olga)
    first = fetch(secret, now=NOON)
    (before,) = revisions(secret).values()
    Connection.objects.update(name="Renamed")
    second = fetch(secret, now=NOON + timedelta(milliseconds=300))
    (after,) = revisions(secret, now=NOON + timedelta(milliseconds=400)).values()
    assert before == (0, NOON, NOON)
    assert after == (1, NOON + timedelta(seconds=1), NOON + timedelta(seconds=1))
    assert first is not None
    assert second is not None
    assert int(second.changed_at.timestamp()) > int(first.changed_at.timestamp())


def test_two_people_see_the_same_revision_of_an_event(olga: User, secret: str, person: Callable[..., User]) -> None:
    expiring(olga)
    revisions(secret)
    Connection.objects.update(name="Renamed")
    for_all = make_address(person("root", staff=True), by=Actor("root"), now=NOON)
    later = NOON + timedelta(days=1)
    assert revisions(for_all, now=later) == revisions(secret, now=later + timedelta(days=1))


def test_an_event_that_was_away_goes_on_where_it_was(olga: User, secret: str) -> None:
    expiring(olga)
    revisions(secret)
    Connection.objects.update(name="Renamed")
    before = revisions(secret, now=NOON + timedelta(days=1))
    Connection.objects.update(disabled=True)
    assert revisions(secret, now=NOON + timedelta(days=2)) == {}
    Connection.objects.update(disabled=False)
    assert revisions(secret, now=NOON + timedelta(days=3)) == before


def test_of_two_fetches_at_once_one_moves_the_revision(olga: User, secret: str) -> None:
    expiring(olga)
    revisions(secret)
    Connection.objects.update(name="Renamed")
    later = NOON + timedelta(days=1)
    store = calendar_revisions._store
    other: list[object] = []

    def overtaken(entries: list[Entry], *, now: datetime) -> None:
        with patch.object(calendar_revisions, "_store", store):
            other.append(revisions(secret, now=later))
        store(entries, now=now)

    with patch.object(calendar_revisions, "_store", overtaken):
        mine = revisions(secret, now=later + timedelta(seconds=5))
    assert [mine] == other
    assert list(mine.values()) == [(1, later, later)]


def test_a_connection_that_is_disconnected_during_a_fetch_is_no_error(olga: User, secret: str) -> None:
    expiring(olga)
    store = calendar_revisions._store

    def disconnected(entries: list[Entry], *, now: datetime) -> None:
        store(entries, now=now)
        Connection.objects.all().delete()

    with patch.object(calendar_revisions, "_store", disconnected):
        assert len(revisions(secret)) == 1
    assert revisions(secret) == {}
    assert not CalendarEntry.objects.exists()


def test_a_thousand_events_take_no_more_queries_than_one(
    olga: User, secret: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    expiring(olga)
    revisions(secret)
    with CaptureQueriesContext(database) as one:
        revisions(secret)
    ConnectionFactory.create_batch(30, owner=olga, expires_on=TODAY)
    revisions(secret)
    with django_assert_num_queries(len(one)):
        revisions(secret)
