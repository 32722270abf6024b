"""Live polling: what open pages show is read from Azure DevOps once for all viewers and processes.

A page subscribes to what it shows: to the builds or releases of projects (`subscribe`), or to one build or release
(`subscribe_to`). The worker claims what is due and reads it (`claim_due`, `poll`). A page that has nothing to show, or
something outdated, reads it at once under the same lease (`poll_now`). All tokens of one person share what Azure DevOps
allows, so the more is subscribed to with them, the less often each is polled.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from django.conf import settings
from django.db.models import Count, Expression, ExpressionWrapper, Q, Window
from django.db.models.fields import BooleanField
from django.db.models.functions import RowNumber

from connections import clients
from connections.domain import scheduling
from connections.domain.expiry import DEAD_TOKEN
from connections.models import Connection
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from core.database_errors import database_problem
from core.leases import LeasedQuerySet
from delivery.live.snapshots import Snapshot
from delivery.models import PollSubscription
from delivery.operations import missing_scope
from delivery.remote_read import FAILED_HERE, RemoteReadError, open_client

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# Reads what a subscription is about. What it returns is stored in the row; a reader of lists fills tables of its own.
# Raises `AzureDevOpsError`.
Reader = Callable[[AzureDevOpsClient, PollSubscription, datetime], Snapshot | None]
# Lists of a whole project, which have the number 0, and the capability that reading each takes.
BUILDS = "builds"
RELEASES = "releases"
KINDS = {BUILDS: "build_read", RELEASES: "release_read"}
# One build or release, by its number, and the newest ones of one pipeline, by the pipeline's.
BUILD = "build"
RELEASE = "release"
PIPELINE_BUILDS = "pipeline_builds"
PIPELINE_RELEASES = "pipeline_releases"
# How many requests a poll usually takes, where it is more than one.
REQUESTS = {RELEASES: 3, BUILD: 2}
BATCH = 25
# How the name of a lease begins under which a web process reads for a person who waits.
_ON_DEMAND = "web-"
# An open page subscribes again before this is over.
SUBSCRIBED_FOR = timedelta(seconds=60)
# What the worker has not polled so long after it was due, an open page reads itself.
OVERDUE = timedelta(seconds=10)
# A page that is opened shows nothing older than this, unless it cannot be read.
OLDEST_AT_FIRST = timedelta(seconds=3)
# What changes only by an action is not polled while pages are open: a new page reads it, and an action here does.
_SETTLED_FOR = timedelta(hours=1)
_LONG_AGO = timedelta(days=1)
_KEPT_FOR = timedelta(hours=1)
# The person behind the token.
_PERSON = ("project__connection__server", "project__connection__identity_id")
# These concern the token or the organization: other projects would fail in the same way.
_CONCERNS_ALL = DEAD_TOKEN | {
    "scope_missing",
    "not_a_member",
    "organization_not_found",
    "organization_unavailable",
    "connection_disabled",
    "token_unreadable",
    "server_unknown",
    "throttled",
}


Outcome = Snapshot | RemoteReadError | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Subscriptions of one person that were claimed together, and under which lease."""

    lease: str
    ids: tuple[int, ...]


def subscribe(projects: Iterable[int], kind: str, *, now: datetime) -> tuple[dict[int, PollSubscription], bool]:
    """The subscriptions of the projects on a page, by project id; and whether something is polled that was not before.

    A viewer keeps them for a minute. They are extended when half of that is over, so a hundred viewers write no more
    than one.
    """
    project_ids = set(projects)
    rows = PollSubscription.objects.filter(kind=kind, number=0)
    known = {subscription.project_id: subscription for subscription in rows.filter(project__in=project_ids)}
    _extend(known.values(), now)
    is_new = any(subscription.watched_until < now for subscription in known.values())
    missing = project_ids - known.keys()
    if missing:
        _create((PollSubscription(project_id=project_id, kind=kind) for project_id in missing), now)
        known |= {subscription.project_id: subscription for subscription in rows.filter(project__in=missing)}
    return known, is_new or bool(missing)


