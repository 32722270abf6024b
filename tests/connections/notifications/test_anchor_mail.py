"""The anchor of the history leaves the database by mail each week, and the saved mail proves what it says."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import Settings

from connections import tasks
from connections.models import Mail
from connections.notifications import notify
from connections.notifications.anchor_mail import mail_weekly_anchor
from history import anchors, weekly_anchor
from history.models import AnchorNotice, Event, Seal
from history.record import Actor, Named, record
from history.sealing import seal_waiting
from history.verifying import store_result, verify

MONDAY = datetime(2026, 11, 23, 4, 20, tzinfo=UTC)
pytestmark = pytest.mark.django_db
Person = Callable[..., User]


@pytest.fixture
def root(person: Person) -> User:
    return person("root", staff=True, email="root@example.com")


def sealed(at: datetime = MONDAY) -> Seal:
    record("connection.tested", Named("connection", 7, "Acme main"), by=Actor("x"), at=at)
    seal_waiting(now=at)
    return Seal.objects.order_by("-number")[0]


def recipients() -> list[str]:
    return sorted(Mail.objects.values_list("recipient", flat=True))


def test_every_administrator_with_an_address_gets_the_anchor(person: Person, root: User) -> None:
    person("olga", staff=True, email="olga@example.com")
    person("nameless", staff=True)
    person("viewer", "history.view_event", email="viewer@example.com")
    User.objects.filter(pk=person("gone", staff=True, email="gone@example.com").pk).update(is_active=False)
    seal = sealed()
    assert mail_weekly_anchor(now=MONDAY) == 2
    assert recipients() == ["olga@example.com", "root@example.com"]
    mail = Mail.objects.all()[0]
    assert f"{seal.number}:{seal.mac}" in mail.text.split()
    assert f"manage.py history verify --anchor {seal.number}:{seal.mac}" in mail.html
    assert "23 November 2026, 04:20 UTC" in mail.text
    assert "The next mail is due on 30 November 2026" in mail.text
    assert "You get this because you administer MFE Orchestrator." in mail.text


def test_people_who_share_an_address_get_one_mail(person: Person, root: User) -> None:
    person("olga", staff=True, email="Root@example.com")
    sealed()
    assert mail_weekly_anchor(now=MONDAY) == 1


def test_it_is_sent_once_a_week_however_often_somebody_asks(root: User) -> None:
    sealed()
    counts = [mail_weekly_anchor(now=MONDAY + timedelta(days=days)) for days in (0, 0, 1, 6, 7, 8, 13, 14)]
    assert counts == [1, 0, 0, 0, 1, 0, 0, 1]
    assert [notice.week for notice in AnchorNotice.objects.order_by("week")] == [
        date(2026, 11, 23),
        date(2026, 11, 30),
        date(2026, 12, 7),
    ]


def test_a_week_begins_in_the_zone_of_the_site(root: User, settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    sealed()
    sunday_evening_in_utc = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    mail_weekly_anchor(now=sunday_evening_in_utc)
    assert AnchorNotice.objects.get().week == date(2026, 11, 23)


def test_of_two_workers_at_once_one_writes_and_the_other_leaves_nothing(root: User) -> None:
    sealed()
    with patch.object(weekly_anchor, "note_sent", side_effect=IntegrityError):
        assert mail_weekly_anchor(now=MONDAY) == 0
    assert not Mail.objects.exists()


def test_mails_and_the_note_of_them_are_one_transaction(root: User) -> None:
    sealed()
    with patch.object(notify, "enqueue_mail", side_effect=RuntimeError), pytest.raises(RuntimeError):
        mail_weekly_anchor(now=MONDAY)
    assert not AnchorNotice.objects.exists()
    assert mail_weekly_anchor(now=MONDAY) == 1


def test_without_an_administrator_with_an_address_nothing_is_noted(person: Person) -> None:
    person("nameless", staff=True)
    sealed()
    assert mail_weekly_anchor(now=MONDAY) == 0
    User.objects.update(email="root@example.com")
    assert mail_weekly_anchor(now=MONDAY + timedelta(days=2)) == 1


def test_before_anything_is_sealed_there_is_nothing_to_say(root: User) -> None:
    assert mail_weekly_anchor(now=MONDAY) == 0
    assert not AnchorNotice.objects.exists()


def test_that_it_was_sent_is_an_event(root: User) -> None:
    sealed()
    mail_weekly_anchor(now=MONDAY)
    event = Event.objects.get(kind="history.anchor_mailed")
    assert event.detail == {"number": 1, "people": 1}


def test_a_history_that_does_not_hold_is_said_first(root: User) -> None:
    sealed()
    event = Event.objects.get()
    Event.objects.filter(pk=event.pk).prune()
    store_result(verify(now=MONDAY), now=MONDAY)
    mail_weekly_anchor(now=MONDAY)
    mail = Mail.objects.get()
    assert mail.subject == "[MFE Orchestrator] Action needed: problem with the history"
    assert f"Batch 1: Event {event.pk} was removed." in mail.text
    assert f"Batch 1: Event {event.pk} was removed." in mail.html


def test_a_history_that_was_never_sealed_in_time_is_said_although_there_is_no_anchor(root: User) -> None:
    record("connection.tested", Named("connection", 7, "Acme main"), by=Actor("x"), at=MONDAY - timedelta(days=1))
    assert mail_weekly_anchor(now=MONDAY) == 1
    mail = Mail.objects.get()
    assert "There are no seals and no checkpoint" in mail.text
    assert "--anchor" not in mail.text


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_the_saved_mail_proves_the_history_and_shows_when_its_end_was_cut_off(
    root: User, tmp_path: Path, encoding: str
) -> None:
    sealed()
    mail_weekly_anchor(now=MONDAY)
    mail = Mail.objects.get()
    kept = EmailMessage()
    kept["Subject"] = mail.subject
    kept.set_content(mail.text, cte=encoding)
    kept.add_alternative(mail.html, subtype="html", cte=encoding)
    (tmp_path / "mail.eml").write_bytes(kept.as_bytes())
    given = [str(tmp_path / "mail.eml")]
    assert verify(now=MONDAY, anchors=anchors.read(given)).is_anchor_proven
    Seal.objects.all().delete()
    found = verify(now=MONDAY, anchors=anchors.read(given)).findings
    assert [finding.kind for finding in found] == ["truncated"]


def test_the_mail_as_our_outbox_hands_it_over_is_read_too(root: User, tmp_path: Path) -> None:
    seal = sealed()
    mail_weekly_anchor(now=MONDAY)
    mail = Mail.objects.get()
    message = EmailMultiAlternatives(mail.subject, mail.text, "a@example.com", [mail.recipient])
    message.attach_alternative(mail.html, "text/html")
    (tmp_path / "mail.eml").write_bytes(message.message().as_bytes())
    assert {str(anchor) for anchor in anchors.in_file(tmp_path / "mail.eml")} == {f"1:{seal.mac}"}


def test_the_scheduler_asks_every_day(root: User) -> None:
    entries = [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]
    assert tasks.mail_history_anchor.name in entries
    sealed(timezone.now())
    tasks.mail_history_anchor.apply()
    assert Mail.objects.count() == 1
