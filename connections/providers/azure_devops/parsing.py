"""Reading what Azure DevOps returns: strict about what makes a thing, tolerant about everything else.

A field that is missing, null, or of another kind than documented is absent; a state that is not known is "unknown".
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
# Azure DevOps spells these in one way or the other.
_SPELLINGS = {"canceling": "cancelling", "cancelled": "canceled"}

State = TypeVar("State", bound=StrEnum)
Item = TypeVar("Item")
log = logging.getLogger(__name__)
# What lies beyond is a mistake or a placeholder, and breaks arithmetic and other time zones.
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def parse_datetime(text: object) -> datetime | None:
    """An instant with zero to seven fractional digits, aware and in UTC.

    None for what is absent, no date, or beyond reason.
    """
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
    """The wanted items of a list, each read by `read`; what cannot be read is left out, counted and logged.

    Raises `UnexpectedAnswer` when there is no list, or when nothing of it can be read.
    """
    found = [item for item in answer.json_items() if not isinstance(item, dict) or is_wanted(item)]
    items = readable(found, read)
    left_out = len(found) - len(items)
    if left_out and not items:
        raise answer.unexpected("no item that can be read")
    if left_out:
        log.warning("Azure DevOps: %s of %s items could not be read and are left out.", left_out, len(found))
    return Page(items, answer.continuation_token, left_out)


def readable(found: Iterable[object], read: Callable[[dict[str, Any]], Item]) -> tuple[Item, ...]:
    """The items that can be read; one that cannot hides no other."""
    items = []
    for item in found:
        try:
            if isinstance(item, dict):
                items.append(read(item))
        except errors.UnexpectedAnswer:
            continue
    return tuple(items)


def text_of(source: dict[str, Any], key: str) -> str:
    """A text that must be there. Raises `UnexpectedAnswer`."""
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise errors.UnexpectedAnswer(detail=f"no {key} in the answer")
    return storable_text(value)


def optional_text(source: dict[str, Any], *path: str) -> str | None:
    """A text that may be absent, at a path of keys."""
    value: Any = source
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return storable_text(value) if isinstance(value, str) and value else None


def number_of(source: dict[str, Any], key: str) -> int:
    """A whole number that must be there. Raises `UnexpectedAnswer`."""
    value = source.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.UnexpectedAnswer(detail=f"no {key} in the answer")
    return value


def optional_number(source: dict[str, Any], *path: str) -> int | None:
    """A whole number that may be absent, at a path of keys."""
    value: Any = source
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(source: dict[str, Any], key: str) -> bool:
    """A yes; everything else, absence too, is a no."""
    return source.get(key) is True


def objects(source: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list that may be absent."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(source: dict[str, Any], key: str) -> dict[str, Any]:
    """An object that may be absent; empty then."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def web_link(source: dict[str, Any], *path: str) -> str | None:
    """An address that may be put into a page: http or https, or nothing."""
    address = optional_text(source, *path)
    return address if address is not None and _WEB_ADDRESS.match(cut(address)) else None


def instant(source: dict[str, Any], key: str) -> datetime | None:
    """A moment that may be absent."""
    return parse_datetime(source.get(key))


def person(source: dict[str, Any], key: str) -> Identity | None:
    """Somebody who did something; None when nobody is named."""
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
    """A state by its name in any case, in either spelling; `unknown`, a member of the same kind, for all others."""
    if not isinstance(value, str):
        return unknown
    wanted = value.lower()
    wanted = _SPELLINGS.get(wanted, wanted)
    return next((one for one in type(unknown) if one.value.lower() == wanted), unknown)
