"""Reads of the register for pages: lists, filters and counts, each in a constant number of queries."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from connections import list_pages
from connections.domain import expiry
from connections.domain.expiry_chart import Timeline
from connections.domain.health import Expiry
from connections.list_counts import ONE, count_parts, part
from connections.list_order import WORST, Days, Order, order_of
from connections.list_pages import PagedList, ids_with_words
from connections.models import Consumer, RegisterEntry, RegisterImport
from connections.reads import ATTENTION, OWNER_LEFT, THIS_WEEK, timeline_of
from connections.register_lines import LineError
from core.storable_text import storable_text
from history.models import Event

CLOSED = "closed"
OPEN = "open"
RECENT_EVENTS = 50
ERRORS_PER_PAGE = 100
PREVIEWED = 10
STATUSES = (
    (ATTENTION, "Needs attention"),
    (THIS_WEEK, "Expires this week"),
    (Expiry.SOON, "Expires in 30 days"),
    (Expiry.EXPIRED, "Expired"),
    (Expiry.NOT_RECORDED, "No expiry date"),
    (OWNER_LEFT, "Owner inactive"),
    (OPEN, "Open"),
    (CLOSED, "Closed"),
)
State = RegisterEntry.State


class EntryColumns(NamedTuple):
    """The columns that the list reads of an entry and its owner, named as in the database."""

    pk: int
    name: str
    kind: str
    organization: str
    purpose: str
    expires_on: date | None
    state: int
    outside_owner: str
    owner__username: str
    owner__first_name: str
    owner__last_name: str
    owner__is_active: bool

    @property
    def owner(self) -> str:
        """The full name of the owner as in `User.get_full_name`, or else the username."""
        return f"{self.owner__first_name} {self.owner__last_name}".strip() or self.owner__username


@dataclass(frozen=True, slots=True)
class EntryFilters:
    """Search, filters and order of the register; empty means no filter."""

    q: str = ""
    status: str = ""
    kind: str = ""
    sort: str = WORST
    on: date | None = None

    @property
    def any(self) -> bool:
        """Whether any filter is set."""
        return bool(self.q or self.status or self.kind or self.on)


def entries(filters: EntryFilters, *, today: date) -> QuerySet[RegisterEntry]:
    """The entries that match the filters, in the chosen order."""
    matching = RegisterEntry.objects.all()
    if filters.q:
        matching = matching.filter(pk__in=_with_words(filters.q))
    if filters.status:
        matching = matching.filter(_with_status(filters.status, today))
    if filters.kind:
        matching = matching.filter(kind=filters.kind)
    if filters.on:
        matching = matching.filter(expires_on=filters.on, state=State.OPEN)
    return matching.order_by(*_order(filters, today))


def _with_words(text: str) -> QuerySet[RegisterEntry, Any]:
    # An unordered subquery: otherwise SQLite walks the index of names and fetches every row to search its text.
    return list_pages.with_words(RegisterEntry.objects.order_by(), text).values("pk")


def _with_status(status: str, today: date) -> Q:
    days, is_open = Days.of(today), Q(state=State.OPEN)
    conditions: dict[str, Callable[[], Q]] = {
        ATTENTION: lambda: is_open & (Q(expires_on__lte=days.soon) | Q(expires_on=None) | _owner_left()),
        THIS_WEEK: lambda: is_open & Q(expires_on__gte=today, expires_on__lte=days.urgent),
        Expiry.SOON: lambda: is_open & Q(expires_on__gte=today, expires_on__lte=days.soon),
        Expiry.EXPIRED: lambda: is_open & Q(expires_on__lt=today),
        Expiry.NOT_RECORDED: lambda: is_open & Q(expires_on=None),
        OWNER_LEFT: _open_without_owner,
        CLOSED: lambda: Q(state=State.CLOSED),
    }
    return conditions.get(status, lambda: is_open)()


def _open_without_owner() -> Q:
    # Not by `state`, so that SQLite reads the index of owners alone.
    return Q(closed_at=None) & _owner_left()


def _owner_left() -> Q:
    return Q(owner__in=User.objects.filter(is_active=False))


def _groups(today: date) -> list[Q]:
    """The entries from worst to best, on the scale of connections; each group is a range of an index."""
    soon, is_open = Days.of(today).soon, Q(state=State.OPEN)
    return [
        is_open & Q(expires_on__lte=soon),
        is_open & Q(expires_on=None),
        is_open & Q(expires_on__gt=soon),
        Q(state=State.CLOSED),
    ]


_LIST = PagedList(RegisterEntry, EntryColumns, EntryColumns._fields, _groups)


def _order(filters: EntryFilters, today: date) -> Order:
    if filters.sort != WORST:
        return order_of(filters.sort, today)
    ranks = [When(condition, then=Value(rank)) for rank, condition in enumerate(_groups(today))]
    by_expiry = order_of("expiry", today)
    return by_expiry if filters.status or filters.on else [Case(*ranks).asc(), *by_expiry]


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """How many entries a filter of the strip shows, and how many are in each group of the order, worst first."""

    undated: int
    owner_left: int
    groups: tuple[int, ...]

    @property
    def total(self) -> int:
        """All entries."""
        return sum(self.groups)


def entry_counts(*, today: date) -> EntryCounts:
    """Count them in one query that reads only indexes."""
    counted = count_parts(_parts, today)
    soon, undated, closed = (counted[label, 0] for label in ("soon", "undated", "closed"))
    later = counted["all", 0] - soon - undated - closed
    return EntryCounts(undated, counted["left", 0], (soon, undated, later, closed))


def _parts(today: date) -> tuple[QuerySet[RegisterEntry, Any], ...]:
    rows = RegisterEntry.objects.order_by()
    is_open = rows.filter(state=State.OPEN)
    return (
        part("all", rows, ONE),
        part("closed", rows.filter(closed_at__isnull=False), ONE),
        part("soon", is_open.filter(expires_on__lte=Days.of(today).soon), ONE),
        part("undated", is_open.filter(expires_on=None), ONE),
        part("left", rows.filter(_open_without_owner()), ONE),
    )


def page_of_entries(
    filters: EntryFilters, number: str | None, *, today: date, groups: Sequence[int]
) -> Page[EntryColumns]:
    """One page; a number out of range is the nearest page. `groups` is how many entries each group has."""
    if filters.sort == WORST and not filters.any:
        return _LIST.worst_first(number, groups, today=today)
    if filters.q:
        return _LIST.listed(ids_with_words(entries, filters, today=today), number)
    return _LIST.ordered(entries(filters, today=today), number)


def expiry_timeline(*, today: date) -> Timeline:
    """When open entries expire over the next 90 days."""
    # Not by `state`, so that SQLite reads the index of dates alone.
    return timeline_of(RegisterEntry.objects.filter(closed_at=None), today=today)


def consumer_counts(ids: Sequence[int]) -> dict[int, int]:
    """How many consumers each of these entries has."""
    consumers = Consumer.objects.filter(entry__in=ids).order_by()
    return dict(consumers.values_list("entry").annotate(count=Count("pk")))


def leaked(ids: Sequence[int]) -> set[int]:
    """Those of these entries whose credential was declared leaked, and not renewed since."""
    since = Coalesce("renewed_at", "created_at")
    rows = RegisterEntry.objects.filter(pk__in=ids, leaks__declared_at__gte=since).order_by()
    return set(rows.values_list("pk", flat=True))


def entry(entry_id: int) -> RegisterEntry | None:
    """An entry with its owner; None if it does not exist."""
    return in_full(RegisterEntry.objects.filter(pk=entry_id)).first()


def in_full(matching: QuerySet[RegisterEntry]) -> QuerySet[RegisterEntry]:
    """The entries with owners, consumers and leaks."""
    return matching.select_related("owner").prefetch_related("consumers", "leaks")


def entries_by_id(ids: Sequence[int]) -> list[RegisterEntry]:
    """The entries among these ids with their owners and consumers, in the order of the ids."""
    by_id = RegisterEntry.objects.select_related("owner").prefetch_related("consumers").in_bulk(ids)
    return [by_id[entry_id] for entry_id in dict.fromkeys(ids) if entry_id in by_id]


def entry_named(name: str) -> RegisterEntry | None:
    """The entry with this name, ignoring case. The name may contain bytes that are not text."""
    return RegisterEntry.objects.select_related("owner").filter(name__iexact=storable_text(name)).first()


def expiring(*, within: int, today: date) -> QuerySet[RegisterEntry]:
    """Open entries that expire within `within` days or have expired, soonest first."""
    rows = RegisterEntry.objects.filter(state=State.OPEN, expires_on__lte=today + timedelta(days=within))
    return rows.select_related("owner").order_by(*order_of("expiry", today))


def in_steps(matching: QuerySet[RegisterEntry]) -> Iterator[list[RegisterEntry]]:
    """The entries with owners, consumers and leaks, in their order, in lists, so that no cursor stays open."""
    return list_pages.in_steps(matching, in_full(RegisterEntry.objects.all()))


def events_of(entry: RegisterEntry) -> QuerySet[Event]:
    """An entry's events, newest first."""
    return Event.objects.filter(subject_kind=RegisterEntry.subject_kind, subject_id=entry.pk)


