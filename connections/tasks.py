"""The door for workers: ids in, one action each."""

import logging
from datetime import datetime

from kombu.exceptions import OperationalError

from connections.actions import audit_runs, rate_limit_pauses
from connections.actions.claimed_audit import audit_claimed
from connections.actions.verify_credential import forget_old
from connections.notifications import anchor_mail, outbox, reminders
from core.database_time import database_now
from core.leases import new_lease
from core.tasks import task

log = logging.getLogger(__name__)


@task
def audit_due() -> None:
    """Claim the connections that are due and ask for one audit each."""
    now = database_now()
    audit_runs.tidy(now=now)
    _enqueue_due(now)


def _enqueue_due(now: datetime) -> None:
    lease = new_lease()
    claimed = audit_runs.claim_due(now=now, lease=lease)
    while claimed:
        try:
            audit_one.delay(connection_id=claimed[0], lease=lease)
        except OperationalError:
            log.warning("The broker cannot be reached; %s connections wait for the next tick.", len(claimed))
            audit_runs.unclaim(claimed)
            return
        del claimed[0]


@task
def audit_one(*, connection_id: int, lease: str) -> None:
    """Check one stored token, for whoever holds the lease. Of what came twice or too late nothing is done."""
    if audit_claimed(connection_id, lease=lease, now=database_now()):
        # A few at a time, but the next at once: the scheduler alone would let a full organization wait for its ticks.
        _enqueue_due(database_now())


@task
def remind_due() -> None:
    """Write the reminders that are due into the outbox."""
    reminders.remind_due(now=database_now())


@task
def mail_history_anchor() -> None:
    """Write the mails with this week's anchor of the history into the outbox."""
    anchor_mail.mail_weekly_anchor(now=database_now())


@task
def send_due() -> None:
    """Send what is due from the outbox."""
    outbox.send_due(now=database_now())


@task
def remove_expired_rows() -> None:
    """Remove test results that Connect would not take any more, the oldest runs and mails, and pauses that ended."""
    now = database_now()
    forget_old(now=now)
    outbox.forget_old(now=now)
    audit_runs.forget_old_runs()
    rate_limit_pauses.forget_ended(now=now)