def subscribe_to(project_id: int, kind: str, number: int, *, now: datetime) -> PollSubscription | None:
    """The subscription to one build, release or pipeline; None where the project has been removed meanwhile."""
    rows = PollSubscription.objects.filter(project=project_id, kind=kind, number=number)
    subscription = rows.select_related("project__connection").first()
    if subscription is None:
        _create([PollSubscription(project_id=project_id, kind=kind, number=number)], now)
        return rows.select_related("project__connection").first()
    _extend([subscription], now)
    return subscription


def _create(rows: Iterable[PollSubscription], now: datetime) -> None:
    new = list(rows)
    for row in new:
        row.watched_until, row.next_at = now + SUBSCRIBED_FOR, now
    PollSubscription.objects.bulk_create(new, ignore_conflicts=True)


def _extend(subscriptions: Iterable[PollSubscription], now: datetime) -> None:
    ending = [row.pk for row in subscriptions if row.watched_until < now + SUBSCRIBED_FOR / 2]
    if ending:
        PollSubscription.objects.filter(pk__in=ending).update(watched_until=now + SUBSCRIBED_FOR)


def remove_unwatched(*, now: datetime) -> None:
    """Remove the subscriptions to single builds, releases and pipelines that nobody has viewed for an hour."""
    PollSubscription.objects.filter(number__gt=0, watched_until__lt=now - _KEPT_FOR).delete()


def poll_everything_once(connection: Connection, *, now: datetime) -> None:
    """Poll the lists of every project once, of each kind whose scope the token does not surely lack."""
    for kind, capability in KINDS.items():
        if not missing_scope(connection, capability):
            _poll_once(connection, kind, now=now)


def _poll_once(connection: Connection, kind: str, *, now: datetime) -> None:
    projects = connection.projects.filter(gone_at=None).values_list("pk", flat=True)
    PollSubscription.objects.bulk_create(
        (
            PollSubscription(project_id=project, kind=kind, watched_until=now - _LONG_AGO, next_at=now, once=True)
            for project in projects
        ),
        batch_size=500,
        ignore_conflicts=True,
    )
    # Those that are known too: filters by state also find what nobody has on a page.
    PollSubscription.objects.filter(project__connection=connection, kind=kind, number=0).update(once=True)


def claim_due(*, now: datetime) -> list[Batch]:
    """Lease what is due: for each person behind tokens a batch of lists and one of single builds and releases.

    Neither waits for the other, and there is none while the one before it is being polled. The lease is a conditional
    UPDATE, so two schedulers never claim the same row, and rows of a dead worker are claimed again later.
    """
    busy = _busy(now)
    batches: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for pk, server, identity_id, number in _first_due(now):
        queue = _queue(server, identity_id, number)
        if queue not in busy:
            batches[queue].append(pk)
    chosen = [tuple(ids) for ids in batches.values()][: settings.POLLS_PER_TICK]
    claims = [Batch(PollSubscription.objects.filter(pk__in=ids).claim(now=now), ids) for ids in chosen]
    return [batch for batch in claims if batch.lease]


def _first_due(now: datetime) -> Iterable[tuple[int, str, str, int]]:
    """The rows of each queue that are due first, at most a batch; what is viewed comes before what is polled once."""
    due = PollSubscription.due(now)
    known = due.annotate(is_viewed=_condition(watched_until__gte=now), is_single=_condition(number__gt=0))
    # Builds and releases of one project come side by side, so that neither page waits for the other's.
    order = ("-is_viewed", "next_at", "project_id", "pk")
    place = Window(RowNumber(), partition_by=[*_PERSON, "is_single"], order_by=order)
    return known.annotate(place=place).filter(place__lte=BATCH).order_by(*order).values_list("pk", *_PERSON, "number")


def _condition(**lookup: object) -> Expression:
    return ExpressionWrapper(Q(**lookup), output_field=BooleanField())


def _busy(now: datetime) -> set[tuple[str, str, bool]]:
    """The queues of which workers poll a batch. What web processes read on demand does not hold them up."""
    polled = PollSubscription.objects.held(now).exclude(lease__startswith=_ON_DEMAND)
    return {_queue(*row) for row in polled.values_list(*_PERSON, "number")}


def _queue(server: str, identity_id: str, number: int) -> tuple[str, str, bool]:
    """What is polled one after another: the lists of one person, and the single builds and releases."""
    return server, identity_id, number > 0


