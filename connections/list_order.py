"""Orders of the list of connections: the worst first, or by a column. Indexes exist for all but the owner."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import Expression, OrderBy
from django.db.models.functions import Lower

from connections.domain import expiry
from connections.models import Connection

WORST = "worst"
Severity = Connection.Severity
Order = list[OrderBy]


@dataclass(frozen=True, slots=True)
class Days:
    """The last days on which an expiry date is urgent and near."""

    urgent: date
    soon: date

    @classmethod
    def of(cls, today: date) -> "Days":
        """Counted from today."""
        return cls(today + timedelta(days=expiry.URGENT_DAYS), today + timedelta(days=expiry.SOON_DAYS))


def groups(today: date) -> list[Q]:
    """The connections from worst to best: in each group, those that expire first come first.

    Each group is a range of an index, so that a page is read without sorting all connections.
    """
    days = Days.of(today)
    works = Q(severity=Severity.NONE)
    return [
        Q(severity=Severity.REJECTED),
        Q(severity__in=(Severity.PROBLEM, Severity.NONE), expires_on__lte=days.urgent),
        Q(severity=Severity.PROBLEM) & (Q(expires_on__gt=days.urgent) | Q(expires_on=None)),
        works & Q(expires_on__gt=days.urgent, expires_on__lte=days.soon),
        works & Q(expires_on=None),
        works & Q(expires_on__gt=days.soon),
        Q(severity=Severity.DISABLED),
    ]


def order_of(sort: str, today: date) -> Order:
    """The order that `sort` names; a minus before it reverses it."""
    by_name = _ascending(Lower("name"), F("id"))
    expires = F("expires_on")
    orders: dict[str, Order] = {
        "expiry": [expires.asc(nulls_last=True), *by_name],
        "-expiry": [expires.desc(nulls_last=True), *by_name],
        "checked": [F("last_checked").desc(), *by_name],
        "-checked": [F("last_checked").asc(), *by_name],
        "organization": [Lower("organization").asc(), *by_name],
        "-organization": [Lower("organization").desc(), *by_name],
        "owner": [*_ascending(Lower("owner__username")), *by_name],
        "-owner": [Lower("owner__username").desc(), *by_name],
        "-name": [Lower("name").desc(), F("id").desc()],
    }
    if sort == WORST:
        ranks = [When(condition, then=Value(rank)) for rank, condition in enumerate(groups(today))]
        return [Case(*ranks).asc(), *orders["expiry"]]
    return orders.get(sort, by_name)


def _ascending(*expressions: Expression | F) -> Order:
    return [OrderBy(expression) for expression in expressions]


def worst_first(counts: Sequence[int], first: int, last: int, today: date) -> dict[int, int]:
    """The connections at these places of the order from worst to best: ids with the rank of their group.

    `counts` is how many each group has. Within a group, the order is by expiry.
    """
    parts = [
        Connection.objects.filter(pk__in=_ids(condition, today, *place)).order_by().values_list("pk", Value(rank))
        for rank, condition, place in _places(groups(today), counts, first, last)
    ]
    return dict(parts[0].union(*parts[1:], all=True)) if parts else {}


def _places(
    conditions: Sequence[Q], counts: Sequence[int], first: int, last: int
) -> Iterator[tuple[int, Q, tuple[int, int, int]]]:
    """The groups that reach into these places: their rank, which of their rows, and how many they have."""
    begin = 0
    for rank, (condition, count) in enumerate(zip(conditions, counts, strict=True)):
        start, stop = max(first - begin, 0), min(last - begin, count)
        if start < stop:
            yield rank, condition, (start, stop, count)
        begin += count


def _ids(condition: Q, today: date, first: int, last: int, count: int) -> QuerySet[Connection, int]:
    ordered = Connection.objects.filter(condition).order_by(*order_of("expiry", today))
    return nearest_slice(ordered.values_list("pk", flat=True), first, last, count)


def nearest_ids(ids: QuerySet[Connection, int], first: int, last: int, count: int) -> list[int]:
    """The ids at these places, in their order, read from the nearer end."""
    found = list(nearest_slice(ids, first, last, count))
    return found if _is_nearer_to_front(first, last, count) else found[::-1]


def nearest_slice(ids: QuerySet[Connection, int], first: int, last: int, count: int) -> QuerySet[Connection, int]:
    """A slice, counted from the nearer end, so that the last rows are read as fast as the first.

    From the other end it is the other way round.
    """
    if _is_nearer_to_front(first, last, count):
        return ids[first:last]
    return ids.reverse()[count - last : count - first]


def _is_nearer_to_front(first: int, last: int, count: int) -> bool:
    return first <= count - last
