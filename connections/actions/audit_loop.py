"""Audit what is due: threads ask Azure DevOps, and one thread of a process claims and writes, many at a time.

Only that thread uses the database, except that a thread reads itself whether its token was declared leaked if that was
last read too long ago. So a batch of audits takes as many queries as a single one, and processes with many threads have
few connections to the database. What another process or a person changed in the meantime is seen under the locks of
the batch, by `audit_results`.
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
from uuid import uuid4

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import prefetch_related_objects
from structlog.contextvars import bound_contextvars, unbind_contextvars

from connections.actions import audit_results, audit_runs
from connections.actions.audit_results import Result
from connections.actions.check_stored import check_stored
from connections.clients import AUDIT_ID
from connections.domain.verification import Report
from connections.leak_guard import LeakGuard, read_together
from connections.models import Connection
from core.database_errors import DatabaseProblem, database_problem
from core.leases import new_lease
from core.tasks import REQUEST_ID, stopping
from history.record import SCHEDULER

log = logging.getLogger(__name__)
# How long a loop claims further connections, well within the time in which the broker delivers a message again.
_TURN_SECONDS, _SHORT_TURN = 300.0, 10.0
# Seconds. How long the first finished audit waits for others to be written with.
_BATCH_WAIT = 0.03
# Seconds. How long the loop waits for the end of an audit before it renews leases and guards.
_POLL_SECONDS = 0.25
# Seconds. A guard reads for itself what is older than `leak_guard.FRESH_SECONDS`.
_GUARDS_READ_EVERY = 0.5
# Seconds until the task is enqueued again for other workers, and if the broker could not be reached.
_ENQUEUE_INTERVAL, _BROKER_RETRY_INTERVAL = 1.0, 60.0
# By how many fewer audits than threads a worker asks at once.
_FEWER_THAN_THREADS = 2
# How often a batch is written that met a locked database or a deadlock.
_ATTEMPTS = 3


def work_due(*, clock: Callable[[], datetime], enqueue_again: Callable[[], bool]) -> None:
    """Audit due connections until there are none, for one turn, or until the worker stops.

    If this process does so already, it claims further ones instead. `enqueue_again` enqueues another call, for another
    worker or for the next turn, and returns whether that was possible.
    """
    if _single_loop.start_or_request_claim():
        _Loop(clock, enqueue_again).run()


class _SingleLoop:
    """Whether this process has a loop, and whether that should claim further connections."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs = self._claim_requested = False

    def start_or_request_claim(self) -> bool:
        """Whether there is no loop, so that the caller runs one. Otherwise the loop claims again."""
        with self._lock:
            self._claim_requested = self._runs
            self._runs = True
            return not self._claim_requested

    def take_claim_request(self) -> bool:
        """Whether a claim was requested since the last time."""
        with self._lock:
            requested, self._claim_requested = self._claim_requested, False
            return requested

    def try_finish(self) -> bool:
        """Whether the loop may end, because no claim was requested. Then the next caller runs another one."""
        with self._lock:
            self._runs = self._claim_requested
            return not self._claim_requested

    def reset(self) -> None:
        """The loop has failed."""
        with self._lock:
            self._runs = self._claim_requested = False


_single_loop = _SingleLoop()


@dataclass(frozen=True, slots=True, eq=False)
class _Audit:
    """An audit under way: everything that its thread needs."""

    connection: Connection
    lease: str
    guard: LeakGuard


@dataclass(frozen=True, slots=True)
class _Finished:
    audit: _Audit
    outcome: Report | Exception


