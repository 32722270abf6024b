"""Mails of reminders: once for each threshold, to the people who can do something about it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from connections.models import Connection, Mail, Reminder
from connections.notifications import notify, reminders
from connections.notifications.reminders import remind_due
from history.models import Event
from tests.factories import ConnectionFactory

DAYS = (30, 14, 7, 3, 1, 0)
TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
QUIET = "A new token stops working if its owner does not sign in to Azure DevOps within 90 days"


def test_whatever_days_have_no_run_each_step_is_mailed_once_and_the_tightest_never_left_out(owner: User) -> None:
    @settings(max_examples=30)
    @given(st.lists(st.integers(0, 35), min_size=1, max_size=5), st.lists(st.integers(0, 12), min_size=1, max_size=8))
    def live(lefts: list[int], gaps: list[int]) -> None:
        with transaction.atomic():
            made = [expiring(owner, left) for left in lefts]
            now = NOON
            for gap in gaps:
                now += timedelta(days=gap)
                remind_due(now=now)
                assert all(_tightest(one, now.date()) in _reminded(one) for one in made)
            for one in made:
                mails = [mail for mail in Mail.objects.all() if one.pk in {about["id"] for about in mail.about}]
                assert len(mails) == len(_reminded(one) - {None})
            transaction.set_rollback(True)

    live()


def _tightest(connection: Connection, today: date) -> int | None:
    """The threshold that must have been reminded of by today; the token's own life is 23 days and more."""
    assert connection.expires_on is not None
    left = (connection.expires_on - today).days
    life = (connection.expires_on - connection.token_set_at.date()).days
    return min((one for one in DAYS if left <= one and (one < life or one == 0)), default=None)


def _reminded(connection: Connection) -> set[int | None]:
    return {None, *Reminder.objects.filter(connection=connection).values_list("threshold", flat=True)}


@pytest.fixture
def at_the_service(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Services=https://dev.azure.com,Own=https://devops.example.com/tfs"


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
    about = f'Azure DevOps token for "{connection.name}" expires in 7 days (1 Dec 2026)'
    assert mail.subject == f"[MFE Orchestrator] Action needed: {about}"
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


def test_whoever_was_deactivated_gets_none_as_an_additional_recipient(owner: User, person: Callable[..., User]) -> None:
    person("gone", email="gone@example.com", is_active=False)
    person("back", email="back@example.com")
    person("back before", email="BACK@example.com", is_active=False)
    expiring(owner, 7, extra_recipients="Gone@example.com\nback@example.com\nteam@example.com")
    remind_due(now=NOON)
    expected = {"olga@example.com", "back@example.com", "team@example.com"}
    assert set(Mail.objects.values_list("recipient", flat=True)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"expires_on": TODAY + timedelta(days=300)},
        {"token_set_at": NOON},
        {"disabled": True},
        {"extra_recipients": "team@example.com"},
    ],
)
def test_nothing_is_written_about_a_connection_that_changed_since_it_was_read(
    owner: User, change: dict[str, object]
) -> None:
    changed, same = expiring(owner, 7), expiring(owner, 7)
    due = list(reminders.plan(TODAY))
    Connection.objects.filter(pk=changed.pk).update(**change)
    with patch.object(reminders, "plan", return_value=iter(due)):
        assert remind_due(now=NOON) == 1
    assert Mail.objects.get().connection == same
    assert Reminder.objects.get().connection == same


def test_a_connection_that_was_disconnected_since_it_was_read_stops_no_other_reminder(owner: User) -> None:
    removed, same = expiring(owner, 7), expiring(owner, 7)
    due = list(reminders.plan(TODAY))
    Connection.objects.filter(pk=removed.pk).delete()
    with patch.object(reminders, "plan", return_value=iter(due)):
        assert remind_due(now=NOON) == 1
    assert Mail.objects.get().connection == same


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


def test_tokens_for_all_organizations_get_their_own_notices_before_december(owner: User) -> None:
    expiring(owner, 200, token_reach="all")
    assert remind_due(now=NOON) == 1
    assert Mail.objects.get().kind == "global_tokens_end"
    assert remind_due(now=NOON) == 0
    assert remind_due(now=NOON + timedelta(days=4)) == 1
    assert remind_due(now=datetime(2026, 12, 2, tzinfo=UTC)) == 0


def test_a_token_without_a_date_for_all_organizations_gets_the_notice_once_from_two_clocks(owner: User) -> None:
    ConnectionFactory.create(owner=owner, expires_on=None, token_reach="all", token_set_at=NOON - timedelta(days=3))
    planned = list(reminders.plan(TODAY))
    assert remind_due(now=NOON) == 1
    with patch.object(reminders, "plan", return_value=planned):
        assert remind_due(now=NOON) == 0
    assert Mail.objects.count() == 1


