"""Change several connections or other rows at once. A refusal for one of them stops none of the others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from connections.actions.disconnect import set_disabled
from connections.actions.refusals import Refused
from connections.models import Connection
from history.record import Actor


class Named(Protocol):
    """A row that is named to the person who ticked it."""

    @property
    def name(self) -> str:
        """Its current name."""


Item = TypeVar("Item", bound=Named)


@dataclass(frozen=True, slots=True)
class SelectedOutcome:
    """The names of the rows that were changed, and of the others with the reason."""

    changed: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def change_each(items: Iterable[Item], change: Callable[[Item], object]) -> SelectedOutcome:
    """Change each of them. `change` raises `Refused`."""
    changed, refused = [], []
    for item in items:
        try:
            change(item)
        except Refused as refusal:
            refused.append((item.name, refusal.message))
        else:
            changed.append(item.name)
    return SelectedOutcome(tuple(changed), tuple(refused))


def disable_selected(
    connections: Iterable[Connection], *, by: Actor, now: datetime, drawn_from: Mapping[int, str]
) -> SelectedOutcome:
    """Disable each of them. `drawn_from` has the version in the form, by the id of the connection."""

    def disable(connection: Connection) -> None:
        set_disabled(connection, disabled=True, by=by, now=now, drawn_from=drawn_from.get(connection.pk, ""))

    return change_each(connections, disable)
