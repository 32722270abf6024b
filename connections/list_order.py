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


def worst_first(
    rows: QuerySet[Connection], counts: Sequence[int], first: int, last: int, today: date
) -> QuerySet[Connection, int]:
    """The ids at these places of the order from worst to best. `counts` is how many each group has."""
    parts = [
        _ids(rows.filter(condition).order_by(*order_of("expiry", today)), *place)
        for condition, place in _places(groups(today), counts, first, last)
    ]
    whole = [Connection.objects.filter(pk__in=part).order_by().values_list("pk", flat=True) for part in parts]
    return whole[0].union(*whole[1:], all=True) if whole else Connection.objects.none().values_list("pk", flat=True)


def _places(
    conditions: Sequence[Q], counts: Sequence[int], first: int, last: int
) -> Iterator[tuple[Q, tuple[int, int, int]]]:
    """The groups that reach into these places: which of their rows, and how many they have."""
    begin = 0
    for condition, count in zip(conditions, counts, strict=True):
        start, stop = max(first - begin, 0), min(last - begin, count)
        if start < stop:
            yield condition, (start, stop, count)
        begin += count


def _ids(ordered: QuerySet[Connection], first: int, last: int, count: int) -> QuerySet[Connection, int]:
    return nearest_slice(ordered.values_list("pk", flat=True), first, last, count)


def nearest_slice(ids: QuerySet[Connection, int], first: int, last: int, count: int) -> QuerySet[Connection, int]:
    """A slice, counted from the nearer end, so that the last rows are read as fast as the first."""
    if first <= count - last:
        return ids[first:last]
    return ids.reverse()[count - last : count - first]
