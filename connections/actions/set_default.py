"""Set the default connection, which forms preselect."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from connections.actions import versions
from connections.actions.refusals import CannotChange
from connections.domain.form_versions import FieldState
from connections.models import Connection
from history.record import Actor, record


def set_default(connection: Connection, *, by: Actor, now: datetime, drawn_from: str | None = None) -> bool:
    """Make the connection the default instead of any other. Returns whether anything changed.

    `drawn_from` is the version in the form: the default at that time. Raises `CannotChange` and `ConnectionGone`.
    """
    try:
        changed = _move_default(connection, by=by, now=now, drawn_from=drawn_from)
    except IntegrityError:
        # There was no default, and someone else set one at the same moment: compare with that one.
        changed = _move_default(connection, by=by, now=now, drawn_from=drawn_from)
    connection.is_default = True
    return changed


def _move_default(connection: Connection, *, by: Actor, now: datetime, drawn_from: str | None) -> bool:
    with transaction.atomic():
        # Locks in a fixed order, to avoid deadlocks.
        affected = Connection.objects.filter(Q(is_default=True) | Q(pk=connection.pk)).order_by("pk")
        list(affected.select_for_update())
        current = versions.held(connection.pk)
        if current.is_default:
            return False
        yours = {"default": FieldState("Default connection", str(current.pk), current.name)}
        versions.require_unchanged(current, drawn_from, versions.DEFAULT, yours=yours, refusal=CannotChange)
        Connection.objects.filter(is_default=True).update(is_default=False)
        Connection.objects.filter(pk=current.pk).update(is_default=True)
        record("connection.made_default", current, by=by, at=now)
    return True
