"""Insert many rows at once.

`bulk_create` writes the SQL of each value anew, which takes most of its time on SQLite. On PostgreSQL, psycopg writes
each value into the statement and the server parses it, so many rows go by COPY. It returns no ids, so they are taken
before.
https://www.postgresql.org/docs/current/populate.html#POPULATE-COPY-FROM
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import Field, Model

from core.columns import prepared

# SQLite 3.32 and later take 32,766 values in a statement.
_MOST_VALUES = 30_000
# For fewer rows, the ids would cost more than COPY saves.
_FEWEST_TO_COPY = 20


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert new rows of one model in the order given, and set their ids, in the transaction of the caller.

    Every value is in the rows: no defaults of the database, no signals. To change a row afterwards, read it again.
    """
    if not rows:
        return
    if connection.vendor == "postgresql" and len(rows) >= _FEWEST_TO_COPY:
        _copy(rows)
        return
    step = _MOST_VALUES // len(_fields(type(rows[0])))
    for start in range(0, len(rows), step):
        _insert(rows[start : start + step])


def _insert(rows: Sequence[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_sql(type(rows[0]), len(rows)), list(chain.from_iterable(_values(rows))))
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk


def _copy(rows: Sequence[Model]) -> None:
    meta = type(rows[0])._meta
    table, pk = connection.ops.quote_name(meta.db_table), str(meta.pk.column)
    columns = ", ".join([connection.ops.quote_name(pk), *_columns(type(rows[0]))])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, pk, len(rows)]
        )
        ids = [number for (number,) in cursor.fetchall()]
        # Django's cursor translates no errors of COPY.
        with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for number, values in zip(ids, _values(rows), strict=True):
                copy.write_row((number, *values))
    for row, number in zip(rows, ids, strict=True):
        row.pk = number


def _values(rows: Sequence[Model]) -> Iterator[tuple[Any, ...]]:
    """The values of each row, in the order of the columns."""
    columns = [prepared(field, [getattr(row, field.attname) for row in rows]) for field in _fields(type(rows[0]))]
    return zip(*columns, strict=True)


@lru_cache(maxsize=64)
def _fields(model: type[Model]) -> "tuple[Field[Any, Any], ...]":
    """The columns to be written."""
    return tuple(field for field in model._meta.concrete_fields if not (field.primary_key or field.generated))


@lru_cache(maxsize=64)
def _columns(model: type[Model]) -> tuple[str, ...]:
    """Their quoted names."""
    return tuple(connection.ops.quote_name(str(field.column)) for field in _fields(model))


@lru_cache(maxsize=64)
def _sql(model: type[Model], count: int) -> str:
    quote = connection.ops.quote_name
    row = f"({', '.join(['%s'] * len(_fields(model)))})"
    pk = quote(str(model._meta.pk.column))
    values = ", ".join([row] * count)
    columns = ", ".join(_columns(model))
    return " ".join(("INSERT INTO", quote(model._meta.db_table), f"({columns}) VALUES {values} RETURNING {pk}"))
