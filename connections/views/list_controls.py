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

# Status, label, icon, tone and how many.
Count = tuple[str, str, str, str, int]


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
    rows = (
        *expiring(timeline),
        (Health.REJECTED, "rejected", "circle-x", "bad", counts.rejected),
        (Health.LIMITED, "limited", "circle-alert", "warn", counts.limited),
        *incomplete(undated=counts.undated, owner_left=counts.owner_left),
    )
    return strip_of(rows, status=status, given=given)


def expiring(timeline: Timeline) -> Iterator[Count]:
    """The counts of what expired and of what expires within a week."""
    this_week = sum(bar.day.number for bar in timeline.bars if bar.day.left <= expiry.URGENT_DAYS)
    yield Expiry.EXPIRED, "expired", "calendar-x", "bad", timeline.ended
    yield THIS_WEEK, "this week", "calendar-clock", "bad", this_week


def incomplete(*, undated: int, owner_left: int) -> Iterator[Count]:
    """The counts of what has no expiry date, and of what belongs to an inactive person, if there is any."""
    yield Expiry.NOT_RECORDED, "no date", "calendar-plus", "info", undated
    if owner_left:
        yield OWNER_LEFT, "owner inactive", "user-x", "warn", owner_left


def strip_of(rows: Iterable[Count], *, status: str, given: QueryDict) -> tuple[StripCount, ...]:
    """The counts of a strip."""
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
    ("Expires", "expiry", "ascending"),
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
