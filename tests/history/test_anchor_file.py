"""HISTORY_ANCHOR_FILE: every new end of the history stands in a file outside the database, and is compared with it."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from history import anchor_file
from history.accepting import accept
from history.models import AnchorFileState, Event, Seal
from history.record import Actor
from history.sealing import SealingRefused, seal_waiting
from tests.history.conftest import NOW, SOON, Append, Intrude, look

LATER = NOW + timedelta(days=2)
pytestmark = pytest.mark.django_db


@pytest.fixture
def file(settings: Settings, tmp_path: Path) -> Path:
    settings.HISTORY_ANCHOR_FILE = str(tmp_path / "anchors.txt")
    return tmp_path / "anchors.txt"


def anchors(file: Path) -> list[str]:
    return [line.rpartition(" ")[2] for line in file.read_text().splitlines()]


def seal(append: Append, times: int = 1) -> list[Event]:
    events = []
    for _ in range(times):
        events += append(1)
        seal_waiting(now=SOON)
    return events


def test_each_new_end_is_a_line(file: Path, append: Append) -> None:
    events = seal(append, 2)
    seal_waiting(now=SOON)
    one, two = (f"{one.number}:{one.mac}" for one in Seal.objects.all())
    moment = "2026-11-24T12:12:00.000000+00:00"
    assert file.read_text().splitlines() == [
        f"{moment} History sealed up to event {events[0].pk}: anchor {one}",
        f"{moment} History sealed up to event {events[1].pk}: anchor {two}",
    ]


def test_only_its_owner_reads_it_whatever_the_umask(file: Path, append: Append) -> None:
    before = os.umask(0)
    try:
        seal(append)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_relative_name_is_in_the_folder_of_the_product(settings: Settings, tmp_path: Path, append: Append) -> None:
    settings.VAR_DIR, settings.HISTORY_ANCHOR_FILE = tmp_path, "anchors.txt"
    seal(append)
    assert (tmp_path / "anchors.txt").exists()


def test_what_somebody_else_wrote_into_it_stays(file: Path, append: Append) -> None:
    file.write_text("# Keep this.\n")
    seal(append)
    assert file.read_text().startswith("# Keep this.\n2026-")


def test_a_line_that_was_cut_off_does_not_spoil_the_next(file: Path, append: Append) -> None:
    seal(append)
    file.write_text(f"{file.read_text()}2026-11-24T12:13:00 History sealed up to event 9: anchor 2:0f")
    seal(append)
    assert [one.number for one in anchor_file.every_anchor()] == [1, 2]


@pytest.mark.parametrize("write_less", [True, False])
def test_a_disk_without_room_is_told_and_stops_no_seal(
    file: Path, append: Append, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, write_less: bool
) -> None:
    def full(handle: int, content: bytes) -> int:
        if write_less:
            return write(handle, content[:50])
        raise OSError(28, "No space left on device")

    write = os.write
    monkeypatch.setattr(os, "write", full)
    seal(append)
    assert Seal.objects.count() == 1
    state = AnchorFileState.objects.get()
    assert state.failing_since == SOON
    assert str(file) in state.problem
    assert "Cannot write the anchor of the history to HISTORY_ANCHOR_FILE" in caplog.text
    monkeypatch.undo()
    seal_waiting(now=LATER)
    assert [one.number for one in anchor_file.every_anchor()] == [1]
    assert AnchorFileState.objects.values("number", "written_at", "failing_since", "problem").get() == {
        "number": 1,
        "written_at": LATER,
        "failing_since": None,
        "problem": "",
    }


def _folder(file: Path) -> None:
    file.mkdir()


def _pipe(file: Path) -> None:
    os.mkfifo(file)


def _below_nothing(file: Path) -> None:
    file.symlink_to(file.parent / "nowhere" / "file")


@pytest.mark.parametrize("make", [_folder, _pipe, _below_nothing])
def test_what_cannot_be_written_is_told_at_once(file: Path, append: Append, make: object) -> None:
    make(file)  # type: ignore[operator]
    seal(append)
    assert Seal.objects.count() == 1
    assert AnchorFileState.objects.get().failing_since == SOON


def test_a_trouble_is_told_once_and_keeps_its_beginning(file: Path, append: Append) -> None:
    file.mkdir()
    seal(append)
    seal_waiting(now=LATER)
    assert AnchorFileState.objects.get().failing_since == SOON


def test_without_a_setting_an_old_trouble_is_forgotten(file: Path, append: Append, settings: Settings) -> None:
    file.mkdir()
    seal(append)
    settings.HISTORY_ANCHOR_FILE = ""
    seal_waiting(now=LATER)
    assert not AnchorFileState.objects.exists()


def test_what_was_sealed_while_it_could_not_be_written_is_caught_up_with(file: Path, append: Append) -> None:
    seal(append)
    file.rename(file.with_suffix(".kept"))
    file.mkdir()
    seal(append, 2)
    file.rmdir()
    file.with_suffix(".kept").rename(file)
    seal_waiting(now=SOON)
    assert [one.number for one in anchor_file.every_anchor()] == [1, 3]


def test_the_newest_batch_removed_with_its_seal_is_found_and_nothing_more_is_sealed(
    file: Path, append: Append, intrude: Intrude
) -> None:
    events = seal(append, 3)
    before = file.read_text()
    intrude("DELETE FROM history_seal WHERE number = 3")
    intrude("DELETE FROM history_event WHERE id = %s", events[-1].pk)
    append(1)
    with pytest.raises(SealingRefused, match=r"Seal 3.* has an anchor but is missing. Everything after anchor 2"):
        seal_waiting(now=SOON)
    assert "truncated" in {finding.kind for finding in look().findings}
    assert (file.read_text(), Seal.objects.count()) == (before, 2)


def test_a_history_that_was_sealed_anew_is_found(file: Path, append: Append, settings: Settings) -> None:
    seal(append, 2)
    # With the key, without the file.
    settings.HISTORY_ANCHOR_FILE = ""
    Seal.objects.all().delete()
    seal_waiting(now=SOON)
    append(1)
    seal_waiting(now=SOON)
    settings.HISTORY_ANCHOR_FILE = str(file)
    append(1)
    with pytest.raises(SealingRefused, match="Seals 1 to 2 differ from their anchors"):
        seal_waiting(now=SOON)
    assert "anchor" in {finding.kind for finding in look().findings}


def test_an_operators_decision_reconciles_database_and_file(file: Path, append: Append, intrude: Intrude) -> None:
    seal(append, 4)
    intrude("DELETE FROM history_seal WHERE number > 2")
    accept(reason="The backup of Tuesday was restored", by=Actor("x"), now=SOON)
    assert [one.number for one in anchor_file.every_anchor()] == [1, 2, 3, 4, 5]
    append(1)
    assert seal_waiting(now=SOON) == 1
    outcome = look()
    assert outcome.holds
    assert outcome.anchor_held == 6
    intrude("DELETE FROM history_seal WHERE number = 6")
    assert {finding.kind for finding in look().findings} == {"truncated"}


def test_a_file_that_cannot_be_read_is_noted(file: Path, append: Append) -> None:
    seal(append)
    file.unlink()
    file.mkdir()
    assert "The anchor file cannot be read: Is a directory." in look().notes


def test_a_new_file_begins_with_where_the_history_ends(file: Path, append: Append) -> None:
    seal(append, 2)
    file.unlink()
    seal_waiting(now=SOON)
    assert [one.number for one in anchor_file.every_anchor()] == [2]
