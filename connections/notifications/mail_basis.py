"""What a reminder is based on: rows as they were when it was written. When none is so any more, it is withdrawn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Model

from connections.models import Mail
from history.record import Subject


@dataclass(frozen=True, slots=True)
class Basis:
    """A row, the area of its event types, such as "connection", and the values that the mail depends on."""

    model: type[Model]
    subject: Subject
    area: str
    values: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For the column of a mail."""
        values = {name: value.isoformat() if isinstance(value, date) else value for name, value in self.values.items()}
        label = self.model._meta.label_lower
        return {"model": label, "id": self.subject.pk, "name": self.subject.name, "area": self.area, "values": values}


def is_still_true(mail: Mail) -> bool:
    """Whether a row is still as it was when the mail was written. A mail without a basis reports what happened."""
    return not mail.basis or any(_is_unchanged(row) for row in mail.basis)


def _is_unchanged(row: Mapping[str, Any]) -> bool:
    rows = apps.get_model(row["model"])._default_manager
    return bool(rows.filter(pk=row["id"], **row["values"]).exists())


def subjects(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Each row once, with the area of its event types, although it may not exist any more."""
    for row in {(row["model"], row["id"]): row for row in rows}.values():
        yield row["area"], apps.get_model(row["model"])(pk=row["id"], name=row["name"])
