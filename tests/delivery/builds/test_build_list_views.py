"""The list of pipelines with their builds, and the page of one pipeline."""

from unittest.mock import Mock

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connections.models import CapabilityState
from core.tasks import BrokerUnavailable
from delivery.models import Pipeline, PollSubscription, Project
from tests.factories import ConnectionFactory

LIST = "/builds/"


def get(pages: Client, name: str, *args: object, **query: str) -> str:
    return pages.get(reverse(f"delivery:{name}", args=args), query).content.decode()


def names(pages: Client, **query: str) -> list[str]:
    return [row.name for row in pages.get(LIST, query).context["page"]]


def test_one_row_for_each_pipeline_with_its_last_build_and_the_recent_ones(pages: Client, ci: Pipeline) -> None:
    page = pages.get(LIST).content.decode()
    assert page.count('<th scope="row">') == 6
    assert f"{ci.build_number}: Succeeded</span>" in page
    assert reverse("delivery:build", args=[ci.pk, ci.build_id]) in page


def test_search_looks_at_pipeline_folder_project_and_connection(pages: Client, ci: Pipeline) -> None:
    assert names(pages, q="nightly tailspin acme") == ["Tailspin Nightly"]
    assert names(pages, q="\\Tests") == ["Tailspin Device tests", "Tailspin Integration"]
    assert "No matching pipelines" in pages.get(LIST, {"q": "nothing"}).content.decode()


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("failed", ["Tailspin Nightly"]),
        ("partial", ["Tailspin Integration"]),
        ("under_way", ["Tailspin Device tests", "Tailspin Mac build"]),
        ("none", ["Tailspin Retired"]),
    ],
)
def test_the_last_result_is_filtered(pages: Client, ci: Pipeline, state: str, found: list[str]) -> None:
    assert names(pages, state=state) == found


def test_connection_and_project_are_chosen_from_what_there_is(pages: Client, ci: Pipeline) -> None:
    other = ConnectionFactory.create(name="Other")
    here = {"connection": str(ci.project.connection_id), "project": str(ci.project_id)}
    assert len(names(pages, **here)) == 6
    assert names(pages, connection=str(other.pk)) == []
    page = pages.get(LIST, here).content.decode()
    assert f'<option value="{ci.project_id}" selected>Tailspin</option>' in page
    assert '<option value="Other">' in page


def test_each_pipeline_is_linked_to_azure_devops(pages: Client, ci: Pipeline) -> None:
    assert f'href="{ci.web_url}"'.replace("&", "&amp;") in pages.get(LIST).content.decode()


def test_a_wrong_filter_is_no_error(pages: Client, ci: Pipeline) -> None:
    for query in ({"connection": "x"}, {"project": "9" * 30}, {"state": "x"}, {"page": "x"}, {"sort": "x"}):
        assert pages.get(LIST, query).status_code == 200


def test_looking_keeps_the_projects_of_the_page_watched_and_rings_once(pages: Client, ci: Pipeline, bell: Mock) -> None:
    for _ in range(3):
        pages.get(LIST)
    assert PollSubscription.objects.filter(watched_until__gt=timezone.now()).count() == 1
    assert bell.call_count == 1


def test_the_page_updates_by_itself_and_says_when_it_was_read(pages: Client, ci: Pipeline) -> None:
    page = pages.get(LIST).content.decode()
    assert 'hx-trigger="every 5s"' in page
    assert "Read from Azure DevOps" in page


def test_without_a_broker_the_page_shows_what_is_known(pages: Client, ci: Pipeline, bell: Mock) -> None:
    bell.side_effect = BrokerUnavailable
    assert "Tailspin CI" in pages.get(LIST).content.decode()


def test_trouble_is_said_once_for_all_projects_and_what_is_known_stays(pages: Client, ci: Pipeline) -> None:
    PollSubscription.objects.update(problem="throttled")
    page = pages.get(LIST).content.decode()
    assert page.count("Azure DevOps asks us to wait") == 1
    assert "Tailspin CI" in page


def test_a_token_that_lacks_build_is_named_with_the_way_out(pages: Client, ci: Pipeline) -> None:
    CapabilityState.objects.filter(capability="build_read").update(verdict="missing")
    page = pages.get(LIST).content.decode()
    assert "Builds of 1 connection cannot be shown" in page
    assert "lacks the scope <strong>Build: Read</strong>" in page


def test_the_list_costs_the_same_for_one_and_for_a_full_page(pages: Client, ci: Pipeline) -> None:
    now = timezone.now()
    many = [Project(connection=ci.project.connection, azure_id=f"x{n}", name=f"X{n}", seen_at=now) for n in range(60)]
    Project.objects.bulk_create(many)
    Pipeline.objects.bulk_create(Pipeline(project=one, azure_id=1, name="aaa", seen_at=now) for one in many)
    pages.get(LIST)
    with CaptureQueriesContext(database) as full:
        assert len(names(pages)) == 25
    Pipeline.objects.exclude(pk=ci.pk).delete()
    pages.get(LIST)
    with CaptureQueriesContext(database) as one:
        pages.get(LIST)
    assert len(full) == len(one)


def test_a_pipelines_builds_come_in_pages(pages: Client, ci: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.live.items.BUILDS_PER_PAGE", 10)
    first = pages.get(ci.get_absolute_url())
    assert len(first.context["rows"]) == 10
    older = pages.get(f"{ci.get_absolute_url()}?{first.context['older']}")
    ids = [one.build.id for answer in (first, older) for one in answer.context["rows"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 20


def test_a_pipeline_that_never_ran_says_so(pages: Client, ci: Pipeline) -> None:
    retired = Pipeline.objects.get(name="Tailspin Retired")
    page = pages.get(retired.get_absolute_url()).content.decode()
    assert "Never run" in page
    assert "This pipeline is disabled in Azure DevOps." in page
