"""Hand over what a person owns: connections and entries of the register."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from connections.actions.transfer_ownership import transfer_ownership
from connections.models import Connection, RegisterEntry
from history.record import Actor


@dataclass(frozen=True, slots=True)
class HandedOver:
    """How many of each were transferred, and the names of what someone else changed or deleted in the meantime."""

    connections: int
    entries: int
    changed_meanwhile: tuple[str, ...]


def hand_over(
    connections: Iterable[Connection], entries: Iterable[RegisterEntry], *, to: User, by: Actor, now: datetime
) -> HandedOver:
    """Transfer these to a new owner. Raises `CannotChange` if the new owner was removed in the meantime."""
    of_connections = transfer_ownership(connections, to=to, by=by, now=now)
    of_entries = transfer_ownership(entries, to=to, by=by, now=now, moved_before=of_connections.moved)
    meanwhile = of_connections.changed_meanwhile + of_entries.changed_meanwhile
    return HandedOver(of_connections.moved, of_entries.moved, meanwhile)
