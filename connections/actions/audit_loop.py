"""Audit what is due: threads ask Azure DevOps, and one thread of a process claims and writes, many at a time.

Only that thread uses the database, so a batch of audits takes as many queries as a single one, and processes with many
threads have few connections to the database. What another process or a person changed in the meantime is seen under
the locks of the batch, by `audit_results`.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic, sleep

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import prefetch_related_objects
from structlog.contextvars import bound_contextvars

from connections.actions import audit_results, audit_runs
from connections.actions.audit_results import Result
from connections.actions.check_stored import check_stored
from connections.domain.verification import Report
from connections.leak_guard import LeakGuard, read_together
from connections.models import Connection
from core.database_errors import database_problem
from core.leases import new_lease
from core.tasks import stopping
from history.record import SCHEDULER

log = logging.getLogger(__name__)
# How long a loop claims further connections, well within the time in which the broker delivers a message again.
_TURN_SECONDS, _SHORT_TURN = 300.0, 10.0
# Seconds. How long the first finished audit waits for others to be written with.
_GATHER = 0.03
# Seconds. How long the loop waits for the end of an audit before it looks after leases and leaks.
_TICK = 0.25
# Seconds. A guard reads for itself what is older than `leak_guard.FRESH_SECONDS`.
_GUARDS_READ_EVERY = 0.5
# Seconds until other workers are called again, and if the broker could not be reached.
_RING_EVERY, _RING_IN_VAIN = 1.0, 60.0
# Threads of a worker that audits leave to other tasks; the loop has one of them.
_LEFT_TO_OTHERS = 2


def work_due(*, clock: Callable[[], datetime], ring: Callable[[], bool]) -> None:
    """Audit due connections until there are none, for one turn, or until the worker stops.

    If this process does so already, it claims further ones instead. `ring` enqueues another call, for another
    worker or for the next turn, and returns whether that was possible.
    """
    if _bell.ring():
        _Loop(clock, ring).run()


class _Bell:
    """Whether this process has a loop, and whether that should claim further connections."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._has_loop = self._rings = False

    def ring(self) -> bool:
        """Whether there is no loop, so that the caller runs one. Otherwise the loop claims again."""
        with self._lock:
            self._rings = self._has_loop
            self._has_loop = True
            return not self._rings

    def has_rung(self) -> bool:
        """Whether someone has rung since the last time."""
        with self._lock:
            rang, self._rings = self._rings, False
            return rang

    def is_left(self) -> bool:
        """Whether the loop may end, because no one has rung. Then the next who rings runs another one."""
        with self._lock:
            self._has_loop = self._rings
            return not self._rings

    def fall_silent(self) -> None:
        """The loop has failed."""
        with self._lock:
            self._has_loop = self._rings = False


_bell = _Bell()


@dataclass(frozen=True, slots=True, eq=False)
class _Audit:
    """An audit under way: everything that its thread needs."""

    connection: Connection
    lease: str
    guard: LeakGuard


@dataclass(frozen=True, slots=True)
class _Ended:
    audit: _Audit
    outcome: Report | Exception


