"""Orders of the list of connections: the worst first, or by a column. Indexes exist for all but the owner."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Case, F, Q, Value, When
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
