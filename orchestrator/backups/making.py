"""Create a backup of the current database."""

import sqlite3
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

from history.record import Named
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
        raise Impossible(f"{path} already exists. Choose another name.") from None
    except (sqlite3.Error, DatabaseError) as error:
        raise Impossible(f"Reading the database or writing the backup failed: {error}.") from None
    except OSError as error:
        raise Impossible(f"{error.filename or path} cannot be written: {error.strerror}.") from None


def _write(part: Path) -> None:
    if connection.vendor == SQLITE:
        sqlite.make(Path(connection.settings_dict["NAME"]), part)
    elif connection.vendor == POSTGRESQL:
        postgresql.make(connection, part)
    else:
        raise Impossible(f"This command supports SQLite and PostgreSQL. Use the tools of {connection.display_name}.")
