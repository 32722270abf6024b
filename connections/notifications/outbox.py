"""Send due mails from the outbox: lease a mail, send it, mark it as sent. Failures are retried with backoff.

Decision record 9 explains the lease, the send lock and the retry of the mark.
"""

import logging
import smtplib
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q

from connections.models import Mail
from connections.notifications import emails, notify, outbox_rows, send_lock
from connections.notifications.mail_failures import Fault, describe, fault_of
from connections.notifications.mail_refusals import RefusedRecipient, refuse_mail, settle
from connections.notifications.smtp import SMTPBackend, Unconfirmed
from core.leases import LeasedQuerySet

log = logging.getLogger(__name__)


def send_due(*, now: datetime) -> int:
    """Send one batch of due mails. Returns how many were sent. Failed mails wait for a retry.

    A failure of the mail server ends the batch; the remaining mails stay due.
    """
    return _Batch(now).send().sent


def send_all_due(*, now: datetime) -> int:
    """Send all due mails, batch by batch, until the mail server fails. Returns how many were sent."""
    sent, batch = 0, _Batch(now)
    while batch.send().tried and not batch.is_cut_short:
        sent += batch.sent
        batch = _Batch(now, started=batch.started)
    return sent + batch.sent


class _Batch:
    """One batch, over one connection to the mail server."""

    def __init__(self, now: datetime, *, started: float | None = None) -> None:
        self.now = now
        self.started = monotonic() if started is None else started
        self.sent = self.tried = 0
        self.is_cut_short = False
        self._backend: BaseEmailBackend | None = None
        self._was_recipient_accepted = False
        self._refused: list[RefusedRecipient] = []

    def send(self) -> "_Batch":
        """Try each mail of the batch until the mail server fails."""
        try:
            for pk in list(_due(self.now).values_list("pk", flat=True)[: settings.MAILS_PER_TICK]):
                with send_lock.mail_lock(pk) as is_ours:
                    at = self._at()
                    mail = outbox_rows.claim(_due(at), pk, at) if is_ours else None
                    if mail is not None:
                        self._try(mail, at=at)
                if self.is_cut_short:
                    break
        finally:
            self._close()
        if self._refused and (self._was_recipient_accepted or not self.is_cut_short):
            settle(self._refused, were_others_accepted=self._was_recipient_accepted, now=self.now, ended=self._at())
        return self

    def _at(self) -> datetime:
        return self.now + timedelta(seconds=monotonic() - self.started)

    def _try(self, mail: Mail, *, at: datetime) -> None:
        self.tried += 1
        if outbox_rows.withdraw_if_untrue(mail, now=at):
            return
        try:
            if self._backend is None:
                self._backend = emails.open_backend()
            emails.send_mail(mail, self._backend)
        except Exception as failure:  # one mail must not keep the others from being sent
            self._fail(mail, failure, at=at)
        else:
            is_only_written = bool(emails.written_to())
            kind = "connection.mail_written" if is_only_written else "connection.mailed"
            outbox_rows.mark_sent(mail, kind, now=at, is_only_written=is_only_written)
            self.sent += 1
            self._was_recipient_accepted = True

    def _fail(self, mail: Mail, failure: Exception, *, at: datetime) -> None:
        fault = fault_of(failure)
        _log(mail, failure, fault)
        outbox_rows.retry_later(mail, describe(failure), due_at=at + outbox_rows.backoff(mail.attempts))
        if fault is Fault.SERVER:
            self.is_cut_short = True
        elif fault is Fault.MAIL:
            self._was_recipient_accepted |= isinstance(failure, smtplib.SMTPDataError)
            refuse_mail(mail, now=self.now)
        else:
            self._refused.append(RefusedRecipient(mail, fault))
        # After a refusal smtplib has reset the session; after any other failure the connection is not reused.
        if not isinstance(self._backend, SMTPBackend) or not isinstance(failure, smtplib.SMTPException):
            self._close()

    def _close(self) -> None:
        if self._backend is not None:
            emails.close(self._backend)


def _log(mail: Mail, failure: Exception, fault: Fault) -> None:
    if isinstance(failure, Unconfirmed):
        log.warning("The mail server did not confirm mail %s. It may arrive twice.", mail.message_id)
    is_unforeseen = fault is Fault.MAIL and not isinstance(failure, (OSError, ValueError))
    message = "Mail %s was not sent, attempt %s: %s"
    log.warning(message, mail.message_id, mail.attempts, type(failure).__name__, exc_info=is_unforeseen)


def _due(now: datetime) -> LeasedQuerySet[Mail]:
    return outbox_rows.due(now).filter(channel_kind="")


def try_again(mail: Mail, *, now: datetime) -> None:
    """Make an unsent mail due now. One that was given up gets all its attempts again."""
    waiting = Mail.objects.filter(pk=mail.pk, sent_at=None, withdrawn_at=None)
    waiting.exclude(given_up_at=None).update(refused_since=None, refused_at=None, refused_on=[])
    waiting.update(due_at=now, given_up_at=None)


def forget_old(*, now: datetime) -> int:
    """Delete mails that were sent, given up or withdrawn more than MAIL_RETENTION_DAYS ago. Returns how many."""
    if settings.MAIL_RETENTION_DAYS <= 0:
        return 0
    before = now - timedelta(days=settings.MAIL_RETENTION_DAYS)
    is_old = Q(sent_at__lt=before) | Q(given_up_at__lt=before) | Q(withdrawn_at__lt=before)
    removed, _ = Mail.objects.filter(is_old).delete()
    return removed


def send_test(address: str, *, now: datetime) -> Mail:
    """Write a test mail to the person who requested it."""
    person = notify.Recipient(address, "you requested it")
    context = {"outbox_url": notify.page("outbox"), "written_to": emails.written_to()}
    (mail,) = notify.enqueue_mail("test", [person], context, about=[], now=now)
    return mail
