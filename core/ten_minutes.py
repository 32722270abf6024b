"""The ten minutes in which a time lies, for an index that begins with them."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func
from django.db.models.sql.compiler import SQLCompiler

# Neither depends on the time zone of a session, so that an index can contain them.
_POSTGRESQL = "date_bin('10 minutes', {}, TIMESTAMPTZ '2000-01-01 00:00:00+00')"
# The beginning of a stored time, for example "2026-11-30 09:2".
_SQLITE = "substr({}, 1, 15)"


def ten_minutes(sql: str, vendor: str) -> str:
    """The SQL of these ten minutes, by the SQL of a time."""
    return (_POSTGRESQL if vendor == "postgresql" else _SQLITE).format(sql)


class TenMinutes(Func):
    """The same for an index of a model. Not to be read: its type depends on the database."""

    arity = 1
    template = _SQLITE.format("%(expressions)s")

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """The same on PostgreSQL."""
        return self.as_sql(compiler, connection, template=_POSTGRESQL.format("%(expressions)s"), **extra)
