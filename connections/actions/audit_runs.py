"""Audit runs, started by the scheduler or manually: start, cancel, claim due connections, finish.

A run is a set of rows, and the scheduler works from the connections' `next_check_at`. So a run continues after a crash,
and several schedulers can run at once.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db import connection as database
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from connections.actions import audit_claims
from connections.domain import scheduling
from connections.models import AuditedConnection, AuditRun, Connection
from core.bulk_update import update_rows
from core.database_time import written_ahead_of_time
from core.leases import new_lease
from history.record import SCHEDULER, Actor

State = AuditedConnection.State
KEPT_RUNS = 200
# The scheduler claims a few connections at a time. Claims that follow each other are one round.
_PAUSE_IN_ROUND = timedelta(minutes=2)
_LONGEST_ROUND = timedelta(hours=1)
_CLAIMING = 0x6D66655F61756469  # "mfe_audi"
# Below the limit of the column, and more than the backoff distinguishes.
_MOST_FAILURES = 1000


def start_by_hand(*, by: Actor, now: datetime) -> AuditRun:
    """Start a run of every enabled connection and make them due. Returns an unfinished manual run if there is one."""
    open_run = AuditRun.objects.filter(by_hand=True, finished_at=None).first()
    return open_run or _start(Connection.objects.all(), by=by, now=now)


def start_chosen(connection_ids: Collection[int], *, by: Actor, now: datetime) -> AuditRun:
    """Make these connections due, except disabled ones, and add them to the manual run; returns the run."""
    return _start(Connection.objects.filter(pk__in=connection_ids), by=by, now=now)


def _start(connections: QuerySet[Connection], *, by: Actor, now: datetime) -> AuditRun:
    with transaction.atomic():
        due = _make_due(connections, now=now)
        run = _open_run(by_hand=True) or _new_run(now, by_hand=True, started_by=by.name)
        _add(run, due)
        _finish(run.pk, at=now)
        run.refresh_from_db()
    return run


def make_due(connection_ids: Iterable[int], *, now: datetime) -> int:
    """Make these connections due, except disabled ones. Returns how many."""
    with transaction.atomic():
        return len(_make_due(Connection.objects.filter(pk__in=list(connection_ids)), now=now))


def _make_due(connections: QuerySet[Connection], *, now: datetime) -> dict[int, str]:
    """Lock the enabled ones of these connections and make them due. Returns their names by id."""
    enabled = _lock(connections.filter(disabled=False))
    Connection.objects.filter(pk__in=enabled, next_check_at__gt=now).update(next_check_at=now)
    return enabled


def _lock(connections: QuerySet[Connection]) -> dict[int, str]:
    """Lock these connections until the transaction ends. Returns their names by id.

    To avoid deadlocks, everything here locks in the same order as an audit: connections, runs, audited connections,
    and several rows of a table by their ids.
    """
    rows = connections.order_by("pk").select_for_update(of=("self",), no_key=True)
    return dict(rows.values_list("pk", "name"))


def _open_run(*, by_hand: bool) -> AuditRun | None:
    return AuditRun.objects.select_for_update().filter(by_hand=by_hand, finished_at=None).first()


def cancel(run: AuditRun, *, now: datetime) -> bool:
    """Cancel the run and reschedule the connections that still wait. Returns whether the run was unfinished."""
    with transaction.atomic():
        waiting = run.audited.filter(state=State.WAITING)
        due = Connection.objects.filter(pk__in=waiting.values("connection_id"), next_check_at__lte=now)
        usual = now + timedelta(hours=settings.AUDIT_EVERY_HOURS)
        Connection.objects.filter(pk__in=_lock(due.filter(leased_until=None))).update(next_check_at=usual)
        is_unfinished = AuditRun.objects.filter(pk=run.pk, finished_at=None).update(cancelled_at=now, finished_at=now)
        _write_cancelled(waiting, at=now)
    return bool(is_unfinished)


def _write_cancelled(waiting: QuerySet[AuditedConnection], *, at: datetime) -> None:
    # Locked in the order of their ids first, as by audits that end.
    list(waiting.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    waiting.update(state=State.CANCELLED, finished_at=at)


def claim_due(*, now: datetime, lease: str = "", most: int | None = None) -> list[int]:
    """Lease due connections and return their ids, limited in total, per organization and per person.

    Claims no more than may be audited at once, and at most `most`, so that audits start soon. `lease` is the lease's
    name, by default a new one.
    """
    with _one_claimer():
        claimed = audit_claims.choose(now, most)
        if claimed:
            Connection.objects.filter(pk__in=list(claimed)).renew(now=now, lease=lease or new_lease())
            _join_run(claimed, now=now)
    return list(claimed)


@contextmanager
def _one_claimer() -> Iterator[None]:
    """Only one process counts and claims at a time, in a short transaction. SQLite has one writer anyway."""
    with transaction.atomic():
        if database.vendor == "postgresql":
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIMING])
        yield


def _join_run(claimed: dict[int, str], *, now: datetime) -> None:
    """Add claimed connections, names by id, that no run waits for to the scheduler's open run."""
    waited_for = AuditedConnection.objects.filter(connection_id__in=list(claimed), state=State.WAITING)
    joined = set(waited_for.values_list("connection_id", flat=True))
    alone = {pk: name for pk, name in claimed.items() if pk not in joined}
    if alone:
        run = _open_run(by_hand=False) or _latest_round(now) or _new_run(now, by_hand=False, started_by=SCHEDULER.name)
        _add(run, alone)


