"""A person makes a release, approves it and watches it being deployed, in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import caches
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from delivery.actions import refresh
from delivery.models import Project
from sandbox.server import Sandbox


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    caches["azure_devops"].clear()
    yield
    caches["azure_devops"].clear()


@pytest.fixture
def bring_in() -> Callable[[], None]:
    """What a worker does after connecting."""

    def run() -> None:
        for claim in refresh.claim_due(now=timezone.now()):
            refresh.refresh(claim, clock=timezone.now)

    return run


def test_a_release_is_created_approved_and_watched_until_it_is_deployed(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    connected(organization="fabrikam")
    bring_in()
    project = Project.objects.get(name="Tailspin")
    page.goto(f"/releases/{project.pk}/pipelines/1/")
    page.get_by_role("link", name="Create release").click()
    page.get_by_label("Description").fill("Made in a browser")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Create this release?")).to_be_visible()
    page.get_by_role("button", name="Create release").click()
    expect(page.get_by_text("Release-3 of Deploy Tailspin is created.")).to_be_visible()

    stages = page.get_by_role("list", name="Stages of Release-3").get_by_role("listitem")
    sandbox.world.advance(15)
    expect(stages.nth(0)).to_contain_text("Succeeded")
    sandbox.world.advance(15)
    expect(stages.nth(2)).to_contain_text("Waits for approval")
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("Comment").fill("Seen on staging")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Production of Release-3 is approved.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Seen on staging")
    sandbox.world.advance(20)
    expect(stages.nth(2)).to_contain_text("Succeeded")


def test_the_focus_stays_where_it_is_while_the_page_follows(
    page: Page, connected: Callable[..., Connection], bring_in: Callable[[], None], sandbox: Sandbox
) -> None:
    connected(organization="fabrikam")
    bring_in()
    project = Project.objects.get(name="Tailspin")
    azure = sandbox.world.organizations["fabrikam"].projects[0]
    canary = next(one for one in azure.releases if one.definition.id == 2)
    canary.begin(canary.environments[0], canary.person, sandbox.world.now(), azure.new_id, by_hand=True)
    page.goto(f"/releases/{project.pk}/{canary.id}/")
    page.get_by_role("link", name="Deploy Everywhere").focus()
    before = page.locator(".live time").get_attribute("datetime") or ""
    expect(page.locator(".live time")).not_to_have_attribute("datetime", before)
    expect(page.get_by_role("link", name="Deploy Everywhere")).to_be_focused()
