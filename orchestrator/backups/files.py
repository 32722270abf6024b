"""The file of a backup: readable by its owner alone, and there under its name only when it is whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SQLITE, POSTGRESQL = "sqlite", "postgresql"
NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
_BEGINNINGS = {b"SQLite format 3\0": SQLITE, b"PGDMP": POSTGRESQL}
# What lives for minutes or hours and would be a danger when it came to life again: signed-in browsers, tests in hand.
LEFT_OUT = {
    "people_session": "DELETE FROM people_session",
    "connections_proberesult": "DELETE FROM connections_proberesult",
}


class Impossible(Exception):
    """A backup cannot be made or put back. The message is for the operator; nothing was changed."""


@contextmanager
def whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, which takes its name at the end. Raises `FileExistsError`, `OSError`."""
    if path.exists():
        raise FileExistsError(path)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
        _to_the_disk(part)
        # Unlike a rename this never replaces what somebody put there meanwhile.
        os.link(part, path)
        _to_the_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _to_the_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def kind_of(path: Path) -> str:
    """Which database the backup is of. Raises `Impossible`, `OSError`."""
    with path.open("rb") as file:
        beginning = file.read(16)
    for mark, kind in _BEGINNINGS.items():
        if beginning.startswith(mark):
            return kind
    raise Impossible(f"{path} is not a backup.")
