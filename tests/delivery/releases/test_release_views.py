"""Pages of a release and of its pipeline: what they show, that they follow, and that they say what is wrong."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connections.models import CapabilityState, Connection
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Project, ReleasePipeline
from delivery.releases.release_presenters import duration
from sandbox.sample_code import NOOR
from sandbox.server import Sandbox
from tests.delivery.release_shop import CANARY, DEPLOY, MAC, THROUGH, WAITING, Shop


def test_a_release_shows_its_stages_in_order_with_icon_and_word(pages: Client, shop: Shop) -> None:
    page = shop.page(pages, shop.release(WAITING))
    assert [one.name for one in pages.get(shop.url("release", shop.release(WAITING).id)).context["row"]] == [
        "Test",
        "Staging",
        "Production",
    ]
    assert 'aria-label="Stages of Release-2"' in page
    assert page.count("Waiting for approval") >= 2
    assert 'data-announce="Production waiting for approval"' in page


def test_a_release_shows_what_it_carries_and_where_it_is_at_azure_devops(pages: Client, shop: Shop) -> None:
    release = shop.release(WAITING)
    page = shop.page(pages, release)
    build = release.artifacts["_drop"]
    assert f"<strong>{build.number}</strong>" in page
    assert build.commit[:8] in page
    assert f"_release?releaseId={release.id}" in page
    assert "A sample release" in page


def test_who_is_asked_and_who_decided_with_what_words(pages: Client, shop: Shop) -> None:
    assert "Maya Sample" in shop.page(pages, shop.release(WAITING))
    through = shop.page(pages, shop.release(THROUGH))
    assert "<q>Looks good</q>" in through
    assert "before the deployment" in through
    assert "Approve<span" not in through


def test_an_approval_of_somebody_else_is_marked(pages: Client, shop: Shop) -> None:
    release = shop.release(WAITING)
    shop.approval(release).approver = NOOR
    assert "This connection acts as Maya Sample, so Azure DevOps may refuse." in shop.page(pages, release)


def test_the_history_of_deployments_has_every_attempt_newest_first(pages: Client, shop: Shop) -> None:
    release = shop.release(WAITING)
    found = pages.get(shop.url("release", release.id)).context["deployments"]
    assert [(one.stage, one.chip.label) for one in found] == [
        ("Production", "Waiting for approval"),
        ("Staging", "Succeeded"),
        ("Test", "Succeeded"),
    ]


def test_a_page_follows_while_something_moves_and_stops_after(pages: Client, shop: Shop) -> None:
    running = shop.release("Release-1", CANARY)
    shop.post(pages, "deploy-stage", running.id, running.environments[0].id)
    assert 'hx-trigger="every 3s"' in shop.page(pages, running)
    assert 'hx-trigger="every 15s"' in shop.page(pages, shop.release(WAITING))
    shop.later(3600)
    assert "every 15s" in shop.page(pages, shop.release(WAITING))


def test_nothing_is_asked_for_when_all_is_over(pages: Client, shop: Shop) -> None:
    assert "hx-trigger" not in shop.page(pages, shop.release(THROUGH))


@pytest.mark.parametrize(
    ("kind", "words"), [("reset", "No connection to Azure DevOps"), ("throttle", "asks us to wait")]
)
def test_a_failure_is_said_and_the_page_retries_automatically(pages: Client, shop: Shop, kind: str, words: str) -> None:
    shop.sandbox.behaviour.add(kind, path="/releases/")
    page = shop.page(pages, shop.release(WAITING))
    assert words in page
    assert 'hx-trigger="every 15s"' in page


def test_a_release_that_is_not_there_says_so_and_is_not_read_again(pages: Client, shop: Shop) -> None:
    page = pages.get(shop.url("release", 999_999)).content.decode()
    assert "Not found in Azure DevOps" in page
    assert "hx-trigger" not in page


def test_a_token_without_release_is_explained(
    pages: Client, connected: Callable[..., Connection], bring_in: Callable[[Connection], object]
) -> None:
    bring_in(connected(token="no-release", organization="acme"))
    project = Project.objects.get(name="Storefront")
    page = pages.get(f"/releases/{project.pk}/pipelines/1/").content.decode()
    assert "Scope missing" in page
    assert "The token lacks the scope Release: Read, write, &amp; execute." in page


@pytest.mark.parametrize(
    ("capability", "words", "refused"),
    [
        ("release_execute", "Deploy and cancel: Scope missing.", {"Cancel", "Deploy again"}),
        ("release_manage", "Approve and reject: Scope missing.", {"Approve", "Reject"}),
    ],
)
def test_what_the_last_check_found_missing_is_disabled_with_reason_and_remedy(
    pages: Client, shop: Shop, capability: str, words: str, refused: set[str]
) -> None:
    CapabilityState.objects.filter(capability=capability).update(verdict="missing")
    answer = pages.get(shop.url("release", shop.release(WAITING).id))
    page = answer.content.decode()
    assert words in page
    assert "add the scope" in page
    buttons = [one for card in answer.context["cards"] for one in card.buttons]
    buttons += [one for card in answer.context["cards"] for _, some in card.approvals for one in some]
    assert {one.label for one in buttons if one.why} == refused
    assert all(f'id="{one.why}"' in page for one in buttons if one.why)


def test_who_may_only_look_is_offered_nothing(client: Client, shop: Shop, person: Callable[..., User]) -> None:
    client.force_login(person("vera", "delivery.view_releasepipeline"))
    page = shop.page(client, shop.release(WAITING))
    assert "Production" in page
    for label in ("Approve<", "Reject<", "Deploy again<", "Cancel<"):
        assert label not in page
    assert "Create release" not in client.get(shop.url("release-pipeline", DEPLOY)).content.decode()


def test_the_pages_want_the_permission(client: Client, shop: Shop, person: Callable[..., User]) -> None:
    client.force_login(person("vera", "delivery.view_repository", "connections.view_connection"))
    assert client.get(shop.url("release", 1)).status_code == 403
    assert client.get(shop.url("release-pipeline", DEPLOY)).status_code == 403


def test_a_pipeline_shows_its_releases_newest_first(pages: Client, shop: Shop) -> None:
    answer = pages.get(shop.url("release-pipeline", DEPLOY))
    assert [(one.release.name, one.chip.label) for one in answer.context["rows"]] == [
        (WAITING, "Waiting for approval"),
        (THROUGH, "Succeeded"),
    ]
    assert "_release?definitionId=1" in answer.content.decode()


def test_a_pipeline_that_is_stored_is_named_without_reading_it(pages: Client, shop: Shop) -> None:
    for batch in polling.claim_due(now=timezone.now()):
        polling.poll(batch, READERS, clock=timezone.now)
    shop.sandbox.behaviour.add("status", status=500, path="/definitions/")
    stored = ReleasePipeline.objects.get(azure_id=DEPLOY, project=shop.project)
    page = pages.get(shop.url("release-pipeline", DEPLOY)).content.decode()
    assert f"<h1>{stored.name}</h1>" in page
    assert "data-problem" not in page


def test_releases_are_listed_and_updated_although_their_pipeline_cannot_be_read(pages: Client, shop: Shop) -> None:
    shop.sandbox.behaviour.add("status", status=500, path="/definitions/")
    answer = pages.get(shop.url("release-pipeline", DEPLOY))
    page = answer.content.decode()
    assert [one.release.name for one in answer.context["rows"]] == [WAITING, THROUGH]
    assert 'hx-trigger="every 15s"' in page
    assert page.index('data-problem="server_error"') < page.index('id="releases"')


def test_a_failure_of_the_releases_is_said_and_the_page_retries_automatically(pages: Client, shop: Shop) -> None:
    shop.sandbox.behaviour.add("status", status=500)
    page = pages.get(shop.url("release-pipeline", DEPLOY)).content.decode()
    assert page.count("data-problem") == 1
    assert 'hx-trigger="every 15s"' in page


def test_a_pipeline_that_is_not_there_is_not_shown_as_empty(pages: Client, shop: Shop) -> None:
    page = pages.get(shop.url("release-pipeline", 999_999)).content.decode()
    assert page.count('data-problem="not_found"') == 1
    assert "No releases yet" not in page


def test_a_pipelines_releases_come_in_pages(pages: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.live.items.RELEASES_PER_PAGE", 1)
    first = pages.get(shop.url("release-pipeline", DEPLOY))
    older = pages.get(first.context["older_url"])
    assert [one.release.name for one in older.context["rows"]] == [THROUGH]
    assert older.context["older_url"] == ""
    assert "Newest" in older.content.decode()


def test_a_pipeline_without_releases_has_an_empty_state(pages: Client, shop: Shop) -> None:
    assert (
        "This pipeline has not created a release yet." in pages.get(shop.url("release-pipeline", MAC)).content.decode()
    )


def test_markup_in_names_and_comments_is_shown_as_text(pages: Client, shop: Shop) -> None:
    release = shop.release(THROUGH)
    release.description = "<script>alert(1)</script>"
    shop.approval(release).comments = "<img src=x>"
    page = shop.page(pages, release)
    assert "&lt;script&gt;alert(1)" in page
    assert "<img src=x>" not in page


def test_a_disabled_connection_is_not_used(pages: Client, shop: Shop, sandbox: Sandbox) -> None:
    Connection.objects.update(disabled=True)
    before = len(sandbox.requests)
    assert "Connection is disabled" in shop.page(pages, shop.release(WAITING))
    assert len(sandbox.requests) == before


@pytest.mark.parametrize(
    ("minutes", "words"), [(None, ""), (0.2, "12 s"), (1.0, "1 min 0 s"), (2.55, "2 min 33 s"), (61.0, "1 h 1 min")]
)
def test_how_long_a_deployment_took_is_said_in_two_units_at_most(minutes: float | None, words: str) -> None:
    assert duration(minutes) == words