class _Loop:
    """One turn of auditing in this process. Used by one thread, except for `_ask`."""

    def __init__(self, clock: Callable[[], datetime], ring: Callable[[], bool]) -> None:
        self._clock = clock
        self._ring = ring
        self._width = max(1, min(settings.AUDITS_AT_ONCE, settings.WORKER_THREADS - _LEFT_TO_OTHERS))
        self._pool = ThreadPoolExecutor(self._width, thread_name_prefix="audit")
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._under_way: set[_Audit] = set()
        # If the loop takes the only thread, other tasks wait.
        self._ends_at = monotonic() + (_TURN_SECONDS if settings.WORKER_THREADS > 1 else _SHORT_TURN)
        self._renews_at = monotonic() + Connection.renewal_interval()
        self._rings_at = 0.0
        self._is_well = True

    def run(self) -> None:
        try:
            with self._pool:
                self._claim()
                while self._under_way or not _bell.is_left():
                    self._go_on()
        except BaseException:
            _bell.fall_silent()
            raise
        if self._is_well and monotonic() >= self._ends_at:
            self._ring()

    def _go_on(self) -> None:
        ended = self._gather()
        self._under_way.difference_update(one.audit for one in ended)
        self._take(ended)
        if _bell.has_rung() or ended:
            self._claim()
        if ended:
            # After the claim, so that a round of the scheduler that goes on is not finished and opened again.
            self._safely(lambda: audit_runs.finish_audited(at=self._clock()))
        self._safely(self._look_after)

    def _gather(self) -> list[_Ended]:
        """The audits that have ended, a moment after the first; none if none ends for a while."""
        if not self._under_way:
            return []
        try:
            ended = [self._ended.get(timeout=_TICK)]
        except Empty:
            return []
        if len(self._under_way) > 1:
            sleep(_GATHER)
        with suppress(Empty):
            while True:
                ended.append(self._ended.get_nowait())
        return ended

    def _claim(self) -> None:
        free = self._width - len(self._under_way)
        if self._is_well and free > 0 and monotonic() < self._ends_at and not stopping.is_set():
            self._safely(lambda: self._begin(free))

    def _begin(self, free: int) -> None:
        """Claim as many connections and begin their audits."""
        now, lease = self._clock(), new_lease()
        claimed = audit_runs.claim_due(now=now, lease=lease, most=free)
        if stopping.is_set():
            audit_runs.unclaim(lease)
            return
        if len(claimed) == free:
            self._call_others()
        audits = self._read(claimed, lease)
        read_together([audit.guard for audit in audits])
        for audit in audits:
            self._under_way.add(audit)
            self._pool.submit(copy_context().run, self._ask, audit, now)

    def _call_others(self) -> None:
        """Other workers may have room for what this one left, if the settings expect any."""
        if self._width < settings.AUDITS_AT_ONCE and monotonic() >= self._rings_at:
            is_heard = self._ring()
            self._rings_at = monotonic() + (_RING_EVERY if is_heard else _RING_IN_VAIN)

    def _read(self, claimed: Sequence[int], lease: str) -> list[_Audit]:
        try:
            return list(_loaded(claimed, lease))
        except Exception as error:
            if database_problem(error):
                raise
            if len(claimed) == 1:
                self._give_up(claimed[0], lease, error)
                return []
        return [audit for pk in claimed for audit in self._read([pk], lease)]

    def _ask(self, audit: _Audit, now: datetime) -> None:
        """Runs in a thread of the pool, without a connection to the database."""
        outcome: Report | Exception
        with bound_contextvars(connection_id=audit.connection.pk):
            try:
                outcome = check_stored(audit.connection, interactive=False, now=now, guard=audit.guard)
            except Exception as error:
                outcome = error
        self._ended.put(_Ended(audit, outcome))

    def _take(self, ended: Sequence[_Ended]) -> None:
        results = []
        for audit, outcome in ((one.audit, one.outcome) for one in ended):
            if isinstance(outcome, Exception):
                self._fail(audit.connection.pk, audit.lease, outcome)
            else:
                results.append(Result(audit.connection, outcome, audit.lease))
        self._write(results)

    def _write(self, results: Sequence[Result]) -> None:
        """Write all of them or, if one can't be written, each in a transaction of its own."""
        if not results:
            return
        try:
            with transaction.atomic():
                audit_results.write(results, by=SCHEDULER)
        except Exception as error:
            if len(results) == 1 or database_problem(error):
                for result in results:
                    self._fail(result.connection.pk, result.lease or "", error)
                return
            for result in results:
                self._write([result])

    def _fail(self, connection_id: int, lease: str, error: Exception) -> None:
        """An audit that ended with an error. If that is one of the database, it is claimed again after its lease."""
        with bound_contextvars(connection_id=connection_id):
            if database_problem(error):
                log.warning("The audit of connection %s was interrupted by the database: %s", connection_id, error)
                self._rest()
            else:
                self._give_up(connection_id, lease, error)

    def _give_up(self, connection_id: int, lease: str, error: Exception) -> None:
        # Otherwise the same connection would be claimed first again and again.
        log.error("The audit of connection %s failed unexpectedly.", connection_id, exc_info=error)
        self._safely(lambda: audit_runs.give_up(connection_id, lease=lease, now=self._clock()))

    def _look_after(self) -> None:
        """Renew the leases, and read for the guards of all threads whether tokens were declared leaked."""
        if monotonic() >= self._renews_at:
            self._renews_at = monotonic() + Connection.renewal_interval()
            audit_runs.renew({audit.lease for audit in self._under_way}, now=self._clock())
        read_together([audit.guard for audit in self._under_way if audit.guard.is_older_than(_GUARDS_READ_EVERY)])

    def _safely(self, step: Callable[[], object]) -> None:
        """Claim nothing more in this turn if the database fails. What is under way may still be written."""
        try:
            step()
        except Exception as error:
            if not database_problem(error):
                raise
            log.warning("Audits were interrupted by the database: %s", error)
            self._rest()

    def _rest(self) -> None:
        self._is_well = False
        if not database.in_atomic_block:
            # The next query opens another connection if this one is broken.
            database.close_if_unusable_or_obsolete()


def _loaded(claimed: Sequence[int], lease: str) -> Iterator[_Audit]:
    """What the threads need of these connections, by a query each."""
    rows = Connection.objects.filter(pk__in=claimed).select_related("stored_credential").in_bulk()
    prefetch_related_objects([row for row in rows.values() if not row.all_projects], "chosen_projects")
    for pk in claimed:
        if pk in rows:
            yield _Audit(rows[pk], lease, LeakGuard(rows[pk].fingerprint))
        else:
            log.info("Connection %s was disconnected before it was audited.", pk)
