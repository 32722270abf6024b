"""The door for workers: ids in, one action each."""

import logging
from datetime import datetime

from django.utils import timezone
from kombu.exceptions import OperationalError

from connections.actions import audit_runs, leases, rate_limit_pauses
from connections.actions.audit import audit
from connections.actions.refusals import ConnectionGone
from connections.actions.verify_credential import forget_old
from connections.models import Connection
from connections.notifications import anchor_mail, outbox, reminders
from core.tasks import task

log = logging.getLogger(__name__)


@task
def audit_due() -> None:
    """Claim the connections that are due and ask for one audit each."""
    audit_runs.tidy(now=timezone.now())
    _ask_for_due()


def _ask_for_due() -> None:
    now = timezone.now()
    claimed = audit_runs.claim_due(now=now)
    while claimed:
        try:
            audit_one.delay(connection_id=claimed[0], lease=leases.lease_end(now).isoformat())
        except OperationalError:
            log.warning("The broker cannot be reached; %s connections wait for the next tick.", len(claimed))
            leases.release(claimed)
            return
        del claimed[0]


@task
def audit_one(*, connection_id: int, lease: str) -> None:
    """Check one stored token, for whoever holds the lease: a time in ISO format, with its zone.

    Of what came twice or too late nothing is done.
    """
    now = timezone.now()
    if not leases.start(connection_id, datetime.fromisoformat(lease), now=now):
        return
    with leases.renewing(connection_id, leases.lease_end(now)):
        _audit(connection_id)
    # A few at a time, but the next at once: the clock alone would let a full organization wait for its ticks.
    _ask_for_due()


def _audit(connection_id: int) -> None:
    now = timezone.now()
    try:
        audit(Connection.objects.get(pk=connection_id), by=audit_runs.CLOCK, now=now, interactive=False)
    except (Connection.DoesNotExist, ConnectionGone):
        log.info("Connection %s was disconnected before it was audited.", connection_id)
    except Exception:
        # Else the same connection would be claimed first, again and again, and the others never.
        log.exception("The audit of connection %s ended unexpectedly.", connection_id)
        audit_runs.give_up(connection_id, now=now)


@task
def remind_due() -> None:
    """Write the reminders that are due into the outbox."""
    reminders.remind_due(now=timezone.now())


@task
def mail_history_anchor() -> None:
    """Write the mails with this week's anchor of the history into the outbox."""
    anchor_mail.mail_weekly_anchor(now=timezone.now())


@task
def send_due() -> None:
    """Send what is due from the outbox."""
    outbox.send_due(now=timezone.now())


@task
def remove_expired_rows() -> None:
    """Remove test results that Connect would not take any more, the oldest runs and mails, and pauses that ended."""
    forget_old(now=timezone.now())
    outbox.forget_old(now=timezone.now())
    audit_runs.forget_old_runs()
    rate_limit_pauses.forget_ended(now=timezone.now())
