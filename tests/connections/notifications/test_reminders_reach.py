"""Reminders that ask for which organizations a token was made."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from connections.actions.edit import Changes, edit
from connections.models import Connection, Mail, Reminder
from connections.notifications import reminders
from connections.notifications.notify import unsubscribe_url
from connections.notifications.reminders import remind_due
from history.event_types import event_row
from history.models import Event
from history.record import Actor
from tests.connections.commands import Ran
from tests.factories import ConnectionFactory

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def owner(person: Callable[..., User]) -> User:
    return person("olga", email="olga@example.com")


def expiring(owner: User, left: int, **fields: object) -> Connection:
    return ConnectionFactory.create(owner=owner, expires_on=TODAY + timedelta(days=left), **fields)


@pytest.fixture
def at_the_service(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com,Own=https://devops.example.com/tfs"


def unknown(owner: User, **fields: object) -> Connection:
    return expiring(owner, 200, **({"server": "Services", "token_reach": "unknown"} | fields))


@pytest.mark.usefixtures("at_the_service")
@pytest.mark.parametrize("now", [NOON, datetime(2026, 12, 1, 12, tzinfo=UTC), datetime(2027, 3, 1, 12, tzinfo=UTC)])
def test_for_which_organizations_a_token_was_made_is_asked_once(owner: User, now: datetime) -> None:
    connection = unknown(owner)
    assert remind_due(now=now) == 1
    assert remind_due(now=now) == 0
    assert remind_due(now=now + timedelta(days=40)) == 0
    mail, ledger, event = Mail.objects.get(), Reminder.objects.get(), Event.objects.get(kind="connection.reminded")
    assert (mail.kind, mail.connection, mail.recipient) == ("reach_unknown", connection, "olga@example.com")
    assert (ledger.kind, ledger.threshold, ledger.expires_on) == ("reach_unknown", 0, None)
    assert event.detail["about"] == "reach_unknown"
    assert event_row(event).detail == "1 person: organizations of the token not recorded"


@pytest.mark.usefixtures("at_the_service")
def test_a_new_token_of_which_it_is_not_known_is_asked_for_again(owner: User) -> None:
    connection = unknown(owner)
    remind_due(now=NOON)
    Connection.objects.filter(pk=connection.pk).update(token_set_at=connection.token_set_at + timedelta(hours=1))
    assert remind_due(now=NOON) == 1


@pytest.mark.usefixtures("at_the_service")
@pytest.mark.parametrize(
    "fields",
    [
        {"token_reach": "one"},
        {"server": "Own"},
        {"server": "Removed"},
        {"disabled": True},
        {"health": "rejected", "problem": "token_refused"},
        {"health": "rejected", "problem": "global_tokens_ended_likely"},
    ],
)
def test_nobody_is_asked_where_the_answer_changes_nothing(owner: User, fields: dict[str, object]) -> None:
    unknown(owner, **fields)
    assert remind_due(now=NOON) == 0


@pytest.mark.usefixtures("at_the_service")
def test_whoever_answered_is_not_asked(owner: User) -> None:
    connection = unknown(owner)
    changes = Changes(connection.name, connection.expires_on, "one", projects=None)
    edit(connection, changes, by=Actor("olga"), now=NOON)
    assert remind_due(now=NOON) == 0


@pytest.mark.usefixtures("at_the_service")
def test_two_clocks_ask_once(owner: User) -> None:
    unknown(owner)
    planned = list(reminders.plan(TODAY))
    assert remind_due(now=NOON) == 1
    with patch.object(reminders, "plan", return_value=planned):
        assert remind_due(now=NOON) == 0
    assert (Mail.objects.count(), Reminder.objects.count()) == (1, 1)


@pytest.mark.usefixtures("at_the_service")
def test_whoever_stopped_reminders_is_not_asked(owner: User, client: Client) -> None:
    connection = unknown(owner)
    client.post(stop_address(connection.pk))
    assert remind_due(now=NOON) == 0


@pytest.mark.usefixtures("at_the_service")
def test_many_questions_are_one_digest(owner: User) -> None:
    for _ in range(4):
        unknown(owner)
    assert remind_due(now=NOON) == 1
    assert (Mail.objects.get().kind, Reminder.objects.count()) == ("digest", 4)
    assert remind_due(now=NOON + timedelta(days=1)) == 0


@pytest.mark.usefixtures("at_the_service")
def test_planning_reads_nothing_of_those_that_were_asked(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        unknown(owner)
    remind_due(now=NOON)
    with django_assert_num_queries(1):
        assert list(reminders.plan(TODAY)) == []


@pytest.mark.usefixtures("at_the_service")
def test_the_command_says_what_is_asked(owner: User) -> None:
    connection = unknown(owner)
    ran = Ran("remind", "--dry-run")
    words = "token organization not recorded, to olga@example.com"
    assert f"{connection.name}: {words}" in ran.out
    assert Ran("remind", "--json").json["due"][0]["about"] == "reach_unknown"


def stop_address(connection_id: int, address: str = "olga@example.com") -> str:
    return unsubscribe_url(connection_id, address).removeprefix("http://127.0.0.1:8000")
