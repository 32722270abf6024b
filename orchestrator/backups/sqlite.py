"""Backups of SQLite, copied by SQLite itself, which is consistent while the product runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from orchestrator.backups.files import LEFT_OUT, Impossible

PATIENCE = 20.0


def make(database: Path, target: Path) -> None:
    """Copy the committed data into the empty file `target`. Raises `Impossible`, `sqlite3.Error`."""
    if not database.is_file():
        raise Impossible(f"There is no database at {database}.")
    with _open(database) as source:
        # In one read transaction and, unlike a copy of pages, without deleted data.
        source.execute("VACUUM INTO ?", (str(target),))
    with _open(target) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        for table, removal in LEFT_OUT.items():
            if _has(copy, table):
                copy.execute(removal)


def migrations(backup: Path) -> set[tuple[str, str]]:
    """App and name of each migration in the backup; verifies that the file is complete. Raises `Impossible`."""
    try:
        with _open(backup, read_only=True) as source:
            if source.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise Impossible(f"{backup} is damaged.")
            if not _has(source, "django_migrations"):
                raise Impossible(f"{backup} is not a database of this product.")
            return set(source.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.DatabaseError as error:
        raise Impossible(f"{backup} is damaged: {error}.") from None


def put_back(backup: Path, database: Path) -> None:
    """Replace the content of the database, in one transaction. Raises `Impossible`, `sqlite3.Error`."""
    started = monotonic()

    def patience(_status: int, _remaining: int, _total: int) -> None:
        if monotonic() - started > PATIENCE:
            raise Impossible("Another process is using the database. Stop web, worker and scheduler first.")

    with _open(backup, read_only=True) as source, _open(database) as target:
        source.backup(target, progress=patience)


@contextmanager
def _open(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    # With `immutable`, SQLite does not write files beside a backup.
    address = f"{path.resolve().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE)
    try:
        yield database
    finally:
        database.close()


def _has(database: sqlite3.Connection, table: str) -> bool:
    row = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    return row is not None
