"""Advisory locks that keep appending and sealing apart.

PostgreSQL assigns ids before it commits, so an event with a lower id may appear after one with a higher id. Appending
takes a shared lock until the end of its transaction; sealing and pruning take it exclusively, for one batch. So a
sealed range of ids is final. SQLite has one writer at a time and needs no lock.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from django.db import connection

_KEY = 0x6D66655F68697374  # "mfe_hist"
_PATIENCE = "3s"


def for_appending() -> None:
    """Keep others from sealing until the end of this transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_KEY])


def for_sealing() -> None:
    """Wait for transactions that append, then keep others from appending and sealing until this one ends.

    Raises `django.db.OperationalError` after a few seconds.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
