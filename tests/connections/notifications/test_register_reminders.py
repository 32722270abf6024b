"""People are reminded of credentials in the register, on the days on which they are reminded of connections."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connections import tasks
from connections.actions.register_entries import close_entry
from connections.actions.transfer_ownership import transfer_ownership
from connections.models import Mail, MutedReminders, RegisterEntry
from connections.notifications import register_reminders
from connections.notifications.register_reminders import MOST_ROWS, plan, remind_due
from history.models import Event
from history.record import Actor
from tests.factories import make_channel, make_entry

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(person: Callable[..., User]) -> User:
    return person("olga", email="olga@example.com")


def entry_of(owner: User, *, days: int | None, name: str = "Deploy key", **more: Any) -> RegisterEntry:
    """An entry that was recorded long ago and expires in so many days."""
    day = None if days is None else (NOON + timedelta(days=days)).date()
    return make_entry(name, owner=owner, expires_on=day, date_set_at=NOON - timedelta(days=200), **more)


def test_people_are_reminded_once_on_each_day_and_asked_once_afterwards(olga: User) -> None:
    entry_of(olga, days=40)
    reminded = []
    for day in range(60):
        # The task runs many times a day.
        reminded += [40 - day] * sum(remind_due(now=NOON + timedelta(days=day, hours=hour)) for hour in (0, 4, 8))
    assert reminded == [*sorted(settings.REMINDER_DAYS, reverse=True), -1]
    assert {mail.recipient for mail in Mail.objects.all()} == {"olga@example.com"}
    assert Event.objects.filter(kind="register.reminded").count() == len(reminded)
    assert "Urgent: Still in use? Personal access token" in Mail.objects.latest("pk").subject


def test_a_date_that_had_passed_when_it_was_recorded_is_asked_about_once(olga: User) -> None:
    entry_of(olga, days=-300)
    assert [remind_due(now=NOON), remind_due(now=NOON + timedelta(days=1))] == [1, 0]
    mail = Mail.objects.get()
    assert "Still in use?" in mail.text
    assert "close the entry" in mail.text


def test_a_missing_date_is_asked_for(olga: User) -> None:
    entry = make_entry(owner=olga, date_set_at=NOON)
    days = [day for day in range(100) if remind_due(now=NOON + timedelta(days=day))]
    assert days == [*settings.UNDATED_REMINDER_DAYS, *range(max(settings.UNDATED_REMINDER_DAYS) + 30, 100, 30)]
    assert f'"{entry.name}" has no expiry date recorded' in Mail.objects.latest("pk").subject


def test_all_that_is_due_for_a_person_is_in_one_mail(olga: User) -> None:
    for number in range(MOST_ROWS + 3):
        entry_of(olga, days=number % 30 + 1, name=f"Key {number}")
    assert remind_due(now=NOON) == 1
    mail = Mail.objects.get()
    assert f"{MOST_ROWS + 3} credentials in the register need attention" in mail.subject
    assert "and 3 more in the register" in mail.text
    assert "you own these credentials" in mail.text


def test_recipients_are_the_owner_those_listed_their_channels_and_administrators_when_urgent(
    olga: User, person: Callable[..., User]
) -> None:
    person("root", staff=True, email="root@example.com")
    make_channel().people.add(olga)
    entry_of(olga, days=20, extra_recipients="ops@example.com")
    remind_due(now=NOON)
    assert set(Mail.objects.values_list("recipient", flat=True)) == {"olga@example.com", "ops@example.com", "Alerts"}
    Mail.objects.all().delete()
    RegisterEntry.objects.update(expires_on=NOON.date())
    remind_due(now=NOON)
    assert "root@example.com" in Mail.objects.values_list("recipient", flat=True)


def test_the_channels_of_an_entry_get_its_reminders_alone(olga: User) -> None:
    own, other = make_channel("Platform"), make_channel("Shop")
    entry_of(olga, days=20, name="Key of the platform").channels.add(own)
    entry_of(olga, days=20, name="Key of the shop").channels.add(other, own)
    entry_of(olga, days=20, name="Other key")
    remind_due(now=NOON)
    written = {mail.recipient: mail.text for mail in Mail.objects.all()}
    assert written.keys() == {"olga@example.com", "Platform", "Shop"}
    names = ("Key of the platform", "Key of the shop", "Other key")
    assert {reader: [name for name in names if name in text] for reader, text in written.items()} == {
        "olga@example.com": list(names),
        "Platform": list(names[:2]),
        "Shop": [names[1]],
    }


def test_planning_asks_as_much_for_many_entries_with_channels_as_for_few(
    olga: User, django_assert_num_queries: Any
) -> None:
    channel = make_channel()
    entry_of(olga, days=20).channels.add(channel)
    with CaptureQueriesContext(connection) as few:
        list(plan(NOON.date()))
    for number in range(30):
        entry_of(olga, days=20, name=f"Key {number}").channels.add(channel)
    with django_assert_num_queries(len(few)):
        list(plan(NOON.date()))


def test_administrators_are_reminded_in_place_of_an_owner_who_left(olga: User, person: Callable[..., User]) -> None:
    person("root", staff=True, email="root@example.com")
    User.objects.filter(pk=olga.pk).update(is_active=False)
    entry_of(olga, days=20)
    remind_due(now=NOON)
    mail = Mail.objects.get()
    assert mail.recipient == "root@example.com"
    assert "the owner of this credential is no longer active" in mail.text


def test_a_person_who_stopped_all_reminders_gets_none(olga: User) -> None:
    MutedReminders.objects.create(connection=None, address="olga@example.com")
    entry_of(olga, days=20)
    assert remind_due(now=NOON) == 0


def test_no_one_is_reminded_of_a_closed_entry(olga: User) -> None:
    entry = entry_of(olga, days=1)
    close_entry(entry.pk, "replaced", by=Actor("Olga"), now=NOON)
    assert remind_due(now=NOON) == 0


def test_an_entry_that_was_handed_over_since_it_was_read_is_reminded_of_in_the_next_run(
    olga: User, person: Callable[..., User]
) -> None:
    nora = person("nora", email="nora@example.com")
    entry = entry_of(olga, days=7)
    due = list(plan(NOON.date()))
    transfer_ownership([entry], to=nora, by=Actor("test"), now=NOON)
    with patch.object(register_reminders, "plan", return_value=iter(due)):
        assert remind_due(now=NOON) == 0
    assert remind_due(now=NOON) == 1
    assert Mail.objects.get().recipient == "nora@example.com"


def test_names_are_escaped_in_html_and_not_in_text(olga: User) -> None:
    entry_of(olga, days=5, name="<b>&key</b>")
    remind_due(now=NOON)
    mail = Mail.objects.get()
    assert "<b>&key</b>" in mail.text
    assert "&lt;b&gt;&amp;key&lt;/b&gt;" in mail.html


def test_the_task_runs_on_schedule(olga: User) -> None:
    assert tasks.remind_of_register.name in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    day = datetime.now(UTC).date() - timedelta(days=1)
    make_entry(owner=olga, expires_on=day)
    tasks.remind_of_register()
    assert Mail.objects.count() == 1
