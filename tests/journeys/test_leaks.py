"""Someone pastes a leaked token, stops it, revokes it, and sees that it is proved dead."""

from collections.abc import Callable
from datetime import timedelta

import requests
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.actions import prove_leak
from connections.models import Connection, LeakedToken
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing
from tests.journeys.test_renewal import sign_in_as_maya


def ask_what_is_due() -> None:
    """The worker's part, as if the first question were due now."""
    LeakedToken.objects.update(next_ask_at=timezone.now() - timedelta(seconds=1))
    for leak_id, lease in prove_leak.claim_due(now=timezone.now()):
        prove_leak.ask_claimed(leak_id, lease=lease, clock=timezone.now)


def test_a_pasted_token_is_stopped_and_proved_dead(
    page: Page, connected: Callable[..., Connection], sandbox: Sandbox, token_of: Callable[[str], str]
) -> None:
    connected("Acme main")
    connected("Acme releases")
    page.goto("/code-repositories/leaks/")
    page.get_by_label("Leaked token").fill("a sentence that is no token")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("main")).to_contain_text("contains white space")
    page.get_by_label("Leaked token").fill(token_of("full"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("region", name="2 connections use this token")).to_contain_text("Acme releases")
    expect(page.get_by_label("Leaked token")).to_have_value("")

    page.get_by_role("button", name="This token leaked").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Leaked token of acme")
    expect(page.get_by_role("region", name="Where it is used")).to_contain_text("Stopped, waits for a new token")
    ask_what_is_due()
    expect(page.locator("#proof")).to_contain_text("the token was accepted")

    requests.post(f"{sandbox.url}/_sandbox/tokens/full", json={"state": "revoked"}, timeout=5).raise_for_status()
    ask_what_is_due()
    expect(page.locator("#proof")).to_contain_text("Proved dead after")

    page.get_by_role("link", name="Acme main").first.click()
    expect(page.locator("main")).to_contain_text("Declared leaked")
    page.get_by_role("button", name="Test Connection").click()
    expect(page.locator("#test-result")).to_contain_text("Declared leaked")


def test_a_leaked_token_is_revoked_by_its_owner_at_microsoft_and_proved_dead(
    page: Page, connected: Callable[..., Connection], renewing: Renewing, site: str, settings: Settings
) -> None:
    settings.SITE_URL = site
    connection = connected("Acme main")
    page.goto(connection.get_absolute_url())
    page.get_by_role("link", name="This token leaked").click()
    page.get_by_role("button", name="This token leaked").click()
    page.get_by_role("button", name="Sign in at Microsoft and revoke").click()
    sign_in_as_maya(page)
    page.get_by_role("group", name="Which of these tokens").get_by_label("full", exact=False).first.check()
    page.get_by_role("button", name="Sign in at Microsoft and revoke").click()
    sign_in_as_maya(page)
    expect(page.get_by_text("The leaked token was revoked.")).to_be_visible()
    ask_what_is_due()
    expect(page.locator("#proof")).to_contain_text("Proved dead after")
