"""Reads for pages: lists, filters and counts, each in a constant number of queries."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.core.paginator import Page
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Lower
from django.utils.timezone import localdate

from connections import clients
from connections.domain import expiry
from connections.domain.expiry_chart import DAYS, Timeline, timeline
from connections.domain.health import Expiry, Health
from connections.event_reads import events_of
from connections.list_counts import reach_unknown
from connections.list_order import WORST, Days, Order, order_of
from connections.list_order import groups as groups_of
from connections.list_pages import PagedList, ids_with_words, in_steps, with_words
from connections.models import (
    CapabilityState,
    ChosenProject,
    Connection,
    Consumer,
    MutedReminders,
    Reminder,
    StoredCredential,
)
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.capability import Verdict
from connections.providers.credential import Words
from connections.providers.registry import words_for
from core.storable_text import storable_text
from history.models import Event

RECENT_EVENTS = 8
ATTENTION = "attention"
THIS_WEEK = "week"
OWNER_LEFT = "owner_left"
REACH_UNKNOWN = "reach_unknown"

_STATUSES: tuple[tuple[str, str], ...] = (
    (ATTENTION, "Needs attention"),
    (Health.HEALTHY, "Healthy"),
    (Health.LIMITED, "Limited"),
    (Health.REJECTED, "Rejected"),
    (Health.UNREACHABLE, "Unreachable"),
    (Health.NOT_CHECKED, "Not checked"),
    (Health.DISABLED, "Disabled"),
    (THIS_WEEK, "Expires this week"),
    (Expiry.SOON, "Expires in 30 days"),
    (Expiry.EXPIRED, "Expired"),
    (Expiry.NOT_RECORDED, "No expiry date"),
    (REACH_UNKNOWN, "Token organizations unknown"),
    (OWNER_LEFT, "Owner inactive"),
)


def status_choices() -> list[tuple[str, str]]:
    """The choices of the status filter. A token's organizations matter only for Azure DevOps Services."""
    return [(status, label) for status, label in _STATUSES if status != REACH_UNKNOWN or clients.services()]


class Row(NamedTuple):
    """The columns that the list reads of a connection and its owner, named as in the database."""

    pk: int
    name: str
    provider: str
    organization: str
    all_projects: bool
    is_default: bool
    health: str
    disabled: bool
    expires_on: date | None
    expires_read_on: date | None
    checked_at: datetime | None
    owner__username: str
    owner__first_name: str
    owner__last_name: str
    owner__is_active: bool
    stored_credential__kind: str | None

    @property
    def owner(self) -> str:
        """The full name of the owner as in `User.get_full_name`, or else the username."""
        return f"{self.owner__first_name} {self.owner__last_name}".strip() or self.owner__username

    @property
    def words(self) -> Words:
        """What to call its credential."""
        return words_for(self.stored_credential__kind or PersonalAccessToken.kind)


_LIST = PagedList(Connection, Row, Row._fields, groups_of)


@dataclass(frozen=True, slots=True)
class Filters:
    """Search, filters and order of the list; empty means no filter."""

    q: str = ""
    status: str = ""
    provider: str = ""
    sort: str = ""
    on: date | None = None

    @property
    def any(self) -> bool:
        """Whether any filter is set."""
        return bool(self.q or self.status or self.provider or self.on)


def _attention(today: date) -> Q:
    return Q(disabled=False) & (_due(today) | _owner_left())


def _due(today: date) -> Q:
    return Q(attention_due_on__lte=today + timedelta(days=expiry.SOON_DAYS))


def _owner_left() -> Q:
    # A query of its own: there are few such owners, and with their ids the database reads few rows.
    owns = Connection.objects.filter(owner=OuterRef("pk")).order_by()
    return Q(owner__in=list(User.objects.filter(Exists(owns), is_active=False).values_list("pk", flat=True)))


def _with_status(status: str, today: date) -> Q:
    days = Days.of(today)
    conditions: dict[str, Callable[[], Q]] = {
        ATTENTION: lambda: _attention(today),
        Health.DISABLED: lambda: Q(disabled=True),
        THIS_WEEK: lambda: Q(expires_on__gte=today, expires_on__lte=days.urgent, disabled=False),
        Expiry.SOON: lambda: Q(expires_on__gte=today, expires_on__lte=days.soon, disabled=False),
        Expiry.EXPIRED: lambda: Q(expires_on__lt=today, disabled=False),
        Expiry.NOT_RECORDED: lambda: Q(expires_on=None, disabled=False),
        OWNER_LEFT: lambda: Q(disabled=False) & _owner_left(),
        REACH_UNKNOWN: reach_unknown,
    }
    return conditions.get(status, lambda: Q(health=status, disabled=False))()


