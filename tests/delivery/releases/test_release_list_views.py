"""The Releases page: every release pipeline, what it waits for, filters, freshness, and what cannot be shown."""

from collections.abc import Callable, Iterator
from unittest.mock import Mock, patch

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import CapabilityState
from core.tasks import BrokerUnavailable
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import PollSubscription, Project, ReleasePipeline
from sandbox.sample_code import NOOR
from tests.delivery.conftest import Clock
from tests.delivery.release_shop import DEPLOY, THROUGH, Shop
from tests.factories import ConnectionFactory

LIST = "/releases/"


@pytest.fixture(autouse=True)
def bell() -> Iterator[Mock]:
    """The broker's doorbell, so that no broker is needed."""
    with patch("delivery.live_views.enqueue") as rung:
        yield rung


@pytest.fixture
def read(shop: Shop, clock: Clock) -> Callable[[], None]:
    """Reads what people look at, as a worker would."""

    def poll() -> None:
        PollSubscription.objects.update(once=True, next_at=clock())
        for batch in polling.claim_due(now=clock()):
            polling.poll(batch, READERS, clock=clock)

    poll()
    return poll


def names(pages: Client, **query: str) -> list[str]:
    return [row.name.removesuffix(" Tailspin") for row in pages.get(LIST, query).context["page"]]


def body(pages: Client, **query: str) -> str:
    return pages.get(LIST, query).content.decode()


