"""Give connections to another owner, as when a person leaves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from connections.actions import versions
from connections.actions.refusals import CannotChange, ConnectionGone
from connections.models import Connection
from history.record import Actor, record


@dataclass(frozen=True, slots=True)
class OwnershipTransfer:
    """How many have the new owner now, and the names of those that somebody else changed or disconnected meanwhile."""

    moved: int
    changed_meanwhile: tuple[str, ...]


def transfer_ownership(connections: Iterable[Connection], *, to: User, by: Actor, now: datetime) -> OwnershipTransfer:
    """Change the owner of each whose owner is still the one that was read; each change is an event.

    Raises `CannotChange` when the new owner was removed or made inactive meanwhile.
    """
    moved, left = 0, []
    for connection in connections:
        before = connection.owner
        try:
            with transaction.atomic():
                current = versions.held(connection.pk)
                if current.owner_id == to.pk:
                    continue
                if current.owner_id != before.pk:
                    left.append(connection.name)
                    continue
                _require_present(to)
                Connection.objects.filter(pk=current.pk).update(owner=to)
                detail = {"before": _called(before), "after": _called(to)}
                record("connection.handed_over", current, by=by, at=now, detail=detail)
                moved += 1
        except ConnectionGone:
            left.append(connection.name)
    return OwnershipTransfer(moved, tuple(left))


def _require_present(to: User) -> None:
    """Held until the transaction ends, so that nobody removes them meanwhile."""
    if not User.objects.select_for_update(no_key=True).filter(pk=to.pk, is_active=True).exists():
        words = "The new owner was removed or deactivated in the meantime. Choose someone else."
        raise CannotChange("owner_gone", words, field="to")


def _called(user: User) -> str:
    return user.get_full_name() or user.get_username()