def _latest_round(now: datetime) -> AuditRun | None:
    """The scheduler's latest run, opened again, if it finished a moment ago: a round is audited in several claims."""
    rounds = AuditRun.objects.select_for_update().filter(by_hand=False, cancelled_at=None)
    run = rounds.filter(finished_at__gte=now - _PAUSE_IN_ROUND, started_at__gte=now - _LONGEST_ROUND).first()
    if run is not None:
        run.finished_at = None
        run.save(update_fields=["finished_at"])
    return run


def _new_run(now: datetime, *, by_hand: bool, started_by: str) -> AuditRun:
    try:
        with transaction.atomic():
            return AuditRun.objects.create(started_at=now, started_by=started_by, by_hand=by_hand)
    except IntegrityError:
        # Another process just created it, and may have finished it already.
        return _open_run(by_hand=by_hand) or _new_run(now, by_hand=by_hand, started_by=started_by)


def _add(run: AuditRun, connections: dict[int, str]) -> None:
    """Let a locked run wait for these connections, names by id, also for those that it has audited before."""
    already = set(run.audited.filter(connection_id__in=connections).values_list("connection_id", flat=True))
    run.audited.filter(connection_id__in=already).update(state=State.WAITING, finished_at=None)
    AuditedConnection.objects.bulk_create(
        AuditedConnection(run=run, connection_id=pk, name=name) for pk, name in connections.items() if pk not in already
    )


def mark_done(connection: Connection, *, at: datetime, problem: str = "") -> None:
    """Mark the connection as done in every run that waits for it, in the transaction of the audit.

    `problem` is the problem code of this audit, even if it did not change the connection's health. After the commit,
    `finish_audited` finishes the runs that waited for nothing else.
    """
    mark_each_done({connection.pk: Done(connection, at, problem)})


@dataclass(frozen=True, slots=True)
class Done:
    """A connection that was audited, when, and the problem code of this audit."""

    connection: Connection
    at: datetime
    problem: str


def mark_each_done(done: Mapping[int, Done]) -> None:
    """The same for many connections, by their ids."""
    waiting = AuditedConnection.objects.filter(connection_id__in=list(done), state=State.WAITING)
    rows = list(waiting.select_for_update(of=("self",)).order_by("pk"))
    for row in rows:
        audit = done[cast("int", row.connection_id)]
        row.state, row.finished_at = State.DONE, audit.at
        row.health, row.problem = audit.connection.health, audit.problem or audit.connection.problem
    update_rows(rows, ("state", "health", "problem", "finished_at"))


def finish_audited(*, at: datetime) -> None:
    """Finish the runs that wait for no connection, as of their last audit.

    After the commit of an audit, so that of the last two workers one sees the commits of both.
    """
    still_waits = AuditedConnection.objects.filter(run=OuterRef("pk"), state=State.WAITING)
    for run in AuditRun.objects.filter(~Exists(still_waits), finished_at=None).order_by("pk"):
        last = run.audited.aggregate(last=Max("finished_at"))["last"]
        with transaction.atomic():
            _finish(run.pk, at=last or at)