def poll(batch: Batch, readers: Mapping[str, Reader], *, clock: Clock) -> None:
    """Read a claimed batch, one subscription after another, and release each. Never raises an `AzureDevOpsError`.

    Raises Django's database errors when the database is away. The lease is kept then, and expires.
    """
    mine = PollSubscription.objects.under(batch.lease)
    failures = _SharedFailures()
    rows = mine.filter(pk__in=batch.ids).select_related("project__connection")
    for subscription in sorted(rows, key=lambda row: batch.ids.index(row.pk)):
        if not mine.renew(now=clock()):
            return
        outcome = failures.of(subscription) or _read(
            subscription,
            readers,
            _Lease(mine, clock, PollSubscription.lease_duration()),
            seconds=settings.AZURE_DEVOPS_TASK_TIMEOUT,
            list_seconds=settings.AZURE_DEVOPS_LIST_LIMIT,
        )
        failures.note(subscription, outcome)
        _release(subscription, outcome, now=clock())


class _SharedFailures:
    """Failures in a batch that apply to later subscriptions too, so that these are not read.

    What concerns the token or the organization applies to all of one kind. When Azure DevOps could not be reached twice
    in a row, that applies to the whole connection: each attempt may take as long as a call may.
    """

    def __init__(self) -> None:
        self._by_kind: dict[tuple[int, str], RemoteReadError] = {}
        self._latest_unreachable: set[int] = set()
        self._unreachable: dict[int, RemoteReadError] = {}

    def of(self, subscription: PollSubscription) -> RemoteReadError | None:
        connection = subscription.project.connection_id
        return self._by_kind.get((connection, subscription.kind)) or self._unreachable.get(connection)

    def note(self, subscription: PollSubscription, outcome: Outcome) -> None:
        connection = subscription.project.connection_id
        failure = outcome if isinstance(outcome, RemoteReadError) else None
        if failure and failure.code in _CONCERNS_ALL:
            self._by_kind[connection, subscription.kind] = failure
        if not failure or failure.code not in errors.UNREACHABLE_CODES:
            self._latest_unreachable.discard(connection)
        elif connection in self._latest_unreachable:
            self._unreachable[connection] = failure
        else:
            self._latest_unreachable.add(connection)


def poll_now(subscription: PollSubscription, readers: Mapping[str, Reader], *, clock: Clock) -> RemoteReadError | None:
    """Poll one subscription for a person who waits, unless another process does or just did. Returns why it failed.

    The row is up to date afterwards, whoever polled it.
    """
    unchanged = PollSubscription.objects.filter(pk=subscription.pk, next_at=subscription.next_at)
    outcome: Outcome = None
    if _claim_on_demand(unchanged, subscription, now=clock()):
        lease = _Lease(PollSubscription.objects.under(subscription.lease), clock, _on_demand_duration())
        outcome = _read(subscription, readers, lease)
        _release(subscription, outcome, now=clock())
    with suppress(PollSubscription.DoesNotExist):
        subscription.refresh_from_db(fields=["snapshot", "read_at", "problem", "activity_id", "next_at"])
    return outcome if isinstance(outcome, RemoteReadError) else None


def _claim_on_demand(rows: LeasedQuerySet[PollSubscription], subscription: PollSubscription, *, now: datetime) -> bool:
    """Lease a row for a web process, under a name that workers recognize."""
    subscription.lease = _ON_DEMAND + uuid.uuid4().hex
    return bool(rows.free(now).update(lease=subscription.lease, leased_until=now + _on_demand_duration()))


def _on_demand_duration() -> timedelta:
    """As long as the few requests for one page may take: when the web process dies, the row is free again after it."""
    return min(PollSubscription.lease_duration(), timedelta(seconds=4 * clients.page_seconds()))


class _Lease:
    """A lease that was just claimed or renewed; renewed again while something long is read."""

    def __init__(self, mine: LeasedQuerySet[PollSubscription], clock: Clock, duration: timedelta) -> None:
        self._mine = mine
        self._duration = duration
        self.clock = clock
        self._renewed_at = clock()

    def renew(self) -> None:
        """Renew it when a third of it is over."""
        now = self.clock()
        if now - self._renewed_at >= self._duration / 3:
            self._mine.update(leased_until=now + self._duration)
            self._renewed_at = now


