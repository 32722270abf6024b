"""Audit a connection: verify its stored token and save the result."""

from datetime import datetime

from django.db import transaction
from structlog.contextvars import bound_contextvars

from connections.actions import audit_results, audit_runs, versions
from connections.actions.audit_results import Result
from connections.actions.check_stored import check_stored, failure_before_asking
from connections.actions.token_test_rate_limit import count_test
from connections.domain.verification import Report, nothing_found
from connections.models import Connection
from history.record import Actor


def audit(connection: Connection, *, by: Actor, now: datetime, interactive: bool) -> Report:
    """Verify the stored token and update the connection.

    `interactive` makes the calls concurrently, for a person who waits. If the token was replaced in the meantime, the
    result is discarded: the report is returned, but only an event is stored. If the connection is disabled, or calls
    for the owner of the token are paused, the report says so, and nothing is asked or stored. Raises `ConnectionGone`
    if the connection was disconnected in the meantime, and `TooManyTests` for a person.
    """
    if failure := failure_before_asking(connection, now=now):
        return nothing_found(failure, at=now)
    if interactive:
        count_test(now=now)
    with bound_contextvars(connection_id=connection.pk):
        found = check_stored(connection, interactive=interactive, now=now)
    with transaction.atomic():
        written = audit_results.write([Result(connection, found)], by=by)
        if not written:
            raise versions.gone()
        connection.refresh_from_db()
    audit_runs.finish_audited(at=found.finished_at)
    return written[0]
