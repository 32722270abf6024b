"""A person makes a release, approves it and watches it being deployed, in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import caches
from playwright.sync_api import Page, expect

from connections.models import Connection
from delivery.models import Project
from sandbox.server import Sandbox
from tests.journeys.worker import poll, sync_everything


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    caches["azure_devops"].clear()
    yield
    caches["azure_devops"].clear()


@pytest.fixture
def bring_in() -> Callable[[], None]:
    """What a worker does after connecting."""
    return sync_everything


def test_a_release_is_created_approved_and_watched_until_it_is_deployed(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    connected(organization="fabrikam")
    bring_in()
    page.goto("/")
    page.get_by_role("link", name="Releases").click()
    page.get_by_role("link", name="Deploy Tailspin", exact=True).click()
    page.get_by_role("link", name="Create release").click()
    page.get_by_label("Description").fill("Made in a browser")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Create this release?")).to_be_visible()
    page.get_by_role("button", name="Create release").click()
    expect(page.get_by_text("Release-3 of Deploy Tailspin is created.")).to_be_visible()

    stages = page.get_by_role("list", name="Stages of Release-3").get_by_role("listitem")
    sandbox.state.advance(15)
    poll()
    expect(stages.nth(0)).to_contain_text("Succeeded")
    sandbox.state.advance(15)
    poll()
    expect(stages.nth(2)).to_contain_text("Waiting for approval")
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("Comment").fill("Seen on staging")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Production of Release-3 is approved.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Seen on staging")
    sandbox.state.advance(20)
    poll()
    expect(stages.nth(2)).to_contain_text("Succeeded")


def test_the_list_follows_while_it_is_open_and_is_filtered_by_what_waits(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    connected(organization="fabrikam")
    bring_in()
    page.goto("/releases/")
    page.get_by_label("Newest release").select_option("Waiting for approval")
    page.get_by_label("Search", exact=True).fill("tailspin")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Maya Sample")
    approve_everything(sandbox)
    poll()
    expect(page.get_by_role("heading", name="No matching release pipelines")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    row = page.locator("tbody tr").filter(has_text="Deploy Tailspin")
    expect(row.get_by_role("list")).to_contain_text("Deploying")
    sandbox.state.advance(30)
    poll()
    expect(row.locator(".chip")).to_have_text("Succeeded")


def approve_everything(sandbox: Sandbox) -> None:
    """Somebody says yes in Azure DevOps itself."""
    now = sandbox.state.now()
    for release in sandbox.state.organizations["fabrikam"].projects[0].releases:
        for environment in release.environments:
            for asked in environment.attempts[-1].approvals if environment.attempts else ():
                asked.status, asked.decided_at = "approved", now
    sandbox.state.advance(5)


def test_a_token_that_lacks_release_explains_instead_of_failing(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.build_execute")
    connected(organization="fabrikam")
    bring_in()
    page.goto("/releases/")
    expect(page.get_by_text("Releases of 1 connection cannot be shown")).to_be_visible()
    expect(page.get_by_text("lacks the scope Release: Read.")).to_be_visible()
    page.goto(f"/releases/{Project.objects.get(name='Tailspin').pk}/pipelines/1/")
    expect(page.get_by_role("heading", name="Scope missing")).to_be_visible()
    page.get_by_text("Create release").click()
    expect(page.get_by_text("The token lacks the scope Release: Read, write, & execute.")).to_be_visible()


def test_where_classic_releases_are_switched_off_the_list_says_so(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = (*token.scopes, "vso.project")
    connected("Modern", organization="modern")
    bring_in()
    page.goto("/releases/")
    note = page.locator(".note").filter(has_text="Classic releases are turned off")
    expect(note.get_by_role("link", name="Modern")).to_be_visible()


def test_the_focus_stays_where_it_is_while_the_page_follows(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    connected(organization="fabrikam")
    bring_in()
    project = Project.objects.get(name="Tailspin")
    azure = sandbox.state.organizations["fabrikam"].projects[0]
    canary = next(one for one in azure.releases if one.definition.id == 2)
    canary.begin(canary.environments[0], canary.person, sandbox.state.now(), azure.new_id, by_hand=True)
    page.goto(f"/releases/{project.pk}/{canary.id}/")
    page.get_by_role("link", name="Deploy Everywhere").focus()
    before = page.locator(".live time").get_attribute("datetime") or ""
    poll()
    # A link that was just reached delays one round.
    expect(page.locator(".live time")).not_to_have_attribute("datetime", before, timeout=20_000)
    expect(page.get_by_role("link", name="Deploy Everywhere")).to_be_focused()
