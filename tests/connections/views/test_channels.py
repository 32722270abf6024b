"""Channels are set up by administrators, and chosen for connections and by people."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.actions import manage_channels
from connections.actions.manage_channels import CannotChangeChannel, ChannelInput
from connections.models import Mail, NotificationChannel
from connections.notifications import channel_outbox, reminders
from connections.tasks import deliver_due
from core.secrets import Secret
from core.tasks import BrokerUnavailable
from history.models import Event
from history.record import Actor
from tests.connections import webhooks
from tests.connections.webhooks import SIGNING_SECRET, Receiver
from tests.factories import ConnectionFactory, make_channel, make_entry, make_person

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client: Client) -> Iterator[Client]:
    client.force_login(make_person("root", staff=True, email="root@example.com"))
    with patch("connections.views.common.enqueue"):
        yield client


def test_a_channel_is_added_tested_and_removed(root: Client, receiver: Receiver) -> None:
    receiver.answer(202)
    add = reverse("connections:add-channel", args=["teams"])
    root.post(add, {"name": "Ops", "url": receiver.url})
    channel = NotificationChannel.objects.get()
    assert (channel.name, channel.kind, channel.host) == ("Ops", "teams", f"localhost:{receiver.port}")
    root.post(reverse("connections:test-channel", args=[channel.pk]))
    assert channel_outbox.deliver_due(now=datetime.now(UTC)) == 1
    assert "Sent" in root.get(reverse("connections:channel", args=[channel.pk])).content.decode()
    waiting = channel_outbox.write_test(channel, now=NOW)
    root.post(reverse("connections:remove-channel", args=[channel.pk]))
    assert not NotificationChannel.objects.exists()
    waiting.refresh_from_db()
    assert waiting.given_up_at
    kinds = Event.objects.filter(subject_kind="channel").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["channel.added", "channel.removed"]


def test_a_generated_signing_secret_is_shown_once_and_signs(root: Client, receiver: Receiver) -> None:
    add = reverse("connections:add-channel", args=["webhook"])
    page = root.post(add, {"name": "Ops", "url": receiver.url}).content.decode()
    (shown,) = re.findall(r"whsec_[A-Za-z0-9+/=]{40,}", page)
    channel = NotificationChannel.objects.get()
    assert channel.reveal().signing_secret.reveal() == shown
    assert shown not in root.get(reverse("connections:channel", args=[channel.pk])).content.decode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "Taken"}, "Another channel already has this name."),
        ({"url": ""}, "Enter the webhook URL."),
        ({"url": "https://elsewhere.example/x"}, "has not allowed elsewhere.example"),
        ({"signing_secret": "whsec_short"}, "A signing secret is whsec_"),
    ],
)
def test_what_cannot_be_saved_is_said_at_its_field(
    root: Client, receiver: Receiver, data: dict[str, str], message: str
) -> None:
    webhooks.add("slack", receiver, name="Taken")
    entered = {"name": "Ops", "url": receiver.url, "signing_secret": SIGNING_SECRET} | data
    page = root.post(reverse("connections:add-channel", args=["webhook"]), entered).content.decode()
    assert message in page
    assert webhooks.PATH not in page
    assert NotificationChannel.objects.count() == 1


def test_after_an_error_elsewhere_a_new_target_is_asked_for_again(root: Client, receiver: Receiver) -> None:
    webhooks.add("slack", receiver, name="Taken")
    channel = webhooks.add("webhook", receiver).channel
    entered = {"name": "Taken", "url": f"{receiver.url}2", "signing_secret": SIGNING_SECRET}
    for page in (
        reverse("connections:channel", args=[channel.pk]),
        reverse("connections:add-channel", args=["webhook"]),
    ):
        assert "Paste the webhook URL and the signing secret again." in root.post(page, entered).text
        assert "Paste the" not in root.post(page, entered | {"url": "", "signing_secret": ""}).text


def test_an_empty_field_keeps_what_is_stored_and_a_new_target_revives_the_channel(
    root: Client, receiver: Receiver
) -> None:
    channel = webhooks.add("webhook", receiver).channel
    NotificationChannel.objects.update(gone_at=NOW)
    here = reverse("connections:channel", args=[channel.pk])
    root.post(here, {"name": "Renamed", "url": "", "signing_secret": ""})
    channel.refresh_from_db()
    assert (channel.name, channel.gone_at) == ("Renamed", NOW)
    root.post(here, {"name": "Renamed", "url": f"{receiver.url}2", "signing_secret": ""})
    channel.refresh_from_db()
    assert channel.gone_at is None
    target = channel.reveal()
    assert (target.url.reveal(), target.signing_secret.reveal()) == (f"{receiver.url}2", SIGNING_SECRET)


def test_without_the_key_of_the_old_target_both_parts_are_asked_for(
    root: Client, receiver: Receiver, settings: Settings
) -> None:
    channel = webhooks.add("webhook", receiver).channel
    settings.FIELD_ENCRYPTION_KEYS = ["YW5vdGhlci1rZXktb2YtdGVzdHMtMTIzNDU2Nzg5MDEyMzQ1Njc4OTA="]
    here = reverse("connections:channel", args=[channel.pk])
    page = root.post(here, {"name": "Alerts", "url": receiver.url}).content.decode()
    assert "Enter both" in page
    root.post(here, {"name": "Alerts", "url": receiver.url, "signing_secret": SIGNING_SECRET})
    channel.refresh_from_db()
    assert channel.reveal().url.reveal() == receiver.url


def test_a_person_chooses_a_channel_for_their_own_notifications(client: Client, receiver: Receiver) -> None:
    channel, other = webhooks.add("webhook", receiver).channel, webhooks.add("slack", receiver, name="Other").channel
    olga = make_person("olga", "connections.view_connection", email="Olga@example.com")
    client.force_login(olga)
    assert "Alerts" in client.get("/account/").content.decode()
    client.post(reverse("connections:own-channels"), {"channels": [channel.pk, "x", "9" * 30]})
    assert list(channel.people.all()) == [olga]
    soon = datetime(2026, 12, 1, tzinfo=UTC).date()
    ConnectionFactory.create(owner=olga, expires_on=soon)
    ConnectionFactory.create(owner=make_person("max", email="max@example.com"), expires_on=soon)
    reminders.remind_due(now=NOW)
    assert Mail.objects.filter(channel=channel).count() == 1
    assert Mail.objects.filter(channel_kind="").count() == 2
    assert not Mail.objects.filter(channel=other).exists()
    client.post(reverse("connections:own-channels"), {"channels": [other.pk]})
    assert list(olga.channels.all()) == [other]
    kinds = Event.objects.filter(kind__contains="chosen").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["channel.chosen", "channel.unchosen", "channel.chosen"]


def test_a_channel_that_two_people_and_the_connection_chose_gets_one_message(receiver: Receiver) -> None:
    channel = webhooks.add("webhook", receiver).channel
    people = [make_person(name, email=f"{name}@example.com") for name in ("olga", "max")]
    channel.people.set(people)
    connection = ConnectionFactory.create(
        owner=people[0], extra_recipients="max@example.com", expires_on=datetime(2026, 12, 1, tzinfo=UTC).date()
    )
    channel.connections.add(connection)
    reminders.remind_due(now=NOW)
    assert Mail.objects.filter(channel=channel).count() == 1
    assert Mail.objects.count() == 3


def test_a_channel_never_stands_in_for_people(receiver: Receiver) -> None:
    root = make_person("root", staff=True, email="root@example.com")
    connection = ConnectionFactory.create(
        owner=make_person("left", is_active=False), expires_on=datetime(2026, 12, 1, tzinfo=UTC).date()
    )
    webhooks.add("webhook", receiver).channel.connections.add(connection)
    reminders.remind_due(now=NOW)
    assert {mail.recipient for mail in Mail.objects.all()} == {root.email, "Alerts"}


def test_channels_are_chosen_for_a_connection(client: Client, receiver: Receiver) -> None:
    channel = webhooks.add("webhook", receiver).channel
    connection = ConnectionFactory.create()
    client.force_login(make_person("maya", "connections.change_connection", "connections.view_connection"))
    address = reverse("connections:connection-channels", args=[connection.pk])
    client.post(address, {"channels": [channel.pk]})
    assert list(connection.channels.all()) == [channel]
    client.post(address, {})
    assert not connection.channels.exists()
    kinds = Event.objects.filter(subject_kind="connection").values_list("kind", flat=True)
    assert list(kinds) == ["connection.channels_chosen"] * 2


def test_channels_are_chosen_for_an_entry_of_the_register(client: Client) -> None:
    channel, entry = make_channel(), make_entry()
    client.force_login(make_person("maya", "connections.change_registerentry", "connections.view_registerentry"))
    edit, choose = (
        reverse(f"connections:{name}", args=[entry.pk]) for name in ("edit-register-entry", "entry-channels")
    )
    assert f'value="{channel.pk}" checked' not in client.get(edit).content.decode()
    client.post(choose, {"channels": [channel.pk]})
    assert list(entry.channels.all()) == [channel]
    assert f'name="channels" value="{channel.pk}" checked' in client.get(edit).content.decode()
    client.post(choose, {})
    assert not entry.channels.exists()
    kinds = Event.objects.filter(subject_kind="register_entry").values_list("kind", flat=True)
    assert list(kinds) == ["register.channels_chosen"] * 2


def test_channels_are_listed_with_how_many_chose_them(client: Client) -> None:
    channel, olga = make_channel(), make_person("root", staff=True)
    channel.connections.set([ConnectionFactory.create(), ConnectionFactory.create()])
    channel.entries.set([make_entry(name) for name in ("A", "B", "C")])
    channel.people.add(olga)
    client.force_login(olga)
    page = client.get(reverse("connections:channels")).content.decode()
    assert "2 connections, 3 credentials of the register, 1 person" in page


def test_two_administrators_cannot_give_the_same_name(receiver: Receiver) -> None:
    webhooks.add("slack", receiver)
    entered = ChannelInput("Alerts", Secret(receiver.url), Secret(""))
    with pytest.raises(CannotChangeChannel) as refused:
        manage_channels.add_channel("slack", entered, by=Actor("tests"), now=NOW)
    assert (refused.value.code, refused.value.field) == ("channel_name_taken", "name")


def test_the_command_tests_and_says_why_not(receiver: Receiver) -> None:
    webhooks.add("slack", receiver)
    receiver.answers = [(404, b"no_service", {}), (200, b"ok", {})]
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("connections", "test-channel", "Alerts", stdout=said)
    assert ended.value.code == 1
    assert "404: no_service" in said.getvalue()
    call_command("connections", "test-channel", "Alerts", stdout=said)
    assert "Sent to Alerts." in said.getvalue()


def test_retry_now_delivers_a_waiting_message(root: Client, receiver: Receiver) -> None:
    channel = webhooks.add("slack", receiver).channel
    receiver.answers = [(400, b"no", {}), (200, b"ok", {})]
    message = channel_outbox.write_test(channel, now=NOW)
    channel_outbox.deliver_due(now=NOW)
    with patch("connections.tasks.enqueue") as enqueued:
        page = root.post(reverse("connections:mail-again", args=[message.pk]), follow=True).content.decode()
    assert "Retrying the message now." in page
    enqueued.assert_called_once_with(deliver_due)
    assert channel_outbox.deliver_due(now=datetime.now(UTC) + timedelta(seconds=1)) == 1


def test_without_a_broker_a_retried_message_waits_for_the_scheduler(root: Client, receiver: Receiver) -> None:
    message = channel_outbox.write_test(webhooks.add("slack", receiver).channel, now=NOW)
    with patch("connections.tasks.enqueue", side_effect=BrokerUnavailable):
        page = root.post(reverse("connections:mail-again", args=[message.pk]), follow=True).content.decode()
    assert "The message broker is unavailable. The message is sent once it is back." in page


def test_remind_with_send_delivers_to_channels_too(receiver: Receiver) -> None:
    connection = ConnectionFactory.create(expires_on=datetime.now(UTC).date() + timedelta(days=3))
    webhooks.add("slack", receiver).channel.connections.add(connection)
    said = StringIO()
    with suppress(SystemExit):
        call_command("connections", "remind", "--send", "--json", stdout=said)
    assert json.loads(said.getvalue())["messages_sent"] == 1
    assert len(receiver.requests) == 1
