"""Send what is due from the outbox: claim, hand over, mark; give back what failed, with back-off.

A mail can go out twice only where a process dies between the server's acceptance and our mark: at most one
for each such death, with the same Message-ID.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q

from connections import emails
from connections.azure_devops.names import redact
from connections.models import Mail

log = logging.getLogger(__name__)
_LONGEST_WAIT = timedelta(hours=1)


def send_due(*, now: datetime) -> int:
    """Send one batch of what is due. Returns how many were sent. A mail that fails waits; it is never dropped."""
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    due = Mail.objects.filter(free, sent_at=None, due_at__lte=now).order_by("due_at", "pk")
    sent = 0
    connection = get_connection()
    try:
        for pk in list(due.values_list("pk", flat=True)[: settings.MAILS_PER_TICK]):
            lease_ends = now + timedelta(seconds=settings.MAIL_LEASE_SECONDS)
            claimed = Mail.objects.filter(free, pk=pk, sent_at=None).update(
                leased_until=lease_ends, attempts=F("attempts") + 1
            )
            if claimed:
                sent += _send(Mail.objects.get(pk=pk), connection, now=now)
    finally:
        connection.close()
    return sent


def _send(mail: Mail, connection: BaseEmailBackend, *, now: datetime) -> int:
    if mail.attempts > 1 and not mail.last_error:
        log.warning("Mail %s was begun before and not marked: it may arrive twice.", mail.message_id)
    try:
        emails.hand_over(mail, connection)
    except (SMTPException, OSError, ValueError) as failure:
        wait = min(_LONGEST_WAIT, timedelta(minutes=1) * 2 ** min(mail.attempts - 1, 10))
        words = redact(f"{type(failure).__name__}: {failure}")[:500]
        Mail.objects.filter(pk=mail.pk).update(last_error=words, leased_until=None, due_at=now + wait)
        log.warning("Mail %s was not sent, attempt %s: %s", mail.message_id, mail.attempts, type(failure).__name__)
        connection.close()
        return 0
    Mail.objects.filter(pk=mail.pk).update(sent_at=now, leased_until=None, last_error="")
    return 1


def try_again(mail: Mail, *, now: datetime) -> None:
    """Make a waiting mail due now."""
    Mail.objects.filter(pk=mail.pk, sent_at=None).update(due_at=now)
