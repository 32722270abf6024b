"""Audit every enabled connection now, one after another, in a run that the Audits page lists."""

from contextlib import suppress
from datetime import datetime

from django.utils import timezone

from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.actions.refusals import ConnectionGone
from connections.models import AuditedConnection, AuditRun
from history.record import Actor


def audit_all(*, by: Actor, now: datetime) -> dict[int, str]:
    """Start a run by hand, or help with the one that goes on. Returns the code of each problem, by connection."""
    run = audit_runs.start_by_hand(by=by, now=now)
    _audit_waiting(run, by=by)
    with_problem = run.audited.exclude(problem="").exclude(connection=None)
    return {pk: problem for pk, problem in with_problem.values_list("connection_id", "problem") if pk is not None}


def _audit_waiting(run: AuditRun, *, by: Actor) -> None:
    waiting = run.audited.filter(state=AuditedConnection.State.WAITING, connection__disabled=False)
    for connection_id in list(waiting.values_list("connection_id", flat=True)):
        # A worker may have been faster, or the connection may have been disconnected meanwhile.
        audited = waiting.filter(connection_id=connection_id).select_related("connection").first()
        if audited is not None and audited.connection is not None:
            with suppress(ConnectionGone):
                audit(audited.connection, by=by, now=timezone.now(), interactive=False)
