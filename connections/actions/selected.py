"""Change several connections at once. A refusal for one connection stops none of the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connections.actions.disconnect import set_disabled
from connections.actions.refusals import CannotChange, ConnectionGone
from connections.models import Connection
from history.record import Actor


@dataclass(frozen=True, slots=True)
class SelectedOutcome:
    """The names of the connections that were changed, and of the others with the reason."""

    changed: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def disable_selected(
    connections: Iterable[Connection], *, by: Actor, now: datetime, drawn_from: Mapping[int, str]
) -> SelectedOutcome:
    """Disable each of them. `drawn_from` has the version in the form, by the id of the connection."""
    changed, refused = [], []
    for connection in connections:
        version = drawn_from.get(connection.pk, "")
        try:
            set_disabled(connection, disabled=True, by=by, now=now, drawn_from=version)
        except (CannotChange, ConnectionGone) as refusal:
            refused.append((connection.name, refusal.message))
        else:
            changed.append(connection.name)
    return SelectedOutcome(tuple(changed), tuple(refused))
