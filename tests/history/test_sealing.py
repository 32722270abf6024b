"""Seals over the history: whatever is done to sealed events past the product is found and named."""

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from pytest_django import Settings

from history import sealing
from history.accepting import accept
from history.models import AppendOnly, Event, Seal, Verification
from history.record import Actor
from history.sealing import seal_waiting
from history.verifying import Outcome, store_result
from tests.history.conftest import NOW, SOON, Append, Intrude, look

OLD_KEY = "b2xkLWtleS1vbGQta2V5LW9sZC1rZXktb2xkLWtleS0wMDE="
NEW_KEY = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0wMDE="
# One event again, under an id of the intruder's choice.
COPY = (
    "INSERT INTO history_event (id, at, kind, actor_id, actor_name, address, subject_kind, subject_id, subject_name,"
    " detail) SELECT %s, at, kind, actor_id, actor_name, address, subject_kind, subject_id, subject_name, detail"
    " FROM history_event WHERE id = %s"
)


@pytest.fixture
def batches(append: Append) -> list[Event]:
    """Twelve events in three sealed batches of five, five and two."""
    events = append(12)
    with patch.object(sealing, "BATCH", 5):
        assert seal_waiting(now=SOON) == 12
    return events


def only(outcome: Outcome) -> tuple[str, int, tuple[int, ...]]:
    (finding,) = outcome.findings
    return finding.kind, finding.batch, finding.events


def test_sealed_events_hold(batches: list[Event]) -> None:
    outcome = look()
    assert outcome.holds
    assert (outcome.batches, outcome.events, outcome.unsealed) == (3, 12, 0)
    assert outcome.last_event_id == batches[-1].pk


def test_what_waits_is_said_and_sealed_later(batches: list[Event], append: Append) -> None:
    append(2)
    assert look().unsealed == 2
    assert seal_waiting(now=SOON) == 2
    assert (look().unsealed, look().batches) == (0, 4)


def test_nothing_to_seal_makes_no_seal(batches: list[Event]) -> None:
    assert seal_waiting(now=NOW) == 0
    assert Seal.objects.count() == 3


# Events of tests before it left their ids.
@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_an_empty_history_holds() -> None:
    outcome = look()
    assert outcome.holds
    assert outcome.anchor == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "connection.edited"),
        ("actor_name", "Somebody else"),
        ("actor_id", 4),
        ("subject_id", 8),
        ("subject_name", "Other"),
        ("subject_kind", "person"),
        ("at", "2026-11-24 12:00:30+00:00"),
        ("address", "192.0.2.8"),
        ("detail", '{"health": "healthy", "number": 99}'),
    ],
)
def test_a_changed_event_is_named(batches: list[Event], intrude: Intrude, column: str, value: str | int) -> None:
    changed = batches[6].pk
    intrude(f"UPDATE history_event SET {column} = %s WHERE id = %s", value, changed)  # noqa: S608  (columns above)
    assert only(look()) == ("changed", 2, (changed,))


def test_a_removed_event_is_named(batches: list[Event], intrude: Intrude) -> None:
    intrude("DELETE FROM history_event WHERE id = %s", batches[6].pk)
    assert only(look()) == ("missing", 2, (batches[6].pk,))


def test_a_removed_batch_is_found_although_its_neighbours_hold(batches: list[Event], intrude: Intrude) -> None:
    intrude("DELETE FROM history_event WHERE id BETWEEN %s AND %s", batches[5].pk, batches[9].pk)
    assert only(look()) == ("missing", 2, tuple(event.pk for event in batches[5:10]))


def test_an_event_slipped_in_is_named(batches: list[Event], intrude: Intrude) -> None:
    intrude("DELETE FROM history_event WHERE id = %s", batches[6].pk)
    intrude(COPY, batches[6].pk, batches[7].pk)
    intrude("UPDATE history_event SET actor_name = 'Nobody' WHERE id = %s", batches[6].pk)
    assert only(look()) == ("changed", 2, (batches[6].pk,))


def test_an_event_added_below_the_first_is_named(batches: list[Event], intrude: Intrude) -> None:
    intrude(COPY, batches[0].pk - 1_000, batches[7].pk)
    intrude("UPDATE history_event SET actor_name = 'Nobody' WHERE id = %s", batches[0].pk - 1_000)
    assert only(look()) == ("inserted", 1, (batches[0].pk - 1_000,))


def test_exchanged_events_are_told_from_changed_ones(batches: list[Event], intrude: Intrude) -> None:
    first, second = batches[6].pk, batches[8].pk
    for old, new in ((first, -1), (second, first), (-1, second)):
        intrude("UPDATE history_event SET id = %s WHERE id = %s", new, old)
    assert only(look()) == ("reordered", 2, (first, second))


def test_several_broken_batches_are_all_counted_and_the_first_is_first(batches: list[Event], intrude: Intrude) -> None:
    intrude("UPDATE history_event SET actor_name = 'x' WHERE id IN (%s, %s)", batches[11].pk, batches[1].pk)
    outcome = look()
    assert [finding.batch for finding in outcome.findings] == [1, 3]
    assert outcome.broken_batches == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history_seal SET mac = repeat('0', 64) WHERE number = 2",
        "UPDATE history_seal SET sealed_at = '2026-11-25 12:00:00+00:00' WHERE number = 2",
        "UPDATE history_seal SET previous = '' WHERE number = 2",
        "UPDATE history_seal SET number = 9 WHERE number = 2",
        "UPDATE history_seal SET count = 4 WHERE number = 2",
        "DELETE FROM history_seal WHERE number = 2",
    ],
)
def test_a_seal_that_was_touched_is_found(batches: list[Event], intrude: Intrude, statement: str) -> None:
    intrude(statement.replace("repeat('0', 64)", f"'{'0' * 64}'"))
    outcome = look()
    assert not outcome.holds
    assert outcome.findings[0].batch == 2


