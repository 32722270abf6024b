"""Fit values from outside to their database columns, and upsert rows by a unique key."""

import logging
import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection as database
from django.db import models

from core.storable_text import is_storable, storable_text, storable_value

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=models.Model)


def fit_to_columns(row: Row) -> Row:
    """Truncate texts that are too long, and drop numbers that are out of range. Returns the same row.

    SQLite stores both without an error, but PostgreSQL refuses the whole statement.
    """
    for field in row._meta.concrete_fields:
        if field.is_relation or isinstance(field, models.GeneratedField):
            continue
        value = getattr(row, field.attname)
        if value is not None:
            setattr(row, field.attname, _fitted(field, value))
    return row


def _fitted(field: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(field, models.JSONField):
        return storable_value(value)
    if isinstance(value, str) and isinstance(field, models.CharField | models.TextField):
        return storable_text(value)[: field.max_length]
    if isinstance(field, models.IntegerField) and isinstance(value, int) and not _holds(field, value):
        return None if field.null else field.get_default() or 0
    return value


def fitted_values(field: "models.Field[Any, Any]", values: Sequence[Any]) -> Sequence[Any]:
    """Values of one column as `fit_to_columns` makes them; the same object if they all fit."""
    return values if _all_fit(field, values) else tuple(_fitted(field, value) for value in values)


def _all_fit(field: "models.Field[Any, Any]", values: Sequence[Any]) -> bool:
    """Whether none of the values of a column need to be changed. Asked of all at once, which is much faster."""
    if field.is_relation:
        return True
    present = [value for value in values if value is not None]
    if not present:
        return True
    if isinstance(field, models.CharField | models.TextField):
        return is_storable("".join(present)) and max(map(len, present)) <= (field.max_length or math.inf)
    if isinstance(field, models.IntegerField):
        return _holds(field, min(present)) and _holds(field, max(present))
    return not isinstance(field, models.JSONField)


def _holds(field: "models.IntegerField[Any, Any]", value: int) -> bool:
    lowest, highest = database.ops.integer_field_range(field.get_internal_type())
    # Django knows no limit of SQLite below 64 bits, but the rows must also fit into PostgreSQL.
    narrow = field.get_internal_type() in ("IntegerField", "PositiveIntegerField")
    limit = 2**31 - 1 if narrow else 2**63 - 1
    return (lowest is None or value >= lowest) and (highest is None or value <= highest) and abs(value) <= limit


def prepared(field: "models.Field[Any, Any]", values: list[Any]) -> list[Any]:
    """The values of a column as the database takes them; equal ones are prepared once."""
    if isinstance(field, models.CharField | models.TextField) and all(isinstance(value, str) for value in values):
        return [value if type(value) is str else str(value) for value in values]
    if isinstance(field, models.JSONField):
        return [field.get_db_prep_save(value, database) for value in values]
    saved = {value: field.get_db_prep_save(value, database) for value in set(values)}
    return [saved[value] for value in values]


def upsert(
    model: type[Row], rows: Iterable[Row], *, unique_fields: Sequence[str], update_fields: Sequence[str], batch: int
) -> None:
    """Insert or update rows by their unique fields, with one query for each batch.

    Of several rows with the same key, the last is stored: PostgreSQL refuses a statement that writes a row twice. A
    row whose key does not fit its columns is skipped and logged.
    """
    by_key: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = _key(row, unique_fields)
        if _key(fit_to_columns(row), unique_fields) == key:
            by_key[key] = row
        else:
            log.warning("A row of %s was left out: its key does not fit.", model._meta.label)
    model._default_manager.bulk_create(
        by_key.values(),
        batch_size=batch,
        update_conflicts=True,
        unique_fields=list(unique_fields),
        update_fields=list(update_fields),
    )


def _key(row: models.Model, unique_fields: Sequence[str]) -> tuple[object, ...]:
    """The values of the unique fields; for a relation the foreign key, without reading the related row."""
    columns = {field.name: field.attname for field in row._meta.concrete_fields}
    return tuple(getattr(row, columns[name]) for name in unique_fields)
