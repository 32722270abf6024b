"""Audit a connection that was claimed for it, under its lease, and leave it to its lease where the database fails."""

import logging
from datetime import datetime

from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.actions.refusals import ConnectionGone
from connections.models import Connection
from core.database_errors import database_problem
from core.leases import renewing
from history.record import SCHEDULER

log = logging.getLogger(__name__)


def audit_claimed(connection_id: int, *, lease: str, now: datetime) -> bool:
    """Audit it while its lease is renewed. Returns False when the lease has been started, taken or given back."""
    rows = Connection.objects.filter(pk=connection_id, disabled=False)
    started = rows.start(lease, now=now)
    if not started:
        return False
    with renewing(rows.under(started)):
        _audit(connection_id, now)
    return True


def _audit(connection_id: int, now: datetime) -> None:
    try:
        audit(Connection.objects.get(pk=connection_id), by=SCHEDULER, now=now, interactive=False)
    except (Connection.DoesNotExist, ConnectionGone):
        log.info("Connection %s was disconnected before it was audited.", connection_id)
    except Exception as error:
        if database_problem(error):
            # It says nothing of this connection, which is claimed again when the lease has expired.
            log.warning("The audit of connection %s was interrupted by the database: %s", connection_id, error)
            return
        # Else the same connection would be claimed first, again and again, and the others never.
        log.exception("The audit of connection %s ended unexpectedly.", connection_id)
        audit_runs.give_up(connection_id, now=now)
