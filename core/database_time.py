"""The database's time, by which rows are due and leases expire, and conditions that tolerate a wrong clock.

Tasks and commands that claim rows read `now` from the database once and pass it on, so that workers on several machines
agree. The database's clock can be wrong, too. A stored time further in the future than the product ever writes was
written while the clock was ahead, and is ignored.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection as database
from django.db.models import Q
from django.utils import timezone

# Clocks that are synchronized over the network differ by far less.
TOLERANCE = timedelta(minutes=10)


def database_now() -> datetime:
    """The current time of the database's clock, not the start of the transaction. SQLite uses this machine's clock."""
    # https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT
    if database.vendor != "postgresql":
        return timezone.now()
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now.astimezone(UTC)


def lies_ahead(field: str, now: datetime, *, at_most: timedelta) -> Q:
    """Rows whose time is in the future, but at most `at_most` ahead, which is as far as a correct clock writes it."""
    return Q(**{f"{field}__gt": now, f"{field}__lte": now + at_most})


def written_ahead_of_time(field: str, now: datetime) -> Q:
    """Rows whose time in the past lies in the future: the clock that wrote it was ahead."""
    return Q(**{f"{field}__gt": now + TOLERANCE})
