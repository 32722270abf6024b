"""Reminders: once for each threshold, the tightest only, late rather than never."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from connections.actions.edit import Changes, edit
from connections.domain import expiry
from connections.models import Connection, Mail, MutedReminders, Reminder
from connections.notifications import notify, reminders
from connections.notifications.notify import unsubscribe_url
from connections.notifications.reminders import remind_due
from history.event_types import event_row
from history.models import Event
from history.record import Actor
from tests.connections.commands import Ran
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


def nag(age: int, *, nagged: tuple[int, ...] = ()) -> int | None:
    return expiry.due_nag(TODAY - timedelta(days=age), TODAY, days=(7, 14, 21, 28), nagged=nagged)


@pytest.mark.parametrize(
    ("age", "step"),
    [(0, None), (6, None), (7, 7), (13, 7), (14, 14), (28, 28), (57, 28), (58, 58), (88, 88), (400, 388)],
)
def test_a_missing_date_nags_weekly_and_then_monthly(age: int, step: int | None) -> None:
    assert nag(age) == step
    if step is not None:
        assert nag(age, nagged=(step,)) is None


def test_without_days_nobody_is_asked_for_a_date() -> None:
    assert expiry.due_nag(TODAY - timedelta(days=90), TODAY, days=(), nagged=()) is None


@given(st.lists(st.integers(-3, 500), min_size=1, max_size=80))
def test_any_days_without_runs_never_nag_twice_nor_skip_the_newest(ages: list[int]) -> None:
    """Also when the clock jumps back and forth."""
    steps = [7, 14, 21, *range(28, 600, 30)]
    nagged: set[int] = set()
    for age in ages:
        newest = max((one for one in steps if one <= age), default=None)
        step = nag(age, nagged=tuple(nagged))
        assert step == (None if newest in nagged else newest)
        if step is not None:
            nagged.add(step)


@given(st.lists(st.integers(-10, 60), min_size=1, max_size=80), st.integers(1, 400))
def test_a_clock_that_jumps_back_and_forth_reminds_of_nothing_twice(lefts: list[int], life: int) -> None:
    reminded: list[int] = []
    for left in lefts:
        threshold = due(left, life=life, reminded=tuple(reminded))
        if threshold is not None:
            reminded.append(threshold)
    assert len(reminded) == len(set(reminded))


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


# For which organizations a token was made


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


def test_one_person_under_two_spellings_gets_one_mail(owner: User) -> None:
    connection = expiring(owner, 7, extra_recipients="OLGA@example.com\nteam@example.com")
    assert [one.address for one in notify.recipients(connection)] == ["olga@example.com", "team@example.com"]


@pytest.mark.django_db
def test_planning_costs_the_same_queries_for_one_and_for_many(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        expiring(owner if number % 2 else User.objects.create_user(f"left {number}", is_active=False), 7)
    # Connections with their owners, reminders, who stopped them; who administers, and who stopped all.
    with django_assert_num_queries(6):
        assert len(list(reminders.plan(TODAY))) == 30


QUIET = "A new token stops working if its owner does not sign in to Azure DevOps within 90 days"


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
