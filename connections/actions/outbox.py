"""Send what is due from the outbox: claim, hand over, mark; give back what failed, with back-off.

A mail can go out twice only where a process dies between the mail server's acceptance and our mark, the database's own
process included: at most one for each such death, with the same Message-ID.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import F, Q, QuerySet

from connections import emails
from connections.actions import notify, turns
from connections.azure_devops.names import redact
from connections.models import Connection, Mail
from history.record import Actor, record

log = logging.getLogger(__name__)
OUTBOX = Actor(name="the outbox")
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_BETWEEN_MARKS = 1.0  # seconds


def send_due(*, now: datetime) -> int:
    """Send one batch of what is due. Returns how many were sent. A mail that fails waits; it is never dropped.

    Trouble of the server as a whole ends the batch: the rest is due as before, and the next batch tries again.
    """
    started = monotonic()
    way = emails.way_out()
    sent = 0
    try:
        for pk in list(_due(now).values_list("pk", flat=True)[: settings.MAILS_PER_TICK]):
            at = now + timedelta(seconds=monotonic() - started)
            with turns.alone_with(pk) as alone:
                mail = _claim(pk, at) if alone else None
                if mail is None:
                    continue
                failure = _send(mail, way, now=at)
            if failure is not None and emails.is_of_the_server(failure):
                break
            sent += failure is None
    finally:
        emails.close(way)
    return sent


def _due(now: datetime) -> QuerySet[Mail]:
    # What is leased or due much later than it can be was written by a clock that was ahead.
    longest_lease = 2 * timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    held = Q(leased_until__gte=now, leased_until__lte=now + longest_lease)
    is_time = Q(due_at__lte=now) | Q(due_at__gt=now + 2 * _LONGEST_WAIT)
    waiting = Mail.objects.filter(is_time, sent_at=None, given_up_at=None)
    return waiting.exclude(held).order_by("due_at", "pk")


def _claim(pk: int, now: datetime) -> Mail | None:
    """The mail, if it is still due."""
    begun_before = Mail.objects.filter(pk=pk).exclude(leased_until=None).exists()
    lease_ends = now + timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    if not _due(now).filter(pk=pk).order_by().update(leased_until=lease_ends, attempts=F("attempts") + 1):
        return None
    mail = Mail.objects.get(pk=pk)
    if begun_before:
        log.warning("Mail %s was begun before and not marked: it may arrive twice.", mail.message_id)
    return mail


def _send(mail: Mail, way: BaseEmailBackend, *, now: datetime) -> Exception | None:
    """What went wrong, if anything; the row says the same."""
    try:
        emails.hand_over(mail, way)
    except emails.TROUBLES as failure:
        # A connection on which something went wrong is not used for the next mail.
        emails.close(way)
        if isinstance(failure, emails.Unconfirmed):
            log.warning("Mail %s was handed over and not confirmed: it may arrive twice.", mail.message_id)
        _keep(mail, failure, now=now)
        return failure
    _mark(mail, now=now)
    return None


def _mark(mail: Mail, *, now: datetime) -> None:
    """Mark it as sent. A database that is busy or away is asked again while the lease lasts: the mail has left."""
    for attempts_left in range(int(settings.MAIL_LEASE_SECONDS / _BETWEEN_MARKS), -1, -1):
        try:
            _mark_once(mail, now=now)
        except OperationalError:
            if not attempts_left or database.in_atomic_block:
                raise
            log.warning("Mail %s was sent and could not be marked yet.", mail.message_id)
            # A session that still works keeps the lock on the mail.
            if not database.is_usable():
                database.close()
            sleep(_BETWEEN_MARKS)
        else:
            return


def _mark_once(mail: Mail, *, now: datetime) -> None:
    with transaction.atomic():
        Mail.objects.filter(pk=mail.pk).update(sent_at=now, leased_until=None, last_error="")
        _tell_history("connection.mailed", mail, now=now)


def _keep(mail: Mail, failure: Exception, *, now: datetime) -> None:
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(mail.attempts - 1, 10))
    words = redact(f"{type(failure).__name__}: {failure}")[:500]
    changed = {"last_error": words, "leased_until": None, "due_at": now + wait}
    log.warning("Mail %s was not sent, attempt %s: %s", mail.message_id, mail.attempts, type(failure).__name__)
    too_old = now - mail.created_at >= timedelta(days=settings.MAIL_GIVE_UP_DAYS)
    with transaction.atomic():
        # Only a mail that is refused itself; a server that is away says nothing against any mail.
        if too_old and not emails.is_of_the_server(failure):
            changed["given_up_at"] = now
            log.error("Mail %s is given up after %s attempts.", mail.message_id, mail.attempts)
            _tell_history("connection.mail_given_up", mail, now=now)
        Mail.objects.filter(pk=mail.pk).update(**changed)


def _tell_history(kind: str, mail: Mail, *, now: datetime) -> None:
    detail = {"mail": mail.kind, "to": mail.recipient, "subject": mail.subject}
    for one in mail.about:
        record(kind, Connection(pk=one["id"], name=one["name"]), by=OUTBOX, at=now, detail=detail)


def try_again(mail: Mail, *, now: datetime) -> None:
    """Make a waiting mail due now, also one that was given up."""
    Mail.objects.filter(pk=mail.pk, sent_at=None).update(due_at=now, given_up_at=None)


def forget_old(*, now: datetime) -> int:
    """Remove mails that were sent or given up long ago, as the operator set it. Returns how many."""
    if settings.MAIL_RETENTION_DAYS <= 0:
        return 0
    before = now - timedelta(days=settings.MAIL_RETENTION_DAYS)
    removed, _ = Mail.objects.filter(Q(sent_at__lt=before) | Q(given_up_at__lt=before)).delete()
    return removed


def send_test(address: str, *, now: datetime) -> Mail:
    """Write a test mail to whoever asks for it."""
    person = notify.Recipient(address, "you asked for it")
    (mail,) = notify.put("test", [person], {"outbox_url": notify.page("outbox")}, about=[], now=now)
    return mail
