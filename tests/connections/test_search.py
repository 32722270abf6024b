"""A search finds what a plain scan for each word finds, whatever the texts, on every database."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Upper
from hypothesis import given
from hypothesis import strategies as st

from connections import reads, register_reads
from connections.list_pages import with_words
from connections.models import Connection, RegisterEntry
from connections.reads import Filters
from connections.register_reads import EntryFilters
from tests.connections.test_reads import TODAY
from tests.factories import ConnectionFactory, make_entry

pytestmark = pytest.mark.django_db
LETTERS = "aAbBßÆæıİéÉ%_\\'\"1-\uffff0"
TEXTS = st.lists(st.tuples(*[st.text(LETTERS, min_size=1, max_size=6)] * 3), max_size=12)
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=3), min_size=1, max_size=3)
SEARCHES = st.lists(WORDS.map(" ".join), min_size=1, max_size=6)


def scanned(rows: QuerySet[Any], search: str) -> set[int]:
    """The ids of the rows whose text contains each word, by LIKE."""
    for word in search.split():
        rows = rows.filter(search_text__contains=Upper(Value(word)))
    return set(rows.values_list("pk", flat=True))


def test_connections_are_found_as_by_a_plain_scan() -> None:
    owner = User.objects.create(username="ann")

    @given(TEXTS, SEARCHES)
    def search_all(texts: list[tuple[str, str, str]], searches: list[str]) -> None:
        with transaction.atomic():
            for number, (name, organization, person) in enumerate(texts):
                ConnectionFactory(name=f"{name} {number}", organization=organization, identity_name=person, owner=owner)
            for search in searches:
                found = reads.connections(Filters(q=search), today=TODAY)
                assert {row.pk for row in found} == scanned(Connection.objects.all(), search)
                page = reads.page_of_connections(Filters(q=search), None, today=TODAY)
                assert [row.pk for row in page] == [row.pk for row in found]
                assert page.paginator.count == len(found)
            transaction.set_rollback(True)

    search_all()


def test_entries_are_found_as_by_a_plain_scan() -> None:
    owner = User.objects.create(username="ann")

    @given(TEXTS, SEARCHES)
    def search_all(texts: list[tuple[str, str, str]], searches: list[str]) -> None:
        with transaction.atomic():
            for number, (name, organization, purpose) in enumerate(texts):
                make_entry(f"{name} {number}", organization=organization, purpose=purpose, owner=owner)
            for search in searches:
                page = register_reads.page_of_entries(EntryFilters(q=search), None, today=TODAY, groups=())
                assert {row.pk for row in page} == scanned(RegisterEntry.objects.all(), search)
            transaction.set_rollback(True)

    search_all()


@pytest.mark.parametrize("change", [
    lambda: Connection.objects.update(name="Renamed"),
    lambda: Connection.objects.update(organization="renamed"),
    lambda: Connection.objects.bulk_update([Connection(pk=Connection.objects.get().pk, name="renamed")], ["name"]),
], ids=["name", "organization", "bulk"])  # fmt: skip
def test_a_change_through_any_door_is_found_at_once(change: Callable[[], object]) -> None:
    ConnectionFactory(name="Shop")
    assert not with_words(Connection.objects.all(), "renam")
    change()
    assert with_words(Connection.objects.all(), "renam").count() == 1


def test_the_same_number_of_other_words_finds_other_rows() -> None:
    for name in ("Shop one", "Ledger one"):
        ConnectionFactory(name=name)
    for search, name in (("shop one", "Shop one"), ("ledger one", "Ledger one"), ("one shop", "Shop one")):
        page = reads.page_of_connections(Filters(q=search), None, today=TODAY)
        assert [row.name for row in page] == [name]
