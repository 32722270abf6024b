"""`manage.py history`: what it prints and how it ends."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from celery.signals import worker_shutdown
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from history import sealing
from history.models import Event, Seal, Verification
from history.tasks import seal_waiting, verify
from tests.history.conftest import NOW, Append, Intrude

LONG_AGO = NOW - timedelta(days=900)

AppendNow = Callable[[int], list[Event]]


@pytest.fixture
def append_now(append: Append) -> AppendNow:
    """Appends events that are recent when a command looks at its watch."""
    return lambda count: append(count, at=timezone.now() - timedelta(minutes=count))


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("history", *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_verify_says_that_every_seal_holds_and_what_to_note(append_now: AppendNow) -> None:
    append_now(3)
    assert run("seal") == (0, "3 events sealed.\n")
    code, said = run("verify")
    assert code == 0
    assert "3 events in 1 batches verified, 0 not sealed yet." in said
    assert "--anchor 1:" in said
    assert Verification.objects.get().holds


def test_verify_names_the_first_broken_batch_and_ends_with_1(append_now: AppendNow, intrude: Intrude) -> None:
    events = append_now(3)
    seal_waiting()
    intrude("DELETE FROM history_event WHERE id = %s", events[1].pk)
    code, said = run("verify")
    assert code == 1
    assert f"batch 1: Event {events[1].pk} was removed. [missing]" in said


def test_verify_speaks_json(append_now: AppendNow, intrude: Intrude) -> None:
    (event,) = append_now(1)
    seal_waiting()
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", event.pk)
    code, said = run("verify", "--json")
    found = json.loads(said)
    assert (code, found["holds"]) == (1, False)
    assert found["findings"][0] == {
        "kind": "changed",
        "batch": 1,
        "words": f"Event {event.pk} was changed.",
        "events": [event.pk],
    }


def test_verify_ends_with_4_when_a_key_is_lacking(append_now: AppendNow, settings: Settings) -> None:
    append_now(1)
    seal_waiting()
    settings.EVENT_SEAL_KEYS = ["bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0wMDE="]
    assert run("verify")[0] == 4


def test_verify_takes_an_anchor_and_refuses_nonsense(append_now: AppendNow) -> None:
    append_now(1)
    seal_waiting()
    anchor = json.loads(run("verify", "--json")[1])["anchor"]
    assert run("verify", "--anchor", anchor)[0] == 0
    assert run("verify", "--anchor", f"1:{'0' * 64}")[0] == 1
    with pytest.raises(CommandError, match="An anchor looks like"):
        run("verify", "--anchor", "nonsense")


def test_a_dry_run_keeps_nothing(append_now: AppendNow) -> None:
    run("verify", "--dry-run")
    assert not Verification.objects.exists()


def test_without_a_key_the_command_says_so(append_now: AppendNow, settings: Settings) -> None:
    settings.EVENT_SEAL_KEYS = []
    append_now(1)
    with pytest.raises(CommandError, match="EVENT_SEAL_KEYS is empty"):
        run("seal")


def test_prune_removes_and_says_how_much(append: Append) -> None:
    append(2, at=LONG_AGO)
    sealing.seal_waiting(now=LONG_AGO)
    assert run("prune", "--older-than", "365") == (0, "2 events in 1 sealed batches pruned.\n")
    assert [event.kind for event in Event.objects.all()] == ["history.pruned"]


def test_prune_stops_at_a_broken_batch_and_ends_with_1(append: Append, intrude: Intrude) -> None:
    events = append(2, at=LONG_AGO)
    sealing.seal_waiting(now=LONG_AGO)
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", events[0].pk)
    code, said = run("prune", "--older-than", "365")
    assert code == 1
    assert "Batch 1 failed verification and was kept" in said


def test_prune_refuses_to_remove_today(db: None) -> None:
    with pytest.raises(CommandError, match="must be from 1 to"):
        run("prune", "--older-than", "0")


def test_the_nightly_look_keeps_what_it_found_and_complains_in_the_log(
    append_now: AppendNow, intrude: Intrude, caplog: pytest.LogCaptureFixture
) -> None:
    (event,) = append_now(1)
    seal_waiting()
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", event.pk)
    verify()
    assert not Verification.objects.get().holds
    assert f"The history failed verification at batch 1: Event {event.pk} was changed." in caplog.text


def test_verify_says_what_only_an_anchor_shows_when_none_was_compared(append_now: AppendNow) -> None:
    append_now(1)
    seal_waiting()
    _, said = run("verify")
    assert "No anchor was compared. Only an anchor kept outside the database" in said


def test_verify_says_how_far_an_anchor_proves_the_history(append_now: AppendNow, tmp_path: Path) -> None:
    (event,) = append_now(1)
    seal_waiting()
    anchor = json.loads(run("verify", "--json")[1])["anchor"]
    (tmp_path / "mail.eml").write_text(f"Subject: History anchor\n\nKeep this: {anchor}\n")
    code, said = run("verify", "--anchor", str(tmp_path / "mail.eml"))
    assert code == 0
    assert f"Anchor 1 matches: nothing up to event {event.pk}, " in said
    assert "No anchor was compared" not in said


def test_verify_names_what_went_since_an_anchor(append_now: AppendNow, intrude: Intrude) -> None:
    append_now(1)
    seal_waiting()
    append_now(1)
    seal_waiting()
    anchor = json.loads(run("verify", "--json", "--dry-run")[1])["anchor"]
    intrude("DELETE FROM history_seal WHERE number = 2")
    code, said = run("verify", "--anchor", anchor)
    assert code == 1
    assert "batch 2: Seal 2 has an anchor but is missing." in said


def test_seal_says_why_it_refuses_and_ends_with_1(append: Append) -> None:
    append(2, at=LONG_AGO)
    code, said = run("seal")
    assert code == 1
    assert said.startswith("0 events sealed.\nThe other events were not sealed, because something is wrong:\n")
    assert "\n  not sealed: " in said
    assert 'manage.py history accept --reason "…"' in said


def test_seal_speaks_json_when_it_refuses(append: Append) -> None:
    append(2, at=LONG_AGO)
    code, said = run("seal", "--json")
    assert (code, json.loads(said)["findings"][0]["kind"]) == (1, "never_sealed")


def test_accept_without_a_reason_only_says_what_there_is(append: Append) -> None:
    append(2, at=LONG_AGO)
    code, said = run("accept")
    assert code == 1
    assert "There are no seals and no checkpoint" in said
    assert not Seal.objects.exists()


def test_accept_seals_and_verifies_and_the_history_holds(append: Append) -> None:
    append(2, at=LONG_AGO)
    verify()
    code, said = run("accept", "--reason", "Sealed for the first time")
    assert code == 0
    assert "3 events sealed. Anchor: 1:" in said
    assert Verification.objects.order_by("-pk")[0].holds
    assert run("seal") == (0, "0 events sealed.\n")


def test_accept_speaks_json(append: Append) -> None:
    append(2, at=LONG_AGO)
    code, said = run("accept", "--reason", "Sealed for the first time", "--json")
    found = json.loads(said)
    assert (code, found["sealed"], found["holds"]) == (0, 3, True)
    assert [finding["kind"] for finding in found["accepted"]] == ["never_sealed"]


def test_accept_ends_with_1_when_something_is_broken_beside(append: Append, intrude: Intrude) -> None:
    (event,) = append(1, at=LONG_AGO)
    sealing.seal_waiting(now=LONG_AGO)
    append(1, at=LONG_AGO)
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", event.pk)
    code, said = run("accept", "--reason", "The worker stood still")
    assert code == 1
    assert f"batch 1: Event {event.pk} was changed. [changed]" in said


def test_accept_says_when_there_is_nothing_to_accept(append_now: AppendNow) -> None:
    append_now(1)
    assert run("accept") == (0, "There is nothing to accept.\n")
    assert run("accept", "--reason", "Just so") == (0, "There is nothing to accept.\n")


def test_accept_refuses_a_reason_that_cannot_be_kept(append: Append) -> None:
    append(1, at=LONG_AGO)
    with pytest.raises(CommandError, match="at most 500 characters") as refused:
        run("accept", "--reason", "x" * 501)
    assert refused.value.returncode == 2


def test_the_scheduler_does_not_seal_a_forgery_and_says_so(
    append_now: AppendNow, intrude: Intrude, caplog: pytest.LogCaptureFixture
) -> None:
    append_now(1)
    seal_waiting()
    intrude("DELETE FROM history_seal")
    intrude("UPDATE history_event SET at = '2026-01-01 00:00:00+00:00'")
    seal_waiting()
    assert not Seal.objects.exists()
    assert "The history is not sealed: There are no seals and no checkpoint" in caplog.text


def test_a_worker_that_ends_in_good_order_seals_what_waits(append_now: AppendNow) -> None:
    append_now(2)
    worker_shutdown.send(sender=None)
    assert Seal.objects.get().count == 2
