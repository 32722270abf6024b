"""Bring in projects and repositories, and keep them fresh.

What listings show is written soon after it comes; what they do not show is marked gone only after every page was
read. So a listing that failed half-way hides nothing. A refresh is rows: it goes on after a crash or a pause, and
passes over the projects that it has listed already.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from connections import clients
from connections.actions import rate_limit_pauses
from connections.actions.refusal_causes import cause_for
from connections.domain import scheduling
from connections.models import Connection, RateLimitPause
from connections.providers.azure_devops import errors
from connections.providers.azure_devops.client import AzureDevOpsClient
from core.database_errors import database_problem
from core.encryption import UnreadableToken
from core.read_ahead import ReadAhead
from delivery.live.polling import poll_everything_once
from delivery.models import Project, Repository, SyncState
from delivery.remote_read import FAILED_HERE, note_wait
from delivery.sync.each_listing import AskedToWait, each_listing
from delivery.sync.listing_buffer import MOST_REPOSITORIES, ListingBuffer, size_of
from delivery.sync.upsert import (
    BATCH,
    Listing,
    mark_unseen_projects_gone,
    note_listed,
    upsert_projects,
    upsert_repositories,
)
from history.record import SCHEDULER, Actor, record

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# After so many interruptions in a row a refresh is given up until its usual time.
PATIENCE = 5


class LostLease(Exception):
    """Another worker holds this refresh now, or its connection is gone."""


class OtherOrganization(Exception):
    """Azure DevOps answers under this name for another organization."""

    code = "another_organization"


@dataclass(frozen=True, slots=True)
class Claim:
    """A refresh that was claimed, and under which lease."""

    connection_id: int
    lease: str


def request_sync(connection: Connection, *, by: Actor, now: datetime) -> SyncState:
    """Make a refresh due. One that is under way is returned as it is."""
    sync_state, _ = SyncState.objects.get_or_create(connection=connection, defaults={"next_at": now})
    if not sync_state.under_way:
        SyncState.objects.filter(pk=sync_state.pk).update(next_at=now, started_by=by.name, by_hand=True)
        sync_state.refresh_from_db()
    return sync_state


def claim_due(*, now: datetime) -> list[Claim]:
    """Lease the refreshes that are due, one at a time for each person behind a token.

    The lease is a conditional UPDATE, so two clocks never take the same one, and one whose worker died is due
    again when the lease ends.
    """
    _make_missing(now)
    due = SyncState.objects.free(now).filter(next_at__lte=now, connection__disabled=False).order_by("next_at", "pk")
    due = due.exclude(RateLimitPause.holds(now, connection="connection__"))
    busy = set(SyncState.objects.held(now).values_list("connection__identity_id", flat=True))
    claimed: list[Claim] = []
    is_last = False
    while not is_last and len(claimed) < settings.REFRESHES_PER_TICK:
        # Those of busy people are not read, however many are due, so that they hide no others.
        free = due.exclude(connection__identity_id__in=busy).values_list("pk", "connection__identity_id")
        found = list(free[: settings.REFRESHES_PER_TICK * 10])
        is_last = len(found) < settings.REFRESHES_PER_TICK * 10
        claimed += _claim_for_each(found, busy, most=settings.REFRESHES_PER_TICK - len(claimed), now=now)
    return claimed


def _claim_for_each(due: Iterable[tuple[int, str]], busy: set[str], *, most: int, now: datetime) -> list[Claim]:
    """Claim the first sync of each person who is not busy, and count these people as busy."""
    claimed: list[Claim] = []
    for pk, person in due:
        if person in busy or len(claimed) >= most:
            continue
        busy.add(person)
        if lease := SyncState.objects.filter(pk=pk, next_at__lte=now).claim(now=now):
            claimed.append(Claim(pk, lease))
    return claimed


def claim_now(connection: Connection, *, by: Actor, now: datetime) -> Claim | None:
    """Lease one refresh for whoever asks; None while another worker holds it."""
    request_sync(connection, by=by, now=now)
    lease = SyncState.objects.filter(pk=connection.pk).claim(now=now)
    return Claim(connection.pk, lease) if lease else None


def _make_missing(now: datetime) -> None:
    """Connections that were made before this app came, or while nobody listened."""
    without = Connection.objects.filter(sync_state=None).values_list("pk", flat=True)[:BATCH]
    SyncState.objects.bulk_create((SyncState(connection_id=pk, next_at=now) for pk in without), ignore_conflicts=True)


def sync(claim: Claim, *, clock: Clock) -> None:
    """Carry out a claimed refresh as far as it goes. Never raises an `AzureDevOpsError`."""
    found = SyncState.objects.under(claim.lease).select_related("connection").filter(pk=claim.connection_id).first()
    if found is None:
        return
    work = _Sync(found, clock)
    try:
        work.run()
    except LostLease:
        log.info("The sync of connection %s continues in another process.", claim.connection_id)
    except Exception as error:
        if database_problem(error):
            # It says nothing of this connection, which is claimed again when the lease has expired.
            log.warning("The sync of connection %s was interrupted by the database: %s", claim.connection_id, error)
            return
        log.exception("The sync of connection %s ended unexpectedly.", claim.connection_id)
        with suppress(LostLease):
            work.pause(FAILED_HERE)


class _Sync:
    """One worker's turn at one refresh."""

    def __init__(self, sync_state: SyncState, clock: Clock) -> None:
        self.sync_state = sync_state
        self.mine = SyncState.objects.under(sync_state.lease).filter(pk=sync_state.pk)
        self.connection = sync_state.connection
        self.clock = clock
        self.started_at = sync_state.started_at if sync_state.under_way and sync_state.started_at else clock()
        self.asked_for: set[str] | None = None
        # What the clock said last. It may be the database's, so only the thread that writes asks it; the one that reads
        # lists takes this.
        self.moment = self.started_at

    def run(self) -> None:
        """Raises `LostLease`."""
        self.begin()
        try:
            self.ask()
        except AskedToWait as wait:
            next_at = self.clock() + timedelta(seconds=wait.seconds)
            self.release(problem=errors.Throttled.code, activity_id="", next_at=next_at)
        except errors.AzureDevOpsError as trouble:
            self.interrupt(trouble)
        except (UnreadableToken, clients.UnknownServer, OtherOrganization) as ours:
            self.end(problem=ours.code)
        else:
            self.end()

    def begin(self) -> None:
        """Start, or go on with what was interrupted."""
        if self.sync_state.under_way:
            self.hold()
            return
        who = self.sync_state.started_by if self.sync_state.by_hand else SCHEDULER.name
        self.hold(started_at=self.started_at, finished_at=None, started_by=who, total=0, done=0)

    def hold(self, **changes: object) -> None:
        """Write to the sync_state and renew the lease. Raises `LostLease`."""
        if not self.mine.renew(now=self.clock(), **changes):
            raise LostLease

    def release(self, **changes: object) -> None:
        """Write to the sync_state and end the lease. Raises `LostLease`."""
        if not self.mine.release(**changes):
            raise LostLease

    @contextmanager
    def written(self) -> Iterator[None]:
        """A transaction that holds the connection's row against whoever disconnects it. Raises `LostLease`."""
        with transaction.atomic():
            row = Connection.objects.select_for_update(of=("self",), no_key=True).filter(pk=self.connection.pk)
            if row.values_list("pk").first() is None:
                raise LostLease
            yield

    def ask(self) -> None:
        server = clients.server(self.connection.server)
        self.asked_for = self.chosen(self.connection)
        token = clients.stored_credential(self.connection)
        seconds, list_seconds = settings.AZURE_DEVOPS_TASK_TIMEOUT, settings.AZURE_DEVOPS_LIST_LIMIT
        with clients.azure_devops(
            server, self.connection.organization, token, seconds=seconds, list_seconds=list_seconds
        ) as client:
            try:
                if client.connection_data().organization_id != self.connection.organization_id:
                    raise OtherOrganization
                is_whole = self.list_projects(client)
                self.list_all_repositories(client)
            finally:
                note_wait(self.connection, client, now=self.clock())
        if not is_whole:
            raise errors.ListIncomplete

    def list_all_repositories(self, client: AzureDevOpsClient) -> None:
        """One project after another, and several of them are written at once, while the next ones are read.

        What only one project answers is recorded on it, and the rest goes on. What was listed before something ended
        this is written.
        """
        waiting = ListingBuffer(self.keep, self.clock)
        self.moment = self.clock()
        found = each_listing(client, list(self.left()), lambda: self.moment)
        with ReadAhead(found, most=MOST_REPOSITORIES, size=size_of) as listings:
            try:
                for listing in listings:
                    self.moment = self.clock()
                    waiting.add(listing)
            finally:
                waiting.write()

    def list_projects(self, client: AzureDevOpsClient) -> bool:
        """Whether the list was read to its end."""
        moment, chosen, is_complete, left_out = self.clock(), self.asked_for, True, 0
        try:
            for page in client.projects():
                left_out += page.left_out
                wanted = [project for project in page.items if chosen is None or project.id in chosen]
                with self.written():
                    upsert_projects(self.connection, wanted, at=moment)
                    self.hold()
        except errors.ListIncomplete:
            is_complete = False
        with self.written():
            if chosen is not None:
                self.connection.projects.exclude(azure_id__in=chosen).delete()
            if is_complete and not left_out:
                # Else what was not seen may be what was not read.
                mark_unseen_projects_gone(self.connection, listed_at=moment)
            total = self.present().count()
            self.hold(total=total, done=total - self.left().count())
        return is_complete

    @staticmethod
    def chosen(connection: Connection) -> set[str] | None:
        """Ids of the projects that the connection is limited to; None means all."""
        if connection.all_projects:
            return None
        return set(connection.chosen_projects.values_list("project_id", flat=True))

    def is_outdated(self) -> bool:
        """Whether the connection has another token, or is limited to other projects, than when this sync asked."""
        present = Connection.objects.get(pk=self.connection.pk)
        return present.token_set_at != self.connection.token_set_at or self.chosen(present) != self.asked_for

    def present(self) -> QuerySet[Project]:
        return self.connection.projects.filter(gone_at=None)

    def left(self) -> QuerySet[Project]:
        """The projects that this refresh has still to list."""
        return self.present().filter(Q(listed_at=None) | Q(listed_at__lt=self.started_at)).order_by("pk")

    def keep(self, listings: Sequence[Listing], *, at: datetime, newest: int) -> None:
        """Write what projects' lists showed. One that cannot be stored stops no other. Raises `LostLease`."""
        try:
            self.write(listings, at=at, newest=newest)
        except (DataError, IntegrityError, ValueError):
            if len(listings) > 1:
                for listing in listings:
                    self.keep([listing], at=at, newest=newest)
                return
            project = listings[0].project
            log.exception("The repositories of project %s could not be stored.", project.pk)
            self.write([Listing(project, at, None, FAILED_HERE)], at=at, newest=newest)

    def write(self, listings: Sequence[Listing], *, at: datetime, newest: int) -> None:
        """Write what projects' lists showed, or why there are none. Raises `LostLease`."""
        with self.written():
            self.hold(done=F("done") + len(listings))
            upsert_repositories(listings, at=at, newest=newest)
            note_listed(listings, at=at)

    def interrupt(self, trouble: errors.AzureDevOpsError) -> None:
        """Pause for a while where waiting may help; otherwise end."""
        activity_id = trouble.activity_id or ""
        if isinstance(trouble, errors.Throttled) and trouble.retry_after:
            rate_limit_pauses.note(self.connection, trouble.retry_after, now=self.clock())
        if trouble.transient:
            self.pause(trouble.code, activity_id=activity_id, retry_after=trouble.retry_after)
        else:
            cause = cause_for(self.connection, trouble.code, now=self.clock())
            self.end(problem=cause, activity_id=activity_id)

    def pause(self, problem: str, *, activity_id: str = "", retry_after: float | None = None) -> None:
        """Go on later, each time later; end after so many pauses in a row. Raises `LostLease`."""
        troubles = self.sync_state.consecutive_failures + 1
        if troubles >= PATIENCE:
            self.end(problem=problem, activity_id=activity_id)
            return
        self.release(
            problem=problem,
            activity_id=activity_id,
            consecutive_failures=troubles,
            next_at=_next(self.clock(), scheduling.Outcome(troubles, retry_after=retry_after)),
        )

    def end(self, *, problem: str = "", activity_id: str = "") -> None:
        """Finish, and say in the history what is new."""
        now = self.clock()
        with self.written():
            complete = {} if problem else {"complete_at": now}
            self.release(
                finished_at=now,
                by_hand=False,
                problem=problem,
                activity_id=activity_id,
                consecutive_failures=0,
                next_at=now if self.is_outdated() else _next(now, scheduling.Outcome()),
                **complete,
            )
            self.tell(problem, now)
            if problem in ("", errors.ListIncomplete.code):
                poll_everything_once(self.connection, now=now)

    def tell(self, problem: str, now: datetime) -> None:
        inside = Repository.objects.filter(project__connection=self.connection)
        detail: dict[str, object] = {
            "repositories": inside.filter(gone_at=None).count(),
            "added": inside.filter(added_at__gte=self.started_at).count(),
            "gone": inside.filter(gone_at__gte=self.started_at).count(),
            **clients.problem_detail(self.connection.server, problem),
        }
        is_news = detail["added"] or detail["gone"] or problem != self.sync_state.problem
        if is_news or self.sync_state.by_hand:
            by = Actor(name=self.sync_state.started_by) if self.sync_state.by_hand else SCHEDULER
            record("repositories.refreshed", self.connection, by=by, at=now, detail=detail)


def _next(now: datetime, outcome: scheduling.Outcome) -> datetime:
    every = timedelta(hours=settings.REFRESH_EVERY_HOURS)
    return scheduling.next_run(now, outcome, every=every, chance=random())  # noqa: S311  (spreads load, guards nothing)


def repair_clock_skew(*, now: datetime) -> None:
    """Make due what a machine whose clock was ahead has put off."""
    SyncState.objects.repair_clock_skew(now=now, latest=now)
