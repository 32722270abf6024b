"""Old events go by whole sealed batches, and what remains still proves where it begins."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError
from pytest_django import Settings

from history import pruning, sealing, tasks
from history.models import Checkpoint, Event, Seal
from history.pruning import Pruned, prune
from history.record import Actor
from history.sealing import seal_waiting
from history.verifying import verify
from tests.history.conftest import NOW, SOON, Append, Intrude, look

OPERATOR = Actor("command line")
LONG_AGO = NOW - timedelta(days=400)


@pytest.fixture
def old_and_new(append: Append) -> list[Event]:
    """Six events of last year in batches of two, then two of today."""
    events = append(6, at=LONG_AGO)
    with patch.object(sealing, "BATCH", 2):
        seal_waiting(now=LONG_AGO + timedelta(minutes=10))
        events += append(2)
        seal_waiting(now=SOON)
    return events


def prune_year() -> Pruned:
    return prune(older_than=timedelta(days=365), by=OPERATOR, now=NOW + timedelta(hours=1))


def test_whole_batches_go_and_leave_a_checkpoint_and_an_event(old_and_new: list[Event]) -> None:
    pruned = prune_year()
    assert (pruned.batches, pruned.events) == (3, 6)
    assert [event.kind for event in Event.objects.order_by("pk")] == ["connection.tested"] * 2 + ["history.pruned"]
    checkpoint = Checkpoint.objects.get()
    assert (checkpoint.number, checkpoint.last_id, checkpoint.pruned) == (3, old_and_new[5].pk, 6)


def test_what_remains_holds_and_says_how_much_went(old_and_new: list[Event]) -> None:
    prune_year()
    outcome = look()
    assert outcome.holds
    assert (outcome.pruned, outcome.events, outcome.unsealed) == (6, 2, 1)


def test_a_batch_with_one_young_event_stays_whole(old_and_new: list[Event]) -> None:
    # Events lie a minute apart. At the third minute the second batch is half old.
    prune(older_than=timedelta(days=400), by=OPERATOR, now=NOW + timedelta(minutes=2, seconds=30))
    left = Event.objects.filter(at__lt=NOW - timedelta(days=300)).order_by("pk")
    assert [event.pk for event in left] == [event.pk for event in old_and_new[2:6]]


def test_pruning_twice_is_pruning_once(old_and_new: list[Event]) -> None:
    prune_year()
    assert prune_year() == Pruned()
    assert Event.objects.filter(kind="history.pruned").count() == 1


def test_all_batches_may_go_and_the_next_seal_follows_the_checkpoint(append: Append) -> None:
    append(2, at=LONG_AGO)
    seal_waiting(now=LONG_AGO)
    prune_year()
    assert not Seal.objects.exists()
    seal_waiting(now=NOW)
    assert Seal.objects.get().number == 2
    assert look().holds


def test_an_interruption_leaves_everything_consistent(old_and_new: list[Event]) -> None:
    with patch.object(pruning, "record", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        prune_year()
    assert look().holds
    with patch("history.pruning.verify_oldest", side_effect=KeyboardInterrupt):
        assert prune_year().batches == 0
    assert look().holds


def test_what_went_before_an_interruption_is_recorded(old_and_new: list[Event]) -> None:
    outcomes = [None, OperationalError("canceling statement due to lock timeout")]
    with patch("history.pruning.verify_oldest", side_effect=outcomes), pytest.raises(OperationalError):
        prune_year()
    assert Checkpoint.objects.get().pruned == 2
    assert Event.objects.get(kind="history.pruned").detail["events"] == 2


def test_a_broken_batch_is_evidence_and_stays(old_and_new: list[Event], intrude: Intrude) -> None:
    intrude("UPDATE history_event SET actor_name = 'x' WHERE id = %s", old_and_new[2].pk)
    pruned = prune_year()
    assert pruned.batches == 1
    assert pruned.stopped_by is not None
    assert (pruned.stopped_by.kind, pruned.stopped_by.batch) == ("changed", 2)
    assert Event.objects.filter(pk=old_and_new[2].pk).exists()


@pytest.mark.parametrize("column", ["number", "last_id", "pruned"])
def test_a_checkpoint_that_was_touched_is_found(old_and_new: list[Event], intrude: Intrude, column: str) -> None:
    prune_year()
    intrude(f"UPDATE history_checkpoint SET {column} = {column} - 1")  # noqa: S608  (columns above)
    assert look().findings[0].kind == "checkpoint"


def test_removing_the_oldest_batches_by_hand_is_not_pruning(old_and_new: list[Event], intrude: Intrude) -> None:
    intrude("DELETE FROM history_event WHERE id <= %s", old_and_new[1].pk)
    intrude("DELETE FROM history_seal WHERE number = 1")
    assert look().findings[0].kind == "seal_missing"


def test_an_event_added_below_the_checkpoint_is_found(old_and_new: list[Event], intrude: Intrude) -> None:
    prune_year()
    intrude("UPDATE history_event SET id = %s WHERE id = %s", old_and_new[1].pk, old_and_new[7].pk)
    assert "inserted" in {finding.kind for finding in look().findings}


def test_a_look_that_pruning_overtakes_is_not_misled(old_and_new: list[Event]) -> None:
    def overtake(_events: int) -> None:
        prune_year()

    assert verify(now=SOON, progress=overtake).holds


def test_the_task_prunes_only_when_the_operator_set_a_time(old_and_new: list[Event], settings: Settings) -> None:
    settings.HISTORY_RETENTION_DAYS = 0
    tasks.prune()
    assert Event.objects.count() == 8
    settings.HISTORY_RETENTION_DAYS = 1
    tasks.prune()
    assert Event.objects.filter(at__lt=NOW - timedelta(days=300)).count() == 0
