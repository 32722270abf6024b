"""Whose fault a refusal is, by SMTP's grammar, tried against a real mail server at each command."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from connections.models import Mail
from connections.notifications import notify, outbox
from history.models import Event
from tests.connections import mailserver
from tests.connections.mailserver import Inbox

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    settings.MAIL_GIVE_UP_DAYS = 7
    # Without TLS, which aiosmtpd would ask for before it lets anybody try a password.
    options = {"authenticator": mailserver.takes("robot", "secret-word"), "auth_require_tls": False}
    with mailserver.running(**options) as (inbox, port):
        mailserver.use(settings, port)
        yield inbox


def write(*addresses: str, at: datetime = NOW) -> list[Mail]:
    people = [notify.Recipient(address, "you asked for it") for address in addresses]
    return notify.enqueue_mail("test", people, {"outbox_url": ""}, about=[], now=at)


def many(count: int = 40) -> list[str]:
    return [f"person{number:02}@example.com" for number in range(count)]


def refuse(inbox: Inbox, answer: str, *addresses: str) -> None:
    inbox.refusals |= dict.fromkeys(addresses, answer)


def days(count: int) -> list[datetime]:
    return [NOW + number * A_DAY for number in range(count)]


def given_up() -> int:
    return Mail.objects.exclude(given_up_at=None).count()


# A server that says so at one command says it to every mail.
OF_THE_SERVER = [
    ("CONNECT", "421 4.3.2 shutting down"),
    ("CONNECT", "554 5.7.1 no service for you"),
    ("CONNECT", "552 what for"),
    ("EHLO", "421 4.3.0 try later"),
    ("AUTH", "535 5.7.8 wrong password"),
    ("AUTH", "454 4.7.0 temporary failure"),
    ("AUTH", "421 4.7.0 too many"),
    ("MAIL", "421 4.7.0 too many connections"),
    ("MAIL", "451 4.3.0 try later"),
    ("MAIL", "452 4.3.1 no room"),
    ("MAIL", "550 5.7.1 sender refused"),
    ("MAIL", "530 5.7.0 authentication required"),
    ("MAIL", "553 5.1.8 no such domain"),
    ("RCPT", "421 4.7.0 too many errors"),
    ("RCPT", "530 5.7.0 authentication required"),
    ("DATA", "421 4.3.0 try later"),
    ("DATA", "451 4.3.0 try later"),
    ("after DATA", "421 4.3.0 try later"),
    ("after DATA", "451 4.7.1 greylisted"),
    ("after DATA", "452 4.3.1 no room"),
]


def answer_with(inbox: Inbox, settings: Settings, command: str, answer: str) -> None:
    if command == "AUTH":
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "robot", "secret-word"
    if command == "EHLO":
        inbox.replies["HELO"] = answer
    if command == "RCPT":
        refuse(inbox, answer, *many())
    elif command == "after DATA":
        inbox.after_data = answer
    else:
        inbox.replies[command] = answer


# aiosmtpd warns of a password without TLS, which nobody here can listen to.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(("command", "answer"), OF_THE_SERVER)
def test_what_the_server_says_to_everybody_ends_the_round_and_gives_nothing_up(
    inbox: Inbox, settings: Settings, command: str, answer: str
) -> None:
    write(*many())
    answer_with(inbox, settings, command, answer)
    assert outbox.send_due(now=NOW) == 0
    assert inbox.connections == 1
    assert Mail.objects.filter(attempts=0).count() == 39
    tried = Mail.objects.get(attempts=1)
    assert answer[:3] in tried.last_error
    assert tried.due_at - NOW < timedelta(minutes=2)
    for day in days(10):
        outbox.send_due(now=day)
    assert given_up() == 0
    inbox.replies.clear()
    inbox.refusals.clear()
    inbox.after_data = ""
    assert outbox.send_due(now=NOW + 11 * A_DAY) == 40


@pytest.mark.parametrize("answer", ["220 we do TLS not", "502 5.5.1 not implemented"])
def test_a_mail_server_that_speaks_no_tls_is_the_servers_fault(inbox: Inbox, settings: Settings, answer: str) -> None:
    settings.EMAIL_USE_TLS = True
    write(*many(3))
    inbox.replies["STARTTLS"] = answer
    assert outbox.send_due(now=NOW + 30 * A_DAY) == 0
    assert (inbox.connections, given_up()) == (1, 0)


def test_a_mail_server_that_knows_no_way_to_sign_in_is_the_servers_fault(settings: Settings) -> None:
    write(*many(3))
    with mailserver.running(auth_require_tls=False, auth_exclude_mechanism=["PLAIN", "LOGIN"]) as (_, port):
        mailserver.use(settings, port, EMAIL_HOST_USER="robot", EMAIL_HOST_PASSWORD="secret-word")
        for day in days(10):
            outbox.send_due(now=day)
    assert given_up() == 0
    assert sorted(Mail.objects.values_list("attempts", flat=True)) == [3, 3, 4]


OF_THE_MAIL = [
    ("MAIL", "552 5.3.4 too large"),
    ("DATA", "554 5.7.1 not this one"),
    ("after DATA", "552 5.3.4 too large"),
    ("after DATA", "550 5.7.1 not in my house"),
    ("after DATA", "554 5.6.0 spam"),
    ("after DATA", "571 whatever"),
]


@pytest.mark.parametrize(("command", "answer"), OF_THE_MAIL)
def test_what_the_server_says_of_one_mail_is_tried_once_a_day_and_given_up_after_the_days(
    inbox: Inbox, settings: Settings, command: str, answer: str
) -> None:
    (mail,) = write("olga@example.com")
    answer_with(inbox, settings, command, answer)
    for day in days(7):
        assert outbox.send_due(now=day) == 0
        assert outbox.send_due(now=day + timedelta(hours=23)) == 0
        mail.refresh_from_db()
        assert mail.due_at == day + A_DAY
        assert mail.given_up_at is None
    outbox.send_due(now=NOW + 7 * A_DAY)
    mail.refresh_from_db()
    assert (mail.attempts, mail.given_up_at) == (8, NOW + 7 * A_DAY)
    assert answer[:3] in mail.last_error


@pytest.mark.parametrize(("command", "answer"), OF_THE_MAIL)
def test_one_refused_mail_stops_no_other(inbox: Inbox, settings: Settings, command: str, answer: str) -> None:
    write(*many(5))
    answer_with(inbox, settings, command, answer)
    outbox.send_due(now=NOW)
    assert set(Mail.objects.values_list("attempts", flat=True)) == {1}


def test_a_refused_mail_leaves_the_session_good_for_the_next(inbox: Inbox) -> None:
    """A refusal of DATA resets nothing in smtplib, and the next MAIL would be out of sequence."""
    inbox.replies["DATA"] = "554 5.7.1 not this one"
    write(*many(3))
    outbox.send_due(now=NOW)
    assert {words[:18] for words in Mail.objects.values_list("last_error", flat=True)} == {"SMTPDataError: 554"}
    assert inbox.connections == 1


def test_a_server_that_was_away_for_long_costs_a_refused_mail_none_of_its_days(
    inbox: Inbox, settings: Settings
) -> None:
    write("olga@example.com")
    inbox.replies["MAIL"] = "421 4.7.0 try later"
    for day in days(9):
        outbox.send_due(now=day)
    inbox.replies.clear()
    inbox.after_data = "554 5.6.0 spam"
    for day in days(16)[9:]:
        outbox.send_due(now=day)
        assert given_up() == 0
    outbox.send_due(now=NOW + 16 * A_DAY)
    assert given_up() == 1


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "553 5.1.3 no such address", "552 5.2.2 full"])
def test_a_refused_recipient_has_three_tries_on_three_days(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    (mail,) = write("gone@example.com")
    refuse(inbox, answer, "gone@example.com")
    for day in days(3):
        assert given_up() == 0
        for hours in (0, 1, 23):
            assert outbox.send_due(now=day + timedelta(hours=hours)) == 0
    mail.refresh_from_db()
    assert (mail.attempts, mail.given_up_at) == (3, NOW + 2 * A_DAY)
    assert mail.last_error == f"SMTPRecipientsRefused: {answer}"
    assert "is not retried" in caplog.text


def test_a_mail_that_is_given_up_stands_in_the_history(inbox: Inbox) -> None:
    write("gone@example.com")
    Mail.objects.update(about=[{"id": 7, "name": "Acme main"}])
    refuse(inbox, "550 no such user", "gone@example.com")
    for day in days(5):
        outbox.send_due(now=day)
    assert Event.objects.get(kind="connection.mail_given_up").subject_name == "Acme main"


def test_pressing_try_now_uses_up_no_tries(inbox: Inbox) -> None:
    (mail,) = write("gone@example.com")
    refuse(inbox, "550 no such user", "gone@example.com")
    for minutes in range(5):
        outbox.try_again(mail, now=NOW + timedelta(minutes=minutes))
        outbox.send_due(now=NOW + timedelta(minutes=minutes))
    mail.refresh_from_db()
    assert (mail.attempts, mail.given_up_at) == (5, None)


def test_a_mail_that_was_given_up_gets_all_its_tries_again(inbox: Inbox) -> None:
    (mail,) = write("gone@example.com")
    refuse(inbox, "550 no such user", "gone@example.com")
    for day in days(3):
        outbox.send_due(now=day)
    assert given_up() == 1
    outbox.try_again(mail, now=NOW + 5 * A_DAY)
    for number in (5, 6):
        outbox.send_due(now=NOW + number * A_DAY)
        assert given_up() == 0
    outbox.send_due(now=NOW + 7 * A_DAY)
    assert given_up() == 1


def test_refused_recipients_stop_nobody_and_are_given_up_while_others_get_their_mails(inbox: Inbox) -> None:
    write("gone@example.com", "left@example.com")
    refuse(inbox, "550 no such user", "gone@example.com", "left@example.com")
    for number, day in enumerate(days(3)):
        write(f"olga{number}@example.com", at=day)
        assert outbox.send_due(now=day) == 1
    assert given_up() == 2
    assert inbox.connections == 3


@pytest.mark.parametrize("answer", ["550 5.7.1 relaying denied", "554 5.7.1 relaying denied", "451 4.7.1 later"])
def test_a_server_that_refuses_every_recipient_is_at_fault_itself(inbox: Inbox, answer: str) -> None:
    write(*many())
    refuse(inbox, answer, *many())
    for day in days(10):
        assert outbox.send_due(now=day) == 0
    assert given_up() == 0
    assert inbox.connections == 10
    assert all(mail.due_at - day <= timedelta(hours=1, minutes=1) for mail in Mail.objects.all())
    inbox.refusals.clear()
    assert outbox.send_due(now=NOW + 11 * A_DAY) == 40


def test_a_server_that_refuses_every_recipient_after_it_took_some_is_at_fault_itself(inbox: Inbox) -> None:
    write("olga@example.com")
    outbox.send_due(now=NOW)
    later = NOW + timedelta(hours=1)
    write("team@example.com", "boss@example.com", at=later)
    refuse(inbox, "550 5.7.1 relaying denied", "team@example.com", "boss@example.com")
    for day in days(10):
        outbox.send_due(now=day + timedelta(hours=2))
    assert given_up() == 0


def test_a_server_that_refuses_each_recipient_in_a_round_of_its_own_is_at_fault_itself(inbox: Inbox) -> None:
    refuse(inbox, "550 5.7.1 relaying denied", *many(12))
    for number, address in enumerate(many(12)):
        write(address, at=NOW + number * A_DAY)
        outbox.send_due(now=NOW + number * A_DAY)
    assert given_up() == 0


def test_two_mails_to_one_refused_recipient_say_nothing_of_the_server(inbox: Inbox) -> None:
    write("gone@example.com", "Gone@example.com")
    refuse(inbox, "550 no such user", "gone@example.com", "Gone@example.com")
    for day in days(3):
        outbox.send_due(now=day)
    assert given_up() == 2


def test_two_recipients_that_are_gone_are_told_from_a_server_that_refuses_all(inbox: Inbox) -> None:
    """Their rounds hold nobody else. What the server took in between shows that it is not the server."""
    write("gone@example.com", "left@example.com")
    refuse(inbox, "550 no such user", "gone@example.com", "left@example.com")
    for number, day in enumerate(days(5)):
        outbox.send_due(now=day)
        write(f"olga{number}@example.com", at=day + timedelta(hours=2))
        outbox.send_due(now=day + timedelta(hours=2))
    assert given_up() == 2


def test_greylisting_is_waited_for_and_ends(inbox: Inbox) -> None:
    mail, _ = write("olga@example.com", "team@example.com")
    refuse(inbox, "451 4.7.1 greylisted", "olga@example.com")
    assert outbox.send_due(now=NOW) == 1
    mail.refresh_from_db()
    assert mail.due_at - NOW < timedelta(minutes=2)
    inbox.refusals.clear()
    assert outbox.send_due(now=NOW + timedelta(minutes=2)) == 1


def test_a_recipient_that_is_put_off_for_all_the_days_is_given_up(inbox: Inbox) -> None:
    write("full@example.com")
    refuse(inbox, "452 4.2.2 mailbox full", "full@example.com")
    for day in days(7):
        outbox.send_due(now=day)
        assert given_up() == 0
    outbox.send_due(now=NOW + 7 * A_DAY)
    assert given_up() == 1


def test_every_2xx_is_a_yes(inbox: Inbox) -> None:
    """smtplib takes 250 alone; a mail that was accepted with another would be sent again for ever."""
    inbox.after_data = "251 will forward"
    refuse(inbox, "252 cannot tell, will try", "olga@example.com")
    write("olga@example.com", "team@example.com")
    assert outbox.send_due(now=NOW) == 2


def test_an_answer_that_is_none_is_no_refusal(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    inbox.after_data = "hello there"
    write("olga@example.com", "team@example.com")
    for day in days(10):
        outbox.send_due(now=day)
    assert given_up() == 0
    assert "may arrive twice" in caplog.text


def test_a_connection_that_the_server_ended_is_made_again_for_the_next_mail(inbox: Inbox) -> None:
    inbox.drops_after = 2
    write(*many(5))
    assert outbox.send_due(now=NOW) == 5
    assert inbox.connections == 3
    assert len(inbox.mails) == 5


def test_forty_mails_go_over_one_connection(inbox: Inbox) -> None:
    write(*many())
    assert outbox.send_due(now=NOW) == 40
    assert inbox.connections == 1


def test_a_mail_that_cannot_be_written_down_stops_no_other(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    broken, headers, _ = write("olga@example.com", "boss@example.com", "team@example.com")
    Mail.objects.filter(pk=broken.pk).update(subject="two\nlines")
    Mail.objects.filter(pk=headers.pk).update(headers=["no", "pairs"])
    assert outbox.send_due(now=NOW) == 1
    assert inbox.recipients == ["team@example.com"]
    assert set(Mail.objects.filter(sent_at=None).values_list("due_at", "leased_until")) == {(NOW + A_DAY, None)}


@pytest.mark.parametrize(
    "wrong", [{"DEFAULT_FROM_EMAIL": "Contoso, MFE <mfe@example.com>"}, {"EMAIL_USE_TLS": True, "EMAIL_USE_SSL": True}]
)
def test_mail_that_is_set_up_wrongly_is_said_and_gives_nothing_up(
    inbox: Inbox, settings: Settings, wrong: dict[str, object]
) -> None:
    write(*many(3))
    for name, value in wrong.items():
        setattr(settings, name, value)
    for day in days(10):
        outbox.send_due(now=day)
    assert (given_up(), inbox.connections) == (0, 0)
    assert all("SetupError" in words for words in Mail.objects.values_list("last_error", flat=True))


def test_sending_all_goes_on_after_a_batch_of_refusals(inbox: Inbox, settings: Settings) -> None:
    settings.MAILS_PER_TICK = 2
    refuse(inbox, "550 no such user", *many(3))
    write(*many(6))
    assert outbox.send_all_due(now=NOW) == 3
    assert Mail.objects.filter(attempts=1).count() == 6


def test_sending_all_ends_where_the_server_refuses(inbox: Inbox, settings: Settings) -> None:
    settings.MAILS_PER_TICK = 2
    inbox.replies["MAIL"] = "421 4.7.0 too many connections"
    write(*many(6))
    assert outbox.send_all_due(now=NOW) == 0
    assert inbox.connections == 1
