"""A reminder that waited in the outbox and is no longer true is withdrawn instead of being sent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from api.actions import remind
from api.models import ApiToken
from connections.models import Connection, Mail, RegisterEntry
from connections.notifications import channel_outbox, outbox, outbox_rows, register_reminders, reminders
from history.models import Event
from tests.connections import mailserver
from tests.connections.mailserver import Inbox
from tests.factories import ConnectionFactory, make_channel, make_entry, make_person, make_token

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
LONG_AGO = NOON - timedelta(days=200)
TOMORROW = (NOON + timedelta(days=1)).date()
pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mailserver.running() as (inbox, port):
        mailserver.use(settings, port)
        yield inbox


@pytest.fixture
def olga() -> User:
    return make_person("olga", email="olga@example.com")


def expiring(owner: User, name: str = "Acme") -> Connection:
    return ConnectionFactory.create(
        name=name, owner=owner, expires_on=TOMORROW, token_set_at=LONG_AGO, token_reach=Connection.Reach.ONE
    )


def withdrawn() -> list[tuple[str, str]]:
    """The events, each with the name of its subject."""
    events = Event.objects.filter(kind__endswith=".reminder_withdrawn").order_by("pk")
    return list(events.values_list("kind", "subject_name"))


@pytest.mark.parametrize(
    "change",
    [
        {"token_set_at": LATER},
        {"expires_on": TOMORROW + timedelta(days=90)},
        {"disabled": True},
    ],
)
def test_a_reminder_of_a_token_that_was_replaced_dated_anew_or_disabled_is_withdrawn(
    inbox: Inbox, olga: User, change: dict[str, Any]
) -> None:
    connection = expiring(olga)
    assert reminders.remind_due(now=NOON) == 1
    Connection.objects.filter(pk=connection.pk).update(**change)
    assert [outbox.send_due(now=LATER), outbox.send_due(now=LATER)] == [0, 0]
    mail = Mail.objects.get()
    assert (inbox.mails, mail.sent_at, mail.leased_until) == ([], None, None)
    assert mail.withdrawn_at is not None
    assert withdrawn() == [("connection.reminder_withdrawn", "Acme")]


def test_a_reminder_of_a_connection_that_was_disconnected_is_withdrawn_with_its_name(inbox: Inbox, olga: User) -> None:
    connection = expiring(olga)
    reminders.remind_due(now=NOON)
    connection.delete()
    assert outbox.send_due(now=LATER) == 0
    assert inbox.mails == []
    assert withdrawn() == [("connection.reminder_withdrawn", "Acme")]


def test_a_reminder_that_is_still_true_is_sent_once(inbox: Inbox, olga: User) -> None:
    connection = expiring(olga)
    reminders.remind_due(now=NOON)
    Connection.objects.filter(pk=connection.pk).update(name="Renamed", consecutive_failures=2)
    assert [outbox.send_due(now=LATER), outbox.send_due(now=LATER)] == [1, 0]
    assert (len(inbox.mails), withdrawn()) == (1, [])


def test_a_digest_is_withdrawn_when_nothing_in_it_is_true_any_more(
    inbox: Inbox, olga: User, settings: Settings
) -> None:
    settings.REMINDERS_BEFORE_DIGEST = 1
    first, second = expiring(olga, "One"), expiring(olga, "Two")
    reminders.remind_due(now=NOON)
    assert Mail.objects.get().kind == reminders.DIGEST
    Connection.objects.filter(pk=first.pk).update(token_set_at=LATER)
    inbox.refusals["olga@example.com"] = "451 try later"
    assert outbox.send_due(now=LATER) == 0
    assert withdrawn() == []
    Connection.objects.filter(pk=second.pk).update(disabled=True)
    outbox.send_due(now=LATER + timedelta(days=1))
    assert [name for _, name in withdrawn()] == ["One", "Two"]


@pytest.mark.parametrize("change", [{"closed_at": LATER}, {"expires_on": TOMORROW + timedelta(days=90)}])
def test_a_reminder_of_an_entry_that_was_closed_or_renewed_is_withdrawn(
    inbox: Inbox, olga: User, change: dict[str, Any]
) -> None:
    make_entry("Deploy key", owner=olga, expires_on=TOMORROW, date_set_at=LONG_AGO)
    assert register_reminders.remind_due(now=NOON) == 1
    RegisterEntry.objects.update(**change)
    assert outbox.send_due(now=LATER) == 0
    assert (inbox.mails, withdrawn()) == ([], [("register.reminder_withdrawn", "Deploy key")])


@pytest.mark.parametrize("is_revoked", [True, False])
def test_a_reminder_of_an_api_token_that_was_revoked_or_whose_owner_left_is_withdrawn(
    inbox: Inbox, olga: User, is_revoked: bool
) -> None:
    token, _ = make_token(olga)
    ApiToken.objects.update(name="Terraform", expires_at=NOON + timedelta(days=1), created_at=LONG_AGO)
    assert remind.remind_due(now=NOON) == 1
    if is_revoked:
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=LATER)
    else:
        User.objects.filter(pk=olga.pk).update(is_active=False)
    assert outbox.send_due(now=LATER) == 0
    assert (inbox.mails, withdrawn()) == ([], [("api_token.reminder_withdrawn", "Terraform")])


def test_a_message_to_a_channel_is_withdrawn_too(olga: User) -> None:
    connection = expiring(olga)
    make_channel().connections.add(connection)
    reminders.remind_due(now=NOON)
    Connection.objects.update(token_set_at=LATER)
    with patch("connections.notifications.webhook_post.post") as post:
        assert channel_outbox.deliver_due(now=LATER) == 0
    assert not post.called
    assert Mail.objects.exclude(channel_kind="").get().withdrawn_at is not None


def test_a_batch_of_withdrawn_mails_does_not_end_the_sending_of_those_after_it(
    inbox: Inbox, olga: User, settings: Settings
) -> None:
    settings.MAILS_PER_TICK, settings.REMINDERS_BEFORE_DIGEST = 1, 9
    first = expiring(olga, "One")
    reminders.remind_due(now=NOON)
    expiring(olga, "Two")
    reminders.remind_due(now=NOON + timedelta(minutes=1))
    Connection.objects.filter(pk=first.pk).update(token_set_at=LATER)
    assert outbox.send_all_due(now=LATER) == 1


def test_a_mail_whose_lease_was_lost_is_left_to_the_worker_that_holds_it(olga: User) -> None:
    expiring(olga)
    reminders.remind_due(now=NOON)
    Connection.objects.update(token_set_at=LATER)
    mail = Mail.objects.get()
    claimed = outbox_rows.claim(outbox_rows.due(LATER), mail.pk, LATER)
    assert claimed is not None
    Mail.objects.filter(pk=mail.pk).update(lease="another")
    assert outbox_rows.withdraw_if_untrue(claimed, now=LATER)
    assert (Mail.objects.get().withdrawn_at, withdrawn()) == (None, [])


def test_a_withdrawn_mail_is_shown_as_such_and_cannot_be_sent_again(client: Client, inbox: Inbox, olga: User) -> None:
    expiring(olga)
    reminders.remind_due(now=NOON)
    Connection.objects.update(token_set_at=LATER)
    outbox.send_due(now=LATER)
    mail = Mail.objects.get()
    client.force_login(make_person("root", staff=True))
    page = client.get(reverse("connections:outbox"), {"state": "withdrawn"}).content.decode()
    assert "no longer true" in page
    assert "it was not sent" in client.get(reverse("connections:mail", args=[mail.pk])).content.decode()
    outbox.try_again(mail, now=LATER)
    assert outbox.send_due(now=LATER) == 0


def test_withdrawn_mails_of_long_ago_are_forgotten(settings: Settings) -> None:
    settings.MAIL_RETENTION_DAYS = 30
    withdrawn_at = NOON - timedelta(days=31)
    Mail.objects.create(kind="expiring", message_id="1", created_at=NOON, due_at=NOON, withdrawn_at=withdrawn_at)
    assert outbox.forget_old(now=NOON) == 1
