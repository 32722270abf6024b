"""Database errors by cause: the database is unavailable, busy or read-only, or its disk is full."""

import os
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError


class DatabaseProblem(StrEnum):
    """Causes outside the product, which end when the database works again."""

    AWAY = "away"
    BUSY = "busy"
    FULL = "full"
    READ_ONLY = "read_only"


# Parts of SQLite's messages. Any other message is an error of the product.
# https://www.sqlite.org/rescode.html
_SQLITE = {
    "locked": DatabaseProblem.BUSY,
    "disk is full": DatabaseProblem.FULL,
    "readonly": DatabaseProblem.READ_ONLY,
    "read-only": DatabaseProblem.READ_ONLY,
    "unable to open": DatabaseProblem.AWAY,
    "disk i/o": DatabaseProblem.AWAY,
}
# The size of the -shm file through which processes share the write-ahead log.
_LOG_INDEX_BYTES = 64 * 1024
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL = {
    "53100": DatabaseProblem.FULL,
    "25006": DatabaseProblem.READ_ONLY,
    "55P03": DatabaseProblem.BUSY,
    "40P01": DatabaseProblem.BUSY,
}


def database_problem(error: BaseException | None) -> DatabaseProblem | None:
    """The problem that caused an exception, or None for any other exception."""
    if not isinstance(error, DatabaseError):
        return None
    cause = error.__cause__
    if type(cause).__module__ == "sqlite3":
        return _of_sqlite(str(error).lower()) if isinstance(error, OperationalError) else None
    known = _POSTGRESQL.get(getattr(cause, "sqlstate", None) or "")
    return known or (DatabaseProblem.AWAY if isinstance(error, OperationalError | InterfaceError) else None)


def _of_sqlite(message: str) -> DatabaseProblem | None:
    problem = next((problem for part, problem in _SQLITE.items() if part in message), None)
    return _why_away() if problem is DatabaseProblem.AWAY else problem


def _why_away() -> DatabaseProblem:
    """Find out more: when SQLite can't create its log, its message does not say whether the disk is full."""
    file = Path(settings.DATABASES["default"]["NAME"])
    if not file.is_file():
        return DatabaseProblem.AWAY
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return DatabaseProblem.READ_ONLY
    disk = os.statvfs(file.parent)
    return DatabaseProblem.FULL if disk.f_bavail * disk.f_frsize < _LOG_INDEX_BYTES else DatabaseProblem.AWAY
