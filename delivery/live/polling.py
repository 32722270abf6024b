"""Read what people look at: once for all of them, only while they look, and never while we were told to wait.

A page says which projects it shows (`look`); a worker claims what is due and reads it (`claim_due`, `poll`). One person
behind tokens is asked for one thing at a time, and the more is watched in that person's name, the slower.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from django.conf import settings
from django.db.models import Count, Q

from connections.domain import scheduling
from connections.domain.expiry import DEAD_TOKEN
from connections.models import Connection
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from core.database_errors import trouble_of
from core.leases import LeasedQuerySet
from delivery.models import PollSubscription, Project
from delivery.operations import missing_scope
from delivery.remote_read import FAILED_HERE, RemoteReadError, open_client

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# Reads everything of one kind in a project and writes it down. Raises `AzureDevOpsError`.
Reader = Callable[[AzureDevOpsClient, Project, datetime], None]
BUILDS = "builds"
RELEASES = "releases"
# What is watched, and the capability that reading it takes.
KINDS = {BUILDS: "build_read", RELEASES: "release_read"}
# How many requests a look at a project takes as a rule.
REQUESTS = {BUILDS: 1, RELEASES: 3}
BATCH = 25
# A page that is open asks more often than this.
SUBSCRIBED_FOR = timedelta(seconds=60)
_LONG_AGO = timedelta(days=1)
# These are about the token or the organization: the other projects would say the same.
_ABOUT_ALL = DEAD_TOKEN | {
    "scope_missing",
    "not_a_member",
    "organization_not_found",
    "organization_unavailable",
    "connection_disabled",
    "token_unreadable",
    "server_unknown",
    "throttled",
    "releases_disabled",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Watches of one person that were claimed together, and under which lease."""

    lease: str
    ids: tuple[int, ...]


def subscribe(projects: Iterable[int], kind: str, *, now: datetime) -> tuple[dict[int, PollSubscription], bool]:
    """The watches of the projects on a page, by project id; and whether something new is to be read.

    Whoever looks keeps them watched for a minute. It is written when half of that is over, so that many viewers cost
    no more than one.
    """
    wanted = set(projects)
    found = {
        subscription.project_id: subscription
        for subscription in PollSubscription.objects.filter(project__in=wanted, kind=kind)
    }
    until = now + SUBSCRIBED_FOR
    fading = [
        subscription.pk for subscription in found.values() if subscription.watched_until < now + SUBSCRIBED_FOR / 2
    ]
    is_new = any(subscription.watched_until < now for subscription in found.values())
    if fading:
        PollSubscription.objects.filter(pk__in=fading).update(watched_until=until)
    missing = wanted - found.keys()
    if missing:
        rows = (PollSubscription(project_id=number, kind=kind, watched_until=until, next_at=now) for number in missing)
        PollSubscription.objects.bulk_create(rows, ignore_conflicts=True)
        found |= {
            subscription.project_id: subscription
            for subscription in PollSubscription.objects.filter(project__in=missing, kind=kind)
        }
    return found, is_new or bool(missing)


def poll_everything_once(connection: Connection, *, now: datetime) -> None:
    """Have every present project read once for each kind whose scope the token does not surely lack."""
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
    PollSubscription.objects.filter(project__connection=connection, kind=kind).update(once=True)


def claim_due(*, now: datetime) -> list[Batch]:
    """Lease what is due: a batch for each person behind tokens who is not being asked already.

    The lease is a conditional UPDATE, so two clocks never take the same, and what a dead worker held comes back.
    """
    wanted = Q(watched_until__gte=now) | Q(once=True)
    due = PollSubscription.objects.free(now).filter(wanted, next_at__lte=now, project__connection__disabled=False)
    # Builds and releases of one project come side by side, so that neither page waits for the other's.
    rows = due.order_by("next_at", "project_id", "pk").values_list(
        "pk", "project__connection__server", "project__connection__identity_id"
    )[: settings.POLLS_PER_TICK * BATCH]
    busy = _busy(now)
    by_person: dict[tuple[str, str], list[int]] = defaultdict(list)
    for pk, server, person in rows:
        if (server, person) not in busy and len(by_person[server, person]) < BATCH:
            by_person[server, person].append(pk)
    chosen = [tuple(ids) for ids in by_person.values() if ids][: settings.POLLS_PER_TICK]
    claims = [Batch(PollSubscription.objects.filter(pk__in=ids).claim(now=now), ids) for ids in chosen]
    return [batch for batch in claims if batch.lease]


