"""HISTORY_ANCHOR_FILE: the anchor of each new end of the sealed history, appended to a file outside the database.

Each line is a single write, so a crash leaves either a whole line or one that does not look like an anchor. Problems
with the file never prevent sealing: they are logged and stored in `AnchorFileState` for the pages and /readyz.
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
    """The line was not written, or not completely."""


def path() -> Path | None:
    """The anchor file, or None if none is configured. A relative name is in VAR_DIR."""
    return Path(settings.VAR_DIR, settings.HISTORY_ANCHOR_FILE) if settings.HISTORY_ANCHOR_FILE else None


def newest_anchors() -> list[Anchor]:
    """The last few hundred anchors of the file, oldest first; none if there is no readable file."""
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
    """All anchors of the file, oldest first; none if no file is configured or exists yet. Raises `OSError`."""
    file = path()
    if file is not None and file.exists():
        yield from anchors.in_file(file)


def bring_up_to_date(end: End, *, now: datetime) -> None:
    """Append the anchor of the current end unless the file has it already. Raises no `OSError`.

    If the file has an anchor that does not match the database, nothing is appended: the file is evidence then.
    """
    file = path()
    if file is None:
        AnchorFileState.objects.all().delete()
        return
    if not end.number:
        return
    try:
        newest = _newest_in(file)[-1:] if file.exists() else []
        if all(
            str(anchor) != end.anchor and anchor.number < end.number and _still_matches(anchor) for anchor in newest
        ):
            _append(file, f"{seals.utc(now)} History sealed up to event {end.last_id}: anchor {end.anchor}\n")
    except OSError as error:
        _store_failure(f"{file}: {error.strerror or error}", now=now)
    else:
        _store_success(end, now=now)


def _still_matches(anchor: Anchor) -> bool:
    check = anchor_checks.check([anchor], acceptances.accepted())
    return not list(check.findings())


def _append(file: Path, line: str) -> None:
    """Append one whole line and sync it to disk. Raises `OSError`."""
    with _opened(file, os.O_RDWR | os.O_APPEND | os.O_CREAT) as opened:
        # Start on a new line even if the last write was cut off, for example by a full disk.
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - 1))
        content = (line if opened.read(1) in (b"", b"\n") else f"\n{line}").encode()
        if os.write(opened.fileno(), content) != len(content):
            raise NotAppended("The disk is full")
        os.fsync(opened.fileno())


def _opened(file: Path, flags: int) -> FileIO:
    """Open the file; a new one is readable by its owner only. Never blocks, as a pipe would. Raises `OSError`."""
    handle = os.open(file, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, _MODE)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NotAppended("Not a regular file")
    return FileIO(handle, "r" if flags == os.O_RDONLY else "r+")


def _store_failure(problem: str, *, now: datetime) -> None:
    log.error("Cannot write the anchor of the history to HISTORY_ANCHOR_FILE, %s", problem)
    state = AnchorFileState.objects.first() or AnchorFileState()
    if state.problem != problem[:_LONGEST_PROBLEM]:
        state.problem = problem[:_LONGEST_PROBLEM]
        state.failing_since = state.failing_since or now
        state.save()


def _store_success(end: End, *, now: datetime) -> None:
    state = AnchorFileState.objects.first() or AnchorFileState()
    if state.number != end.number or state.problem:
        state.number, state.written_at, state.failing_since, state.problem = end.number, now, None, ""
        state.save()
