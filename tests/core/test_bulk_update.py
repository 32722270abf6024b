"""Rows that are updated at once read as if each had been saved."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DataError, transaction

from connections.models import Connection
from core.bulk_update import update_rows
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
FIELDS = ("health", "checked_at", "leased_until", "expires_on", "consecutive_failures", "notified_lacking", "disabled")
pytestmark = pytest.mark.django_db


def test_each_row_gets_its_own_values() -> None:
    rows = ConnectionFactory.create_batch(3)
    for number, row in enumerate(rows):
        row.health, row.checked_at = "limited", NOW + timedelta(seconds=number)
        row.leased_until = NOW if number else None
        row.expires_on = date(2027, 1, 1) if number else None
        row.consecutive_failures, row.notified_lacking, row.disabled = number, ["code_read “€”"] * number, bool(number)
    update_rows(rows, FIELDS)
    for row in rows:
        stored = Connection.objects.get(pk=row.pk)
        assert {name: getattr(stored, name) for name in FIELDS} == {name: getattr(row, name) for name in FIELDS}


def test_other_fields_and_rows_stay_as_they_are() -> None:
    row, other = ConnectionFactory.create_batch(2, health="healthy")
    row.health = row.problem = "rejected"
    update_rows([row], ["health"])
    assert set(Connection.objects.values_list("pk", "health", "problem")) == {
        (row.pk, "rejected", ""),
        (other.pk, "healthy", ""),
    }


def test_a_row_that_is_gone_is_left_out() -> None:
    gone, row = ConnectionFactory.create_batch(2)
    Connection.objects.filter(pk=gone.pk).delete()
    gone.health = row.health = "rejected"
    update_rows([gone, row], ["health"])
    assert list(Connection.objects.values_list("pk", "health")) == [(row.pk, "rejected")]


def test_one_row_and_many_take_one_query(django_assert_num_queries: Any) -> None:
    rows = ConnectionFactory.create_batch(3)
    for some in (rows[:1], rows):
        with django_assert_num_queries(1):
            update_rows(some, FIELDS)


def test_nothing_is_updated_for_no_rows(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        update_rows([], FIELDS)


def test_a_text_that_is_too_long_is_refused_where_a_save_refuses_it() -> None:
    row = ConnectionFactory.create()
    row.health = "x" * 17
    assert is_refused(partial(update_rows, [row], ["health"])) == is_refused(partial(row.save, force_update=True))


def is_refused(write: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            write()
    except DataError:
        return True
    return False