def _busy(now: datetime) -> set[tuple[str, str]]:
    leased = PollSubscription.objects.held(now)
    return set(leased.values_list("project__connection__server", "project__connection__identity_id"))


def poll(batch: Batch, readers: Mapping[str, Reader], *, clock: Clock) -> None:
    """Read a claimed batch, one project after another, and give each back. Never raises an `AzureDevOpsError`.

    Raises Django's database errors when the database is away. The lease is kept then, and expires.
    """
    mine = PollSubscription.objects.under(batch.lease)
    refused: dict[tuple[int, str], RemoteReadError] = {}
    for watch in mine.filter(pk__in=batch.ids).select_related("project__connection").order_by("next_at", "pk"):
        if not mine.renew(now=clock()):
            return
        key = (watch.project.connection_id, watch.kind)
        trouble = refused.get(key) or _read(watch, readers, _Lease(mine, clock))
        if trouble is not None and trouble.code in _ABOUT_ALL:
            refused[key] = trouble
        _release(watch, trouble, now=clock())


class _Lease:
    """The lease of a batch that was just renewed; renewed again while something long is read."""

    def __init__(self, mine: LeasedQuerySet[PollSubscription], clock: Clock) -> None:
        self._mine = mine
        self.clock = clock
        self._renewed_at = clock()

    def renew(self) -> None:
        """Renew it when a third of it is over."""
        now = self.clock()
        if now - self._renewed_at >= PollSubscription.lease_duration() / 3:
            self._mine.renew(now=now)
            self._renewed_at = now


def _read(watch: PollSubscription, readers: Mapping[str, Reader], lease: _Lease) -> RemoteReadError | None:
    reader = readers.get(watch.kind)
    if reader is None:
        return None
    try:
        with open_client(
            watch.project.connection,
            seconds=settings.AZURE_DEVOPS_TASK_TIMEOUT,
            list_seconds=settings.AZURE_DEVOPS_LIST_LIMIT,
        ) as client:
            client.transport.after_exchange = lease.renew
            reader(client, watch.project, lease.clock())
    except RemoteReadError as trouble:
        return trouble
    except Exception as error:
        if trouble_of(error):
            raise
        # One project's trouble is its own: the person's other projects are read all the same.
        log.exception("Reading the %s of project %s ended unexpectedly.", watch.kind, watch.project_id)
        return RemoteReadError(FAILED_HERE)
    return None


def _release(watch: PollSubscription, trouble: RemoteReadError | None, *, now: datetime) -> None:
    troubles = watch.consecutive_failures + 1 if trouble else 0
    changes: dict[str, object] = {
        "next_at": _next(watch, trouble, troubles, now),
        "problem": trouble.code if trouble else "",
        "activity_id": (trouble.activity_id or "") if trouble else "",
        "consecutive_failures": troubles,
    }
    # What could not be read is read when waiting has helped; what waiting does not help is left until somebody looks.
    if trouble is None or trouble.code not in errors.TRANSIENT_CODES:
        changes["once"] = False
    if trouble is None or trouble.code == errors.ListIncomplete.code:
        changes["read_at"] = now
    PollSubscription.objects.under(watch.lease).filter(pk=watch.pk).release(**changes)


def _next(watch: PollSubscription, trouble: RemoteReadError | None, troubles: int, now: datetime) -> datetime:
    every = _pace(watch, now)
    if trouble is None:
        return now + every
    outcome = scheduling.Outcome(troubles, retry_after=trouble.retry_after)
    longest = timedelta(hours=1) if troubles > 1 else max(every, timedelta(minutes=1))
    return max(now + every, scheduling.next_run(now, outcome, every=longest, chance=random()))  # noqa: S311  (spreads load)


def _pace(watch: PollSubscription, now: datetime) -> timedelta:
    """All tokens of one person share what Azure DevOps allows: the more is watched, the longer between two looks."""
    connection = watch.project.connection
    watched = PollSubscription.objects.filter(
        watched_until__gte=now,
        project__connection__server=connection.server,
        project__connection__identity_id=connection.identity_id,
    )
    counts = watched.values_list("kind").annotate(Count("pk")).order_by()
    requests = sum(REQUESTS.get(kind, 1) * count for kind, count in counts)
    return timedelta(seconds=max(settings.WATCH_SECONDS, requests * settings.WATCH_PACE_SECONDS))
