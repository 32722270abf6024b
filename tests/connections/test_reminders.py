"""Reminders: once for each threshold, the tightest only, late rather than never."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from connections import expiry
from connections.actions.notify import unsubscribe_url
from connections.actions.remind import remind_due
from connections.models import Connection, Mail, Reminder
from history.models import Event
from tests.factories import ConnectionFactory

DAYS = (30, 14, 7, 3, 1, 0)
TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def due(left: int, *, life: int = 365, reminded: tuple[int, ...] = ()) -> int | None:
    ends = TODAY + timedelta(days=left)
    return expiry.due_threshold(
        ends, TODAY, thresholds=DAYS, token_set_on=ends - timedelta(days=life), reminded=reminded
    )


@pytest.mark.parametrize(
    ("left", "expected"), [(31, None), (30, 30), (29, 30), (14, 14), (8, 14), (2, 3), (1, 1), (0, 0), (-5, 0)]
)
def test_crossing_counts_and_only_the_tightest_is_due(left: int, expected: int | None) -> None:
    assert due(left) == expected


def test_none_is_longer_than_the_tokens_own_life() -> None:
    assert due(7, life=7) is None
    assert due(3, life=7) == 3


def test_what_was_reminded_is_not_due_again() -> None:
    assert due(13, reminded=(14,)) is None
    assert due(7, reminded=(14,)) == 7


@given(st.lists(st.integers(-10, 60), min_size=1, max_size=80, unique=True), st.integers(1, 400))
def test_any_days_without_runs_never_remind_twice_nor_skip_the_tightest(lefts: list[int], life: int) -> None:
    reminded: set[int] = set()
    for left in sorted(lefts, reverse=True):
        threshold = due(left, life=life, reminded=tuple(reminded))
        possible = [one for one in DAYS if left <= one and (one < life or one == 0)]
        if threshold is None:
            assert not possible or min(possible) in reminded
        else:
            assert threshold not in reminded
            assert threshold == min(possible)
            reminded.add(threshold)


@pytest.fixture
def owner(person: Callable[..., User]) -> User:
    return person("olga", email="olga@example.com")


def expiring(owner: User, left: int, **fields: object) -> Connection:
    return ConnectionFactory.create(owner=owner, expires_on=TODAY + timedelta(days=left), **fields)


def test_the_owner_is_told_once_with_everything_that_helps(owner: User) -> None:
    connection = expiring(owner, 7)
    assert remind_due(now=NOON) == 1
    assert remind_due(now=NOON) == 0
    mail = Mail.objects.get()
    assert mail.recipient == "olga@example.com"
    assert (
        mail.subject == f'[MFE Orchestrator] Azure DevOps token for "{connection.name}" expires in 7 days (1 Dec 2026)'
    )
    for words in (connection.organization, "Read, write, & manage", "31 March 2026", "/token/", "olga"):
        assert words in mail.text
    assert mail.headers["List-Unsubscribe"].startswith("<http")
    assert Event.objects.filter(kind="connection.reminded").count() == 1


def test_a_new_token_begins_anew(owner: User) -> None:
    connection = expiring(owner, 7)
    remind_due(now=NOON)
    Connection.objects.filter(pk=connection.pk).update(token_set_at=connection.token_set_at + timedelta(hours=1))
    assert remind_due(now=NOON) == 1


def test_extra_recipients_are_told_too_and_administrators_when_it_has_ended(
    owner: User, person: Callable[..., User]
) -> None:
    person("root", staff=True, email="root@example.com")
    expiring(owner, 7, extra_recipients="team@example.com")
    remind_due(now=NOON)
    assert set(Mail.objects.values_list("recipient", flat=True)) == {"olga@example.com", "team@example.com"}
    Mail.objects.all().delete()
    expiring(owner, 0)
    remind_due(now=NOON)
    assert set(Mail.objects.values_list("recipient", flat=True)) == {"olga@example.com", "root@example.com"}


def test_administrators_stand_in_for_an_owner_who_left(person: Callable[..., User]) -> None:
    person("root", staff=True, email="root@example.com")
    expiring(person("gone", email="gone@example.com", is_active=False), 7)
    remind_due(now=NOON)
    assert Mail.objects.get().recipient == "root@example.com"


def test_nothing_is_marked_reminded_when_nobody_can_be_told(person: Callable[..., User]) -> None:
    expiring(person("mute"), 7)
    assert remind_due(now=NOON) == 0
    assert not Reminder.objects.exists()


def test_more_than_three_for_one_person_are_one_digest(owner: User) -> None:
    for left in (1, 3, 7, 14):
        expiring(owner, left)
    assert remind_due(now=NOON) == 1
    mail = Mail.objects.get()
    assert mail.kind == "digest"
    assert all(f"Connection {one.name.split()[-1]}" in mail.text for one in Connection.objects.all())
    assert Reminder.objects.count() == 4


def test_days_are_counted_in_the_sites_time_zone(owner: User, settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    expiring(owner, 8)
    # It is still the 24th in UTC, and the 25th in Auckland.
    assert remind_due(now=datetime(2026, 11, 24, 20, 0, tzinfo=UTC)) == 1
    assert Reminder.objects.get().threshold == 7


def test_disabled_connections_are_left_in_peace(owner: User) -> None:
    expiring(owner, 1, disabled=True)
    assert remind_due(now=NOON) == 0


def test_tokens_for_all_organizations_get_their_own_notice_before_december(owner: User) -> None:
    expiring(owner, 200, token_reach="all")
    assert remind_due(now=NOON) == 1
    assert Mail.objects.get().kind == "global_tokens_end"
    assert remind_due(now=NOON) == 0
    assert remind_due(now=datetime(2026, 12, 2, tzinfo=UTC)) == 0


def test_anybody_with_the_signed_address_can_stop_reminders(owner: User, client: Client) -> None:
    connection = expiring(owner, 7)
    address = unsubscribe_url(connection, "olga@example.com").removeprefix("http://127.0.0.1:8000")
    assert "Stop reminders?" in client.get(address).content.decode()
    assert "Reminders stopped" in client.post(address).content.decode()
    assert remind_due(now=NOON) == 0
    assert client.get(address[:-3] + "x/").status_code == 404
