"""The door for workers: ids in, one action each."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from connections.actions import outbox, remind, runs
from connections.actions.audit import audit
from connections.actions.probe import forget_old
from connections.models import Connection
from history.record import Actor

log = logging.getLogger(__name__)


@shared_task
def audit_due() -> None:
    """Claim the connections that are due and ask for one audit each."""
    runs.tidy(now=timezone.now())
    _ask_for_due()


def _ask_for_due() -> None:
    claimed = runs.claim_due(now=timezone.now())
    while claimed:
        try:
            audit_one.delay(connection_id=claimed[0], actor_name=runs.CLOCK.name, actor_id=None)
        except OperationalError:
            log.warning("The broker cannot be reached; %s connections wait for the next tick.", len(claimed))
            runs.give_back(claimed)
            return
        del claimed[0]


@shared_task
def audit_one(*, connection_id: int, actor_name: str, actor_id: int | None, **_later: object) -> None:
    """Check one stored token, on behalf of whoever asked. Arguments of a later version are passed over."""
    runs.renew_lease(connection_id, now=timezone.now())
    connection = Connection.objects.filter(pk=connection_id, disabled=False).first()
    if connection is None:
        runs.release(connection_id, now=timezone.now())
        return
    audit(connection, by=Actor(actor_name, actor_id), now=timezone.now(), in_a_hurry=False)
    # A few at a time, but the next at once: the clock alone would let a full organization wait for its ticks.
    _ask_for_due()


@shared_task
def remind_due() -> None:
    """Write the reminders that are due into the outbox."""
    remind.remind_due(now=timezone.now())


@shared_task
def send_due() -> None:
    """Send what is due from the outbox."""
    outbox.send_due(now=timezone.now())


@shared_task
def forget_old_probe_results() -> None:
    """Remove test results that Connect would not take any more, and the oldest runs."""
    forget_old(now=timezone.now())
    runs.forget_old_runs()
