"""Reminders of API tokens that expire: on which days, to whom, once each, and what the mail says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from api import tasks
from api.actions.remind import remind_due
from api.models import ApiToken
from connections.models import Mail, MutedReminders
from history.models import Event
from tests.factories import make_channel, make_person, make_token

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VIEW = "connections.view_connection"


@pytest.fixture
def owner(person: Callable[..., User]) -> User:
    return person("olga", VIEW, email="olga@example.com", first_name="Olga")


def token_of(owner: User, *, days: int, name: str = "Terraform", **more: Any) -> ApiToken:
    """A token that was valid for 90 days and has `days` left at noon."""
    token, _ = make_token(owner, VIEW)
    expires_at = NOON + timedelta(days=days)
    dates = {"expires_at": expires_at, "created_at": expires_at - timedelta(days=90)}
    ApiToken.objects.filter(pk=token.pk).update(**{"name": name, **dates, **more})
    token.refresh_from_db()
    return token


def test_the_owner_is_reminded_once_on_each_day(owner: User) -> None:
    token_of(owner, days=40)
    reminded = []
    for day in range(45):
        # The task runs many times a day.
        reminded += [40 - day] * sum(remind_due(now=NOON + timedelta(days=day, hours=hour)) for hour in range(0, 9, 4))
    assert reminded == sorted(settings.REMINDER_DAYS, reverse=True)
    assert {mail.recipient for mail in Mail.objects.all()} == {"olga@example.com"}
    assert Event.objects.filter(kind="api_token.reminded").count() == len(settings.REMINDER_DAYS)


def test_a_missed_day_delays_the_reminder(owner: User) -> None:
    token_of(owner, days=5)
    assert remind_due(now=NOON) == 1
    assert ApiToken.objects.get().reminded_days == 7
    assert remind_due(now=NOON + timedelta(days=1)) == 0


def test_a_short_token_is_not_reminded_of_on_its_first_day(owner: User) -> None:
    token_of(owner, days=7, created_at=NOON)
    assert remind_due(now=NOON) == 0


def test_a_token_that_does_not_work_needs_no_reminder(owner: User) -> None:
    token_of(owner, days=3, revoked_at=NOON)
    token_of(make_person("gone", is_active=False, email="gone@example.com"), days=3)
    assert remind_due(now=NOON) == 0
    assert not Mail.objects.exists()


def test_the_mail_says_what_expires_and_what_to_do(owner: User) -> None:
    token_of(owner, days=7, name='<b>"CI" & more')
    remind_due(now=NOON)
    mail = Mail.objects.get()
    assert mail.subject == '[MFE Orchestrator] API token "<b>"CI" & more" expires in 7 days'
    assert "expires in 7 days, 1 December 2026; never used" in mail.text
    assert f"{settings.SITE_URL}/account/api-tokens/" in mail.text
    assert "create a new token" in mail.text
    assert "You get this because you own this API token." in mail.text
    assert "&lt;b&gt;&quot;CI&quot; &amp; more" in mail.html
    assert "<b>" not in mail.html
    assert "List-Unsubscribe" in mail.headers


def test_several_tokens_of_one_person_are_one_mail(owner: User) -> None:
    for number in range(3):
        token_of(owner, days=number + 1, name=f"token number {number}")
    assert remind_due(now=NOON) == 1
    mail = Mail.objects.get()
    assert mail.subject == "[MFE Orchestrator] 3 API tokens expire soon"
    assert all(f"token number {number}" in mail.text and f"token number {number}" in mail.html for number in range(3))


def test_a_token_that_expired_meanwhile_is_reported_as_expired(owner: User) -> None:
    token_of(owner, days=-1)
    remind_due(now=NOON)
    assert "expired yesterday" in Mail.objects.get().subject


@pytest.mark.parametrize("lacks", ["address", "wish"])
def test_administrators_are_reminded_if_the_owner_cannot_be(owner: User, lacks: str) -> None:
    make_person("root", staff=True, email="root@example.com")
    if lacks == "address":
        User.objects.filter(pk=owner.pk).update(email="")
    else:
        MutedReminders.objects.create(address="olga@example.com")
    token_of(owner, days=3)
    assert remind_due(now=NOON) == 1
    mail = Mail.objects.get()
    assert mail.recipient == "root@example.com"
    assert f"{settings.SITE_URL}/people/api-tokens/" in mail.text
    assert "the owner of this API token can't be notified" in mail.text
    assert mail.headers == {}


def test_without_any_recipient_the_reminder_waits_for_one(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(email="")
    token_of(owner, days=3)
    assert remind_due(now=NOON) == 0
    assert ApiToken.objects.get().reminded_days is None
    User.objects.filter(pk=owner.pk).update(email="olga@example.com")
    assert remind_due(now=NOON) == 1


def test_another_worker_that_was_first_leaves_nothing_to_do(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(owner, days=3)
    monkeypatch.setattr("api.actions.remind._candidates", lambda _: [token])
    assert [remind_due(now=NOON), remind_due(now=NOON)] == [1, 0]


def test_the_task_is_scheduled_and_the_history_names_the_reminder(client: Client, owner: User) -> None:
    assert tasks.remind_due.name in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    token_of(owner, days=3)
    remind_due(now=NOON)
    client.force_login(make_person("root", staff=True))
    page = client.get(reverse("history:all"), {"automatic": "on"}).content.decode()
    assert "1 person, 3 days before it expires" in page


def test_the_channels_that_the_owner_chose_get_a_message_beside_the_mail(owner: User) -> None:
    channel, other = make_channel("Alerts"), make_channel("Other")
    channel.people.add(owner)
    token_of(owner, days=7, name="CI: main")
    assert remind_due(now=NOON) == 2
    assert not Mail.objects.filter(channel=other).exists()
    message = Mail.objects.get(channel=channel)
    assert message.subject == 'API token "CI: main" expires in 7 days'
    assert message.payload["headline"] == "API token “CI: main” expires in 7 days."
    assert message.payload["facts"] == []
    assert "CI: main (owner Olga" in message.payload["body"]
    assert message.payload["links"] == [["API tokens", f"{settings.SITE_URL}/account/api-tokens/"]]
    assert Event.objects.get(kind="api_token.reminded").detail["channels"] == 1


def test_a_channel_of_an_owner_who_stopped_reminders_gets_nothing(owner: User) -> None:
    make_channel("Alerts").people.add(owner)
    MutedReminders.objects.create(address="olga@example.com")
    token_of(owner, days=7)
    assert remind_due(now=NOON) == 0


def test_a_mail_about_several_tokens_says_so_at_its_end(owner: User) -> None:
    token_of(owner, days=1)
    token_of(owner, days=2, name="CI")
    remind_due(now=NOON)
    assert "You get this because you own these API tokens." in Mail.objects.get().text
