"""The file of a backup: readable by its owner only, and never incomplete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.private_files import sync_to_disk

SQLITE, POSTGRESQL = "sqlite", "postgresql"
NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
_MAGIC_BYTES = {b"SQLite format 3\0": SQLITE, b"PGDMP": POSTGRESQL}
# Short-lived rows that would be a risk when restored: sessions, and results of tests.
LEFT_OUT = {
    "people_session": "DELETE FROM people_session",
    "connections_proberesult": "DELETE FROM connections_proberesult",
}


class Impossible(Exception):
    """A backup can't be created or restored; the message tells the operator why. Nothing was changed."""


@contextmanager
def whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, which gets that name at the end. Raises `FileExistsError`, `OSError`."""
    if path.exists():
        raise FileExistsError(path)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
        sync_to_disk(part)
        # Unlike a rename, a link never replaces a file that was created meanwhile.
        os.link(part, path)
        sync_to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def kind_of(path: Path) -> str:
    """Which database the backup is of. Raises `Impossible`, `OSError`."""
    with path.open("rb") as file:
        start = file.read(16)
    for magic, kind in _MAGIC_BYTES.items():
        if start.startswith(magic):
            return kind
    raise Impossible(f"{path} is not a backup.")
