"""Who may append and who may seal at the same time.

PostgreSQL hands out ids before it commits, so an event with a lower id may appear after one with a higher id. Whoever
appends holds a shared lock until the end of its transaction; whoever seals or prunes holds it alone, for one batch.
So a sealed range of ids is final. SQLite has one writer at a time, and nothing is to be done.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from django.db import connection

_KEY = 0x6D66655F68697374  # "mfe_hist"
_PATIENCE = "3s"


def for_appending() -> None:
    """Hold off sealers until the end of this transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_KEY])


def for_sealing() -> None:
    """Wait for those who append, hold off others until the end of this transaction.

    Raises `django.db.OperationalError` when somebody appends for longer than a few seconds.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
