"""Parse data from Azure DevOps: strict about essential fields, tolerant about others.

A field that is missing, null or of an undocumented type counts as absent; an undocumented state is "unknown".
"""

import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.text import cut
from connections.providers.organization import Identity
from core.storable_text import storable_text

_FRACTION = re.compile(r"\.(\d+)")
_WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_NEVER = "0001-01-01"
# Azure DevOps uses both spellings.
_SPELLINGS = {"canceling": "cancelling", "cancelled": "canceled"}

State = TypeVar("State", bound=StrEnum)
Item = TypeVar("Item")
log = logging.getLogger(__name__)
# Times beyond these are errors or placeholders, and would overflow in calculations.
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def parse_datetime(text: object) -> datetime | None:
    """A UTC time from a text with up to seven fractional digits; None if it is absent, invalid or implausible."""
    if not isinstance(text, str) or text.startswith(_NEVER):
        return None
    shortened = _FRACTION.sub(lambda digits: "." + digits.group(1)[:6].ljust(6, "0"), cut(text.strip()), count=1)
    try:
        instant = datetime.fromisoformat(shortened.replace("Z", "+00:00"))
        aware = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware if _EARLIEST <= aware < _LATEST else None


def read_page(
    answer: Response,
    read: Callable[[dict[str, Any]], Item],
    *,
    is_wanted: Callable[[dict[str, Any]], bool] = lambda _item: True,
) -> Page[Item]:
    """The wanted items of a list, parsed by `read`. Unreadable items are left out, counted and logged.

    Raises `UnexpectedAnswer` if there is no list, or no readable item in it.
    """
    wanted = [item for item in answer.json_items() if not isinstance(item, dict) or is_wanted(item)]
    items = readable(wanted, read)
    left_out = len(wanted) - len(items)
    if left_out and not items:
        raise answer.unexpected("no item that can be read")
    if left_out:
        log.warning("Azure DevOps: %s of %s items could not be read and are left out.", left_out, len(wanted))
    return Page(items, answer.continuation_token, left_out)


def readable(values: Iterable[object], read: Callable[[dict[str, Any]], Item]) -> tuple[Item, ...]:
    """The readable items, parsed by `read`."""
    items = []
    for item in values:
        try:
            if isinstance(item, dict):
                items.append(read(item))
        except errors.UnexpectedAnswer:
            continue
    return tuple(items)


def text_of(source: dict[str, Any], key: str) -> str:
    """A required text. Raises `UnexpectedAnswer`."""
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise errors.UnexpectedAnswer(detail=f"no {key} in the answer")
    return storable_text(value)


def optional_text(source: dict[str, Any], *path: str) -> str | None:
    """An optional text at a path of keys."""
    value = _at(source, path)
    return storable_text(value) if isinstance(value, str) and value else None


def _at(source: object, path: Iterable[str]) -> object:
    for key in path:
        source = source.get(key) if isinstance(source, dict) else None
    return source


def number_of(source: dict[str, Any], key: str) -> int:
    """A required integer. Raises `UnexpectedAnswer`."""
    value = source.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.UnexpectedAnswer(detail=f"no {key} in the answer")
    return value


def optional_number(source: dict[str, Any], *path: str) -> int | None:
    """An optional integer at a path of keys."""
    value = _at(source, path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(source: dict[str, Any], key: str) -> bool:
    """Whether the value is true; absent counts as false."""
    return source.get(key) is True


def objects(source: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of an optional list."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(source: dict[str, Any], key: str) -> dict[str, Any]:
    """An optional object; empty if absent."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def web_link(source: dict[str, Any], *path: str) -> str | None:
    """An optional http or https URL, which is safe to link to."""
    address = optional_text(source, *path)
    return address if address is not None and _WEB_ADDRESS.match(cut(address)) else None


def instant(source: dict[str, Any], key: str) -> datetime | None:
    """An optional time."""
    return parse_datetime(source.get(key))


def person(source: dict[str, Any], key: str) -> Identity | None:
    """An optional person or group."""
    value = mapping(source, key)
    name = optional_text(value, "displayName") or optional_text(value, "uniqueName")
    if name is None:
        return None
    return Identity(
        id=optional_text(value, "id") or "",
        display_name=name,
        account=optional_text(value, "uniqueName"),
        descriptor=optional_text(value, "descriptor"),
        is_group=flag(value, "isContainer"),
    )


def state(value: object, unknown: State) -> State:
    """The state with this name, in any case and spelling; `unknown`, a member of the same enumeration, for others."""
    if not isinstance(value, str):
        return unknown
    name = _SPELLINGS.get(value.lower(), value.lower())
    return next((known for known in type(unknown) if known.value.lower() == name), unknown)
