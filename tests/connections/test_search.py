"""A search finds what a plain scan for each word finds, whatever the texts, on every database."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.db.models import QuerySet, Value
from django.db.models.functions import Upper

from connections import reads, register_reads
from connections.list_pages import with_words
from connections.models import Connection, RegisterEntry
from connections.reads import Filters
from connections.register_reads import EntryFilters
from tests.connections.test_reads import TODAY
from tests.factories import ConnectionFactory, make_entry

pytestmark = pytest.mark.django_db
LETTERS = "aAbBßÆæıİéÉ%_\\'\"1-\uffff0"
ROWS, SEARCHES = 40, 60


@pytest.fixture(params=range(4))
def random(request: pytest.FixtureRequest) -> Random:
    return Random(request.param)  # noqa: S311 - guards nothing


def text(random: Random, longest: int) -> str:
    return "".join(random.choices(LETTERS, k=random.randint(1, longest)))


def scanned(rows: QuerySet[Any], search: str) -> set[int]:
    """The ids of the rows whose text contains each word, by LIKE."""
    for word in search.split():
        rows = rows.filter(search_text__contains=Upper(Value(word)))
    return set(rows.values_list("pk", flat=True))


def searches(random: Random) -> list[str]:
    """Of one to three words, with one to three letters each."""
    return [" ".join(text(random, 3) for _ in range(random.randint(1, 3))) for _ in range(SEARCHES)]


def test_connections_are_found_as_by_a_plain_scan(random: Random) -> None:
    for number in range(ROWS):
        texts = {
            "name": f"{text(random, 6)} {number}",
            "organization": text(random, 4),
            "identity_name": text(random, 4),
        }
        ConnectionFactory(**texts)
    every = Connection.objects.all()
    for search in searches(random):
        found = reads.connections(Filters(q=search), today=TODAY)
        assert {row.pk for row in found} == scanned(every, search), search
        page = reads.page_of_connections(Filters(q=search), None, today=TODAY)
        assert [row.pk for row in page] == [row.pk for row in found[: len(page)]], search
        assert page.paginator.count == len(found), search


def test_entries_are_found_as_by_a_plain_scan(random: Random) -> None:
    for number in range(ROWS):
        make_entry(f"{text(random, 6)} {number}", organization=text(random, 4), purpose=text(random, 9))
    for search in searches(random):
        page = register_reads.page_of_entries(EntryFilters(q=search), None, today=TODAY, groups=())
        assert page.paginator.count == len(scanned(RegisterEntry.objects.all(), search)), search


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