def give_up(connection_id: int, *, lease: str, now: datetime) -> None:
    """After an unexpected error in an audit: end the lease, back off, and mark the connection as done.

    Does nothing if the lease is lost.
    """
    with transaction.atomic():
        rows = Connection.objects.filter(pk__in=_lock(Connection.objects.filter(pk=connection_id).under(lease)))
        connection = rows.first()
        if connection is None:
            return
        failures = min(connection.consecutive_failures + 1, _MOST_FAILURES)
        every = timedelta(hours=settings.AUDIT_EVERY_HOURS)
        outcome = scheduling.Outcome(consecutive_failures=failures)
        next_check_at = scheduling.next_run(now, outcome, every=every, chance=0.5)
        rows.release(next_check_at=next_check_at, consecutive_failures=failures)
        mark_done(connection, at=now, problem="failed_here")


def unclaim(lease: str) -> None:
    """End this lease, under which no audit has begun; the connections are due as before."""
    with transaction.atomic():
        Connection.objects.filter(pk__in=_lock(Connection.objects.under(lease))).release()


def renew(leases: Mapping[int, str], *, now: datetime) -> None:
    """Renew the leases of audits that are under way, by the ids of their connections."""
    with transaction.atomic():
        under_way = Connection.objects.filter(pk__in=list(leases), leased_until__isnull=False)
        held = _lock(under_way.filter(lease__in=set(leases.values())))
        Connection.objects.filter(pk__in=held).renew(now=now)


def release(connection_id: int, *, now: datetime) -> None:
    """Release an unused lease, and cancel the connection in runs that wait for it."""
    Connection.objects.filter(pk=connection_id).release()
    _cancel(AuditedConnection.objects.filter(connection_id=connection_id, state=State.WAITING), at=now)


def tidy(*, now: datetime) -> None:
    """Repair runs and due times: drop deleted and disabled connections from runs, and finish runs that have no others.

    Also corrects due times that lie too far ahead because the clock of a machine was fast.
    """
    waiting = AuditedConnection.objects.filter(state=State.WAITING)
    started_ahead = waiting.filter(written_ahead_of_time("run__started_at", now))
    due_ahead = started_ahead.filter(connection__next_check_at__gte=F("run__started_at"))
    if ahead := list(due_ahead.values_list("connection_id", flat=True)):
        make_due(ahead, now=now)
    usual = now + timedelta(hours=settings.AUDIT_EVERY_HOURS)
    Connection.objects.repair_clock_skew(now=now, latest=usual)
    is_obsolete = Q(connection=None) | Q(connection__disabled=True)
    if obsolete := list(waiting.filter(is_obsolete).values_list("pk", flat=True)):
        _cancel(AuditedConnection.objects.filter(pk__in=obsolete), at=now)
    for run in AuditRun.objects.filter(finished_at=None):
        with transaction.atomic():
            _finish(run.pk, at=now)


def _cancel(waiting: QuerySet[AuditedConnection], *, at: datetime) -> None:
    with transaction.atomic(savepoint=False):
        runs = sorted(set(waiting.values_list("run_id", flat=True)))
        list(AuditRun.objects.select_for_update().filter(pk__in=runs).order_by("pk").values_list("pk"))
        _write_cancelled(waiting, at=at)
        for run in runs:
            _finish(run, at=at)


def _finish(run: int, *, at: datetime) -> None:
    # Locks the run, so that of the last two workers the second sees the commit of the first.
    AuditRun.objects.select_for_update().filter(pk=run).first()
    if not AuditedConnection.objects.filter(run_id=run, state=State.WAITING).exists():
        AuditRun.objects.filter(pk=run, finished_at=None).update(finished_at=at)


def forget_old_runs() -> int:
    """Delete all but the newest finished runs of each kind. Returns how many were deleted."""
    count = 0
    for by_hand in (True, False):
        kept = AuditRun.objects.filter(by_hand=by_hand).values_list("pk", flat=True)[:KEPT_RUNS]
        old = AuditRun.objects.filter(by_hand=by_hand).exclude(finished_at=None).exclude(pk__in=list(kept))
        count += old.count()
        old.delete()
    return count
