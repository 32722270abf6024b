"""Claim, mark and retry rows of the outbox: what mails and messages to channels have in common.

Decision record 9 explains the lease, the send lock and the retry of the mark.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import sleep

from django.conf import settings
from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import F, Q

from connections.models import Mail, NotificationChannel
from connections.notifications.mail_basis import is_still_true, subjects
from connections.notifications.mail_refusals import ONCE_A_DAY, OUTBOX, record_mail
from core.database_time import lies_ahead
from core.leases import LeasedQuerySet
from history.record import record

log = logging.getLogger(__name__)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
CHANNEL_REMOVED = "The channel was removed."
_BETWEEN_MARKS = 1.0  # seconds


def due(now: datetime) -> LeasedQuerySet[Mail]:
    """Rows that can be sent now, in the order in which they became due."""
    waits_for_a_day = Q(refused_since__isnull=False) & lies_ahead("due_at", now, at_most=2 * ONCE_A_DAY)
    waits = waits_for_a_day | lies_ahead("due_at", now, at_most=2 * LONGEST_WAIT)
    return Mail.unsent().free(now).exclude(waits).order_by("due_at", "pk")


def claim(rows: LeasedQuerySet[Mail], pk: int, now: datetime) -> Mail | None:
    """Lease one of these rows and return it, if it is still among them."""
    was_started_before = Mail.objects.filter(pk=pk).exclude(leased_until=None).exists()
    if not rows.filter(pk=pk).order_by().claim(now=now, attempts=F("attempts") + 1):
        return None
    mail = Mail.objects.get(pk=pk)
    if was_started_before:
        log.warning("Mail %s was started before but not marked as sent. It may arrive twice.", mail.message_id)
    return mail


def mark_sent(mail: Mail, kind: str, *, now: datetime, is_only_written: bool = False) -> None:
    """Mark the row as sent and record the event; while the database is unavailable, retry for as long as the lease."""
    for attempts_left in range(int(settings.MAIL_LEASE_SECONDS / _BETWEEN_MARKS), -1, -1):
        try:
            _mark_once(mail, kind, now=now, is_only_written=is_only_written)
        except OperationalError:
            if not attempts_left or database.in_atomic_block:
                raise
            log.warning("Mail %s was sent but could not be marked yet.", mail.message_id)
            # A working session is kept, as it holds the send lock.
            if not database.is_usable():
                database.close()
            sleep(_BETWEEN_MARKS)
        else:
            return


def _mark_once(mail: Mail, kind: str, *, now: datetime, is_only_written: bool) -> None:
    with transaction.atomic():
        marks = {"sent_at": now, "last_error": "", "is_only_written": is_only_written}
        Mail.objects.filter(pk=mail.pk).release(**marks)
        record_mail(kind, mail, now=now)


def withdraw_if_untrue(mail: Mail, *, now: datetime) -> bool:
    """Withdraw a claimed mail that is no longer true, and record that. Returns whether it must not be sent.

    If the lease was lost meanwhile, it is left to the worker that holds it.
    """
    if is_still_true(mail):
        return False
    with transaction.atomic():
        if Mail.unsent().filter(pk=mail.pk).under(mail.lease).release(withdrawn_at=now, last_error=""):
            log.info("Mail %s is no longer true and was withdrawn.", mail.message_id)
            detail = {"mail": mail.kind, "to": mail.recipient, "subject": mail.subject}
            for area, subject in subjects(mail.basis):
                record(f"{area}.reminder_withdrawn", subject, by=OUTBOX, at=now, detail=detail)
    return True


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    doublings = min(attempts - 1, 10)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


def retry_later(mail: Mail, error: str, *, due_at: datetime) -> None:
    """Schedule a retry and store the error, unless the lease was lost to another worker."""
    Mail.objects.filter(pk=mail.pk, lease=mail.lease).release(last_error=error, due_at=due_at)


def give_up(messages: Iterable[Mail], reason: str, *, now: datetime) -> int:
    """Mark messages to a channel as failed, with the reason, and record that. Returns how many.

    Those that were sent or claimed since they were read are left alone.
    """
    count = 0
    with transaction.atomic():
        for message in messages:
            unchanged = Mail.unsent().filter(pk=message.pk, lease=message.lease)
            if unchanged.release(given_up_at=now, last_error=reason):
                log.error("Message %s failed and is not retried.", message.message_id)
                record_mail("connection.message_failed", message, now=now)
                count += 1
    return count


def waiting_for(channel: NotificationChannel, *, now: datetime) -> list[Mail]:
    """The messages to a channel that wait, without their content, except those that are being delivered."""
    waiting = Mail.unsent().free(now).filter(channel=channel)
    return list(waiting.defer(*Mail.CONTENT))
