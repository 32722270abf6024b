"""HISTORY_ANCHOR_FILE: each new end of the sealed history, appended to a file outside the database.

A line is one write, so that a crash leaves a whole line or one that is not taken for an anchor. Nothing that goes wrong
with the file keeps events from being sealed: it is logged, and stands in `AnchorFileState` for the pages and readiness.
"""

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path

from django.conf import settings

from history import acceptances, anchor_checks, anchors, seals
from history.anchors import Anchor
from history.chain import End
from history.models import AnchorFileState

log = logging.getLogger(__name__)
_MODE = 0o600
_TAIL = 64 * 1024
_LONGEST_PROBLEM = 300


class NotAppended(OSError):
    """The anchor could not be written as a whole line."""


def path() -> Path | None:
    """Where anchors are appended; None when no file is configured. A relative name is in VAR_DIR."""
    return Path(settings.VAR_DIR, settings.HISTORY_ANCHOR_FILE) if settings.HISTORY_ANCHOR_FILE else None


def newest_anchors() -> list[Anchor]:
    """Some hundred anchors from the end of the file, newest last; none when there is no file that can be read."""
    file = path()
    if file is None:
        return []
    with suppress(OSError):
        return _newest_in(file)
    return []


def _newest_in(file: Path) -> list[Anchor]:
    """Raises `OSError`."""
    with _opened(file, os.O_RDONLY) as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - _TAIL))
        return list(anchors.in_text(opened.read().decode("utf-8", "replace")))


def every_anchor() -> Iterator[Anchor]:
    """All anchors in the file, oldest first; none when no file is configured or there is none yet. Raises `OSError`."""
    file = path()
    if file is not None and file.exists():
        yield from anchors.in_file(file)


def bring_up_to_date(end: End, *, now: datetime) -> None:
    """Append where the history ends now, unless it stands there already. Raises no `OSError`.

    When the file knows of a seal that is not in the database, nothing is appended: what it says is evidence.
    """
    file = path()
    if file is None:
        AnchorFileState.objects.all().delete()
        return
    if not end.number:
        return
    try:
        newest = _newest_in(file)[-1:] if file.exists() else []
        if all(str(anchor) != end.anchor and anchor.number < end.number and _still_fits(anchor) for anchor in newest):
            _append(file, f"{seals.utc(now)} History sealed up to event {end.last_id}: anchor {end.anchor}\n")
    except OSError as problem:
        _note_failure(f"{file}: {problem.strerror or problem}", now=now)
    else:
        _note_success(end, now=now)


def _still_fits(anchor: Anchor) -> bool:
    check = anchor_checks.check([anchor], acceptances.accepted())
    return not list(check.findings())


def _append(file: Path, line: str) -> None:
    """One whole line at the end, on disk when this returns. Raises `OSError`."""
    with _opened(file, os.O_RDWR | os.O_APPEND | os.O_CREAT) as opened:
        # A line that was cut off, when the disk was full for example, must not spoil this one.
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - 1))
        content = (line if opened.read(1) in (b"", b"\n") else f"\n{line}").encode()
        if os.write(opened.fileno(), content) != len(content):
            raise NotAppended("The disk has no room for a whole line")
        os.fsync(opened.fileno())


def _opened(file: Path, flags: int) -> FileIO:
    """Only its owner may read a file that is made here. Never waits, as opening a pipe would. Raises `OSError`."""
    handle = os.open(file, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, _MODE)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NotAppended("It is not a regular file")
    return FileIO(handle, "r" if flags == os.O_RDONLY else "r+")


def _note_failure(problem: str, *, now: datetime) -> None:
    log.error("The anchor of the history could not be written to HISTORY_ANCHOR_FILE, %s", problem)
    state = AnchorFileState.objects.first() or AnchorFileState()
    if state.problem != problem[:_LONGEST_PROBLEM]:
        state.problem = problem[:_LONGEST_PROBLEM]
        state.failing_since = state.failing_since or now
        state.save()


def _note_success(end: End, *, now: datetime) -> None:
    state = AnchorFileState.objects.first() or AnchorFileState()
    if state.number != end.number or state.problem:
        state.number, state.written_at, state.failing_since, state.problem = end.number, now, None, ""
        state.save()
