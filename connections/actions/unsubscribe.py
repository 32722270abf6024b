"""Stop and resume reminders to an address, about one connection or all."""

from datetime import datetime

from django.db import transaction

from connections.actions import versions
from connections.models import Connection, MutedReminders
from history.record import Actor, record


def stop_reminders(connection: Connection | None, *, address: str, now: datetime) -> None:
    """Stop reminders about the connection, or about all for None. Raises `ConnectionGone`."""
    with transaction.atomic():
        if connection is not None:
            versions.held(connection.pk)
        muted, is_new = MutedReminders.objects.get_or_create(connection=connection, address=address)
        if is_new:
            record(*_named("muted", muted), by=Actor(name=address), at=now)


def restart_reminders(muted: MutedReminders, *, by: Actor, now: datetime) -> None:
    """Resume reminders."""
    with transaction.atomic():
        named = _named("unmuted", muted)
        if MutedReminders.objects.filter(pk=muted.pk).exists():
            record(*named, by=by, at=now, detail={"address": muted.address})
            muted.delete()


def restart_reminders_to(address: str, connection: Connection | None, *, by: Actor, now: datetime) -> None:
    """Begin those about one connection again; without a connection, those that were stopped about every one."""
    for muted in MutedReminders.objects.filter(connection=connection, address__iexact=address):
        restart_reminders(muted, by=by, now=now)


def _named(what: str, muted: MutedReminders) -> tuple[str, Connection | MutedReminders]:
    if muted.connection is None:
        return f"reminders.{what}", muted
    return f"connection.{what}", muted.connection