def connections(filters: Filters, *, today: date) -> QuerySet[Connection]:
    """The connections that match the filters, in the chosen order."""
    matching = Connection.objects.all()
    if filters.q:
        matching = matching.filter(pk__in=_with_words(filters.q))
    if filters.status:
        matching = matching.filter(_with_status(filters.status, today))
    if filters.provider:
        matching = matching.filter(provider=filters.provider)
    if filters.on:
        matching = matching.filter(expires_on=filters.on, disabled=False)
    return matching.order_by(*_order(filters, today))


def _with_words(text: str) -> QuerySet[Connection, Any]:
    # An unordered subquery: otherwise SQLite walks the index of names and fetches every row to search its text.
    return with_words(Connection.objects.order_by(), text).values("pk")


def _order(filters: Filters, today: date) -> Order:
    """The order of the filtered list. With one status, the worst are those that expire first."""
    if filters.sort != WORST or not filters.status:
        return order_of(filters.sort, today)
    if filters.status == ATTENTION:
        return [F("attention_due_on").asc(), *order_of("", today)]
    return order_of("" if filters.status == Health.DISABLED else "expiry", today)


def page_of_connections(
    filters: Filters, number: str | None, *, today: date, groups: Sequence[int] | None = None
) -> Page[Row]:
    """One page; a number out of range is the nearest page.

    `groups` is how many connections each group of the order from worst to best has; it is needed for that order
    without filters.
    """
    if groups is not None and filters.sort == WORST and not filters.any:
        return _LIST.worst_first(number, groups, today=today)
    if filters.q:
        return _LIST.listed(ids_with_words(connections, filters, today=today), number)
    return _LIST.ordered(connections(filters, today=today), number)


def chosen_projects(rows: Iterable[Row]) -> dict[int, int]:
    """How many projects each connection is limited to, by its id; those that cover all projects are left out."""
    limited = [row.pk for row in rows if not row.all_projects]
    if not limited:
        return {}
    chosen = ChosenProject.objects.filter(connection__in=limited).order_by()
    return dict(chosen.values_list("connection").annotate(count=Count("pk")))


def expiry_timeline(*, today: date) -> Timeline:
    """When enabled connections expire over the next 90 days, with up to two names a day, in one query."""
    return timeline_of(Connection.objects.filter(disabled=False), today=today)


def timeline_of(rows: QuerySet[Any], *, today: date) -> Timeline:
    """When these rows expire over the next 90 days, with up to two names a day, in one query."""
    ahead = rows.filter(expires_on__lte=today + timedelta(days=DAYS))
    by_day = ahead.order_by("expires_on").values_list("expires_on")
    # Count("*") instead of ids, which are not in the index.
    counted = list(by_day.annotate(count=Count("*"), first=Min("name"), last=Max("name")))
    ended = sum(count for day, count, _, _ in counted if day and day < today)
    days = tuple((day, count, (first, last)[: min(count, 2)]) for day, count, first, last in counted if day >= today)
    return _timeline(days, ended=ended, today=today)


# Cached: it changes only with connections and at midnight.
_timeline = lru_cache(maxsize=8)(timeline)


def with_credentials(connections: QuerySet[Connection]) -> list[tuple[Connection, StoredCredential]]:
    """Each connection with what is stored of its credential, without the secret; an empty row if there is none."""
    rows = connections.select_related("stored_credential").defer("stored_credential__sealed")
    return [(row, getattr(row, "stored_credential", None) or StoredCredential(connection=row)) for row in rows]


def enabled(ids: Sequence[int]) -> list[Connection]:
    """The enabled connections among these ids, in the order of the ids."""
    rows = Connection.objects.filter(pk__in=ids, disabled=False).select_related("owner")
    by_id = {connection.pk: connection for connection in rows.prefetch_related("capabilities")}
    return [by_id[connection_id] for connection_id in ids if connection_id in by_id]


def expiring(*, within: int, today: date) -> QuerySet[Connection]:
    """Enabled connections whose token expires within `within` days or has expired, soonest first.

    `shares_token` says whether another connection uses the same token.
    """
    same = StoredCredential.objects.filter(fingerprint=OuterRef("stored_credential__fingerprint"))
    rows = Connection.objects.filter(disabled=False, expires_on__lte=today + timedelta(days=within))
    shares = Exists(same.exclude(connection_id=OuterRef("pk")))
    return rows.select_related("owner").annotate(shares_token=shares).order_by("expires_on", Lower("name"), "pk")


