"""Celery tasks; each calls one action."""

import logging
from collections.abc import Callable, Iterable
from functools import partial

from kombu.exceptions import OperationalError

from connections.actions import (
    audit_loop,
    audit_runs,
    declare_leak,
    import_tokens,
    prove_leak,
    prove_renewal,
    rate_limit_pauses,
    register_imports,
    renew_sign_in,
)
from connections.actions.verify_credential import forget_old
from connections.models import Mail
from connections.notifications import anchor_mail, channel_outbox, outbox, register_reminders, reminders
from core.database_time import database_now
from core.tasks import BrokerUnavailable, enqueue, enqueue_later, run_each, task

log = logging.getLogger(__name__)
# Seconds. Questions that are further away wait for the scheduler.
_SOON = 60


@task
def audit_due() -> None:
    """Repair runs, and audit due connections. If this worker does so already, it claims further ones."""
    run_each(lambda: audit_runs.tidy(now=database_now()), _audit_what_is_due)


@task
def continue_audits() -> None:
    """Audit due connections, without repairing runs: what another worker or the last turn of this one left."""
    _audit_what_is_due()


def _audit_what_is_due() -> None:
    audit_loop.work_due(clock=database_now, enqueue_again=_enqueue_audits)


def _enqueue_audits() -> bool:
    """Enqueue the audits that are left. Whether the broker could be reached."""
    try:
        enqueue(continue_audits)
    except BrokerUnavailable:
        log.warning("The broker cannot be reached; what is due waits for the next run.")
        return False
    return True


@task
def prove_leaks_due() -> None:
    """Notify of declarations without mails yet, and enqueue the questions about leaked tokens."""
    run_each(lambda: declare_leak.notify_pending(now=database_now()), _enqueue_questions)


def _enqueue_questions() -> None:
    claims = prove_leak.claim_due(now=database_now())
    _enqueue_each(claims, lambda pk, lease: prove_leak_one.delay(leak_id=pk, lease=lease), prove_leak.unclaim)


def _enqueue_each(
    claims: Iterable[tuple[int, str]], enqueue_one: Callable[[int, str], object], unclaim: Callable[[int, str], None]
) -> None:
    """Enqueue a question for each claim. Without a broker, the rows are due as before."""
    for pk, lease in claims:
        try:
            enqueue_one(pk, lease)
        except OperationalError:
            log.warning("The broker cannot be reached; a question about a token waits for the next run.")
            unclaim(pk, lease)


@task
def prove_leak_one(*, leak_id: int, lease: str) -> None:
    """Ask about one leaked token under its lease. Does nothing for a duplicate or late message."""
    if prove_leak.ask_claimed(leak_id, lease=lease, clock=database_now):
        enqueue_next_ask(leak_id)


def enqueue_next_ask(leak_id: int) -> None:
    """Enqueue the next question about a leaked token for when it is due, as the scheduler may be seconds late."""
    wait = prove_leak.seconds_to_next_ask(leak_id, now=database_now())
    if wait is None or wait > _SOON:
        return
    try:
        enqueue_later(prove_leaks_due, seconds=wait)
    except BrokerUnavailable:
        log.warning("The broker cannot be reached; leaked token %s waits for the next run.", leak_id)


@task
def prove_renewals_due() -> None:
    """Enqueue the questions about the old tokens of renewals."""
    claims = prove_renewal.claim_due(now=database_now())
    _enqueue_each(claims, lambda pk, lease: prove_renewal_one.delay(renewal_id=pk, lease=lease), prove_renewal.unclaim)


@task
def prove_renewal_one(*, renewal_id: int, lease: str) -> None:
    """Ask about the old token of one renewal under its lease. Does nothing for a duplicate or late message."""
    prove_renewal.ask_claimed(renewal_id, lease=lease, clock=database_now)


@task
def remind_due() -> None:
    """Write due reminders to the outbox."""
    reminders.remind_due(now=database_now())


@task
def remind_of_register() -> None:
    """Write due reminders about entries of the register to the outbox."""
    register_reminders.remind_due(now=database_now())


@task
def import_register() -> None:
    """Check and import the lines of files that wait."""
    register_imports.work_due(clock=database_now)


@task
def mail_history_anchor() -> None:
    """Write the weekly mails with the history anchor to the outbox."""
    anchor_mail.mail_weekly_anchor(now=database_now())


@task
def send_due() -> None:
    """Send due mails from the outbox."""
    outbox.send_due(now=database_now())


@task
def deliver_due() -> None:
    """Deliver due messages to notification channels. Apart from mails, so that a slow target delays none."""
    channel_outbox.deliver_due(now=database_now())


def enqueue_sending(mail: Mail) -> None:
    """Enqueue the task that sends this mail, or this message to a channel. Raises `BrokerUnavailable`."""
    if mail.channel_kind:
        enqueue(deliver_due)
    else:
        enqueue(send_due)


@task
def remove_expired_rows() -> None:
    """Delete expired verification results and sign-ins, old audit runs and mails, and ended pauses and imports.

    One that fails does not stop the others.
    """
    now = database_now()
    run_each(
        partial(forget_old, now=now),
        partial(outbox.forget_old, now=now),
        audit_runs.forget_old_runs,
        partial(rate_limit_pauses.forget_ended, now=now),
        partial(register_imports.forget_old, now=now),
        partial(renew_sign_in.forget_old, now=now),
        partial(import_tokens.forget_old, now=now),
    )
