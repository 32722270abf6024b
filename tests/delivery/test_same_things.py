"""One row for each thing, whoever sees it."""

import pytest
from django.core.paginator import Page
from django.utils import timezone

from connections.models import Connection
from delivery import reads
from delivery.models import Project, Repository
from delivery.reads import PAGE_SIZE
from delivery.repositories.repository_rows import RepositoryRow
from delivery.same_things import SeenVia, one_row_each, page_of_each
from tests.factories import ConnectionFactory, make_repositories

COUNT = 60


@pytest.fixture
def seen_thrice(db: None) -> list[Connection]:
    """Three connections to one organization, which all see the same repositories."""
    connections = [
        ConnectionFactory.create(name=name, organization_id="o", server="Sandbox", health=health)
        for name, health in (("First", "rejected"), ("Second", "healthy"), ("Third", "healthy"))
    ]
    for connection in connections:
        _see(connection, COUNT)
    return connections


def _see(connection: Connection, count: int) -> None:
    now = timezone.now()
    project = Project.objects.create(connection=connection, azure_id="p", name="Store", seen_at=now)
    Repository.objects.bulk_create(
        Repository(project=project, azure_id=str(number), name=f"service {number:03}", added_at=now)
        for number in range(count)
    )


def _page(number: str) -> tuple[Page[RepositoryRow], dict[int, tuple[SeenVia, ...]]]:
    return page_of_each(reads.repositories, reads.Filters(), number, row=RepositoryRow, columns=RepositoryRow._fields)


def test_of_three_the_oldest_of_a_connection_that_works_is_shown(seen_thrice: list[Connection]) -> None:
    page, via = _page("2")
    assert page.paginator.count == COUNT
    assert [row.name for row in page] == [f"service {number:03}" for number in range(PAGE_SIZE, 2 * PAGE_SIZE)]
    assert {row.project__connection__name for row in page} == {"Second"}
    assert {tuple(seen.connection for seen in via[shown.pk]) for shown in page} == {("First", "Second", "Third")}


def test_where_none_works_the_oldest_is_shown(seen_thrice: list[Connection]) -> None:
    Connection.objects.update(health="rejected")
    shown = one_row_each(reads.repositories(reads.Filters()))
    assert {row.project.connection.name for row in shown} == {"First"}
    assert len(shown) == COUNT


def test_what_only_one_sees_is_shown_without_others(seen_thrice: list[Connection]) -> None:
    Project.objects.filter(connection__name="Third").update(azure_id="another")
    page, via = _page("3")
    assert page.paginator.count == 2 * COUNT
    assert all(len(rows) == 2 for rows in via.values())


def test_each_search_finds_its_own_words_though_the_sql_is_the_same(db: None) -> None:
    names = ["a 100% b", "a 100 b", "a_b", "axb", "c\\d", "plain \uffff0", "plain \uffff1"]
    make_repositories(["first", "second", "third", "fourth", *names])
    assert _found("100") == ["a 100 b", "a 100% b"]
    for name in ("100%", "a_b", "c\\d", "\uffff0", "\uffff1", "b 100%", "plain \uffff1"):
        assert len(_found(name)) == 1
    assert _found("\uffff1 plain") == ["plain \uffff1"]
    for name in ("Other", "Another"):
        _see(ConnectionFactory.create(name=name, organization_id="o", server="Sandbox"), 3)
    assert _found("service 001") == ["service 001"]
    assert _found("service 002") == ["service 002"]
    assert _found("plain \uffff0") == ["plain \uffff0"]
    for part in ("othe", "ANOTHER"):
        assert _found("service 001", connection_name=part) == ["service 001"]
        assert _found("plain", connection_name=part) == []
    assert _found("service", connection_name="%") == []


def _found(words: str, connection_name: str = "") -> list[str]:
    filters = reads.Filters(q=words, connection_name=connection_name)
    page, _ = page_of_each(reads.repositories, filters, None, row=RepositoryRow, columns=RepositoryRow._fields)
    return [row.name for row in page]
