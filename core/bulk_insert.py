"""Insert many rows at once. `bulk_create` writes the SQL of each value anew, which takes most of its time on SQLite."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import CharField, Field, JSONField, Model, TextField

# SQLite 3.32 and later take 32,766 values in a statement.
_MOST_VALUES = 30_000


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert new rows of one model in the order given, and set their ids, in the transaction of the caller.

    Every value is in the rows: no defaults of the database, no signals. To change a row afterwards, read it again.
    """
    if not rows:
        return
    step = _MOST_VALUES // len(_fields(type(rows[0])))
    for start in range(0, len(rows), step):
        _insert(rows[start : start + step])


def _insert(rows: Sequence[Model]) -> None:
    model = type(rows[0])
    columns = [_column(field, [getattr(row, field.attname) for row in rows]) for field in _fields(model)]
    with connection.cursor() as cursor:
        cursor.execute(_sql(model, len(rows)), list(chain.from_iterable(zip(*columns, strict=True))))
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk


def _column(field: "Field[Any, Any]", values: list[Any]) -> list[Any]:
    """The values of a column as the database takes them; equal ones are prepared once."""
    if isinstance(field, CharField | TextField) and all(type(value) is str for value in values):
        return values
    if isinstance(field, JSONField):
        return [field.get_db_prep_save(value, connection) for value in values]
    prepared = {value: field.get_db_prep_save(value, connection) for value in set(values)}
    return [prepared[value] for value in values]


@lru_cache(maxsize=64)
def _fields(model: type[Model]) -> "tuple[Field[Any, Any], ...]":
    """The columns to be written."""
    return tuple(field for field in model._meta.concrete_fields if not (field.primary_key or field.generated))


@lru_cache(maxsize=64)
def _sql(model: type[Model], count: int) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in _fields(model))
    row = f"({', '.join(['%s'] * len(_fields(model)))})"
    pk = quote(str(model._meta.pk.column))
    values = ", ".join([row] * count)
    return " ".join(("INSERT INTO", quote(model._meta.db_table), f"({columns}) VALUES {values} RETURNING {pk}"))
