"""End a connection, or let it rest."""

from datetime import datetime

from django.db import transaction

from connections.actions import runs
from connections.actions.refusals import CannotDisconnect
from connections.models import Connection
from history.record import Actor, record


def disconnect(connection: Connection, *, confirmed_name: str, by: Actor, now: datetime) -> None:
    """Delete the connection and our copy of its token; its events stay. Raises `CannotDisconnect`."""
    if confirmed_name.strip().casefold() != connection.name.casefold():
        raise CannotDisconnect(
            "name_not_confirmed", "This is not the name of the connection. Type it as shown.", field="confirm_name"
        )
    with transaction.atomic():
        # Whoever writes what belongs to a connection holds its row, so nothing comes in while this is deleted.
        if not Connection.objects.select_for_update(of=("self",)).filter(pk=connection.pk).first():
            return
        detail = {"organization": connection.organization, "identity": connection.identity_id}
        record("connection.disconnected", connection, by=by, at=now, detail=detail)
        runs.release(connection.pk, now=now)
        connection.delete()


def set_disabled(connection: Connection, *, disabled: bool, by: Actor, now: datetime) -> None:
    """Stop or resume using the connection. Saying the same thing twice records it once."""
    with transaction.atomic():
        changed = Connection.objects.filter(pk=connection.pk).exclude(disabled=disabled).update(disabled=disabled)
        connection.disabled = disabled
        if changed:
            record("connection.disabled" if disabled else "connection.enabled", connection, by=by, at=now)
        if disabled:
            runs.release(connection.pk, now=now)
