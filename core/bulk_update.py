"""Update many rows at once, each with its own values, by one statement whose text is always the same.

Django's `bulk_update` writes a condition for each value, and takes longer than as many single updates.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import CharField, Field, Model, TextField

from core.columns import prepared


def update_rows(rows: Sequence[Model], fields: Sequence[str]) -> None:
    """Write these fields of stored rows of one model, in the transaction of the caller, which has locked the rows.

    No signals. Rows that are gone are left out.
    """
    if not rows:
        return
    columns = [_field(type(rows[0]), name) for name in (*fields, "pk")]
    values = [prepared(field, [getattr(row, field.attname) for row in rows]) for field in columns]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_sql_of_all(type(rows[0]), tuple(fields)), values)
        else:
            cursor.executemany(_sql_of_each(type(rows[0]), tuple(fields)), list(zip(*values, strict=True)))


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    fields = {field.name: field for field in model._meta.concrete_fields}
    return model._meta.pk if name == "pk" else fields[name]


def _column(model: type[Model], name: str) -> str:
    return connection.ops.quote_name(str(_field(model, name).column))


@lru_cache(maxsize=32)
def _sql_of_each(model: type[Model], fields: tuple[str, ...]) -> str:
    written = ", ".join(f"{_column(model, name)} = %s" for name in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    return " ".join(("UPDATE", table, f"SET {written} WHERE {_column(model, 'pk')} = %s"))


@lru_cache(maxsize=32)
def _sql_of_all(model: type[Model], fields: tuple[str, ...]) -> str:
    # https://www.postgresql.org/docs/current/functions-array.html (unnest)
    columns = [_column(model, name) for name in (*fields, "pk")]
    arrays = ", ".join(f"%s::{_type(_field(model, name))}[]" for name in (*fields, "pk"))
    written = ", ".join(f"{column} = new.{column}" for column in columns[:-1])
    table, pk = connection.ops.quote_name(model._meta.db_table), columns[-1]
    source = f"unnest({arrays}) AS new ({', '.join(columns)})"
    return " ".join(("UPDATE", table, f"SET {written} FROM {source} WHERE {table}.{pk} = new.{pk}"))


def _type(field: "Field[Any, Any]") -> str:
    # A cast to a type with a limit would cut the text.
    return "text" if isinstance(field, CharField | TextField) else str(field.cast_db_type(connection))
