"""Channels are set up in a browser, chosen, and get a reminder; each kind at a local receiver."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from connections.notifications import channel_outbox, reminders
from tests.connections.webhooks import Receiver, blocks_of, card_of, verified


@pytest.fixture(autouse=True)
def _no_broker() -> Iterator[None]:
    """The journey does the worker's part itself."""
    with patch("connections.views.common.enqueue"):
        yield


def test_each_kind_of_channel_is_added_tested_chosen_and_gets_the_reminder(
    page: Page, connected: Callable[..., Connection], receiver: Receiver
) -> None:
    connection = connected("Acme main")
    soon = timezone.localdate() + timedelta(days=3)
    Connection.objects.filter(pk=connection.pk).update(expires_on=soon, token_set_at=timezone.now() - timedelta(90))
    User.objects.filter(pk=connection.owner_id).update(is_superuser=True, email="maya@example.com")
    receiver.answers = [(200, b"ok", {}), (202, b"", {}), (204, b"", {})] * 2
    signing_secret = ""
    for label, name in (("Slack", "#alerts"), ("Microsoft Teams", "Platform"), ("Signed webhook", "Pager")):
        page.goto("/outbox/channels/")
        page.get_by_role("link", name=label, exact=True).click()
        page.get_by_label("Name").fill(name)
        page.get_by_label("Webhook URL").fill(receiver.url)
        page.get_by_role("button", name="Add channel").click()
        if label == "Signed webhook":
            expect(page.locator("#signing-secret")).to_contain_text("whsec_")
            signing_secret = page.locator("#signing-secret").inner_text()
            page.get_by_role("link", name="Done").click()
        page.get_by_role("button", name="Send a test message").click()
        expect(page.locator("main")).to_contain_text("on its way")
        channel_outbox.deliver_due(now=timezone.now() + timedelta(seconds=1))
        page.reload()
        expect(page.get_by_role("region", name="Last message")).to_contain_text("Sent")

    page.goto(f"{connection.get_absolute_url()}edit/")
    page.get_by_label("#alerts").check()
    page.get_by_label("Pager").check()
    page.get_by_role("button", name="Save channels").click()
    expect(page.locator("main")).to_contain_text("Channels saved.")
    page.goto("/account/")
    page.get_by_label("Platform").check()
    page.get_by_role("button", name="Save channels").click()
    expect(page.get_by_label("Platform")).to_be_checked()

    reminders.remind_due(now=timezone.now())
    assert channel_outbox.deliver_due(now=timezone.now() + timedelta(seconds=1)) == 3
    arrived = receiver.requests[-3:]
    (slack,) = (one for one in arrived if "blocks" in one.json)
    (teams,) = (one for one in arrived if "attachments" in one.json)
    (signed,) = (one for one in arrived if "webhook-signature" in one.headers)
    # With libraries that others published.
    assert all((blocks_of(slack), card_of(teams), verified(signed, signing_secret)))
    for message in arrived:
        assert "The token of “Acme main” expires in 3 days." in str(message.json)
    page.goto("/outbox/")
    expect(page.get_by_role("row").filter(has_text="#alerts").filter(has_text="Acme main")).to_contain_text("Sent")
