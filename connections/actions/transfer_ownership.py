"""Transfer connections and entries of the register to another owner, for example when a person leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from connections.actions.refusals import CannotChange
from connections.domain.problems.refusals import REFUSALS
from connections.models import Connection, RegisterEntry
from history.record import Actor, record_all

# So many are transferred in a transaction.
BATCH = 500
_EVENTS = {Connection: "connection.handed_over", RegisterEntry: "register.handed_over"}
Owned = Connection | RegisterEntry


@dataclass(frozen=True, slots=True)
class OwnershipTransfer:
    """How many were transferred, and the names of those changed or deleted by someone else in the meantime."""

    moved: int
    changed_meanwhile: tuple[str, ...]


def transfer_ownership(
    owned: Iterable[Owned],
    *,
    to: User,
    by: Actor,
    now: datetime,
    drawn_from: Mapping[int, int] | None = None,
    moved_before: int = 0,
) -> OwnershipTransfer:
    """Transfer connections, or entries, whose owner has not changed since they were read.

    `drawn_from` has the ids of the owners that a form showed, by the ids of what they own. Raises `CannotChange` if the
    new owner was removed or deactivated in the meantime; it says how many were transferred until then, with the
    `moved_before` of the same request.
    """
    moved, skipped, rest = 0, list[str](), iter(owned)
    while batch := list(islice(rest, BATCH)):
        shown = {item.pk: item.owner_id for item in batch} | dict(drawn_from or {})
        with transaction.atomic():
            before = _held(batch)
            allowed = {pk for pk, item in before.items() if item.owner_id in (shown[pk], to.pk)}
            moving = [before[pk] for pk in sorted(allowed) if before[pk].owner_id != to.pk]
            _transfer(moving, to=to, by=by, now=now, moved_before=moved_before + moved)
        moved += len(moving)
        skipped += [item.name for item in batch if item.pk not in allowed]
    return OwnershipTransfer(moved, tuple(skipped))


def _held(batch: Sequence[Owned]) -> dict[int, Owned]:
    """The rows as they are now, by their ids, locked until the transaction ends."""
    rows: Any = type(batch[0])._default_manager.filter(pk__in=[item.pk for item in batch])
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("owner").order_by("pk")
    return {item.pk: item for item in locked}


def _transfer(items: Sequence[Owned], *, to: User, by: Actor, now: datetime, moved_before: int) -> None:
    if not items:
        return
    _require_present(to, moved_before=moved_before)
    model = type(items[0])
    # An entry counts its changes.
    touched = {} if model is Connection else {"changed_at": now, "revision": F("revision") + 1}
    model._default_manager.filter(pk__in=[item.pk for item in items]).update(owner=to, **touched)
    details = [(item, {"before": _called(item.owner), "after": _called(to)}) for item in items]
    record_all(_EVENTS[model], details, by=by, at=now)


def _require_present(to: User, *, moved_before: int) -> None:
    """Lock the new owner until the transaction ends. Raises `CannotChange` if they are gone."""
    if not User.objects.select_for_update(no_key=True).filter(pk=to.pk, is_active=True).exists():
        moved = f" Handed over before that: {moved_before:,}." if moved_before else ""
        raise CannotChange("owner_gone", REFUSALS["owner_gone"] + moved, field="to")


def _called(user: User) -> str:
    return user.get_full_name() or user.get_username()
