"""Queries of the History page, with keyset pagination, so that the last page is as fast as the first."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from history.chain import End, end_of_seals
from history.findings import Finding
from history.models import AnchorFileState, Event, Seal, Verification
from history.obstacles import obstacles, unsealed
from history.record import COMMAND_LINE, SCHEDULER

PAGE_SIZE = 50
STEP = 1000
SUGGESTED = 200
# Sealing normally takes a minute. If events wait longer, the scheduler or the workers have probably stopped; after
# `obstacles.SEALED_WITHIN` it is a finding.
SEALED_SOON = timedelta(minutes=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """Search and filters; empty means everything. `until` is exclusive."""

    kind: str = ""
    actor_name: str = ""
    actor_ids: tuple[int, ...] = ()
    subject_kind: str = ""
    subject_ids: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""
    # Leave out what the scheduler did.
    by_people: bool = False


def events(filters: Filters) -> QuerySet[Event]:
    """The events that match the filters, newest first."""
    selected: QuerySet[Event] = Event.objects.order_by("-at", "-pk")
    if filters.kind:
        selected = selected.filter(kind=filters.kind)
    selected = _of_actor(selected, filters)
    if filters.subject_ids is not None:
        selected = selected.filter(subject_kind=filters.subject_kind, subject_id__in=filters.subject_ids)
    elif filters.subject_kind:
        selected = selected.filter(subject_kind=filters.subject_kind)
    if filters.since:
        selected = selected.filter(at__gte=filters.since)
    if filters.until:
        selected = selected.filter(at__lt=filters.until)
    for word in filters.words.split():
        selected = selected.filter(
            Q(subject_name__icontains=word) | Q(actor_name__icontains=word) | Q(address__icontains=word)
        )
    return selected


def _of_actor(selected: QuerySet[Event], filters: Filters) -> QuerySet[Event]:
    if filters.by_people:
        selected = selected.filter(automatic=0)
    if filters.actor_ids:
        return selected.filter(actor_id__in=filters.actor_ids)
    if filters.actor_name == SCHEDULER.name:
        return selected.filter(automatic=1)
    return selected.filter(actor_name=filters.actor_name) if filters.actor_name else selected


def has_happened(kind: str) -> bool:
    """Whether the history has an event of this kind."""
    return Event.objects.filter(kind=kind).exists()


@dataclass(frozen=True, slots=True)
class Edge:
    """The position of an event in the order of the page."""

    at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}.{self.pk}"


def read_edge(text: str) -> Edge | None:
    """The edge in a page's URL; None if it can't be read."""
    microseconds, _, pk = text.partition(".")
    if not (microseconds.isdecimal() and pk.isdecimal() and len(text) <= 40):
        return None
    try:
        return Edge(_EPOCH + timedelta(microseconds=int(microseconds)), min(int(pk), 2**63 - 1))
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events, newest first, and whether there are newer and older ones."""

    events: list[Event]
    has_newer: bool = False
    has_older: bool = False

    @property
    def newer(self) -> Edge | None:
        """The edge at which the page of newer events ends."""
        return _edge(self.events[0]) if self.events and self.has_newer else None

    @property
    def older(self) -> Edge | None:
        """The edge at which the page of older events begins."""
        return _edge(self.events[-1]) if self.events and self.has_older else None


def _edge(event: Event) -> Edge:
    return Edge(event.at, event.pk)


def _older_than(edge: Edge) -> Q:
    # The first condition can use an index; the second is exact.
    return Q(at__lte=edge.at) & (Q(at__lt=edge.at) | Q(pk__lt=edge.pk))


def _newer_than(edge: Edge) -> Q:
    return Q(at__gte=edge.at) & (Q(at__gt=edge.at) | Q(pk__gt=edge.pk))


def newest(selected: QuerySet[Event], *, size: int | None = None) -> EventPage:
    """The first page."""
    size = size or PAGE_SIZE
    events = list(selected[: size + 1])
    return EventPage(events[:size], has_older=len(events) > size)


