"""A person looks into a repository and writes to it, in a real browser."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from delivery.models import Repository
from delivery.sync import sync


@pytest.fixture
def repository(connected: Callable[..., Connection]) -> Repository:
    """A repository of a connected organization, brought in as a worker would."""
    connected(organization="fabrikam")
    for claim in sync.claim_due(now=timezone.now()):
        sync.sync(claim, clock=timezone.now)
    return Repository.objects.get(name="Tailspin")


def test_a_file_is_found_read_edited_and_committed(page: Page, repository: Repository) -> None:
    page.goto("/repositories/")
    page.get_by_label("Search", exact=True).fill("tailspin")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Tailspin", exact=True).click()
    page.get_by_role("link", name="docs").click()
    page.get_by_role("link", name="Getting started.md").click()
    expect(page.locator("pre.code")).to_contain_text("Read this first.")
    page.get_by_role("link", name="Edit this file").click()
    page.get_by_label("Content").fill("# Getting started\n\nRead this twice.\n")
    page.get_by_label("Commit message").fill("Say it twice, please")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Commit this change?")).to_be_visible()
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("/docs/Getting started.md is committed to main.")).to_be_visible()
    expect(page.locator("pre.code")).to_contain_text("Read this twice.")
    expect(page.locator("#panel-commits")).to_contain_text("Say it twice, please")


def test_a_branch_is_made_and_a_repository_too(page: Page, repository: Repository) -> None:
    page.goto(repository.get_absolute_url())
    page.get_by_role("link", name="New branch").click()
    page.get_by_label("Name of the new branch").fill("topic/journey")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Create branch").click()
    expect(page.locator("#panel-branches")).to_contain_text("topic/journey")
    page.goto(repository.project.connection.get_absolute_url())
    page.get_by_role("link", name="New repository").click()
    page.get_by_label("Name", exact=True).fill("Made here")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Create repository").click()
    expect(page.get_by_text("Nothing has been pushed to this repository yet.")).to_be_visible()
