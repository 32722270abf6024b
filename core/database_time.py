"""The time by which rows are due and leases expire, and what to make of times that a wrong clock wrote.

Tasks and commands that claim rows read `now` from the database once and pass it on, so that workers on several machines
agree. The database's own clock can be wrong, too: a time that lies further ahead than any that is written then comes
from a clock that was ahead, and holds nothing up.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection as database
from django.db.models import Q
from django.utils import timezone

# Clocks of machines that are set by the network differ by far less.
TOLERANCE = timedelta(minutes=10)


def database_now() -> datetime:
    """The time of the database's clock, inside a transaction too. SQLite has no other than this machine's."""
    # https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT
    if database.vendor != "postgresql":
        return timezone.now()
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC)


def lies_ahead(field: str, now: datetime, *, at_most: timedelta) -> Q:
    """Rows whose time has not passed, and is no further ahead than it can have been written by a right clock."""
    return Q(**{f"{field}__gt": now, f"{field}__lte": now + at_most})


def written_ahead_of_time(field: str, now: datetime) -> Q:
    """Rows that say that something happened later than now."""
    return Q(**{f"{field}__gt": now + TOLERANCE})
