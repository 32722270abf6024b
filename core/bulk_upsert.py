"""Insert or update many rows that are given as values, without an object for each.

`bulk_create` writes the SQL of each value again, which takes most of its time. Here one text serves all rows: SQLite
runs it for each of them, and PostgreSQL reads them from one JSON value.
https://www.postgresql.org/docs/current/functions-json.html
"""

import json
import logging
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model

from core.columns import fitted_values, prepared

log = logging.getLogger(__name__)
Rows = Sequence[tuple[Any, ...]]
Names = tuple[str, ...]
_ROWS_OF_JSON = 2_000


def upsert_values(model: type[Model], names: Names, rows: Rows, *, unique_fields: Names, update_fields: Names) -> None:
    """Insert or update rows by their unique fields, in the transaction of the caller. No key may occur twice.

    `names` are the fields whose values each row has in this order, with all that have no default in the database.
    A row whose key does not fit its columns is skipped and logged.
    """
    fields = _fields(model, names)
    fitted = _fitted(model, fields, rows, [names.index(name) for name in unique_fields])
    if not fitted:
        return
    columns = [prepared(field, list(values)) for field, values in zip(fields, zip(*fitted, strict=True), strict=True)]
    sql = _sql(model, names, unique_fields, update_fields, connection.vendor)
    values = list(zip(*columns, strict=True))
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(sql, values)
            return
        for start in range(0, len(values), _ROWS_OF_JSON):
            cursor.execute(sql, [_as_json(fields, values[start : start + _ROWS_OF_JSON])])


def _fitted(model: type[Model], fields: "Sequence[Field[Any, Any]]", rows: Rows, key: Sequence[int]) -> Rows:
    """The rows with values that fit their columns, without those whose key does not fit."""
    if not rows:
        return rows
    given = list(zip(*rows, strict=True))
    columns = [fitted_values(field, values) for field, values in zip(fields, given, strict=True)]
    fitted = list(zip(*columns, strict=True))
    if all(columns[place] is given[place] for place in key):
        return fitted
    kept = [row for row, before in zip(fitted, rows, strict=True) if all(row[place] == before[place] for place in key)]
    if len(kept) < len(rows):
        log.warning("%s rows of %s were left out: their keys do not fit.", len(rows) - len(kept), model._meta.label)
    return kept


def _as_text(value: object) -> str:
    """As PostgreSQL reads it. Raises `TypeError` for what it would not read as it was given, such as JSON."""
    if isinstance(value, date | time | Decimal | UUID):
        return str(value)
    raise TypeError(f"no text for {type(value).__name__}")


def _as_json(fields: "Sequence[Field[Any, Any]]", values: Rows) -> str:
    columns = [field.column for field in fields]
    rows = [dict(zip(columns, row, strict=True)) for row in values]
    return json.dumps(rows, ensure_ascii=False, default=_as_text)


@lru_cache(maxsize=64)
def _fields(model: type[Model], names: Names) -> "tuple[Field[Any, Any], ...]":
    by_name = {field.name: field for field in model._meta.concrete_fields}
    return tuple(by_name[name] for name in names)


@lru_cache(maxsize=64)
def _sql(model: type[Model], names: Names, unique_fields: Names, update_fields: Names, vendor: str) -> str:
    columns = _quoted(model, names)
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in _quoted(model, update_fields))
    source = _from_json(model, names) if vendor == "postgresql" else f"VALUES ({', '.join(['%s'] * len(columns))})"
    table, key = connection.ops.quote_name(model._meta.db_table), ", ".join(_quoted(model, unique_fields))
    into = ("INSERT INTO", table, f"({', '.join(columns)})")
    return " ".join((*into, source, "ON CONFLICT", f"({key})", "DO UPDATE SET", changes))


def _from_json(model: type[Model], names: Names) -> str:
    columns, fields = _quoted(model, names), _fields(model, names)
    typed = [f"{column} {field.db_type(connection)}" for column, field in zip(columns, fields, strict=True)]
    rows = f"json_to_recordset(%s::json) AS given ({', '.join(typed)})"
    return " ".join(("SELECT", ", ".join(columns), "FROM", rows))


def _quoted(model: type[Model], names: Names) -> list[str]:
    return [connection.ops.quote_name(str(field.column)) for field in _fields(model, names)]