def test_one_row_for_each_pipeline_with_its_newest_release_and_stages(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    page = body(pages)
    assert page.count('<th scope="row">') == 3
    assert names(pages) == ["Canary", "Deploy", "Mac"]
    deploy = ReleasePipeline.objects.get(azure_id=DEPLOY)
    assert shop.url("release", deploy.newest_id or 0) in page
    assert shop.url("release-pipeline", DEPLOY) in page
    assert deploy.newest_url.replace("&", "&amp;") in page
    assert 'aria-label="Stages of Deploy Tailspin"' in page
    assert "Never released" in page


def test_who_is_asked_stands_in_the_row_with_the_way_to_the_release(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    older = shop.release(THROUGH)
    older.begin(older.environments[2], NOOR, shop.sandbox.state.now(), shop.azure.new_id, by_hand=True)
    read()
    page = body(pages)
    assert page.count("Maya Sample") == 2
    assert f'<a href="{shop.url("release", older.id)}">Production of Release-1</a>' in page


def test_search_looks_at_pipeline_release_version_project_and_connection(
    pages: Client, read: Callable[[], None]
) -> None:
    assert names(pages, q="canary tailspin acme") == ["Canary"]
    assert names(pages, q="\\Mac") == ["Mac"]
    assert names(pages, q="Release-2") == ["Deploy"]
    assert names(pages, q=ReleasePipeline.objects.get(azure_id=DEPLOY).newest_version) == ["Canary", "Deploy"]
    assert "No matching release pipelines" in body(pages, q="nothing")


@pytest.mark.parametrize(
    ("state", "found"), [("waiting", ["Deploy"]), ("failed", ["Canary"]), ("none", ["Mac"]), ("running", [])]
)
def test_the_newest_release_is_filtered_by_its_state(
    pages: Client, read: Callable[[], None], state: str, found: list[str]
) -> None:
    assert names(pages, state=state) == found


def test_a_pipeline_whose_older_release_waits_waits(pages: Client, read: Callable[[], None]) -> None:
    ReleasePipeline.objects.filter(azure_id=DEPLOY).update(whole="succeeded")
    assert names(pages, state="waiting") == ["Deploy"]


def test_the_newest_release_comes_first_when_asked(pages: Client, read: Callable[[], None]) -> None:
    assert names(pages, sort="newest") == ["Canary", "Deploy", "Mac"]
    ReleasePipeline.objects.filter(azure_id=DEPLOY).update(newest_at=timezone.now())
    assert names(pages, sort="newest") == ["Deploy", "Canary", "Mac"]


def test_connection_and_project_are_chosen_from_what_there_is(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    other = ConnectionFactory.create(name="Other", is_default=True)
    here = {"connection": str(shop.project.connection_id), "project": str(shop.project.pk)}
    assert len(names(pages, **here)) == 3
    page = body(pages, **here)
    assert '<option value="Other">' in page
    assert f'<option value="{shop.project.pk}" selected>Tailspin</option>' in page
    assert names(pages, connection=str(other.pk)) == []
    assert "No release pipelines here" in body(pages, connection=str(other.pk))


def test_a_project_of_another_connection_than_the_chosen_one_does_not_count(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    other = ConnectionFactory.create(name="Other")
    elsewhere = Project.objects.create(connection=other, azure_id="x", name="X", seen_at=timezone.now())
    assert len(names(pages, connection=str(shop.project.connection_id), project=str(elsewhere.pk))) == 3
    assert len(names(pages, project=str(shop.project.pk))) == 3


def test_a_wrong_filter_is_no_error(pages: Client, read: Callable[[], None]) -> None:
    for query in ({"connection": "x"}, {"project": "9" * 30}, {"state": "x"}, {"page": "x"}, {"sort": "x"}):
        assert pages.get(LIST, query).status_code == 200


def test_looking_keeps_only_the_projects_of_the_page_watched_and_rings_once(
    pages: Client, read: Callable[[], None], bell: Mock
) -> None:
    for _ in range(3):
        pages.get(LIST)
    watched = PollSubscription.objects.filter(watched_until__gt=timezone.now())
    assert [(one.kind, one.project.name) for one in watched] == [("releases", "Tailspin")]
    assert bell.call_count == 1


def test_what_changed_at_azure_devops_comes_with_the_next_look(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    approval = shop.approval(shop.release("Release-2"))
    approval.status, approval.decided_at = "approved", shop.sandbox.state.now()
    shop.later(60)
    read()
    assert names(pages, state="succeeded") == ["Deploy"]


def test_the_page_updates_by_itself_and_says_when_it_was_read(pages: Client, read: Callable[[], None]) -> None:
    page = body(pages)
    assert 'hx-trigger="every 5s"' in page
    assert "Read from Azure DevOps" in page


def test_without_a_broker_the_page_shows_what_is_known(pages: Client, read: Callable[[], None], bell: Mock) -> None:
    bell.side_effect = BrokerUnavailable
    assert "Deploy Tailspin" in body(pages)


def test_trouble_is_said_once_and_what_is_known_stays(pages: Client, read: Callable[[], None]) -> None:
    PollSubscription.objects.update(problem="throttled")
    page = body(pages)
    assert page.count("Azure DevOps asks us to wait") == 1
    assert "Deploy Tailspin" in page


def test_a_token_that_lacks_release_is_named_with_the_way_out(pages: Client, read: Callable[[], None]) -> None:
    CapabilityState.objects.filter(capability="release_read").update(verdict="missing")
    page = body(pages)
    assert "Releases of 1 connection cannot be shown" in page
    assert "lacks the scope <strong>Release: Read</strong>" in page


def test_where_classic_releases_are_switched_off_the_page_says_so(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    assert "are turned off</strong>" not in body(pages)
    Project.objects.filter(name="Wiki").update(releases_off=True)
    assert "Classic releases are turned off</strong>" in body(pages)


def test_before_anything_came_in_the_page_says_so_and_looks_again(pages: Client) -> None:
    page = body(pages)
    assert "No release pipelines yet" in page
    assert 'hx-trigger="every 5s"' in page


def test_a_word_of_a_later_version_is_unknown_and_no_error(pages: Client, read: Callable[[], None]) -> None:
    later = [{"name": "Test", "state": "levitating"}]
    ReleasePipeline.objects.filter(azure_id=DEPLOY).update(whole="levitating", newest_stages=later)
    row = next(row for row in body(pages).split("<tr ") if "Deploy" in row)
    assert row.count("Unknown</span>") == 2


def test_the_list_costs_the_same_for_one_and_for_a_full_page(
    pages: Client, read: Callable[[], None], shop: Shop
) -> None:
    now, stages = timezone.now(), ReleasePipeline.objects.get(azure_id=DEPLOY).newest_stages
    many = [Project(connection=shop.project.connection, azure_id=f"x{n}", name="X", seen_at=now) for n in range(60)]
    Project.objects.bulk_create(many)
    rows = [
        ReleasePipeline(project=one, azure_id=1, name="aaa", seen_at=now, newest_id=1, newest_stages=stages)
        for one in many
    ]
    ReleasePipeline.objects.bulk_create(rows)
    pages.get(LIST)
    with CaptureQueriesContext(database) as full:
        assert len(names(pages)) == 25
    ReleasePipeline.objects.exclude(azure_id=DEPLOY, project=shop.project).delete()
    pages.get(LIST)
    with CaptureQueriesContext(database) as one:
        pages.get(LIST)
    assert len(full) == len(one)


def test_the_page_wants_its_own_permission(
    client: Client, read: Callable[[], None], person: Callable[..., User]
) -> None:
    client.force_login(person("walter", "delivery.view_pipeline"))
    assert client.get(LIST).status_code == 403
    assert LIST not in client.get("/builds/").content.decode()
    client.force_login(person("vera", "delivery.view_releasepipeline"))
    assert client.get(LIST).status_code == 200
