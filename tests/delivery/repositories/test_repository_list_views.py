"""The Repositories page: every repository of every connection, searched, filtered and paged."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import Mock, patch

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from core.tasks import BrokerUnavailable
from delivery.models import Repository, SyncState
from delivery.tasks import refresh_due
from sandbox.server import Sandbox
from tests.factories import ConnectionFactory, make_repositories

LIST = "/repositories/"


@pytest.fixture(autouse=True)
def bell() -> Iterator[Mock]:
    """The broker's doorbell, so that no broker is needed."""
    with patch("delivery.repositories.repository_list_views.enqueue") as rung:
        yield rung


@pytest.fixture
def many(db: None) -> Connection:
    return make_repositories(f"service {number:03d}" for number in range(120))


def names(pages: Client, **query: str) -> list[str]:
    page = pages.get(LIST, query)
    return [one.name for one in page.context["page"]]


def test_the_list_is_paged_and_leaves_out_what_is_gone(pages: Client, many: Connection) -> None:
    answer = pages.get(LIST)
    assert answer.context["page"].paginator.count == 119
    assert len(answer.context["page"]) == 25
    assert "Page 1 of 5, 119 in total" in answer.content.decode()


def test_search_looks_at_repository_project_and_connection(pages: Client, many: Connection) -> None:
    assert names(pages, q="115 store acme") == ["service 115"]
    assert "No matching repositories" in pages.get(LIST, {"q": "nothing"}).content.decode()


@pytest.mark.parametrize(("state", "name"), [("empty", "001"), ("disabled", "002"), ("gone", "003")])
def test_states_are_filtered(pages: Client, many: Connection, state: str, name: str) -> None:
    assert names(pages, state=state) == [f"service {name}"]


def test_the_largest_can_stand_first(pages: Client, many: Connection) -> None:
    assert names(pages, sort="size")[0] == "service 119"


def test_one_connections_repositories_come_with_how_they_stand(pages: Client, many: Connection) -> None:
    ConnectionFactory(name="Other")
    page = pages.get(LIST, {"connection": many.pk}).content.decode()
    assert "<strong>119</strong> repositories" in page
    assert "<strong>1</strong> project" in page


def test_a_connection_is_chosen_by_its_name_or_a_part_of_it(pages: Client, many: Connection) -> None:
    ConnectionFactory(name="Other")
    for typed in (many.name, many.name.upper()):
        page = pages.get(LIST, {"connection_name": typed}).content.decode()
        assert "<strong>119</strong> repositories" in page
    part = pages.get(LIST, {"connection_name": many.name[1:4]})
    assert part.context["total"] == 119
    assert part.context["connection"] is None
    assert pages.get(LIST, {"connection_name": "Other"}).context["total"] == 0
    assert pages.get(LIST, {"connection_name": "Nowhere"}).context["total"] == 0
    assert f'value="{many.name}"' in pages.get(LIST, {"connection": many.pk}).content.decode()


def test_names_of_connections_are_suggested_while_one_types(pages: Client, many: Connection) -> None:
    payments = [ConnectionFactory.create(name=f"Payments {number:02}").name for number in range(30)]
    default = ConnectionFactory.create(name="Zebra pay", is_default=True).name
    here = reverse("delivery:connection-names")
    found = pages.get(here, {"connection_name": "pAY"}).content.decode()
    assert re.findall('value="(.*?)"', found) == [default, *payments[:9]]
    assert re.findall('value="(.*?)"', pages.get(here, {"connection_name": "29"}).content.decode()) == ["Payments 29"]
    assert pages.get(here, {"connection_name": "a\0"}).status_code == 200


def test_the_page_is_no_larger_with_a_thousand_connections(pages: Client, many: Connection) -> None:
    ConnectionFactory.create_batch(30)
    few = len(pages.get(LIST).content)
    ConnectionFactory.create_batch(970)
    assert len(pages.get(LIST).content) < few * 1.05


def test_a_wrong_filter_is_no_error(pages: Client, many: Connection) -> None:
    for query in ({"connection": "x"}, {"connection": "99999"}, {"state": "x"}, {"page": "x"}, {"sort": "x"}):
        assert pages.get(LIST, query).status_code == 200


def test_the_list_costs_the_same_for_one_and_for_a_full_page(pages: Client, many: Connection) -> None:
    pages.get(LIST)
    with CaptureQueriesContext(database) as full:
        pages.get(LIST)
    Repository.objects.exclude(name="service 007").delete()
    with CaptureQueriesContext(database) as one:
        pages.get(LIST)
    assert len(full) == len(one)


def test_without_any_the_page_says_when_they_come(pages: Client) -> None:
    assert "No repositories yet" in pages.get(LIST).content.decode()


def test_progress_is_shown_while_a_refresh_is_under_way(pages: Client, many: Connection) -> None:
    SyncState.objects.filter(connection=many).update(started_at=timezone.now(), total=8, done=2)
    page = pages.get(LIST, {"connection": many.pk}).content.decode()
    assert "2 of 8 projects synced." in page
    assert 'hx-trigger="every 2s"' in page


def test_a_problem_is_shown_in_the_catalogues_words(pages: Client, many: Connection) -> None:
    SyncState.objects.filter(connection=many).update(problem="throttled")
    page = pages.get(LIST, {"connection": many.pk}).content.decode()
    assert "Azure DevOps asks us to wait" in page
    assert "The page shows what Azure DevOps last reported." in page


def test_refresh_makes_it_due_and_shows_it(pages: Client, many: Connection, bell: Mock) -> None:
    SyncState.objects.filter(connection=many).update(next_at=timezone.now() + timedelta(hours=5))
    answer = pages.post(reverse("delivery:refresh", args=[many.pk]))
    assert answer.headers["Location"] == f"{LIST}?connection={many.pk}"
    sync_state = SyncState.objects.get(connection=many)
    assert sync_state.next_at <= timezone.now()
    assert (sync_state.by_hand, sync_state.started_by) == (True, "maya")
    bell.assert_called_once_with(refresh_due)


def test_without_a_broker_the_refresh_waits_and_the_page_says_so(pages: Client, many: Connection, bell: Mock) -> None:
    bell.side_effect = BrokerUnavailable
    page = pages.post(reverse("delivery:refresh", args=[many.pk]), follow=True).content.decode()
    assert "The sync starts once it is back." in page


def test_a_disabled_connection_is_not_refreshed(pages: Client, many: Connection) -> None:
    Connection.objects.update(disabled=True)
    page = pages.post(reverse("delivery:refresh", args=[many.pk]), follow=True).content.decode()
    assert "Enable it to sync its repositories" in page


def test_the_connections_page_says_what_was_brought_in(pages: Client, many: Connection, sandbox: Sandbox) -> None:
    page = pages.get(many.get_absolute_url()).content.decode()
    assert f'<a href="{LIST}?connection={many.pk}"><strong>119</strong> repositories</a>' in page


def test_who_may_not_see_repositories_gets_no_page(client: Client, person: Callable[..., object]) -> None:
    client.force_login(person("vera", "connections.view_connection"))  # type: ignore[arg-type]
    assert client.get(LIST).status_code == 403


@pytest.mark.parametrize(("count", "words"), [(6, "of 1 more connection could"), (7, "of 2 more connections could")])
def test_connections_whose_list_is_incomplete_are_counted(pages: Client, count: int, words: str) -> None:
    lists = {number: f"Connection {number}" for number in range(count)}
    with patch("delivery.repositories.repository_list_views.reads.incomplete_project_lists", return_value=lists):
        assert words in pages.get(LIST).text
