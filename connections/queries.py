"""What pages read: lists, filters and counts, each in a constant number of queries."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower

from connections import expiry
from connections.models import Connection
from connections.status import NEEDS_ATTENTION, Expiry, Health
from history.models import Event

PAGE_SIZE = 25
EVENTS_PER_PAGE = 50
RECENT_EVENTS = 8
ATTENTION = "attention"

STATUS_CHOICES: tuple[tuple[str, str], ...] = (
    (ATTENTION, "Needs attention"),
    (Health.HEALTHY, "Healthy"),
    (Health.LIMITED, "Limited"),
    (Health.REJECTED, "Rejected"),
    (Health.UNREACHABLE, "Unreachable"),
    (Health.NOT_CHECKED, "Not checked"),
    (Health.DISABLED, "Disabled"),
    (Expiry.SOON, "Expiring soon"),
    (Expiry.EXPIRED, "Expired"),
    (Expiry.NOT_RECORDED, "No expiry date"),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person asked for; empty means everything."""

    q: str = ""
    status: str = ""
    provider: str = ""
    sort: str = ""

    @property
    def any(self) -> bool:
        """Whether anything is left out of the list."""
        return bool(self.q or self.status or self.provider)


def _attention(today: date) -> Q:
    refused = Q(health__in=[*NEEDS_ATTENTION])
    ending = Q(expires_on__lte=today + timedelta(days=expiry.SOON_DAYS)) | Q(expires_on=None)
    return Q(disabled=False) & (refused | ending)


def _with_status(status: str, today: date) -> Q:
    soon = today + timedelta(days=expiry.SOON_DAYS)
    conditions = {
        ATTENTION: _attention(today),
        Health.DISABLED: Q(disabled=True),
        Expiry.SOON: Q(expires_on__gte=today, expires_on__lte=soon),
        Expiry.EXPIRED: Q(expires_on__lt=today),
        Expiry.NOT_RECORDED: Q(expires_on=None),
    }
    return conditions.get(status, Q(health=status, disabled=False))


def connections(filters: Filters, *, today: date) -> QuerySet[Connection]:
    """The connections a person asked for, in the wished order."""
    found = Connection.objects.select_related("owner").annotate(chosen_count=Count("chosen_projects"))
    if filters.q:
        words = filters.q.split()
        for word in words:
            found = found.filter(
                Q(name__icontains=word) | Q(organization__icontains=word) | Q(identity_name__icontains=word)
            )
    if filters.status:
        found = found.filter(_with_status(filters.status, today))
    return found.order_by(*_order(filters.sort))


def _order(sort: str) -> list[str | Combinable]:
    by_name: list[str | Combinable] = [Lower("name"), "id"]
    if sort == "expiry":
        return [F("expires_on").asc(nulls_last=True), *by_name]
    if sort == "checked":
        return [F("checked_at").desc(nulls_last=True), *by_name]
    return by_name


def page_of_connections(filters: Filters, number: str | None, *, today: date) -> Page[Connection]:
    """One page; a number out of range is the nearest page."""
    return Paginator(connections(filters, today=today), PAGE_SIZE).get_page(number)


def attention_count(*, today: date) -> int:
    """How many connections need a person."""
    return Connection.objects.filter(_attention(today)).count()


def events_of(connection: Connection) -> QuerySet[Event]:
    """A connection's events, newest first."""
    return Event.objects.filter(subject_kind="connection", subject_id=connection.pk)


def page_of_events(connection: Connection, number: str | None) -> Page[Event]:
    """One page of a connection's events."""
    return Paginator(events_of(connection), EVENTS_PER_PAGE).get_page(number)