def _read(
    subscription: PollSubscription,
    readers: Mapping[str, Reader],
    lease: _Lease,
    *,
    seconds: float | None = None,
    list_seconds: float | None = None,
) -> Outcome:
    reader = readers.get(subscription.kind)
    if reader is None:
        return None
    connection = subscription.project.connection
    try:
        with open_client(connection, seconds=seconds, list_seconds=list_seconds) as client:
            client.transport.after_exchange = lease.renew
            return reader(client, subscription, lease.clock())
    except RemoteReadError as failure:
        return failure
    except Exception as error:
        if database_problem(error):
            raise
        # This concerns one project: the person's other projects are read nevertheless.
        log.exception("Polling the %s of project %s failed.", subscription.kind, subscription.project_id)
        return RemoteReadError(FAILED_HERE)


def _release(subscription: PollSubscription, outcome: Outcome, *, now: datetime) -> None:
    failure = outcome if isinstance(outcome, RemoteReadError) else None
    failures = subscription.consecutive_failures + 1 if failure else 0
    changes: dict[str, object] = {
        "next_at": _next_after(subscription, failure, failures, now) if failure else _next(subscription, outcome, now),
        "problem": failure.code if failure else "",
        "activity_id": (failure.activity_id or "") if failure else "",
        "consecutive_failures": failures,
    }
    # A list that may succeed later is tried again. Anything else is left until somebody views it.
    if failure is None or subscription.number or failure.code not in errors.TRANSIENT_CODES:
        changes["once"] = False
    if failure is None or failure.code == errors.ListIncomplete.code:
        changes["read_at"] = now
    if failure is not None and failure.code == errors.NotFound.code:
        changes["snapshot"] = None
    if isinstance(outcome, Snapshot) and outcome.data != subscription.snapshot:
        changes["snapshot"] = outcome.data
    PollSubscription.objects.under(subscription.lease).filter(pk=subscription.pk).release(**changes)


def _next(subscription: PollSubscription, outcome: Outcome, now: datetime) -> datetime:
    if not isinstance(outcome, Snapshot):
        return now + _pace(subscription, now)
    if outcome.seconds is None:
        return now + _SETTLED_FOR
    return now + max(timedelta(seconds=outcome.seconds), _pace(subscription, now))


def _next_after(subscription: PollSubscription, failure: RemoteReadError, failures: int, now: datetime) -> datetime:
    every = _pace(subscription, now)
    outcome = scheduling.Outcome(failures, retry_after=failure.retry_after)
    # One build is polled only while a page of it is open: whoever follows it learns within a minute that it is back.
    is_patient = failures > 1 and not subscription.number
    longest = timedelta(hours=1) if is_patient else max(every, timedelta(minutes=1))
    return max(now + every, scheduling.next_run(now, outcome, every=longest, chance=random()))  # noqa: S311  (spreads load)


def _pace(subscription: PollSubscription, now: datetime) -> timedelta:
    """How long until the next poll: the more is polled with one person's tokens, the longer.

    Lists are counted apart from single builds and releases, so that a full list does not slow the page of a build.
    """
    connection, is_single = subscription.project.connection, subscription.number > 0
    polled = PollSubscription.objects.filter(
        watched_until__gte=now,
        next_at__lt=now + _SETTLED_FOR / 2,
        project__connection__server=connection.server,
        project__connection__identity_id=connection.identity_id,
    )
    polled = polled.filter(number__gt=0) if is_single else polled.filter(number=0)
    counts = polled.values_list("kind").annotate(Count("pk")).order_by()
    requests = sum(REQUESTS.get(kind, 1) * count for kind, count in counts)
    shortest = 0 if is_single else settings.WATCH_SECONDS
    return timedelta(seconds=max(shortest, requests * settings.WATCH_PACE_SECONDS))


def repair_clock_skew(*, now: datetime) -> None:
    """Make due what a machine whose clock was ahead has put off."""
    PollSubscription.objects.repair_clock_skew(now=now, latest=now)
