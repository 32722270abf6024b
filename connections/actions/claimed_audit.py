"""Audit claimed connections under their leases."""

import logging
from datetime import datetime

from structlog.contextvars import bound_contextvars

from connections.actions import audit_runs
from connections.actions.audit import audit_for_scheduler
from connections.actions.refusals import ConnectionGone
from connections.models import Connection
from core.database_errors import database_problem
from core.leases import renewing

log = logging.getLogger(__name__)


def audit_claimed(connection_id: int, *, lease: str, now: datetime) -> bool:
    """Audit the connection that a message names. Returns False for a duplicate or late message, and as below."""
    started = Connection.objects.filter(pk=connection_id, disabled=False).start(lease, now=now)
    return bool(started) and audit_under(connection_id, lease=started, now=now)


def audit_under(connection_id: int, *, lease: str, now: datetime) -> bool:
    """Audit the connection under a lease that only the caller has, renewed meanwhile.

    Returns False if the database failed.
    """
    rows = Connection.objects.filter(pk=connection_id).under(lease)
    with bound_contextvars(connection_id=connection_id), renewing(rows):
        return _audit(connection_id, now)


def _audit(connection_id: int, now: datetime) -> bool:
    try:
        audit_for_scheduler(Connection.objects.get(pk=connection_id), now=now)
    except (Connection.DoesNotExist, ConnectionGone):
        log.info("Connection %s was disconnected before it was audited.", connection_id)
    except Exception as error:
        if database_problem(error):
            # Not the connection's fault; it is claimed again after the lease expires.
            log.warning("The audit of connection %s was interrupted by the database: %s", connection_id, error)
            return False
        # Otherwise the same connection would be claimed first again and again.
        log.exception("The audit of connection %s failed unexpectedly.", connection_id)
        audit_runs.give_up(connection_id, now=now)
    return True
