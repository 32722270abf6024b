"""Entries of the register are added, edited, closed, reopened and deleted, and each act is in the history."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from connections.actions import register_versions
from connections.actions.refusals import CannotChangeEntry, EntryGone
from connections.actions.register_entries import (
    EntryInput,
    add_entry,
    change_entry,
    close_entry,
    delete_entry,
    reopen_entry,
)
from connections.models import Consumer, RegisterEntry
from history.models import Event
from history.record import Actor
from tests.factories import make_person

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BY = Actor("Maya")
pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_person("maya")


@pytest.fixture
def entered(owner: User) -> EntryInput:
    return EntryInput("Deploy key", "ssh_key", owner, date(2027, 1, 1), used_by="Nightly build ops@example.com")


def kinds() -> list[str]:
    return list(Event.objects.filter(subject_kind="register_entry").order_by("pk").values_list("kind", flat=True))


def test_an_entry_is_added_with_what_uses_it(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    assert (entry.name, entry.kind, entry.expires_on) == ("Deploy key", "ssh_key", date(2027, 1, 1))
    assert [(consumer.name, consumer.contact) for consumer in entry.consumers.all()] == [
        ("Nightly build", "ops@example.com")
    ]
    assert kinds() == ["register.added"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "deploy KEY"}, "entry_name_taken"),
        ({"name": " "}, "name_missing"),
        ({"kind": "nonsense"}, "choice_unknown"),
        ({"kind": ""}, "kind_missing"),
        ({"notes": "ghp_" + "a" * 36}, "secret_in_text"),
        ({"extra_recipients": "nonsense"}, "recipient_invalid"),
    ],
)
def test_what_cannot_be_an_entry_is_refused(entered: EntryInput, change: dict[str, Any], code: str) -> None:
    add_entry(entered, by=BY, now=NOW)
    with pytest.raises(CannotChangeEntry) as refused:
        add_entry(replace(entered, **{"name": "Another"} | change), by=BY, now=NOW)
    assert refused.value.code == code
    assert RegisterEntry.objects.count() == 1


def test_a_change_says_which_fields_and_starts_the_reminders_of_a_new_date(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    changed = change_entry(entry.pk, replace(entered, purpose="Shop", used_by=""), by=BY, now=LATER)
    assert changed == ["purpose", "used_by"]
    entry.refresh_from_db()
    assert (entry.purpose, entry.date_set_at, entry.revision) == ("Shop", NOW, 1)
    assert not Consumer.objects.exists()
    change_entry(entry.pk, replace(entered, purpose="Shop", used_by="", expires_on=None), by=BY, now=LATER)
    entry.refresh_from_db()
    assert (entry.expires_on, entry.date_set_at) == (None, LATER)
    assert Event.objects.latest("pk").detail == {"expires_on": {"before": "1 January 2027", "after": "not recorded"}}


def test_saving_the_same_again_changes_and_records_nothing(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    assert change_entry(entry.pk, entered, by=BY, now=LATER) == []
    assert kinds() == ["register.added"]


def test_a_change_decided_on_an_outdated_page_is_refused(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    drawn_from = register_versions.version(entry, register_versions.EDIT)
    change_entry(entry.pk, replace(entered, purpose="Theirs"), by=BY, now=NOW)
    with pytest.raises(CannotChangeEntry) as refused:
        change_entry(entry.pk, replace(entered, purpose="Mine"), by=BY, now=NOW, drawn_from=drawn_from)
    assert [(conflict.field, conflict.yours, conflict.now) for conflict in refused.value.conflicts] == [
        ("purpose", "Mine", "Theirs")
    ]


def test_an_entry_is_closed_with_a_reason_and_reopened(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    close_entry(entry.pk, "replaced", by=BY, now=LATER)
    close_entry(entry.pk, "unused", by=BY, now=LATER)
    entry.refresh_from_db()
    assert (entry.is_closed, entry.closed_reason, entry.state) == (True, "replaced", RegisterEntry.State.CLOSED)
    reopen_entry(entry.pk, by=BY, now=LATER)
    reopen_entry(entry.pk, by=BY, now=LATER)
    entry.refresh_from_db()
    assert (entry.is_closed, entry.closed_reason, entry.date_set_at) == (False, "", LATER)
    assert kinds() == ["register.added", "register.closed", "register.reopened"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "closed_reason_missing"), ("other", "closed_note_missing"), ("nonsense", "choice_unknown")],
)
def test_closing_needs_a_reason(entered: EntryInput, reason: str, code: str) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    with pytest.raises(CannotChangeEntry) as refused:
        close_entry(entry.pk, reason, by=BY, now=LATER)
    assert refused.value.code == code


def test_a_deleted_entry_leaves_its_history(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    delete_entry(entry.pk, by=BY, now=LATER)
    assert kinds() == ["register.added", "register.deleted"]
    with pytest.raises(EntryGone):
        delete_entry(entry.pk, by=BY, now=LATER)


def test_an_entry_that_someone_else_closed_is_not_deleted_unseen(entered: EntryInput) -> None:
    entry = add_entry(entered, by=BY, now=NOW)
    drawn_from = register_versions.version(entry, register_versions.DELETE)
    close_entry(entry.pk, "replaced", by=BY, now=LATER)
    with pytest.raises(CannotChangeEntry) as refused:
        delete_entry(entry.pk, by=BY, now=LATER, drawn_from=drawn_from)
    assert [conflict.field for conflict in refused.value.conflicts] == ["closed"]
