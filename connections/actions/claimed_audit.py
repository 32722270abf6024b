"""Audit a claimed connection under its lease."""

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
    """Audit the connection while renewing its lease. Returns False for a duplicate or late message."""
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
            # Not the connection's fault; it is claimed again after the lease expires.
            log.warning("The audit of connection %s was interrupted by the database: %s", connection_id, error)
            return
        # Otherwise the same connection would be claimed first again and again.
        log.exception("The audit of connection %s failed unexpectedly.", connection_id)
        audit_runs.give_up(connection_id, now=now)
