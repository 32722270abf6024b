"""Now is the time of the database, where it has one, and a time too far ahead is of a clock that was wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from connections.models import Connection
from core.database_time import TOLERANCE, database_now, lies_ahead, written_ahead_of_time
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


def test_the_databases_time_is_aware_and_in_utc() -> None:
    assert database_now().utcoffset() == timedelta(0)


def test_the_time_goes_on_inside_a_transaction() -> None:
    with transaction.atomic():
        assert database_now() < database_now()


def test_a_machine_whose_clock_is_wrong_goes_by_the_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    real = database_now()
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=9999))
    is_ahead = database_now() - real > timedelta(days=1)
    assert is_ahead == (database.vendor != "postgresql")


@pytest.mark.parametrize(
    ("ahead", "holds"), [(-SECOND, False), (SECOND, True), (60 * SECOND, True), (61 * SECOND, False)]
)
def test_a_time_lies_ahead_as_far_as_it_can_have_been_written(ahead: timedelta, holds: bool) -> None:
    ConnectionFactory(next_check_at=NOW + ahead)
    rows = Connection.objects.filter(lies_ahead("next_check_at", NOW, at_most=60 * SECOND))
    assert rows.exists() == holds


@pytest.mark.parametrize(("ahead", "holds"), [(SECOND, False), (TOLERANCE, False), (TOLERANCE + SECOND, True)])
def test_what_happened_after_now_was_written_by_a_clock_that_was_ahead(ahead: timedelta, holds: bool) -> None:
    ConnectionFactory(checked_at=NOW + ahead)
    assert Connection.objects.filter(written_ahead_of_time("checked_at", NOW)).exists() == holds
