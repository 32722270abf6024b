"""Stop reminders by the signed address in a mail, and start them again."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connections.models import Connection, Mail, MutedReminders
from connections.notifications import notify
from connections.notifications.notify import unsubscribe_url
from connections.notifications.reminders import remind_due
from history.models import Event
from tests.factories import ConnectionFactory

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def owner(person: Callable[..., User]) -> User:
    return person("olga", email="olga@example.com")


def expiring(owner: User, left: int, **fields: object) -> Connection:
    return ConnectionFactory.create(owner=owner, expires_on=TODAY + timedelta(days=left), **fields)


def stop_address(connection_id: int, address: str = "olga@example.com") -> str:
    return unsubscribe_url(connection_id, address).removeprefix("http://127.0.0.1:8000")


def test_anybody_with_the_signed_address_can_stop_reminders_and_begin_them_again(owner: User, client: Client) -> None:
    connection = expiring(owner, 7)
    address = stop_address(connection.pk)
    assert "Stop reminders?" in client.get(address).content.decode()
    assert "Reminders stopped" in client.post(address).content.decode()
    assert remind_due(now=NOON) == 0
    assert "Stop reminders?" in client.post(address, {"again": "1"}).content.decode()
    assert remind_due(now=NOON) == 1
    kinds = Event.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["connection.muted", "connection.unmuted", "connection.reminded"]
    assert client.get(address[:-3] + "x/").status_code == 404


def test_a_mail_program_stops_them_with_one_click_and_no_cookie(owner: User) -> None:
    expiring(owner, 7)
    remind_due(now=NOON)
    headers = Mail.objects.get().headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = headers["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    program = Client(enforce_csrf_checks=True)
    body = "List-Unsubscribe=One-Click"
    answer = program.post(address, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert MutedReminders.objects.get().address == "olga@example.com"


def test_upper_and_lower_case_in_an_address_make_no_difference(owner: User, client: Client) -> None:
    connection = expiring(owner, 7)
    client.post(stop_address(connection.pk, "Olga@example.com"))
    assert "Reminders stopped" in client.get(stop_address(connection.pk)).content.decode()
    assert "Stop reminders?" in client.post(stop_address(connection.pk), {"again": "1"}).content.decode()
    assert remind_due(now=NOON) == 1


def test_a_digest_stops_all_reminders_to_one_person(owner: User, client: Client) -> None:
    for _ in range(4):
        expiring(owner, 7, extra_recipients="team@example.com")
    remind_due(now=NOON)
    mail = Mail.objects.get(recipient="olga@example.com")
    address = mail.headers["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    assert address in mail.text
    assert "any connection" in client.post(address).content.decode()
    expiring(owner, 3, extra_recipients="team@example.com")
    remind_due(now=NOON + timedelta(days=1))
    assert Mail.objects.latest("pk").recipient == "team@example.com"
    assert Event.objects.filter(kind="reminders.muted").count() == 1


def test_administrators_stand_in_for_those_who_want_no_reminders(
    owner: User, person: Callable[..., User], client: Client
) -> None:
    person("root", staff=True, email="root@example.com")
    client.post(stop_address(expiring(owner, 7).pk))
    remind_due(now=NOON)
    assert Mail.objects.get().recipient == "root@example.com"


def test_whoever_stopped_reminders_still_hears_that_a_token_stopped_working(owner: User, client: Client) -> None:
    connection = expiring(owner, 7)
    client.post(stop_address(connection.pk))
    assert notify.recipients(connection, is_reminder=True) == []
    assert [one.address for one in notify.recipients(connection)] == ["olga@example.com"]
