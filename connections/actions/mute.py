"""Stop reminders about one connection to one address."""

from datetime import datetime

from django.db import transaction

from connections.models import Connection, MutedReminders
from history.record import Actor, record


def mute(connection: Connection, *, address: str, now: datetime) -> None:
    """Remember it. Doing it twice records it once."""
    with transaction.atomic():
        _, is_new = MutedReminders.objects.get_or_create(connection=connection, address=address)
        if is_new:
            record("connection.muted", connection, by=Actor(name=address), at=now)
