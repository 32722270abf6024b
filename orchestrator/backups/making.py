"""Make a backup of whichever database is in use."""

import sqlite3
from datetime import datetime
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

from history.record import Actor, Named, record
from orchestrator.backups import postgresql, sqlite
from orchestrator.backups.files import POSTGRESQL, SQLITE, Impossible, whole_or_not_at_all

PRODUCT = Named("product", 0, "MFE Orchestrator")


def make(path: Path) -> int:
    """Write the backup to `path`, which must not exist yet. Returns its size in bytes. Raises `Impossible`."""
    try:
        with whole_or_not_at_all(path) as part:
            _write(part)
        return path.stat().st_size
    except FileExistsError:
        raise Impossible(f"{path} is there already. Nothing is overwritten; choose another name.") from None
    except (sqlite3.Error, DatabaseError) as problem:
        raise Impossible(f"The database cannot be read, or the backup not be written: {problem}.") from None
    except OSError as problem:
        raise Impossible(f"{problem.filename or path} cannot be written: {problem.strerror}.") from None


def _write(part: Path) -> None:
    if connection.vendor == SQLITE:
        sqlite.make(Path(connection.settings_dict["NAME"]), part)
    elif connection.vendor == POSTGRESQL:
        postgresql.make(connection, part)
    else:
        raise Impossible(f"Use the tools of {connection.display_name}: this command knows SQLite and PostgreSQL.")


def note(size: int, *, by: Actor, now: datetime) -> None:
    """Append that a backup was made: it is a copy of everything that the history would show being read."""
    record("backup.made", PRODUCT, by=by, at=now, detail={"bytes": size})