def oldest(selected: QuerySet[Event]) -> EventPage:
    """The last page."""
    events = list(selected.order_by("at", "pk")[: PAGE_SIZE + 1])
    return EventPage(events[:PAGE_SIZE][::-1], has_newer=len(events) > PAGE_SIZE)


def older(selected: QuerySet[Event], edge: Edge, *, size: int | None = None) -> EventPage:
    """The page after `edge`."""
    return replace(newest(selected.filter(_older_than(edge)), size=size), has_newer=True)


def newer(selected: QuerySet[Event], edge: Edge) -> EventPage:
    """The page before `edge`; near the start it is the full first page."""
    page = oldest(selected.filter(_newer_than(edge)))
    return replace(page, has_older=True) if page.has_newer else newest(selected)


def in_steps(selected: QuerySet[Event]) -> Iterator[list[Event]]:
    """All events in lists of at most `STEP`, each with a query of its own, so that no cursor stays open."""
    step = list(selected[:STEP])
    while step:
        yield step
        step = list(selected.filter(_older_than(_edge(step[-1])))[:STEP]) if len(step) == STEP else []


def people_called(name: str) -> tuple[int, ...]:
    """Ids of the people with this username or full name."""
    full_name = Concat("first_name", Value(" "), "last_name")
    users = User.objects.alias(full_name=full_name).filter(Q(username__iexact=name) | Q(full_name__iexact=name))
    return tuple(users.values_list("pk", flat=True)[:STEP])


def people_to_suggest() -> list[str]:
    """Suggested names for the filter: people, and the parts of the product that act."""
    people = User.objects.order_by("username")[:SUGGESTED]
    return [*(user.get_full_name() or user.get_username() for user in people), SCHEDULER.name, COMMAND_LINE.name]


def subjects_once_called(kind: str, name: str) -> tuple[int, ...]:
    """Ids of the subjects that have this name in some event, including deleted ones."""
    events = Event.objects.filter(subject_kind=kind, subject_name=name).order_by()
    return tuple(events.values_list("subject_id", flat=True).distinct()[:STEP])


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the history is sealed, the obstacles to sealing, and the last verification."""

    end: End
    sealed_up_to: datetime | None
    last_verification: Verification | None
    waiting_since: datetime | None
    overdue: bool
    obstacles: tuple[Finding, ...]
    anchor_file: AnchorFileState | None

    @property
    def anchor(self) -> str:
        """The anchor of the end, for `history verify --anchor`; empty if nothing is sealed."""
        return self.end.anchor

    @property
    def has_anchor_file(self) -> bool:
        """Whether anchors are also appended to a file."""
        return bool(settings.HISTORY_ANCHOR_FILE)

    @property
    def finding(self) -> str:
        """What is wrong with the history, for people who may see all of it; empty if nothing is wrong."""
        if self.last_verification is not None and not self.last_verification.holds:
            return self.last_verification.finding
        return " ".join(finding.words for finding in self.obstacles)

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence that anyone may read; empty if nothing is wrong."""
        if self.last_verification is not None and not self.last_verification.holds:
            return "The history failed verification. The History page and `manage.py history verify` show why."
        if self.obstacles:
            return "The history is not being sealed. The History page and `manage.py history verify` show why."
        if self.anchor_file is not None:
            return "The anchor file of the history cannot be written. The History page and the log show why."
        return ""


def seal_state(*, now: datetime) -> SealState:
    """The current state, read with a few queries, however many events there are."""
    last = Seal.objects.order_by("-number").first()
    end = End.of(last) if last else end_of_seals()
    waiting = unsealed(end)
    since = waiting[0][1] if waiting else None
    return SealState(
        end=end,
        sealed_up_to=last.newest_at if last else None,
        last_verification=Verification.objects.first(),
        waiting_since=since,
        overdue=since is not None and since < now - SEALED_SOON,
        obstacles=tuple(obstacles(end, waiting, now=now)),
        anchor_file=AnchorFileState.objects.exclude(problem="").first(),
    )
