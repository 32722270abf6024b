"""Give connections to another owner, as when a person leaves."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from connections.models import Connection
from history.record import Actor, record


def hand_over(connections: Iterable[Connection], *, to: User, by: Actor, now: datetime) -> int:
    """Change the owner of each. Returns how many had another owner before; each of them is an event."""
    moved = 0
    for connection in connections:
        with transaction.atomic():
            before = connection.owner
            changed = Connection.objects.filter(pk=connection.pk, owner=before).exclude(owner=to).update(owner=to)
            if changed:
                detail = {"before": _called(before), "after": _called(to)}
                record("connection.handed_over", connection, by=by, at=now, detail=detail)
                moved += 1
    return moved


def _called(user: User) -> str:
    return user.get_full_name() or user.get_username()
