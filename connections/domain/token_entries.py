"""A person's personal access tokens as they are kept until they are matched with stored ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connections.providers.azure_devops.personal_tokens import TokenEntry


def as_json(entry: TokenEntry) -> dict[str, Any]:
    """For a column of the database."""
    return {
        "id": entry.id,
        "name": entry.name,
        "scopes": sorted(entry.scopes),
        "valid_from": _iso(entry.valid_from),
        "valid_to": _iso(entry.valid_to),
        "organizations": None if entry.organizations is None else list(entry.organizations),
    }


def from_json(kept: dict[str, Any]) -> TokenEntry:
    """The entry that `as_json` wrote."""
    organizations = kept["organizations"]
    return TokenEntry(
        id=kept["id"],
        name=kept["name"],
        scopes=frozenset(kept["scopes"]),
        valid_from=_instant(kept["valid_from"]),
        valid_to=_instant(kept["valid_to"]),
        organizations=None if organizations is None else tuple(organizations),
    )


def _iso(when: datetime | None) -> str:
    return when.isoformat() if when else ""


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# None of the entries, although one was picked before.
NONE = "none"


@dataclass(frozen=True, slots=True)
class Pick:
    """A person says which entry in Azure DevOps a stored token is, that of this connection: an id, or `NONE`."""

    connection: int
    entry: str


def picked_twice(picks: Iterable[Pick]) -> set[str]:
    """The entries that were picked for more than one stored token, of which at most one can be right."""
    entries = [pick.entry for pick in picks if pick.entry != NONE]
    return {entry for entry in entries if entries.count(entry) > 1}
