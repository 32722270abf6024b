"""Transfer connections to another owner, for example when a person leaves."""

from collections.abc import Iterable, Mapping
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
    """How many were transferred, and the names of those changed or disconnected by someone else in the meantime."""

    moved: int
    changed_meanwhile: tuple[str, ...]


def transfer_ownership(
    connections: Iterable[Connection],
    *,
    to: User,
    by: Actor,
    now: datetime,
    drawn_from: Mapping[int, int] | None = None,
) -> OwnershipTransfer:
    """Transfer the connections whose owner has not changed since they were read.

    `drawn_from` has the ids of the owners that a form showed, by the connections' ids. Raises `CannotChange` if the
    new owner was removed or deactivated in the meantime.
    """
    moved, skipped = 0, []
    for connection in connections:
        before = connection.owner
        try:
            with transaction.atomic():
                current = versions.held(connection.pk)
                if current.owner_id == to.pk:
                    continue
                if current.owner_id != (drawn_from or {}).get(current.pk, before.pk):
                    skipped.append(connection.name)
                    continue
                _require_present(to)
                Connection.objects.filter(pk=current.pk).update(owner=to)
                detail = {"before": _called(before), "after": _called(to)}
                record("connection.handed_over", current, by=by, at=now, detail=detail)
                moved += 1
        except ConnectionGone:
            skipped.append(connection.name)
    return OwnershipTransfer(moved, tuple(skipped))


def _require_present(to: User) -> None:
    """Lock the new owner until the transaction ends. Raises `CannotChange` if they are gone."""
    if not User.objects.select_for_update(no_key=True).filter(pk=to.pk, is_active=True).exists():
        raise CannotChange("owner_gone", field="to")


def _called(user: User) -> str:
    return user.get_full_name() or user.get_username()
