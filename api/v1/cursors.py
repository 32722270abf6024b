"""Pages by cursor: each begins after the last row of the one before, so that all pages are equally fast.

A row that is added or removed meanwhile moves no other row onto a second page. A cursor is signed, as it holds values
by which the database compares.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar, cast

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Lower
from ninja import Schema
from pydantic import Field

from history import queries
from history.models import Event

_SALT = "api.cursor"
Row = TypeVar("Row", bound=Model)


class InvalidCursor(ValueError):
    """The cursor is invalid, or belongs to another order."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of the next page; empty when this is the last."""

    rows: list[Row]
    next_cursor: str


def page_sorted(found: QuerySet[Row], *, of: str, sort: str, cursor: str, limit: int) -> Page[Row]:
    """One page of rows in the order `sort` of their list, by name unless given. Raises `InvalidCursor`."""
    of = f"{of} {sort}"
    if not sort:
        return page_by_name(found, of=of, cursor=cursor, limit=limit)
    named = cast("QuerySet[Row]", found.annotate(lower_name=Lower("name")))
    return _page(_after(named, _AFTER[sort], of=of, cursor=cursor), lambda row: _position(row, sort), of, limit)


def page_by_name(found: QuerySet[Row], *, of: str, cursor: str, limit: int) -> Page[Row]:
    """One page of rows in the order of their names. Raises `InvalidCursor`."""
    found = _after(cast("QuerySet[Row]", found.annotate(lower_name=Lower("name"))), _after_name, of=of, cursor=cursor)
    return _page(found.order_by("lower_name", "pk"), lambda row: [cast("Any", row).lower_name, row.pk], of, limit)


def page_by_id(found: QuerySet[Row], *, of: str, cursor: str, limit: int, newest_first: bool = False) -> Page[Row]:
    """One page of rows in the order of their ids. Raises `InvalidCursor`."""
    if cursor:
        (last,) = _read(cursor, of)
        found = found.filter(pk__lt=last) if newest_first else found.filter(pk__gt=last)
    return _page(found.order_by("-pk" if newest_first else "pk"), lambda row: [row.pk], of, limit)


def page_of_events(found: QuerySet[Event], *, of: str, cursor: str, limit: int) -> Page[Event]:
    """One page of events, newest first. Raises `InvalidCursor`."""
    edge = queries.read_edge(str(_read(cursor, of)[0])) if cursor else None
    page = queries.older(found, edge, size=limit) if edge else queries.newest(found, size=limit)
    return Page(page.events, signing.dumps([of, str(page.older)], salt=_SALT) if page.older else "")


class RemotePaging(Schema):
    """Page of a list that Azure DevOps divides into pages."""

    cursor: str = Field("", max_length=2000, description="From the link to the next page.")


def remote_cursor(continuation: str | None, *, of: str) -> str:
    """The cursor of the page that Azure DevOps continues with; empty at the end."""
    return signing.dumps([of, continuation], salt=_SALT) if continuation else ""


def remote_position(cursor: str, *, of: str) -> str:
    """Where Azure DevOps continues; empty without a cursor. Raises `InvalidCursor`."""
    return str(_read(cursor, of)[0]) if cursor else ""


def _after(found: QuerySet[Row], later: Callable[..., Q], *, of: str, cursor: str) -> QuerySet[Row]:
    """The rows after the position of the cursor; all of them without one."""
    if not cursor:
        return found
    try:
        return found.filter(later(*_read(cursor, of)))
    except (TypeError, ValueError) as wrong:
        raise InvalidCursor from wrong


def _page(found: QuerySet[Row], position: Callable[[Row], Sequence[object]], of: str, limit: int) -> Page[Row]:
    rows = list(found[: limit + 1])
    more, rows = len(rows) > limit, rows[:limit]
    return Page(rows, signing.dumps([of, *position(rows[-1])], salt=_SALT) if more else "")


def _read(cursor: str, of: str) -> list[Any]:
    try:
        what, *position = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError):
        raise InvalidCursor from None
    if what != of:
        raise InvalidCursor
    return list(position)


def _position(row: Model, sort: str) -> list[object]:
    annotated = cast("Any", row)
    if sort == "expiry":
        first = annotated.expires_on.isoformat() if annotated.expires_on else None
    else:
        first = annotated.last_checked.isoformat()
    return [first, annotated.lower_name, row.pk]


def _after_name(name: str, pk: int) -> Q:
    # The first condition alone lets PostgreSQL begin in the index where the page begins.
    return Q(lower_name__gte=name) & (Q(lower_name__gt=name) | Q(lower_name=name, pk__gt=pk))


def _after_expiry(day: str | None, name: str, pk: int) -> Q:
    if day is None:
        return Q(expires_on=None) & _after_name(name, pk)
    expires_on = date.fromisoformat(day)
    later = Q(expires_on__gt=expires_on) | Q(expires_on=None)
    return later | (Q(expires_on=expires_on) & _after_name(name, pk))


def _after_check(moment: str, name: str, pk: int) -> Q:
    checked = datetime.fromisoformat(moment)
    return Q(last_checked__lte=checked) & (
        Q(last_checked__lt=checked) | (Q(last_checked=checked) & _after_name(name, pk))
    )


_AFTER: dict[str, Callable[..., Q]] = {"expiry": _after_expiry, "checked": _after_check}
