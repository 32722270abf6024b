"""SQLite: a copy by SQLite itself, consistent while everything runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from orchestrator.backups.files import LEFT_OUT, Impossible

PATIENCE = 20.0


def make(database: Path, target: Path) -> None:
    """Copy what is committed now into the empty file `target`. Raises `Impossible`, `sqlite3.Error`."""
    if not database.is_file():
        raise Impossible(f"There is no database at {database}.")
    with _open(database) as source:
        # One read transaction; unlike a copy of pages, nothing that was deleted comes along.
        source.execute("VACUUM INTO ?", (str(target),))
    with _open(target) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        for table, removal in LEFT_OUT.items():
            if _has(copy, table):
                copy.execute(removal)


def migrations(backup: Path) -> set[tuple[str, str]]:
    """App and name of each migration in it; proves that the file is whole. Raises `Impossible`."""
    try:
        with _open(backup, read_only=True) as source:
            if source.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise Impossible(f"{backup} is damaged.")
            if not _has(source, "django_migrations"):
                raise Impossible(f"{backup} is a database of something else.")
            return set(source.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.DatabaseError as damaged:
        raise Impossible(f"{backup} is damaged: {damaged}.") from None


def put_back(backup: Path, database: Path) -> None:
    """Replace what is in the database, in one transaction. Raises `Impossible`, `sqlite3.Error`."""
    started = monotonic()

    def patience(_status: int, _remaining: int, _total: int) -> None:
        if monotonic() - started > PATIENCE:
            raise Impossible("Another process is using the database. Stop web, worker and scheduler first.")

    with _open(backup, read_only=True) as source, _open(database) as target:
        source.backup(target, progress=patience)


@contextmanager
def _open(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    # A backup is a file that nobody writes: without `immutable` SQLite wants to write beside it.
    address = f"{path.resolve().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE)
    try:
        yield database
    finally:
        database.close()


def _has(database: sqlite3.Connection, table: str) -> bool:
    found = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return found.fetchone() is not None