def import_of(user: User, import_id: int) -> RegisterImport | None:
    """An import of this person; None if there is none."""
    return RegisterImport.objects.filter(pk=import_id, person=user).first()


def import_by_id(import_id: int) -> RegisterImport:
    """An import as it is now."""
    return RegisterImport.objects.get(pk=import_id)


def page_of_errors(current: RegisterImport, number: str | None) -> Page[LineError]:
    """One page of what is wrong with the lines of an import, by line."""
    return Paginator(errors_of(current), ERRORS_PER_PAGE).get_page(number)


def errors_of(current: RegisterImport) -> list[LineError]:
    """What is wrong with the lines of an import, by line."""
    batches = current.batches.exclude(errors=[]).values_list("errors", flat=True)
    return [LineError(*error) for batch in batches for error in batch]


def first_rows(current: RegisterImport) -> list[tuple[int, dict[str, Any]]]:
    """The first lines that can be imported, with their numbers."""
    batch = current.batches.filter(is_checked=True).exclude(rows=[]).first()
    kinds = dict(RegisterEntry.Kind.choices)
    rows = batch.rows[:PREVIEWED] if batch else []
    return [(number, {**values, "kind": kinds.get(values["kind"], "")}) for number, values in rows]


def is_overdue(entry: RegisterEntry, *, today: date) -> bool:
    """Whether its date has passed, so that someone should say whether it is still in use."""
    return not entry.is_closed and expiry.expiry_of(entry.expires_on, today) is Expiry.EXPIRED
