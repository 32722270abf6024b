"""An operator seals what the product would not: for a reason, once, on record, and without explaining anything else."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from history import accepting, obstacles, sealing
from history.accepting import NoReason, NothingToAccept, accept, review
from history.models import Acceptance, Event, Seal, Verification
from history.record import Actor
from history.sealing import SealingRefused, seal_waiting
from history.verifying import store_result
from tests.history.conftest import NOW, SOON, Append, Intrude, look

LATER = NOW + timedelta(days=2)
OPERATOR = Actor("command line")
pytestmark = pytest.mark.django_db


def decide(reason: str = "The worker stood still") -> accepting.Decision:
    return accept(reason=reason, by=OPERATOR, now=LATER)


@pytest.fixture
def outage(append: Append) -> list[Event]:
    """Three sealed events, and five that no worker sealed for two days."""
    append(3)
    seal_waiting(now=SOON)
    return append(5)


def test_after_an_outage_everything_that_waits_is_sealed(outage: list[Event]) -> None:
    with patch.object(sealing, "BATCH", 2):
        decision = decide()
    assert [finding.kind for finding in decision.findings] == ["late"]
    assert decision.sealed == 6
    assert list(Seal.objects.values_list("number", "count")) == [(1, 3), (2, 2), (3, 2), (4, 2)]
    outcome = look(now=LATER)
    assert outcome.holds
    assert outcome.unsealed == 0
    assert decision.anchor == outcome.anchor


def test_the_decision_is_an_event_and_sealed_with_the_rest(outage: list[Event]) -> None:
    decide("Power cut  on\nTuesday")
    event = Event.objects.order_by("-pk")[0]
    assert (event.kind, event.actor_name) == ("history.accepted", "command line")
    assert event.detail == {
        "reason": "Power cut on Tuesday",
        "findings": ["late"],
        "events": 5,
        "seals_lost": 0,
    }
    assert Seal.objects.get(number=2).last_id == event.pk


def test_every_verification_repeats_the_decision(outage: list[Event]) -> None:
    decide()
    (note,) = look(now=LATER).notes
    assert note.startswith("Accepted on 26 November 2026, 12:00 UTC by command line: “The worker stood still” ")
    assert note.endswith("(seal 2, 5 events not sealed in time).")


def test_a_history_that_was_never_sealed_can_begin(append: Append) -> None:
    append(3)
    decide("Sealed for the first time after an upgrade")
    assert look(now=LATER).holds
    append(1, at=LATER)
    assert seal_waiting(now=LATER) == 1
    assert look(now=LATER).holds


def test_a_first_seal_of_an_earlier_version_can_be_explained(append: Append, monkeypatch: pytest.MonkeyPatch) -> None:
    append(3)
    monkeypatch.setattr(obstacles, "SEALED_WITHIN", timedelta(days=100))
    seal_waiting(now=LATER)
    monkeypatch.undo()
    assert [finding.kind for finding in review(now=LATER)] == ["first_seal"]
    decide("Sealed by the version before")
    assert look(now=LATER).holds


def test_a_decision_explains_no_other_forgery(append: Append, intrude: Intrude) -> None:
    append(3)
    decide("First start")
    for table in ("seal", "verification"):
        intrude(f"DELETE FROM history_{table}")  # noqa: S608  (the names above)
    intrude("UPDATE history_event SET actor_name = 'Nobody'")
    assert Acceptance.objects.exists()
    with pytest.raises(SealingRefused):
        seal_waiting(now=LATER + timedelta(days=1))
    assert {finding.kind for finding in look(now=LATER + timedelta(days=1)).findings} == {"never_sealed"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("reason", "'Another'"), ("lost_number", "99"), ("last_number", "99"), ("accepted_by", "'x'"), ("events", "1")],
)
def test_a_decision_that_was_changed_is_a_finding(
    outage: list[Event], intrude: Intrude, column: str, value: str
) -> None:
    decide()
    intrude(f"UPDATE history_acceptance SET {column} = {value}")  # noqa: S608  (columns above)
    assert [finding.kind for finding in look(now=LATER).findings] == ["acceptance"]


@pytest.fixture
def set_back(append: Append, intrude: Intrude) -> str:
    """The database of an hour ago was put back: two of four seals are gone. The anchor of the fourth."""
    events = append(12)
    with patch.object(sealing, "BATCH", 3):
        seal_waiting(now=SOON)
    outcome = look()
    store_result(outcome, now=SOON)
    intrude("DELETE FROM history_seal WHERE number > 2")
    intrude("DELETE FROM history_event WHERE id > %s", events[5].pk)
    return outcome.anchor


def test_after_a_restore_numbers_go_on_above_those_that_are_gone(set_back: str, append: Append) -> None:
    append(1, at=LATER)
    decide("The backup of Tuesday was restored")
    assert list(Seal.objects.values_list("number", flat=True)) == [1, 2, 5]
    assert Event.objects.order_by("-pk")[0].detail["seals_lost"] == 2
    assert seal_waiting(now=LATER) == 0


def test_an_anchor_of_what_a_restore_took_away_is_explained(set_back: str) -> None:
    decide("The backup of Tuesday was restored")
    outcome = look(set_back, now=LATER)
    assert not [finding for finding in outcome.findings if finding.kind != "truncated" or "anchor" in finding.words]
    assert "1 anchor is of seals whose loss an operator has accepted." in outcome.notes


def test_an_anchor_that_was_noted_after_the_decision_still_shows_what_goes_then(
    set_back: str, intrude: Intrude, append: Append
) -> None:
    decide("The backup of Tuesday was restored")
    append(1, at=LATER)
    seal_waiting(now=LATER)
    anchor = look(now=LATER).anchor
    assert anchor.startswith("6:")
    intrude("DELETE FROM history_seal WHERE number = 6")
    assert "truncated" in {finding.kind for finding in look(anchor, now=LATER).findings}


def test_without_the_record_of_the_decision_the_missing_numbers_are_a_finding(set_back: str, intrude: Intrude) -> None:
    decide("The backup of Tuesday was restored")
    intrude("DELETE FROM history_acceptance")
    assert "seal_missing" in {finding.kind for finding in look(now=LATER).findings}


def test_broken_seals_cannot_be_accepted(outage: list[Event], intrude: Intrude) -> None:
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", outage[0].pk - 1)
    decide()
    assert {finding.kind for finding in look(now=LATER).findings} == {"changed"}


def test_where_nothing_is_wrong_nothing_is_accepted(append: Append) -> None:
    append(3)
    seal_waiting(now=SOON)
    with pytest.raises(NothingToAccept):
        accept(reason="Just so", by=OPERATOR, now=SOON)
    assert not Acceptance.objects.exists()
    assert Event.objects.count() == 3


@pytest.mark.parametrize("reason", ["", "  \n", "a\x1b[2Jb", "x" * 501])
def test_a_decision_needs_a_reason_that_can_be_read(outage: list[Event], reason: str) -> None:
    with pytest.raises(NoReason):
        decide(reason)
    assert not Acceptance.objects.exists()


def test_an_interruption_leaves_nothing_half_accepted(outage: list[Event]) -> None:
    with patch.object(accepting, "_sign", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        decide()
    assert (Seal.objects.count(), Event.objects.count(), Acceptance.objects.count()) == (1, 8, 0)


def restored(lost_number: int) -> list[str]:
    found = accepting.accept_restored(lost_number, reason="A backup was restored", by=OPERATOR, now=SOON)
    return [finding.kind for finding in found]


def test_a_restore_is_a_decision_about_the_seals_that_it_took_away(set_back: str) -> None:
    Verification.objects.all().delete()
    assert restored(4) == []
    assert Seal.objects.order_by("-number")[0].number == 5
    assert "1 anchor is of seals whose loss an operator has accepted." in look(set_back).notes


def test_a_restore_over_an_empty_database_decides_nothing(append: Append) -> None:
    append(3)
    seal_waiting(now=SOON)
    assert restored(0) == []
    assert not Acceptance.objects.exists()


def test_a_restore_does_not_accept_what_is_late_in_the_backup(append: Append) -> None:
    append(3)
    seal_waiting(now=SOON)
    append(1, at=NOW - timedelta(days=3))
    assert restored(4) == ["late"]
    assert not Acceptance.objects.exists()


def test_a_restore_does_not_accept_a_backup_that_contradicts_itself(set_back: str) -> None:
    assert restored(4) == ["truncated"]
    assert not Acceptance.objects.exists()
