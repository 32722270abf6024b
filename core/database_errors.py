"""Database errors by cause: the database is away, busy, read-only, or its disk is full."""

import os
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError


class Trouble(StrEnum):
    """Not a fault of ours, and over when somebody looks after the machine."""

    AWAY = "away"
    BUSY = "busy"
    FULL = "full"
    READ_ONLY = "read_only"


# SQLite's own words. Anything else it says is a fault of ours.
# https://www.sqlite.org/rescode.html
_SQLITE = {
    "locked": Trouble.BUSY,
    "disk is full": Trouble.FULL,
    "readonly": Trouble.READ_ONLY,
    "read-only": Trouble.READ_ONLY,
    "unable to open": Trouble.AWAY,
    "disk i/o": Trouble.AWAY,
}
# Of the file through which processes that share the log know of each other.
_ROOM_FOR_THE_LOG = 64 * 1024
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL = {
    "53100": Trouble.FULL,
    "25006": Trouble.READ_ONLY,
    "55P03": Trouble.BUSY,
    "40P01": Trouble.BUSY,
}


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Which trouble an exception tells of; None when it is something else."""
    if not isinstance(error, DatabaseError):
        return None
    cause = error.__cause__
    if type(cause).__module__ == "sqlite3":
        return _of_sqlite(str(error).lower()) if isinstance(error, OperationalError) else None
    known = _POSTGRESQL.get(getattr(cause, "sqlstate", None) or "")
    return known or (Trouble.AWAY if isinstance(error, OperationalError | InterfaceError) else None)


def _of_sqlite(said: str) -> Trouble | None:
    found = next((trouble for words, trouble in _SQLITE.items() if words in said), None)
    return _why_away() if found is Trouble.AWAY else found


def _why_away() -> Trouble:
    """Where SQLite cannot make its log it says no more than that, whether the disk is full or became read-only."""
    file = Path(settings.DATABASES["default"]["NAME"])
    if not file.is_file():
        return Trouble.AWAY
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return Trouble.READ_ONLY
    room = os.statvfs(file.parent)
    return Trouble.FULL if room.f_bavail * room.f_frsize < _ROOM_FOR_THE_LOG else Trouble.AWAY
