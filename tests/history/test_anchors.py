"""Anchors are read wherever somebody kept them, and say what is missing or changed since."""

from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

import pytest

from history import anchors, sealing
from history.anchors import Anchor, NoAnchor
from history.models import Event
from history.pruning import prune
from history.record import Actor
from history.sealing import seal_waiting
from tests.history.conftest import NOW, SOON, Append, Intrude, look

SEAL = "0f3a" * 16
OTHER = "9b" * 32
LINE = f"2026-11-24T12:00:00Z INFO history.sealing: History sealed up to event 4711: anchor 12:{SEAL}"


def test_an_anchor_is_read_as_it_is_typed() -> None:
    assert list(anchors.read([f"12:{SEAL}", f" 13:{OTHER.upper()} "])) == [Anchor(12, SEAL), Anchor(13, OTHER)]


@pytest.mark.parametrize(
    "text", ["nonsense", "12:", "12:0f3a", f"12:{SEAL}0", f":{SEAL}", f"12:{'x' * 64}", "", "a\0b"]
)
def test_what_is_no_anchor_and_no_file_is_refused(text: str) -> None:
    with pytest.raises(NoAnchor, match=r"looks like 12:0f3a|cannot be read"):
        list(anchors.read([text]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_log_is_read_whichever_way_it_was_saved(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "log").write_text(f"{LINE}\r\nother:line\r\n{LINE.replace('12:', '13:')}\r\n", encoding=encoding)
    found = list(anchors.in_file(tmp_path / "log"))
    assert found == [Anchor(12, SEAL, 4711), Anchor(13, SEAL, 4711)]


def test_a_log_of_json_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f'{{"event": "History sealed up to event 4711: anchor 12:{SEAL}"}}\n')
    assert list(anchors.in_file(tmp_path / "log")) == [Anchor(12, SEAL, 4711)]


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_a_saved_mail_is_read_however_it_is_encoded(tmp_path: Path, encoding: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = "History anchor"
    mail.set_content(f"Hello,\n\n    12:{SEAL}\n\nbye\n", cte=encoding)
    (tmp_path / "mail.eml").write_bytes(mail.as_bytes())
    assert list(anchors.in_file(tmp_path / "mail.eml")) == [Anchor(12, SEAL)]


def test_a_file_without_an_anchor_says_so(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("12:0f3a was cut off\n")
    with pytest.raises(NoAnchor, match="contains no anchor"):
        list(anchors.read([str(tmp_path / "log")]))


def test_a_folder_is_no_file_of_anchors(tmp_path: Path) -> None:
    with pytest.raises(NoAnchor, match="cannot be read: Is a directory"):
        list(anchors.read([str(tmp_path)]))


@pytest.fixture
def noted(append: Append, tmp_path: Path) -> tuple[list[Event], str]:
    """Twelve events in four batches of three, and a file with the anchor of each."""
    events = append(12)
    lines = []
    with patch.object(sealing, "BATCH", 3), patch.object(sealing, "announce") as announce:
        seal_waiting(now=SOON)
    for (seal,), _ in announce.call_args_list:
        lines.append(f"History sealed up to event {seal.last_id}: anchor {seal.number}:{seal.mac}")
    (tmp_path / "log").write_text("\n".join(lines))
    return events, str(tmp_path / "log")


def test_anchors_that_fit_prove_how_far_the_history_is_what_it_was(noted: tuple[list[Event], str]) -> None:
    events, file = noted
    outcome = look(file)
    assert outcome.holds
    assert outcome.is_anchor_proven
    assert (outcome.anchors_checked, outcome.anchor_held, outcome.held_event_id) == (4, 4, events[-1].pk)


def test_what_was_removed_from_the_end_is_said_and_since_when(noted: tuple[list[Event], str], intrude: Intrude) -> None:
    events, file = noted
    intrude("DELETE FROM history_seal WHERE number > 2")
    intrude("DELETE FROM history_event WHERE id > %s", events[5].pk)
    outcome = look(file)
    (finding,) = [one for one in outcome.findings if one.words.startswith("Seals")]
    assert (finding.kind, finding.batch) == ("truncated", 3)
    reach = f"covered events up to {events[-1].pk}, have anchors but are missing."
    assert finding.words.startswith(f"Seals 3 to 4, which {reach}")
    assert f"Everything after anchor 2, up to event {events[5].pk} (24 November 2026, 12:05 UTC)" in finding.words


def test_an_anchor_proves_nothing_when_what_it_covers_is_broken(
    noted: tuple[list[Event], str], intrude: Intrude
) -> None:
    events, file = noted
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", events[4].pk)
    outcome = look(file)
    assert {finding.kind for finding in outcome.findings} == {"changed"}
    assert not outcome.is_anchor_proven


def test_a_seal_that_is_another_one_is_said(noted: tuple[list[Event], str]) -> None:
    (finding,) = look(f"2:{OTHER}", noted[1]).findings
    assert (finding.kind, finding.batch) == ("anchor", 2)
    assert finding.words.startswith("This seal differs from its anchor. Everything after anchor 4")


def test_an_anchor_of_what_was_pruned_is_noted_and_no_finding(noted: tuple[list[Event], str]) -> None:
    _, file = noted
    prune(older_than=timedelta(days=365), by=Actor("x"), now=NOW + timedelta(days=365, minutes=9))
    outcome = look(file)
    assert outcome.holds
    assert outcome.notes == ["2 anchors are of batches that have been pruned, so they can't be compared."]
    assert outcome.anchor_held == 4


def test_the_last_anchor_before_pruning_fits_the_checkpoint(noted: tuple[list[Event], str]) -> None:
    third = Path(noted[1]).read_text().splitlines()[2].rpartition(" ")[2]
    prune(older_than=timedelta(days=365), by=Actor("x"), now=NOW + timedelta(days=365, minutes=9))
    assert look(third).is_anchor_proven
    assert not look(f"3:{OTHER}").holds
