"""Leases, by the example of audits: claimed once, renewed while the work goes on, over soon after a worker died."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import DatabaseError, InterfaceError
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from connections.actions import audit_runs
from connections.models import Connection
from connections.tasks import prove_renewal_one
from core.database_time import database_now
from core.leases import renewing
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lease_of_a_minute(settings: Settings) -> None:
    settings.AUDIT_LEASE_SECONDS = 60
    settings.AUDITS_PER_ORGANIZATION = settings.AUDITS_PER_PERSON = settings.AUDITS_AT_ONCE = 100


@pytest.fixture
def claimed() -> str:
    """The name of the lease of the only connection."""
    ConnectionFactory(next_check_at=NOW)
    audit_runs.claim_due(now=NOW, lease="a lease")
    return "a lease"


def test_the_message_that_names_the_lease_starts_the_work(claimed: str) -> None:
    started = Connection.objects.start(claimed, now=NOW)
    assert started not in ("", claimed)
    assert Connection.objects.under(started).count() == 1


def test_a_message_that_comes_twice_starts_it_once(claimed: str) -> None:
    assert Connection.objects.start(claimed, now=NOW)
    assert Connection.objects.start(claimed, now=NOW) == ""


@pytest.mark.parametrize("lease", ["", "2026-11-24T12:00:00+00:00", "of another"])
def test_a_message_with_a_lease_that_nobody_holds_starts_nothing(claimed: str, lease: str) -> None:
    assert Connection.objects.start(lease, now=NOW) == ""
    Connection.objects.all().release()
    assert Connection.objects.start("", now=NOW) == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "lease"),
        ({"actor_name": "the clock", "actor_id": None}, "actor_"),
        ({"lease": "2026-11-24T12:00:00+00:00", "something_new": 1}, "something_new"),
    ],
)
def test_a_message_whose_arguments_do_not_fit_is_refused(arguments: dict[str, Any], why: str) -> None:
    task: Any = prove_renewal_one
    with pytest.raises(TypeError, match=why):
        task(renewal_id=1, **arguments)


def test_a_lease_whose_worker_died_is_over_after_a_minute() -> None:
    connection = ConnectionFactory.create(next_check_at=NOW)
    audit_runs.claim_due(now=NOW)
    assert audit_runs.claim_due(now=NOW + LEASE - timedelta(seconds=1)) == []
    assert audit_runs.claim_due(now=NOW + LEASE) == [connection.pk]


def test_a_lease_counts_from_when_the_work_begins() -> None:
    connection = ConnectionFactory.create(next_check_at=NOW)
    audit_runs.claim_due(now=NOW, lease="a lease")
    later = NOW + LEASE - timedelta(seconds=1)
    assert Connection.objects.filter(pk=connection.pk).start("a lease", now=later)
    assert audit_runs.claim_due(now=NOW + LEASE + timedelta(seconds=1)) == []


def test_a_lease_of_a_clock_that_was_ahead_holds_nobody_off() -> None:
    connection = ConnectionFactory.create(next_check_at=NOW, leased_until=NOW + timedelta(days=1))
    assert audit_runs.claim_due(now=NOW) == [connection.pk]


def test_clocks_that_differ_by_seconds_respect_each_other() -> None:
    ConnectionFactory(next_check_at=NOW - timedelta(minutes=1))
    audit_runs.claim_due(now=NOW)
    assert audit_runs.claim_due(now=NOW - timedelta(seconds=20)) == []


@pytest.mark.django_db(transaction=True)
def test_work_that_takes_longer_keeps_its_lease(settings: Settings) -> None:
    settings.AUDIT_LEASE_SECONDS = 1.5
    now = timezone.now()
    connection = ConnectionFactory.create(next_check_at=now)
    audit_runs.claim_due(now=now, lease="a lease")
    with renewing(Connection.objects.under("a lease")):
        _until(lambda: _lease_of(connection) > now + timedelta(seconds=1.6))
        assert audit_runs.claim_due(now=timezone.now()) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failure", [DatabaseError("away"), InterfaceError("connection already closed")])
def test_a_renewal_that_failed_is_tried_again(settings: Settings, failure: Exception) -> None:
    settings.AUDIT_LEASE_SECONDS = 0.3
    now = timezone.now()
    connection = ConnectionFactory.create(next_check_at=now)
    audit_runs.claim_due(now=now, lease="a lease")
    failures = iter([failure])

    def fail_once() -> datetime:
        for raised in failures:
            raise raised
        return database_now()

    with patch("core.leases.database_now", fail_once), renewing(Connection.objects.under("a lease")):
        _until(lambda: _lease_of(connection) > now + timedelta(seconds=0.3))
    assert next(failures, None) is None


@pytest.mark.django_db(transaction=True)
def test_a_lease_in_other_hands_is_renewed_no_more(settings: Settings) -> None:
    settings.AUDIT_LEASE_SECONDS = 0.1
    others = timezone.now() + timedelta(seconds=50)
    connection = ConnectionFactory.create(next_check_at=NOW, leased_until=others, lease="of another")
    with renewing(Connection.objects.filter(pk=connection.pk).under("a lease")):
        _until(lambda: not any(thread.name == "lease" for thread in threading.enumerate()))
    assert _lease_of(connection) == others


@pytest.mark.django_db(transaction=True)
def test_those_who_ask_at_the_same_moment_claim_no_more_than_may_be_at_once(settings: Settings) -> None:
    settings.AUDITS_PER_ORGANIZATION = 2
    ConnectionFactory.create_batch(10, next_check_at=NOW)
    # A SQLite that lives in memory lets one in after the other.
    people = 5 if database.vendor == "postgresql" else 1
    together = threading.Barrier(people)

    def claim(_: int) -> list[int]:
        try:
            together.wait(timeout=10)
            return audit_runs.claim_due(now=NOW)
        finally:
            database.close()

    with ThreadPoolExecutor(people) as pool:
        claimed = [pk for pks in pool.map(claim, range(5)) for pk in pks]
    assert len(claimed) == 2


def _lease_of(connection: Connection) -> datetime:
    connection.refresh_from_db()
    assert connection.leased_until is not None
    return connection.leased_until


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come true within a minute"
        time.sleep(0.02)
