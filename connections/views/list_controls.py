"""What lists of credentials are filtered and sorted with: the strip of counts and the heads of the columns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import QueryDict

from connections import clients
from connections.domain import expiry
from connections.domain.expiry_chart import Timeline
from connections.domain.health import Expiry, Health
from connections.list_counts import ListCounts
from connections.list_order import WORST
from connections.reads import OWNER_LEFT, THIS_WEEK
from core.query_strings import with_values


@dataclass(frozen=True, slots=True)
class StripCount:
    """One count of the strip, which filters the list by `status`; `query` shows it, or everything if it is shown."""

    status: str
    label: str
    icon: str
    tone: str
    count: int
    query: str
    is_current: bool


def strip(counts: ListCounts, timeline: Timeline, *, status: str, given: QueryDict) -> tuple[StripCount, ...]:
    """The counts above the list, worst first."""
    this_week = sum(bar.day.count for bar in timeline.bars if bar.day.left <= expiry.URGENT_DAYS)
    rows = (
        (Expiry.EXPIRED, "expired", "calendar-x", "bad", timeline.ended),
        (THIS_WEEK, "this week", "calendar-clock", "bad", this_week),
        (Health.REJECTED, "rejected", "circle-x", "bad", counts.rejected),
        (Health.LIMITED, "limited", "circle-alert", "warn", counts.limited),
        (Expiry.NOT_RECORDED, "no date", "calendar-plus", "info", counts.undated),
        *([(OWNER_LEFT, "owner inactive", "user-x", "warn", counts.owner_left)] if counts.owner_left else []),
    )
    return strip_of(rows, status=status, given=given)


def strip_of(
    rows: Iterable[tuple[str, str, str, str, int]], *, status: str, given: QueryDict
) -> tuple[StripCount, ...]:
    """The counts of a strip from status, label, icon, tone and count of each."""
    return tuple(
        StripCount(
            *row,
            query=with_values(given, status="" if row[0] == status else row[0]),
            is_current=row[0] == status,
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """A head of a column, which sorts by it and then the other way round. `direction` is empty if it is not sorted."""

    label: str
    query: str
    direction: str = ""


_COLUMNS = (
    ("Name", "name", "ascending"),
    ("", "organization", "ascending"),
    ("Status", WORST, "descending"),
    ("Token expires", "expiry", "ascending"),
    ("Last checked", "checked", "descending"),
    ("Owner", "owner", "ascending"),
)
_OPPOSITE = {"ascending": "descending", "descending": "ascending"}


def place_label() -> str:
    """The head of the column of organizations or collections."""
    return " or ".join(clients.places()).capitalize()


def connection_columns() -> list[tuple[str, str, str]]:
    """The columns of the list of connections: label, what they sort by, and in which direction."""
    return [(label or place_label(), key, direction) for label, key, direction in _COLUMNS]


def column_heads(columns: Iterable[tuple[str, str, str]], sort: str, given: QueryDict) -> Iterator[ColumnHead]:
    """The heads of the columns, as the list is sorted now."""
    for label, key, direction in columns:
        following = f"-{key}" if sort == key and key != WORST else key
        shown = {key: direction, f"-{key}": _OPPOSITE[direction]}.get(sort, "")
        query = with_values(given, sort="" if following == WORST else following)
        yield ColumnHead(label, query, shown)
