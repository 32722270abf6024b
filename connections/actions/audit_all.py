"""Audit connections now, one after another: all that are enabled, in a run of the Audits page, or named ones."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.actions.refusals import ConnectionGone
from connections.models import AuditedConnection, AuditRun, Connection
from core.database_errors import database_problem
from history.record import Actor

log = logging.getLogger(__name__)
_FAILED_HERE = "failed_here"


def audit_all(*, by: Actor, now: datetime) -> dict[int, str]:
    """Start a run by hand, or help with the one that goes on. Returns the code of each problem, by connection."""
    run = audit_runs.start_by_hand(by=by, now=now)
    problems = _audit_waiting(run, by=by)
    with_problem = run.audited.exclude(problem="").exclude(connection=None)
    stored = {pk: problem for pk, problem in with_problem.values_list("connection_id", "problem") if pk is not None}
    return problems | stored


def _audit_waiting(run: AuditRun, *, by: Actor) -> dict[int, str]:
    """Audit what waits. Returns the code of each problem, by connection. One whose calls are paused keeps waiting."""
    problems: dict[int, str] = {}
    waiting = run.audited.filter(state=AuditedConnection.State.WAITING, connection__disabled=False)
    for connection_id in list(waiting.values_list("connection_id", flat=True)):
        # A worker may have been faster, or the connection may have been disconnected meanwhile.
        audited = waiting.filter(connection_id=connection_id).select_related("connection").first()
        if audited is not None and audited.connection is not None:
            problems[connection_id] = _audit_one(audited.connection, by=by)
    return {pk: problem for pk, problem in problems.items() if problem}


def audit_named(connections: Iterable[Connection], *, by: Actor) -> dict[int, str]:
    """Audit these. Returns the code of each problem, by connection."""
    problems = {connection.pk: _audit_one(connection, by=by) for connection in connections}
    return {pk: problem for pk, problem in problems.items() if problem}


def _audit_one(connection: Connection, *, by: Actor) -> str:
    """Audit one of several, so that a mistake of ours stops none of the others. Returns the code of its problem."""
    try:
        report = audit(connection, by=by, now=timezone.now(), interactive=False)
    except ConnectionGone:
        return ""
    except Exception as error:
        if database_problem(error):
            raise
        log.exception("The audit of connection %s failed unexpectedly.", connection.pk)
        _give_up(connection, now=timezone.now())
        return _FAILED_HERE
    return report.failure.code if report.failure else ""


def _give_up(connection: Connection, *, now: datetime) -> None:
    with transaction.atomic():
        audit_runs.mark_done(connection, at=now, problem=_FAILED_HERE)
    audit_runs.finish_audited(at=now)