def connections_by_id(ids: Sequence[int]) -> list[Connection]:
    """The connections among these ids with their owners, in the order of the ids."""
    by_id = Connection.objects.select_related("owner").in_bulk(ids)
    return [by_id[connection_id] for connection_id in dict.fromkeys(ids) if connection_id in by_id]


def connection(connection_id: int) -> Connection | None:
    """A connection with its owner; None if it does not exist."""
    return Connection.objects.select_related("owner").filter(pk=connection_id).first()


def connection_named(name: str) -> Connection | None:
    """The connection with this name, ignoring case. The name may contain bytes that are not text."""
    return Connection.objects.select_related("owner").filter(name__iexact=storable_text(name)).first()


def all_connections() -> QuerySet[Connection]:
    """Every connection with its owner, by name."""
    return Connection.objects.select_related("owner")


def with_capabilities_in_steps(matching: QuerySet[Connection]) -> Iterator[list[Connection]]:
    """These connections with owners and capabilities, in their order, in lists, so that no cursor stays open."""
    return in_steps(matching, all_connections().prefetch_related("capabilities"))


def enabled_connections() -> list[Connection]:
    """Every enabled connection with its owner, by name."""
    return list(all_connections().filter(disabled=False))


def prefetch_capabilities_and_projects(connections: Sequence[Connection]) -> None:
    """Read the capabilities and chosen projects of all these connections at once."""
    prefetch_related_objects(connections, "capabilities", "chosen_projects")


def possible_owners() -> QuerySet[User]:
    """Active people whose role lets them update tokens, and superusers."""
    can_rotate = Q(groups__permissions__codename="rotate_connection") | Q(is_superuser=True)
    can_rotate |= Q(user_permissions__codename="rotate_connection")
    return User.objects.filter(can_rotate, is_active=True).distinct().order_by("username")


def active_user(username: str) -> User | None:
    """The active user with this name, which may contain bytes that are not text."""
    return User.objects.filter(username=storable_text(username), is_active=True).first()


def granted_capabilities(connection: Connection) -> set[str]:
    """The keys of the capabilities that the last check found granted."""
    return set(connection.capabilities.filter(verdict=Verdict.GRANTED).values_list("capability", flat=True))


@dataclass(frozen=True, slots=True)
class ConnectionDetail:
    """What the page of a connection shows in addition to its columns."""

    capabilities: list[CapabilityState]
    projects: list[ChosenProject]
    # Of the token in use, newest first.
    reminders: list[Reminder]
    next_reminder_on: date | None
    muted: list[MutedReminders]
    asks_for_reach: bool
    events: list[Event]
    consumers: list[Consumer]

    @property
    def hidden_projects(self) -> list[str]:
        """The names of the chosen projects that the owner of the token can't see."""
        return [project.name for project in self.projects if project.not_visible_since is not None]


def detail(connection: Connection, *, today: date) -> ConnectionDetail:
    """The rows that belong to a connection, in six queries."""
    prefetch_related_objects([connection], "capabilities", "chosen_projects", "muted")
    reminders = connection.reminders.filter(token_set_at=connection.token_set_at)
    return ConnectionDetail(
        capabilities=connection.capability_states(),
        projects=list(connection.chosen_projects.all()),
        reminders=list(reminders.order_by("-made_at")),
        next_reminder_on=_next_reminder_on(connection, today),
        muted=list(connection.muted.all()),
        asks_for_reach=_asks_for_reach(connection),
        events=list(events_of(connection)[:RECENT_EVENTS]),
        consumers=consumers_of(connection),
    )


def consumers_of(connection: Connection) -> list[Consumer]:
    """What uses the credential of a connection."""
    return list(connection.consumers.all())


def consumers_by_connection(connections: Iterable[Connection]) -> dict[int, list[Consumer]]:
    """What uses the credential of each of these connections, by connection id, in one query."""
    ids = [connection.pk for connection in connections]
    found: dict[int, list[Consumer]] = {pk: [] for pk in ids}
    for consumer in Consumer.objects.filter(connection__in=ids):
        found[consumer.connection_id or 0].append(consumer)
    return found


def _next_reminder_on(connection: Connection, today: date) -> date | None:
    if connection.disabled:
        return None
    if connection.expires_on is None:
        set_on = localdate(connection.token_set_at)
        return expiry.next_nag(set_on, today, days=settings.UNDATED_REMINDER_DAYS)
    return expiry.next_reminder(connection.expires_on, today, thresholds=settings.REMINDER_DAYS)


def _asks_for_reach(connection: Connection) -> bool:
    is_unknown = connection.token_reach == Connection.Reach.UNKNOWN and connection.server in clients.services()
    return is_unknown and connection.problem not in expiry.MADE_FOR_ALL
