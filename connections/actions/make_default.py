"""Choose the one connection that forms choose beforehand."""

from datetime import datetime

from django.db import transaction

from connections.models import Connection
from history.record import Actor, record


def make_default(connection: Connection, *, by: Actor, now: datetime) -> bool:
    """Put the star on `connection` and take it from any other. Returns whether anything changed."""
    with transaction.atomic():
        # Locked in one order, so that two people who choose at once come one after the other.
        list(Connection.objects.select_for_update().filter(is_default=True).order_by("pk"))
        others = Connection.objects.filter(is_default=True).exclude(pk=connection.pk)
        others.update(is_default=False)
        changed = Connection.objects.filter(pk=connection.pk, is_default=False).update(is_default=True)
        if changed:
            record("connection.made_default", connection, by=by, at=now)
    connection.is_default = True
    return bool(changed)