class _Loop:
    """One turn of auditing in this process. Used by one thread, except for `_ask`."""

    def __init__(self, clock: Callable[[], datetime], enqueue_again: Callable[[], bool]) -> None:
        self._clock = clock
        self._enqueue_again = enqueue_again
        self._max_audits = max(1, min(settings.AUDITS_AT_ONCE, settings.WORKER_THREADS - _FEWER_THAN_THREADS))
        self._pool = ThreadPoolExecutor(self._max_audits, thread_name_prefix="audit")
        self._finished: SimpleQueue[_Finished] = SimpleQueue()
        self._under_way: set[_Audit] = set()
        # If the loop takes the only thread, other tasks wait.
        self._ends_at = monotonic() + (_TURN_SECONDS if settings.WORKER_THREADS > 1 else _SHORT_TURN)
        self._renews_at = monotonic() + Connection.renewal_interval()
        self._enqueues_at = 0.0
        self._may_claim = True
        self._error: Exception | None = None

    def run(self) -> None:
        """Audit until nothing is due or under way. Raises the first unexpected error, once nothing is under way."""
        # The audits of a turn are not those of one person's request.
        unbind_contextvars(REQUEST_ID)
        try:
            with self._pool:
                self._or_stop_claiming(self._claim)
                while self._under_way or not _single_loop.try_finish():
                    self._or_stop_claiming(self._process_finished)
                    self._or_stop_claiming(self._renew_leases_and_guards)
        except BaseException:
            _single_loop.reset()
            raise
        if self._error is not None:
            raise self._error
        if self._may_claim and monotonic() >= self._ends_at:
            self._enqueue_again()

    def _process_finished(self) -> None:
        finished = self._gather()
        self._under_way.difference_update(end.audit for end in finished)
        self._store(finished)
        if _single_loop.take_claim_request() or finished:
            self._claim()
        if finished:
            # After the claim, so that a round of the scheduler that goes on is not finished and opened again.
            audit_runs.finish_audited(at=self._clock())

    def _gather(self) -> list[_Finished]:
        """The audits that have ended, a moment after the first; none if none ends for a while."""
        if not self._under_way:
            return []
        try:
            finished = [self._finished.get(timeout=_POLL_SECONDS)]
        except Empty:
            return []
        if len(self._under_way) > 1:
            sleep(_BATCH_WAIT)
        with suppress(Empty):
            while True:
                finished.append(self._finished.get_nowait())
        return finished

    def _claim(self) -> None:
        """Claim as many connections as there is room for, and begin their audits."""
        free = self._max_audits - len(self._under_way)
        if not self._may_claim or free <= 0 or monotonic() >= self._ends_at or stopping.is_set():
            return
        now, lease = self._clock(), new_lease()
        claimed = audit_runs.claim_due(now=now, lease=lease, most=free)
        if stopping.is_set():
            audit_runs.unclaim(lease)
            return
        self._begin(self._read(claimed, lease), now)
        if len(claimed) == free:
            self._enqueue_for_other_workers()

    def _begin(self, audits: Sequence[_Audit], now: datetime) -> None:
        read_together([audit.guard for audit in audits])
        for audit in audits:
            self._under_way.add(audit)
            self._pool.submit(copy_context().run, self._ask, audit, now)

    def _enqueue_for_other_workers(self) -> None:
        """Other workers may have room for what this one left, if the settings expect any."""
        if self._max_audits < settings.AUDITS_AT_ONCE and monotonic() >= self._enqueues_at:
            is_enqueued = self._enqueue_again()
            self._enqueues_at = monotonic() + (_ENQUEUE_INTERVAL if is_enqueued else _BROKER_RETRY_INTERVAL)

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
        with bound_contextvars(connection_id=audit.connection.pk, **{AUDIT_ID: str(uuid4())}):
            try:
                outcome = check_stored(audit.connection, interactive=False, now=now, guard=audit.guard)
            except Exception as error:
                outcome = error
        self._finished.put(_Finished(audit, outcome))

    def _store(self, finished: Sequence[_Finished]) -> None:
        results = []
        for audit, outcome in ((end.audit, end.outcome) for end in finished):
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
            _write_together(results)
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
                self._stop_claiming()
            else:
                self._give_up(connection_id, lease, error)

    def _give_up(self, connection_id: int, lease: str, error: Exception) -> None:
        # Otherwise the same connection would be claimed first again and again.
        log.error("The audit of connection %s failed unexpectedly.", connection_id, exc_info=error)
        self._or_stop_claiming(lambda: audit_runs.give_up(connection_id, lease=lease, now=self._clock()))
        self._or_stop_claiming(lambda: audit_runs.finish_audited(at=self._clock()))

    def _renew_leases_and_guards(self) -> None:
        """Renew the leases, and read for the guards of all threads whether tokens were declared leaked."""
        if monotonic() >= self._renews_at:
            self._renews_at = monotonic() + Connection.renewal_interval()
            held = {audit.connection.pk: audit.lease for audit in self._under_way}
            audit_runs.renew(held, now=self._clock())
        read_together([audit.guard for audit in self._under_way if audit.guard.is_older_than(_GUARDS_READ_EVERY)])

    def _or_stop_claiming(self, step: Callable[[], object]) -> None:
        """Do this. If it fails, claim nothing more in this turn; what is under way may still be written."""
        try:
            step()
        except Exception as error:
            if database_problem(error):
                log.warning("Audits were interrupted by the database: %s", error)
            elif self._error is None:
                log.exception("Auditing failed unexpectedly.")
                self._error = error
            self._stop_claiming()

    def _stop_claiming(self) -> None:
        self._may_claim = False
        # Inside a transaction, a broken connection ends with it.
        if not database.in_atomic_block:
            # The next query opens another connection if this one is broken.
            database.close_if_unusable_or_obsolete()


def _write_together(results: Sequence[Result]) -> None:
    """Write them in one transaction, and again if the database was locked or had to end a deadlock."""
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            with transaction.atomic():
                audit_results.write(results, by=SCHEDULER)
            return
        except Exception as error:
            if not attempts_left or database_problem(error) is not DatabaseProblem.BUSY:
                raise
            log.info("The results of %s audits are written again: %s", len(results), error)


def _loaded(claimed: Sequence[int], lease: str) -> Iterator[_Audit]:
    """What the threads need of these connections, by a query each."""
    rows = Connection.objects.filter(pk__in=claimed).select_related("stored_credential").in_bulk()
    prefetch_related_objects([row for row in rows.values() if not row.all_projects], "chosen_projects")
    for pk in claimed:
        if pk in rows:
            yield _Audit(rows[pk], lease, LeakGuard(rows[pk].fingerprint))
        else:
            log.info("Connection %s was disconnected before it was audited.", pk)
