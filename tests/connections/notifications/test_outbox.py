"""The outbox speaks to a real SMTP server, backs off, and never loses a mail."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import Connection, Mail
from connections.notifications import emails, notify, outbox, outbox_rows
from connections.tasks import send_due
from core.tasks import BrokerUnavailable
from history.models import Event
from tests.connections import mailserver
from tests.connections.mailserver import Inbox
from tests.connections.providers.azure_devops.authority import Authority
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    with mailserver.running() as (inbox, port):
        mailserver.use(settings, port)
        yield inbox


def write(*addresses: str, connection: Connection | None = None) -> list[Mail]:
    connection = connection or ConnectionFactory.create(health="rejected", problem="token_refused")
    people = [notify.Recipient(address, "you own this connection") for address in addresses]
    context = notify.facts(connection) | {"problem": None}
    return notify.enqueue_mail("rejected", people, context, about=[connection], now=NOW)


@pytest.fixture
def mail() -> Mail:
    return write("olga@example.com")[0]


def test_a_mail_is_sent_once_and_marked(inbox: Inbox, mail: Mail) -> None:
    assert outbox.send_due(now=NOW) == 1
    assert outbox.send_due(now=NOW) == 0
    (arrived,) = inbox.mails
    assert arrived["To"] == "olga@example.com"
    assert arrived["Message-ID"] == mail.message_id
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert {part.get_content_type() for part in arrived.walk()} >= {"text/plain", "text/html"}


def test_a_mail_that_was_sent_stands_in_the_history_of_each_connection_it_speaks_of(inbox: Inbox) -> None:
    first, second = ConnectionFactory.create_batch(2)
    people = [notify.Recipient("olga@example.com", "you own these")]
    notify.enqueue_mail("test", people, {"outbox_url": ""}, about=[first, second], now=NOW)
    outbox.send_due(now=NOW)
    events = Event.objects.filter(kind="connection.mailed").order_by("subject_id")
    assert [(one.subject_id, one.subject_name) for one in events] == [(first.pk, first.name), (second.pk, second.name)]
    assert events[0].detail["to"] == "olga@example.com"


def test_a_mail_about_a_connection_that_is_gone_is_sent_and_recorded(inbox: Inbox, mail: Mail) -> None:
    name = Connection.objects.get().name
    Connection.objects.all().delete()
    assert outbox.send_due(now=NOW) == 1
    assert Event.objects.get(kind="connection.mailed").subject_name == name


def test_a_mail_that_is_put_off_waits_longer_each_time_and_says_why(inbox: Inbox, mail: Mail) -> None:
    inbox.refusals["olga@example.com"] = "451 try later"
    waits = []
    now = NOW
    for _ in range(3):
        assert outbox.send_due(now=now) == 0
        mail.refresh_from_db()
        waits.append(round((mail.due_at - now).total_seconds() / 60))
        now = mail.due_at
    assert waits == [1, 2, 4]
    assert mail.last_error == "SMTPRecipientsRefused: 451 try later"
    inbox.refusals.clear()
    assert outbox.send_due(now=now) == 1


def test_the_wait_ends_at_an_hour(inbox: Inbox, mail: Mail) -> None:
    inbox.refusals["olga@example.com"] = "451 try later"
    Mail.objects.update(attempts=40)
    outbox.send_due(now=NOW)
    mail.refresh_from_db()
    assert round((mail.due_at - NOW).total_seconds()) == 3600


def test_one_refused_recipient_leaves_the_others_right(inbox: Inbox) -> None:
    write("gone@example.com", "olga@example.com", "team@example.com")
    inbox.refusals["gone@example.com"] = "550 no such person"
    assert outbox.send_due(now=NOW) == 2
    assert inbox.recipients == ["olga@example.com", "team@example.com"]


def test_a_mail_whose_content_is_refused_leaves_the_others_right(inbox: Inbox) -> None:
    write("olga@example.com")
    inbox.after_data = "554 not in my house"
    assert outbox.send_due(now=NOW) == 0
    assert "554" in Mail.objects.get().last_error


def test_a_server_that_is_away_loses_nothing_and_is_asked_once_for_a_batch(settings: Settings) -> None:
    write("olga@example.com", "team@example.com")
    mailserver.use(settings, mailserver.free_port())
    assert outbox.send_due(now=NOW) == 0
    assert sorted(Mail.objects.values_list("attempts", flat=True)) == [0, 1]
    assert "Connection" in Mail.objects.get(attempts=1).last_error
    with mailserver.running() as (inbox, port):
        mailserver.use(settings, port)
        assert outbox.send_due(now=LATER) == 2
    assert len(inbox.mails) == 2


def test_a_server_that_is_away_for_weeks_gives_nothing_up(settings: Settings, mail: Mail) -> None:
    mailserver.use(settings, mailserver.free_port())
    outbox.send_due(now=NOW + timedelta(days=60))
    mail.refresh_from_db()
    assert mail.given_up_at is None


def test_a_server_that_hangs_is_left_in_time(settings: Settings, mail: Mail) -> None:
    with mailserver.silent() as port:
        mailserver.use(settings, port, EMAIL_TIMEOUT=0.3)
        assert outbox.send_due(now=NOW) == 0
    mail.refresh_from_db()
    assert "timed out" in mail.last_error.lower()


def test_a_server_that_drips_is_left_at_the_deadline(settings: Settings, mail: Mail) -> None:
    with mailserver.silent(b"220-" + b"x" * 10_000, every=0.1) as port:
        mailserver.use(settings, port, EMAIL_TIMEOUT=5, EMAIL_DEADLINE=0.5)
        assert outbox.send_due(now=NOW) == 0
    mail.refresh_from_db()
    assert mail.last_error


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", made.bundle)
    return made


CREDENTIALS = {"EMAIL_HOST_USER": "robot", "EMAIL_HOST_PASSWORD": "secret-word"}


# aiosmtpd warns of a password without TLS, which here began before it looked.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_mail_goes_over_tls_with_a_password(settings: Settings, mail: Mail, authority: Authority, kind: str) -> None:
    context = authority.server("127.0.0.1", "localhost")
    checks = {"authenticator": mailserver.takes("robot", "secret-word"), "auth_required": True}
    options = (
        {"tls_context": context, "require_starttls": True}
        if kind == "starttls"
        # To aiosmtpd TLS from the first byte is none that it began itself.
        else {"ssl_context": context, "auth_require_tls": False}
    )
    with mailserver.running(**checks, **options) as (inbox, port):
        flag = "EMAIL_USE_TLS" if kind == "starttls" else "EMAIL_USE_SSL"
        mailserver.use(settings, port, **CREDENTIALS, **{flag: True})
        assert outbox.send_due(now=NOW) == 1
    assert inbox.recipients == ["olga@example.com"]


def test_a_wrong_password_is_said_and_not_shown(
    settings: Settings, mail: Mail, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    context = authority.server("127.0.0.1", "localhost")
    checks = mailserver.takes("robot", "another-word")
    with mailserver.running(tls_context=context, authenticator=checks, auth_required=True) as (inbox, port):
        mailserver.use(settings, port, **CREDENTIALS, EMAIL_USE_TLS=True)
        assert outbox.send_due(now=NOW) == 0
    mail.refresh_from_db()
    assert "SMTPAuthenticationError" in mail.last_error
    assert "secret-word" not in mail.last_error + caplog.text
    assert inbox.mails == []


def test_a_certificate_that_nobody_vouches_for_is_refused(settings: Settings, mail: Mail, tmp_path: Path) -> None:
    context = Authority(tmp_path).server("127.0.0.1", "localhost")
    with mailserver.running(tls_context=context) as (inbox, port):
        mailserver.use(settings, port, EMAIL_USE_TLS=True)
        assert outbox.send_due(now=NOW) == 0
    mail.refresh_from_db()
    assert "certificate" in mail.last_error.lower()
    assert inbox.mails == []


def test_a_mail_that_another_worker_holds_is_left_alone_until_its_lease_ends(
    inbox: Inbox, mail: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    Mail.objects.update(leased_until=NOW + timedelta(minutes=2), attempts=1)
    assert outbox.send_due(now=NOW) == 0
    assert outbox.send_due(now=NOW + timedelta(minutes=3)) == 1
    assert inbox.mails[0]["Message-ID"] == mail.message_id
    assert "may arrive twice" in caplog.text


def test_a_death_between_acceptance_and_our_mark_is_one_duplicate_with_the_same_id(
    inbox: Inbox, mail: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    with patch.object(outbox_rows, "record_mail", side_effect=SystemExit), pytest.raises(SystemExit):
        outbox.send_due(now=NOW)
    assert "may arrive twice" not in caplog.text
    assert outbox.send_due(now=NOW + timedelta(minutes=3)) == 1
    assert outbox.send_due(now=LATER) == 0
    assert [one["Message-ID"] for one in inbox.mails] == [mail.message_id] * 2
    assert "may arrive twice" in caplog.text


def test_what_fails_and_is_tried_again_is_no_duplicate(
    inbox: Inbox, mail: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.refusals["olga@example.com"] = "451 try later"
    outbox.send_due(now=NOW)
    inbox.refusals.clear()
    assert outbox.send_due(now=LATER) == 1
    assert "may arrive twice" not in caplog.text


def test_a_second_worker_takes_nothing_while_the_first_is_slow(inbox: Inbox, settings: Settings) -> None:
    """Each claim begins its own lease, however long the batch has lasted."""
    write("olga@example.com", "team@example.com")
    seen: list[datetime] = []
    hand_over = emails.send_mail

    def slow(mail: Mail, way: object) -> None:
        mail.refresh_from_db()
        assert mail.leased_until is not None
        seen.append(mail.leased_until)
        hand_over(mail, way)  # type: ignore[arg-type]

    clock = iter((0.0, 0.0, 500.0))
    with patch.object(emails, "send_mail", slow), patch.object(outbox, "monotonic", lambda: next(clock)):
        outbox.send_due(now=NOW)
    assert seen[1] - seen[0] == timedelta(seconds=500)


@pytest.fixture
def admin(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def test_the_page_shows_what_waits_why_and_how_to_set_up_mail(admin: Client, mail: Mail) -> None:
    Mail.objects.update(last_error="SMTPConnectError: 451", attempts=2)
    page = admin.get(reverse("connections:outbox")).content.decode()
    for words in ("EMAIL_URL", "Retrying", "SMTPConnectError: 451", "olga@example.com", "1 mail due and not sent yet"):
        assert words in page
    shown = admin.get(reverse("connections:mail", args=[mail.pk])).content.decode()
    assert mail.text.splitlines()[0] in shown
    assert Connection.objects.get().get_absolute_url() in shown


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("sent", {"sent_at": NOW}),
        ("failing", {"last_error": "451"}),
        ("given-up", {"given_up_at": NOW, "last_error": "550"}),
        ("withdrawn", {"withdrawn_at": NOW}),
    ],
)
def test_the_page_filters_by_state(admin: Client, mail: Mail, state: str, fields: dict[str, object]) -> None:
    other = {"sent": "waiting", "failing": "sent", "given-up": "waiting", "withdrawn": "waiting"}[state]
    Mail.objects.update(**fields)
    shown = admin.get(reverse("connections:outbox"), {"state": state}).content.decode()
    assert mail.subject.replace('"', "&quot;") in shown
    assert "No mail in this state" in admin.get(reverse("connections:outbox"), {"state": other}).content.decode()


def test_a_failing_mail_is_tried_again_on_demand(admin: Client, mail: Mail, inbox: Inbox) -> None:
    Mail.objects.update(last_error="451", due_at=NOW + timedelta(days=3))
    admin.post(reverse("connections:mail-again", args=[mail.pk]))
    assert outbox.send_due(now=datetime.now(UTC)) == 1


def test_a_test_mail_goes_to_whoever_asks(admin: Client, admin_user: User, inbox: Inbox) -> None:
    with patch("connections.views.common.enqueue") as bell:
        page = admin.post(reverse("connections:test-mail"), follow=True).content.decode()
    assert f"A test mail to {admin_user.email} is on its way" in page
    bell.assert_called_once_with(send_due)
    assert outbox.send_due(now=datetime.now(UTC)) == 1
    assert inbox.recipients == [admin_user.email]
    assert inbox.mails[0]["Subject"] == "[MFE Orchestrator] Test mail"


def test_without_an_address_there_is_no_test_mail(admin: Client, admin_user: User) -> None:
    User.objects.update(email="")
    assert "has no email address" in admin.post(reverse("connections:test-mail"), follow=True).content.decode()
    assert not Mail.objects.exists()


def test_without_a_broker_the_page_says_when_the_mail_goes(admin: Client) -> None:
    with patch("connections.views.common.enqueue", side_effect=BrokerUnavailable):
        page = admin.post(reverse("connections:test-mail"), follow=True).content.decode()
    assert "The message broker is unavailable" in page
    assert Mail.objects.exists()


def test_seeing_the_outbox_and_sending_are_two_permissions(
    client: Client, person: Callable[..., User], mail: Mail
) -> None:
    client.force_login(person("ann", "connections.view_mail", email="ann@example.com"))
    assert client.get(reverse("connections:outbox")).status_code == 200
    assert client.post(reverse("connections:test-mail")).status_code == 403
    assert client.post(reverse("connections:mail-again", args=[mail.pk])).status_code == 403
    client.logout()
    assert client.get(reverse("connections:outbox")).status_code == 302


@pytest.mark.parametrize("column", ["due_at", "leased_until"])
def test_a_clock_that_was_ahead_keeps_no_mail_back(inbox: Inbox, mail: Mail, column: str) -> None:
    Mail.objects.update(**{column: NOW + timedelta(days=1)})
    assert outbox.send_due(now=NOW) == 1


def test_mails_of_long_ago_are_forgotten_and_those_that_wait_never(settings: Settings) -> None:
    settings.MAIL_RETENTION_DAYS = 30
    long_ago, lately = NOW - timedelta(days=31), NOW - timedelta(days=29)
    sent, given_up, waiting, fresh = write("a@example.com", "b@example.com", "c@example.com", "d@example.com")
    Mail.objects.update(created_at=long_ago, due_at=long_ago)
    for one, change in (
        (sent, {"sent_at": long_ago}),
        (given_up, {"given_up_at": long_ago}),
        (fresh, {"sent_at": lately}),
    ):
        Mail.objects.filter(pk=one.pk).update(**change)
    assert outbox.forget_old(now=NOW) == 2
    assert set(Mail.objects.all()) == {waiting, fresh}
    settings.MAIL_RETENTION_DAYS = 0
    assert outbox.forget_old(now=NOW + timedelta(days=9999)) == 0
