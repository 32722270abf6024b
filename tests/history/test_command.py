"""`manage.py history`: what it prints and how it ends."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from history.models import Event, Verification
from history.tasks import seal_waiting, verify
from tests.history.conftest import NOW, Append, Intrude


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("history", *arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_verify_says_that_every_seal_holds_and_what_to_note(append: Append) -> None:
    append(3)
    assert run("seal") == (0, "3 events sealed.\n")
    code, said = run("verify")
    assert code == 0
    assert "3 events in 1 batches looked at, 0 not sealed yet." in said
    assert "--anchor 1:" in said
    assert Verification.objects.get().holds


def test_verify_names_the_first_broken_batch_and_ends_with_1(append: Append, intrude: Intrude) -> None:
    events = append(3)
    seal_waiting()
    intrude("DELETE FROM history_event WHERE id = %s", events[1].pk)
    code, said = run("verify")
    assert code == 1
    assert f"batch 1: Event {events[1].pk} was removed. [missing]" in said


def test_verify_speaks_json(append: Append, intrude: Intrude) -> None:
    (event,) = append(1)
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


def test_verify_ends_with_4_when_a_key_is_lacking(append: Append, settings: Settings) -> None:
    append(1)
    seal_waiting()
    settings.EVENT_SEAL_KEYS = ["bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0wMDE="]
    assert run("verify")[0] == 4


def test_verify_takes_an_anchor_and_refuses_nonsense(append: Append) -> None:
    append(1)
    seal_waiting()
    anchor = json.loads(run("verify", "--json")[1])["anchor"]
    assert run("verify", "--anchor", anchor)[0] == 0
    assert run("verify", "--anchor", f"1:{'0' * 64}")[0] == 1
    with pytest.raises(CommandError, match="An anchor looks like"):
        run("verify", "--anchor", "nonsense")


def test_a_dry_run_keeps_nothing(append: Append) -> None:
    run("verify", "--dry-run")
    assert not Verification.objects.exists()


def test_without_a_key_the_command_says_so(append: Append, settings: Settings) -> None:
    settings.EVENT_SEAL_KEYS = []
    append(1)
    with pytest.raises(CommandError, match="EVENT_SEAL_KEYS is empty"):
        run("seal")


def test_prune_removes_and_says_how_much(append: Append) -> None:
    append(2, at=NOW - timedelta(days=900))
    seal_waiting()
    assert run("prune", "--older-than", "365") == (0, "2 events in 1 sealed batches pruned.\n")
    assert [event.kind for event in Event.objects.all()] == ["history.pruned"]


def test_prune_stops_at_a_broken_batch_and_ends_with_1(append: Append, intrude: Intrude) -> None:
    events = append(2, at=NOW - timedelta(days=900))
    seal_waiting()
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", events[0].pk)
    code, said = run("prune", "--older-than", "365")
    assert code == 1
    assert "Batch 1 does not hold and is kept" in said


def test_prune_refuses_to_remove_today(db: None) -> None:
    with pytest.raises(CommandError, match="at least one day"):
        run("prune", "--older-than", "0")


def test_the_nightly_look_keeps_what_it_found_and_complains_in_the_log(
    append: Append, intrude: Intrude, caplog: pytest.LogCaptureFixture
) -> None:
    (event,) = append(1)
    seal_waiting()
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", event.pk)
    verify()
    assert not Verification.objects.get().holds
    assert f"The history does not hold at batch 1: Event {event.pk} was changed." in caplog.text
