"""The target and the signing secret of a channel are nowhere but sealed in its row, whatever its target answers."""

from contextlib import suppress
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.models import NotificationChannel
from connections.notifications import channel_outbox
from sandbox.server import Sandbox
from tests.connections import webhooks
from tests.connections.webhooks import PATH, SIGNING_SECRET, Receiver
from tests.leaks import everywhere, hits, of_answer

SECRETS = {"target": PATH.rpartition("/")[2], "signing secret": SIGNING_SECRET.removeprefix("whsec_")}


@pytest.mark.parametrize("status", [200, 302, 400, 410, 429, 500])
def test_no_page_mail_log_or_command_gives_a_target_away(
    root: Client, receiver: Receiver, sandbox: Sandbox, log: Path, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    echo = f"{receiver.url} {SIGNING_SECRET}".encode()
    receiver.answer(status, echo, Location=receiver.url, Retry_After=receiver.url)
    entered = {"name": "Alerts", "url": receiver.url, "signing_secret": SIGNING_SECRET}
    add = reverse("connections:add-channel", args=["webhook"])
    shown = [of_answer(root.post(add, entered | wrong)) for wrong in ({"name": ""}, {"url": f"{receiver.url} x"}, {})]
    channel = NotificationChannel.objects.get()
    here = reverse("connections:channel", args=[channel.pk])
    shown += [of_answer(root.post(here, entered | {"name": "Renamed"})), of_answer(root.post(f"{here}test/"))]
    channel_outbox.deliver_due(now=timezone.now())
    assert len(receiver.requests) == 1
    pages = [here, f"{here}remove/", "/outbox/channels/", "/outbox/", "/history/"]
    pages.append(f"/outbox/{channel.messages.get().pk}/")
    shown += [of_answer(root.get(page)) for page in pages]
    for line in (["connections", "channels", "--json"], ["connections", "test-channel", "Renamed", "--json"]):
        said = StringIO()
        with suppress(SystemExit):
            call_command(*line, stdout=said, stderr=said)
        shown.append(said.getvalue().encode())
    assert hits(SECRETS, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.mark.parametrize("place", ["core.encryption.encrypt", "requests.Session.send"])
@pytest.mark.parametrize("debug", [False, True])
def test_no_fault_of_ours_gives_a_target_away(
    root: Client,
    receiver: Receiver,
    sandbox: Sandbox,
    settings: Settings,
    log: Path,
    capfd: pytest.CaptureFixture[str],
    place: str,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    channel = webhooks.add("webhook", receiver).channel
    channel_outbox.write_test(channel, now=timezone.now())
    entered = {"name": "Alerts", "url": receiver.url, "signing_secret": SIGNING_SECRET}
    with patch(place, side_effect=RuntimeError("broken")):
        channel_outbox.deliver_due(now=timezone.now())
        shown = [of_answer(root.post(reverse("connections:channel", args=[channel.pk]), entered))]
    shown.append(of_answer(root.get("/outbox/")))
    assert hits(SECRETS, everywhere(shown, log, sandbox, capfd)) == set()