def test_two_clocks_that_plan_the_same_remind_once(owner: User) -> None:
    expiring(owner, 7)
    planned = list(reminders.plan(TODAY))
    assert remind_due(now=NOON) == 1
    with patch.object(reminders, "plan", return_value=planned):
        assert remind_due(now=NOON) == 0
    assert (Mail.objects.count(), Reminder.objects.count()) == (1, 1)
    assert Event.objects.filter(kind="connection.reminded").count() == 1


def test_a_missing_date_is_mailed_with_where_to_add_it(owner: User) -> None:
    connection = ConnectionFactory.create(owner=owner, expires_on=None, token_set_at=NOON - timedelta(days=8))
    assert remind_due(now=NOON) == 1
    assert remind_due(now=NOON) == 0
    mail = Mail.objects.get()
    assert (mail.kind, mail.connection) == ("undated", connection)
    assert reverse("connections:edit", args=[connection.pk]) in mail.text
    assert Reminder.objects.get().kind == "undated"
    assert remind_due(now=NOON + timedelta(days=6)) == 1


def test_a_date_ends_the_nagging(owner: User) -> None:
    expiring(owner, 200, token_set_at=NOON - timedelta(days=40))
    assert remind_due(now=NOON) == 0


def test_more_than_three_on_one_day_are_one_digest_although_they_came_in_two_batches(owner: User) -> None:
    expiring(owner, 7)
    expiring(owner, 7)
    assert remind_due(now=NOON) == 2
    expiring(owner, 3)
    expiring(owner, 3)
    assert remind_due(now=NOON + timedelta(hours=1)) == 1
    assert sorted(Mail.objects.values_list("kind", flat=True)) == ["digest", "expiring", "expiring"]


def test_the_next_day_counts_anew(owner: User) -> None:
    for _ in range(3):
        expiring(owner, 7)
    remind_due(now=NOON)
    expiring(owner, 7)
    assert remind_due(now=NOON + timedelta(days=1)) == 1
    assert Mail.objects.latest("pk").kind == "expiring"


def test_one_person_under_two_spellings_gets_one_mail(owner: User) -> None:
    connection = expiring(owner, 7, extra_recipients="OLGA@example.com\nteam@example.com")
    assert [one.address for one in notify.recipients(connection)] == ["olga@example.com", "team@example.com"]


def test_two_spellings_of_an_address_share_a_digest(owner: User, person: Callable[..., User]) -> None:
    other = person("peter", email="peter@example.com")
    for _ in range(2):
        expiring(owner, 7)
        expiring(other, 7, extra_recipients="Olga@example.com")
    remind_due(now=NOON)
    assert Mail.objects.filter(recipient__iexact="olga@example.com").count() == 1
    expiring(owner, 7)
    expiring(other, 3, extra_recipients="OLGA@example.com")
    remind_due(now=NOON + timedelta(hours=1))
    assert Mail.objects.filter(recipient__iexact="olga@example.com").count() == 3


@pytest.mark.django_db
def test_planning_costs_the_same_queries_for_one_and_for_many(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        expiring(owner if number % 2 else User.objects.create_user(f"left {number}", is_active=False), 7)
    # Connections with their owners, reminders, who stopped them; who administers, and who stopped all.
    with django_assert_num_queries(7):
        assert len(list(reminders.plan(TODAY))) == 30


@pytest.mark.usefixtures("at_the_service")
@pytest.mark.parametrize("fields", [{"token_reach": "one"}, {"token_reach": "all", "expires_on": date(2027, 6, 1)}])
def test_reminders_say_that_a_new_token_wants_its_owner_to_sign_in(owner: User, fields: dict[str, object]) -> None:
    connection = expiring(owner, 7, server="Services")
    Connection.objects.filter(pk=connection.pk).update(**fields)
    remind_due(now=NOON)
    mail = Mail.objects.get()
    assert (QUIET in mail.text, QUIET in mail.html) == (True, True)


@pytest.mark.usefixtures("at_the_service")
@pytest.mark.parametrize(("server", "says"), [("Services", True), ("Own", False)])
def test_a_digest_says_it_too_and_nothing_says_it_of_a_server(owner: User, server: str, *, says: bool) -> None:
    for _ in range(4):
        expiring(owner, 7, server=server)
    remind_due(now=NOON)
    mail = Mail.objects.get(kind="digest")
    assert (QUIET in mail.text, QUIET in mail.html) == (says, says)


@pytest.mark.usefixtures("at_the_service")
def test_a_reminder_about_a_server_does_not_speak_of_signing_in(owner: User) -> None:
    expiring(owner, 7, server="Own")
    remind_due(now=NOON)
    assert QUIET not in Mail.objects.get().text
