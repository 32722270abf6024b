"""Connections by name, where a list is filtered by one or a form is about one: there may be thousands."""

from django.db.models import QuerySet
from django.db.models.functions import Lower

from connections.models import Connection
from core.storable_text import storable_text

SUGGESTED = 10


def suggested(part: str = "") -> list[str]:
    """The first few names that contain `part`, in any case, by name; the default connection comes first."""
    rows = containing(part).order_by(Lower("name"), "id")
    names = list(rows.values_list("name", flat=True)[:SUGGESTED])
    # Not `first()`, which would walk the ids; an index knows the default connection.
    of_default = list(containing(part).filter(is_default=True).values_list("name", flat=True))
    return [*of_default, *(name for name in names if name not in of_default)][:SUGGESTED]


def containing(part: str) -> QuerySet[Connection]:
    """The connections whose name contains this."""
    rows = Connection.objects.order_by()
    return rows.filter(name__icontains=storable_text(part)) if part else rows


def first_id() -> int | None:
    """The default connection, or else the first by name."""
    chosen = Connection.find_default()
    return chosen.pk if chosen else Connection.objects.values_list("pk", flat=True).first()


def id_of(name: str) -> int | None:
    """The connection of this name, in any case; None if there is none."""
    return Connection.objects.filter(name__iexact=name).values_list("pk", flat=True).first()


def name_of(connection_id: int) -> str:
    """The name of a connection; empty if it is gone."""
    return Connection.objects.filter(pk=connection_id).values_list("name", flat=True).first() or ""
