"""What arrives is accepted by libraries that others published: signature, Slack message and Adaptive Card."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from connections.notifications import channel_outbox, reminders
from tests.connections import webhooks
from tests.connections.webhooks import SIGNING_SECRET, Arrived, Receiver
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db
NAMES = ("Acme main", "*bold* _it_ [a](https://evil.example) <!channel> @here & <b>", "x" * 64)


def delivered(receiver: Receiver, kind: str, *names: str) -> Arrived:
    """A reminder about connections with these names, or a digest of them, as it arrives at a channel of this kind."""
    if kind == "teams":
        receiver.answer(202)
    channel, now = webhooks.add(kind, receiver).channel, timezone.now()
    for name in names:
        soon = timezone.localdate() + timedelta(days=3)
        ConnectionFactory.create(name=name, expires_on=soon, token_set_at=now - timedelta(90)).channels.add(channel)
    reminders.remind_due(now=now)
    assert channel_outbox.deliver_due(now=now) == 1
    (arrived,) = receiver.requests
    return arrived


@pytest.mark.parametrize("name", NAMES)
def test_a_signed_webhook_is_verified_by_standardwebhooks(receiver: Receiver, name: str) -> None:
    arrived = delivered(receiver, "webhook", name)
    event = webhooks.verified(arrived, SIGNING_SECRET)
    assert event["type"] == "connection.expiring"
    assert event["data"]["facts"]["Connection"] == name
    forged = [
        (arrived.body.replace(b"expiring", b"expired!"), arrived.headers),
        (arrived.body, arrived.headers | {"webhook-id": "msg_other"}),
        (arrived.body, arrived.headers | {"webhook-timestamp": str(int(time.time()) - 60)}),
    ]
    for body, headers in forged:
        with pytest.raises(WebhookVerificationError):
            webhooks.verified(Arrived(arrived.path, headers, body), SIGNING_SECRET)


@pytest.mark.parametrize("names", [NAMES[:1], NAMES[1:2], tuple(f"{number} {NAMES[1]}"[:64] for number in range(60))])
def test_a_slack_message_is_valid_by_the_sdk_of_slack(receiver: Receiver, names: tuple[str, ...]) -> None:
    arrived = delivered(receiver, "slack", *names)
    assert len(webhooks.blocks_of(arrived)) >= 3
    assert arrived.json["text"]


@pytest.mark.parametrize("names", [NAMES[:1], NAMES[1:2], tuple(f"{number} {NAMES[1]}"[:64] for number in range(60))])
def test_a_teams_message_holds_a_valid_adaptive_card(receiver: Receiver, names: tuple[str, ...]) -> None:
    arrived = delivered(receiver, "teams", *names)
    assert webhooks.card_of(arrived)["body"]
    assert len(arrived.body) < 28 * 1024