def test_a_seal_forged_without_the_key_does_not_hold(batches: list[Event], settings: Settings) -> None:
    name, real = Seal.objects.get(number=1).key, settings.EVENT_SEAL_KEYS
    Seal.objects.all().delete()
    settings.EVENT_SEAL_KEYS = [NEW_KEY]
    seal_waiting(now=NOW)
    settings.EVENT_SEAL_KEYS = real
    Seal.objects.update(key=name)
    assert not look().holds


def test_without_the_newest_seals_the_last_look_still_knows_them(batches: list[Event], intrude: Intrude) -> None:
    store_result(look(), now=NOW)
    intrude("DELETE FROM history_seal WHERE number = 3")
    intrude("DELETE FROM history_event WHERE id >= %s", batches[10].pk)
    assert "truncated" in {finding.kind for finding in look().findings}


def test_a_cut_off_end_is_found_by_an_anchor_noted_elsewhere(batches: list[Event], intrude: Intrude) -> None:
    anchor = look().anchor
    assert look(anchor).holds
    intrude("DELETE FROM history_seal WHERE number = 3")
    assert {finding.kind for finding in look(anchor).findings} == {"truncated"}


def test_a_history_that_was_sealed_anew_is_found_by_an_anchor(batches: list[Event]) -> None:
    anchor = look().anchor
    Seal.objects.all().delete()
    with patch.object(sealing, "BATCH", 5):
        seal_waiting(now=SOON + timedelta(seconds=1))
    assert look().holds
    assert only(look(anchor))[:2] == ("anchor", 3)


def test_an_event_dated_long_before_its_batch_is_noted(batches: list[Event], append: Append) -> None:
    append(1, at=NOW - timedelta(days=30))
    accept(reason="Copied from another system", by=Actor("command line"), now=SOON)
    assert "more than an hour before" in look().notes[0]


def test_a_new_key_seals_on_and_the_old_one_still_verifies(
    append: Append, settings: Settings, intrude: Intrude
) -> None:
    settings.EVENT_SEAL_KEYS = [OLD_KEY]
    (event,) = append(1)
    seal_waiting(now=NOW)
    settings.EVENT_SEAL_KEYS = [NEW_KEY, OLD_KEY]
    append(1)
    seal_waiting(now=NOW)
    assert look().holds
    assert len(set(Seal.objects.values_list("key", flat=True))) == 2
    intrude("UPDATE history_event SET actor_name = 'x' WHERE id = %s", event.pk)
    assert only(look()) == ("changed", 1, (event.pk,))


def test_whoever_has_a_retired_key_cannot_change_what_came_before_the_new_one(
    append: Append, settings: Settings
) -> None:
    settings.EVENT_SEAL_KEYS = [OLD_KEY]
    append(1)
    seal_waiting(now=NOW)
    settings.EVENT_SEAL_KEYS = [NEW_KEY, OLD_KEY]
    append(1)
    seal_waiting(now=NOW)
    # The first batch is sealed again, perfectly, with the old key.
    second = Seal.objects.get(number=2)
    Seal.objects.all().delete()
    settings.EVENT_SEAL_KEYS = [OLD_KEY]
    with patch.object(sealing, "BATCH", 1):
        seal_waiting(now=NOW + timedelta(seconds=1), batches=1)
    second.save(force_insert=True)
    settings.EVENT_SEAL_KEYS = [NEW_KEY, OLD_KEY]
    assert only(look())[:2] == ("seal", 2)


def test_without_the_key_it_could_not_be_told(batches: list[Event], settings: Settings) -> None:
    settings.EVENT_SEAL_KEYS = [NEW_KEY]
    outcome = look()
    assert outcome.is_unknown
    assert outcome.findings[0].kind == "key_missing"


def test_the_last_looks_are_kept_and_the_oldest_forgotten(batches: list[Event]) -> None:
    outcome = look()
    with patch("history.verifying.KEPT_VERIFICATIONS", 3):
        for minute in range(5):
            store_result(outcome, now=NOW + timedelta(minutes=minute))
    assert [one.at.minute for one in Verification.objects.all()] == [4, 3, 2]


@pytest.mark.parametrize(
    "act",
    [
        lambda: Event.objects.update(kind="x"),
        lambda: Event.objects.all().delete(),
        lambda: Event.objects.bulk_update([], ["kind"]),
        lambda: Event(pk=1).save(),
        lambda: Event(pk=1).delete(),
    ],
)
def test_the_product_itself_never_changes_an_event(db: None, act: Callable[[], object]) -> None:
    with pytest.raises(AppendOnly):
        act()


def test_events_made_together_are_sealed_too(db: None) -> None:
    empty = {"actor_name": "", "subject_kind": "history", "subject_id": 0, "subject_name": ""}
    Event.objects.bulk_create(Event(at=NOW, kind=f"kind.{number}", **empty) for number in range(3))
    assert seal_waiting(now=NOW) == 3
    assert look().holds
