"""The outbox speaks to a real SMTP server, backs off, and never loses a mail."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage, Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.actions import notify, outbox
from connections.models import Mail
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


class _Inbox(MessageHandler):
    """Keeps what arrives; refuses when told to."""

    def __init__(self) -> None:
        super().__init__(message_class=EmailMessage)
        self.mails: list[Message] = []
        self.refusing = False

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.refusing:
            return "451 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)


@pytest.fixture
def inbox(settings: Settings) -> Iterator[_Inbox]:
    handler = _Inbox()
    with socket.create_server(("127.0.0.1", 0)) as finder:
        port = finder.getsockname()[1]
    server = Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    yield handler
    server.stop()


@pytest.fixture
def mail() -> Mail:
    connection = ConnectionFactory.create(health="rejected", problem="token_refused")
    people = ["olga@example.com"]
    context = notify.facts(connection) | {"problem": None}
    return notify.put("rejected", people, context, connection=connection, now=NOW)[0]


def test_a_mail_is_sent_once_and_marked(inbox: _Inbox, mail: Mail) -> None:
    assert outbox.send_due(now=NOW) == 1
    assert outbox.send_due(now=NOW) == 0
    (arrived,) = inbox.mails
    assert arrived["To"] == "olga@example.com"
    assert arrived["Message-ID"] == mail.message_id
    assert {part.get_content_type() for part in arrived.walk()} >= {"text/plain", "text/html"}


def test_a_mail_that_fails_waits_longer_each_time_and_says_why(inbox: _Inbox, mail: Mail) -> None:
    inbox.refusing = True
    waits = []
    now = NOW
    for _ in range(3):
        assert outbox.send_due(now=now) == 0
        mail.refresh_from_db()
        waits.append(mail.due_at - now)
        now = mail.due_at
    assert waits == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert "451" in mail.last_error
    inbox.refusing = False
    assert outbox.send_due(now=now) == 1


def test_a_server_that_is_away_loses_nothing(settings: Settings, mail: Mail) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert outbox.send_due(now=NOW) == 0
    mail.refresh_from_db()
    assert mail.sent_at is None
    assert "Connection" in mail.last_error


def test_a_mail_that_another_worker_holds_is_left_alone_until_its_lease_ends(inbox: _Inbox, mail: Mail) -> None:
    Mail.objects.update(leased_until=NOW + timedelta(minutes=2), attempts=1)
    assert outbox.send_due(now=NOW) == 0
    assert outbox.send_due(now=NOW + timedelta(minutes=3)) == 1
    assert inbox.mails[0]["Message-ID"] == mail.message_id


def test_the_page_shows_what_waits_why_and_how_to_set_up_mail(client: Client, admin_user: User, mail: Mail) -> None:
    client.force_login(admin_user)
    Mail.objects.update(last_error="SMTPConnectError: 451", attempts=2)
    page = client.get(reverse("connections:outbox")).content.decode()
    for words in ("EMAIL_URL", "Failing", "SMTPConnectError: 451", "olga@example.com"):
        assert words in page
    assert mail.text.splitlines()[0] in client.get(reverse("connections:mail", args=[mail.pk])).content.decode()


def test_a_failing_mail_is_tried_again_on_demand(client: Client, admin_user: User, mail: Mail, inbox: _Inbox) -> None:
    client.force_login(admin_user)
    Mail.objects.update(last_error="451", due_at=NOW + timedelta(days=3))
    client.post(reverse("connections:mail-again", args=[mail.pk]))
    assert outbox.send_due(now=datetime.now(UTC)) == 1


def test_only_those_who_may_see_the_outbox(pages: Client, client: Client, mail: Mail) -> None:
    assert pages.get(reverse("connections:outbox")).status_code == 200
    client.logout()
    assert client.get(reverse("connections:outbox")).status_code == 302
