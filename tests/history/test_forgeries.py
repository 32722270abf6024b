"""Somebody writes to the database without the key: what shows, and that the product does not seal the forgery."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection

from history import obstacles, sealing
from history.models import Event, Seal, Verification
from history.sealing import SealingRefused, seal_waiting
from history.verifying import Outcome, store_result
from tests.history.conftest import NOW, SOON, Append, Intrude, look

LATER = NOW + timedelta(days=2)
pytestmark = pytest.mark.django_db


def kinds(outcome: Outcome) -> set[str]:
    return {finding.kind for finding in outcome.findings}


def refused() -> set[str]:
    """The kinds of findings for which nothing is sealed."""
    before = Seal.objects.count()
    with pytest.raises(SealingRefused) as caught:
        seal_waiting(now=LATER)
    assert Seal.objects.count() == before
    return {finding.kind for finding in caught.value.findings}


@pytest.fixture
def sealed(append: Append) -> list[Event]:
    """Twelve events in three batches of four, verified once."""
    events = []
    for minute in (0, 4, 8):
        events += append(4, at=NOW + timedelta(minutes=minute))
        seal_waiting(now=SOON)
    store_result(look(), now=SOON)
    return events


def test_without_seals_and_verifications_nothing_holds_and_the_forgery_is_not_sealed(
    sealed: list[Event], intrude: Intrude
) -> None:
    intrude("DELETE FROM history_seal")
    intrude("DELETE FROM history_verification")
    intrude("UPDATE history_event SET actor_name = 'Nobody' WHERE id = %s", sealed[5].pk)
    assert refused() == {"never_sealed"}
    assert kinds(look(now=LATER)) == {"never_sealed"}


def test_without_the_newest_seals_their_events_are_not_sealed_again(sealed: list[Event], intrude: Intrude) -> None:
    intrude("DELETE FROM history_seal WHERE number > 1")
    intrude("DELETE FROM history_verification")
    assert refused() == {"late"}
    assert kinds(look(now=LATER)) == {"late"}


def test_without_the_newest_seals_a_verification_that_is_left_names_what_is_gone(
    sealed: list[Event], intrude: Intrude
) -> None:
    intrude("DELETE FROM history_seal WHERE number > 1")
    assert refused() == {"truncated"}
    assert kinds(look(now=LATER)) == {"truncated", "late"}


def test_without_the_oldest_seals_the_rest_has_no_beginning(sealed: list[Event], intrude: Intrude) -> None:
    intrude("DELETE FROM history_seal WHERE number = 1")
    intrude("DELETE FROM history_verification")
    assert kinds(look(now=LATER)) == {"seal_missing"}


def test_a_history_that_was_emptied_while_people_are_there_does_not_hold(
    sealed: list[Event], intrude: Intrude, person: Callable[..., User]
) -> None:
    User.objects.filter(pk=person("olga").pk).update(date_joined=NOW)
    for table in ("event", "seal", "verification"):
        intrude(f"DELETE FROM history_{table}")  # noqa: S608  (the names above)
    assert "emptied" in kinds(look(now=LATER))


def test_an_old_seal_put_back_in_front_of_other_events_does_not_hold(sealed: list[Event], intrude: Intrude) -> None:
    old = Seal.objects.get(number=1)
    intrude("DELETE FROM history_seal")
    intrude("DELETE FROM history_verification")
    intrude("UPDATE history_event SET actor_name = 'Nobody' WHERE id = %s", sealed[1].pk)
    old.save(force_insert=True)
    assert refused() == {"late"}
    assert kinds(look(now=LATER)) == {"changed", "late"}


def test_an_event_with_an_old_date_added_by_hand_is_not_sealed(sealed: list[Event], append: Append) -> None:
    append(1, at=NOW - timedelta(days=30))
    assert refused() == {"late"}
    assert kinds(look(now=SOON)) == {"late"}


def test_events_that_waited_for_too_long_are_named(append: Append) -> None:
    seal_waiting(now=NOW)
    append(1)
    seal_waiting(now=NOW)
    waiting = append(2)
    (finding,) = look(now=NOW + timedelta(minutes=17)).findings
    assert (finding.kind, finding.batch, finding.events) == ("late", 2, tuple(event.pk for event in waiting))


def test_events_of_the_last_fifteen_minutes_wait_in_peace(append: Append) -> None:
    append(2)
    outcome = look(now=NOW + timedelta(minutes=15))
    assert (outcome.holds, outcome.unsealed) == (True, 2)


def test_what_is_recent_is_sealed_before_what_is_in_doubt(append: Append, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    append(2, at=LATER)
    append(1, at=NOW)
    with pytest.raises(SealingRefused) as caught:
        seal_waiting(now=LATER + timedelta(minutes=2))
    assert caught.value.sealed == 2
    assert Seal.objects.get().count == 2


def test_a_first_seal_over_old_events_is_a_finding_whoever_made_it(
    append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(3)
    # As a version sealed that did not look at the dates.
    monkeypatch.setattr(obstacles, "SEALED_WITHIN", timedelta(days=100))
    seal_waiting(now=LATER)
    monkeypatch.undo()
    (finding,) = look(now=LATER).findings
    assert (finding.kind, finding.batch) == ("first_seal", 1)


def test_events_removed_before_they_were_sealed_leave_a_gap_on_sqlite_alone(
    sealed: list[Event], append: Append, intrude: Intrude
) -> None:
    waiting = append(4, at=LATER)
    intrude("DELETE FROM history_event WHERE id IN (%s, %s)", waiting[0].pk, waiting[2].pk)
    if connection.vendor != "sqlite":
        # PostgreSQL leaves gaps in ids by itself.
        assert seal_waiting(now=LATER) == 2
        return
    assert refused() == {"removed"}
    (finding,) = look(now=LATER).findings
    assert finding.words == f"Events were removed before they were sealed: {waiting[0].pk}, {waiting[2].pk}."


def _set_counter(intrude: Intrude, value: int) -> None:
    if connection.vendor == "sqlite":
        intrude("UPDATE sqlite_sequence SET seq = %s WHERE name = 'history_event'", value)
    else:
        intrude("SELECT setval(pg_get_serial_sequence('history_event', 'id'), %s)", value)


def test_a_counter_of_ids_that_was_set_back_is_a_finding(sealed: list[Event], intrude: Intrude) -> None:
    _set_counter(intrude, sealed[3].pk)
    assert kinds(look()) == {"counter"}


def test_the_newest_batch_removed_with_seal_verification_and_counter_shows_by_an_anchor_alone(
    sealed: list[Event], intrude: Intrude
) -> None:
    anchor = look().anchor
    intrude("DELETE FROM history_seal WHERE number = 3")
    intrude("DELETE FROM history_event WHERE id >= %s", sealed[8].pk)
    intrude("DELETE FROM history_verification")
    _set_counter(intrude, sealed[7].pk)
    assert look(now=LATER).holds
    assert kinds(look(anchor, now=LATER)) == {"truncated"}


def test_verifications_are_only_a_help_and_the_highest_number_counts(sealed: list[Event], intrude: Intrude) -> None:
    Verification.objects.create(at=LATER, holds=True, batches=1, events=1, last_number=1)
    intrude("DELETE FROM history_seal WHERE number = 3")
    assert "truncated" in kinds(look())
