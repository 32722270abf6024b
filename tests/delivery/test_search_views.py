"""The search over everything, and one row for what several connections see."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from delivery.models import Pipeline, Project, ReleasePipeline, Repository
from tests.factories import ConnectionFactory, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


def add(connection: Connection, name: str, *, azure_id: str = "p") -> Project:
    """A project of the connection with one repository and one pipeline of each kind, all of this name."""
    now = timezone.now()
    project = Project.objects.create(connection=connection, azure_id=azure_id, name="Store", seen_at=now)
    Repository.objects.create(project=project, azure_id=f"r-{name}", name=name, added_at=now)
    Pipeline.objects.create(project=project, azure_id=1, name=name, seen_at=now)
    ReleasePipeline.objects.create(project=project, azure_id=1, name=name, newest_name="Release-7", seen_at=now)
    return project


def found(pages: Client, q: str) -> dict[str, list[str]]:
    sections = pages.get(reverse("delivery:search"), {"q": q}).context["sections"]
    return {section.label: [hit.name for hit in section.hits] for section in sections}


def test_everything_of_a_name_is_found_by_kind(pages: Client) -> None:
    add(ConnectionFactory.create(name="Payments main"), "payments-api")
    assert found(pages, "payments") == {
        "Connections": ["Payments main"],
        "Repositories": ["payments-api"],
        "Pipelines": ["payments-api"],
        "Releases": ["payments-api"],
    }
    assert found(pages, "release-7") == {"Releases": ["payments-api"]}
    assert found(pages, "nowhere") == {}
    assert "No matches" in pages.get(reverse("delivery:search"), {"q": "nowhere"}).content.decode()


def test_more_than_fits_is_in_the_list(pages: Client) -> None:
    for number in range(9):
        ConnectionFactory(name=f"Payments {number}")
    page = pages.get(reverse("delivery:search"), {"q": "payments"})
    assert len(page.context["sections"][0].hits) == 8
    assert reverse("connections:list") + "?q=payments" in page.content.decode()


def test_only_what_one_may_see_is_found(client: Client) -> None:
    add(ConnectionFactory.create(name="Payments main"), "payments-api")
    client.force_login(make_person("eve", "connections.view_connection", "delivery.view_pipeline"))
    assert found(client, "payments").keys() == {"Connections", "Pipelines"}


@pytest.mark.parametrize("name", ["repositories", "builds", "releases"])
def test_what_three_connections_see_is_one_row(pages: Client, name: str) -> None:
    connections = [ConnectionFactory.create(name=f"Via {number}") for number in range(3)]
    Connection.objects.filter(pk=connections[0].pk).update(health="rejected")
    projects = [add(connection, "api") for connection in connections]
    add(ConnectionFactory.create(name="Elsewhere", organization_id="another"), "api")
    answer = pages.get(reverse(f"delivery:{name}"))
    page = answer.content.decode()
    assert answer.context["page"].paginator.count == 2
    assert page.count("via 3 connections") == 1
    # The row is of a connection that works.
    assert projects[1].pk in {row.project_id for row in answer.context["page"]}
    of_one = pages.get(reverse(f"delivery:{name}"), {"connection": connections[2].pk}).context["page"]
    assert [row.project_id for row in of_one] == [projects[2].pk]


def test_a_search_for_a_connection_finds_what_it_sees(pages: Client) -> None:
    for name in ("First", "Second"):
        add(ConnectionFactory.create(name=name), "api")
    assert found(pages, "second")["Repositories"] == ["api"]


def test_text_that_no_database_stores_finds_nothing(pages: Client) -> None:
    assert "No matches" in pages.get(reverse("delivery:search"), {"q": "a\x00"}).content.decode()


@pytest.mark.parametrize(("count", "words"), [(1, "1 result for"), (8, "8 results for"), (9, "More than 8 results")])
def test_what_is_not_shown_is_not_left_out_of_the_count(pages: Client, count: int, words: str) -> None:
    for number in range(count):
        ConnectionFactory(name=f"Payments {number}")
    status = pages.get(reverse("delivery:search"), {"q": "payments"}).text.split('role="status">')
    assert any(part.startswith(words) for part in status)


def test_the_search_of_a_list_is_not_entered_in_the_search_of_everything(pages: Client) -> None:
    page = pages.get(reverse("connections:check-leak"), {"q": "acme"}).text
    of_everything = page.split('aria-label="Search everything"')[0].rpartition("<input")[2]
    assert 'value=""' in of_everything
    assert 'value="acme"' in page
    page = pages.get(reverse("delivery:search"), {"q": "acme"}).text
    assert 'value="acme"' in page.split('aria-label="Search everything"')[0].rpartition("<input")[2]
