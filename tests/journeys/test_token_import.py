"""Someone reads their own tokens in Azure DevOps, so that a connection has its true date, and extends one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.actions import import_tokens
from connections.domain.token_entries import Pick
from connections.models import Connection
from connections.token_import_reads import imports_of
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of
from tests.journeys.test_renewal import sign_in_as_maya

END = (timezone.now() + timedelta(days=100)).replace(hour=12, microsecond=0)


@pytest.fixture(autouse=True)
def _returns_here(site: str, settings: Settings) -> None:
    settings.SITE_URL = site


def test_a_date_is_read_from_azure_devops(
    page: Page, connected: Callable[..., Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.expires_at = END
    connection = connected("Acme main")
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="Read it from Azure DevOps").click()
    expect(page.get_by_label("acme (1 connection)")).to_be_checked()
    page.get_by_role("button", name="Sign in at Microsoft and read").click()
    sign_in_as_maya(page)
    page.get_by_label("Which of your tokens is it?").select_option(entry_of(sandbox, "full"))
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review")
    expect(page.locator("main")).to_contain_text(f"expires {END:%-d %b %Y}")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("main")).to_contain_text("read from Azure DevOps")
    page.get_by_role("link", name="Acme main").click()
    expect(page.locator("[aria-labelledby=token]")).to_contain_text(f"{END:%-d %B %Y}")
    expect(page.locator("[aria-labelledby=token]")).to_contain_text("read from Azure DevOps")


def test_a_token_is_extended(
    page: Page, connected: Callable[..., Connection], renewing: Renewing, sandbox: Sandbox
) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.created_at, token.expires_at = timezone.now(), timezone.now() + timedelta(days=20)
    connection = connected("Acme main")
    renewing.read_tokens()
    imports = imports_of(renewing.user, now=renewing.now())
    pick = Pick(connection.pk, token.authorization_id)
    import_tokens.use_picks([pick], imports, by=renewing.by, now=renewing.now())
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="Extend the same token").click()
    expect(page.locator("main")).to_contain_text("This is no rotation")
    page.get_by_label("Valid for (days)").fill("60")
    page.get_by_role("button", name="Sign in at Microsoft and extend").click()
    sign_in_as_maya(page)
    expect(page.locator("main")).to_contain_text("The token of Acme main is the same and expires on")
    expect(page.locator("[aria-labelledby=token]")).to_contain_text("read from Azure DevOps")
