"""Rows that are inserted at once are as if each had been saved."""

from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError, transaction
from django.forms import model_to_dict

from connections.models import Consumer, RegisterEntry
from core import bulk_insert
from core.bulk_insert import insert_rows
from history.models import Event
from history.record import Actor, record, record_all
from tests.factories import make_entry, make_person

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def entries(count: int) -> list[RegisterEntry]:
    owner = make_person("olga")
    kinds = RegisterEntry.Kind
    values: dict[str, Any] = {"owner": owner, "created_at": NOW, "changed_at": NOW, "date_set_at": NOW}
    return [
        RegisterEntry(name=f"Key {number} “€”", kind=kinds.PAT, expires_on=date(2027, 1, 1 + number % 2), **values)
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [1, 30], ids=["one", "many"])
def test_inserted_rows_read_as_saved_ones_do(count: int) -> None:
    saved, one, *others = entries(count + 1)
    saved.save()
    insert_rows([one, *others])
    ignored = ("id", "name", "expires_on")
    stored = [
        model_to_dict(entry, exclude=ignored) for entry in RegisterEntry.objects.filter(pk__in=(one.pk, saved.pk))
    ]
    assert stored[0] == stored[1]
    read = RegisterEntry.objects.get(pk=one.pk)
    assert (read.name, read.created_at, read.expires_on) == (one.name, NOW, date(2027, 1, 2))
    assert (read.state, read.search_text) == (RegisterEntry.State.OPEN, "KEY 1 “€”   ")


@pytest.mark.parametrize("count", [7, 30])
def test_each_row_gets_its_own_id_also_in_several_statements(count: int) -> None:
    rows = entries(count)
    with patch.object(bulk_insert, "_MOST_VALUES", 60):
        insert_rows(rows)
    assert {row.pk: row.name for row in rows} == dict(RegisterEntry.objects.values_list("pk", "name"))


def test_nothing_is_inserted_for_no_rows(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        insert_rows([])


def test_rows_that_belong_to_others_are_inserted() -> None:
    entry = make_entry()
    insert_rows(
        [Consumer(entry=entry, name="Nightly build"), Consumer(entry=entry, name="Shop", contact="a@b.example")]
    )
    assert [consumer.name for consumer in entry.consumers.all()] == ["Nightly build", "Shop"]


@pytest.mark.parametrize("count", [1, 30], ids=["one", "many"])
def test_a_row_that_breaks_a_constraint_is_refused_and_inserts_nothing(count: int) -> None:
    rows = entries(count)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([*rows, rows[0]])
    assert not RegisterEntry.objects.exists()


@pytest.mark.parametrize("count", [1, 30], ids=["one", "many"])
@pytest.mark.parametrize("address", [None, "192.0.2.7", "2001:db8::1"])
def test_events_recorded_together_read_as_those_recorded_alone(address: str | None, count: int) -> None:
    entry, by = make_entry(), Actor("Maya", 7, address)
    detail = {"name": {"before": "“old”", "after": None}, "count": 3}
    record("register.changed", entry, by=by, at=NOW, detail=detail)
    record_all("register.changed", [(entry, detail)] * count, by=by, at=NOW)
    alone, *together = (model_to_dict(event, exclude=["id"]) for event in Event.objects.order_by("pk"))
    assert together == [alone] * count
