"""Counts above the list of connections, in one query that reads only indexes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import User
from django.db import connection as database
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.expressions import Combinable

from connections import clients
from connections.domain.health import Health
from connections.list_order import Days
from connections.models import Connection

Severity = Connection.Severity
_ENABLED = (Severity.REJECTED, Severity.PROBLEM, Severity.NONE)
ONE = Value(0)
# The parts that are counted on a day, each made by `part`.
Parts = Callable[[date], tuple[QuerySet[Any, Any], ...]]


@dataclass(frozen=True, slots=True)
class ListCounts:
    """How many connections a filter of the strip shows, and how many are in each group of the order, worst first."""

    rejected: int
    limited: int
    undated: int
    # The token's organizations are not recorded.
    reach_unknown: int
    # The owner is no longer active.
    owner_left: int
    groups: tuple[int, ...]

    @property
    def total(self) -> int:
        """All connections."""
        return sum(self.groups)


def reach_unknown() -> Q:
    """Connections of which no one said for which organizations the token is valid."""
    return Q(token_reach=Connection.Reach.UNKNOWN, disabled=False, server__in=clients.services())


def list_counts(*, today: date) -> ListCounts:
    """Count them. A group is the difference of two counts where that saves a query of its own."""
    counted = count_parts(_parts, today, *clients.services())
    return ListCounts(
        rejected=counted["all", Severity.REJECTED],
        limited=counted["limited", 0],
        undated=sum(counted["undated", severity] for severity in _ENABLED),
        reach_unknown=counted["reach", 0],
        owner_left=counted["left", 0],
        groups=_groups(counted),
    )


def count_parts(parts: Parts, today: date, *depends_on: str) -> Counter[tuple[str, int]]:
    """Count all parts in one query, by label and key. They depend on nothing but the day and these texts."""
    counted: Counter[tuple[str, int]] = Counter()
    with database.cursor() as cursor:
        cursor.execute(*_sql(parts, today, depends_on, database.vendor))
        for label, key, count in cursor.fetchall():
            counted[label, key] += count
    return counted


# Cached: for so many queries, writing the SQL takes longer than running it.
@lru_cache(maxsize=8)
def _sql(parts: Parts, today: date, _depends_on: tuple[str, ...], _vendor: str) -> tuple[str, tuple[Any, ...]]:
    first, *others = parts(today)
    return first.union(*others, all=True).query.sql_with_params()


def _parts(today: date) -> tuple[QuerySet[Connection, Any], ...]:
    days, severity, rows = Days.of(today), F("severity"), Connection.objects.order_by()
    return (
        part("all", rows, severity),
        part("urgent", rows.filter(severity__in=_ENABLED[1:], expires_on__lte=days.urgent), severity),
        part("soon", rows.filter(severity=Severity.NONE, expires_on__lte=days.soon), severity),
        part("undated", rows.filter(expires_on=None), severity),
        part("limited", rows.filter(health=Health.LIMITED, disabled=False), ONE),
        part("reach", rows.filter(reach_unknown()), ONE),
        part("left", rows.filter(disabled=False, owner__in=User.objects.filter(is_active=False)), ONE),
    )


def _groups(counted: Counter[tuple[str, int]]) -> tuple[int, ...]:
    """In the order of `connections.list_order.groups`."""
    problem, none = Severity.PROBLEM, Severity.NONE
    urgent, soon, undated = counted["urgent", none], counted["soon", none], counted["undated", none]
    return (
        counted["all", Severity.REJECTED],
        counted["urgent", problem] + urgent,
        counted["all", problem] - counted["urgent", problem],
        soon - urgent,
        undated,
        counted["all", none] - soon - undated,
        counted["all", Severity.DISABLED],
    )


def part(label: str, rows: QuerySet[Any], key: Combinable) -> QuerySet[Any, Any]:
    """The counts of these rows by a key, to be united with others in one query."""
    counted = rows.values(label=Value(label), key=key).annotate(count=Count("*"))
    listed: QuerySet[Any, Any] = counted.values_list("label", "key", "count")
    return listed
