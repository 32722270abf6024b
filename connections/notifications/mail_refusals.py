"""Handle mails that the mail server refused: when to retry, and when to give up.

A mail server that refuses every recipient, for example because it requires a password, says nothing about a single
one. So the refused recipients of a batch are evaluated together at its end.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from connections.models import Connection, Mail
from connections.notifications.mail_failures import Fault
from history.record import Actor, record

log = logging.getLogger(__name__)
OUTBOX = Actor(name="the outbox")
RECIPIENT_TRIES = 3
ONCE_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RefusedRecipient:
    """A mail whose recipient was refused at RCPT. Its retry is already scheduled, as after any failure."""

    mail: Mail
    fault: Fault


def refuse_mail(mail: Mail, *, now: datetime) -> None:
    """Retry a mail that was itself refused once a day, and give up after MAIL_GIVE_UP_DAYS."""
    since = mail.refused_since or now
    changed = {"refused_since": since, "due_at": now + ONCE_A_DAY, "refused_at": None}
    _store(mail, changed, is_given_up=_is_long_refused(since, now), now=now)


def settle(refused: list[RefusedRecipient], *, were_others_accepted: bool, now: datetime, ended: datetime) -> None:
    """Evaluate the recipients that were refused in a batch, which lasted from `now` to `ended`."""
    definite = [refusal for refusal in refused if were_others_accepted or _is_recipient_at_fault(refusal.mail, refused)]
    Mail.objects.filter(pk__in=[refusal.mail.pk for refusal in refused]).update(refused_at=ended)
    for refusal in definite:
        _refuse_recipient(refusal, now=now)


def _is_recipient_at_fault(mail: Mail, refused: Iterable[RefusedRecipient]) -> bool:
    """Whether the recipient is at fault although no recipient was accepted in this batch.

    That is so if the server accepted another recipient after it last refused this one, or refused only this one since
    it last accepted any.
    """
    accepted_at = Mail.objects.filter(is_only_written=False, channel_kind="").aggregate(last=Max("sent_at"))["last"]
    if accepted_at is not None and mail.refused_at is not None and mail.refused_at < accepted_at:
        return True
    since = Q(refused_at__gt=accepted_at) if accepted_at is not None else Q(refused_at__isnull=False)
    waiting = Mail.unsent().filter(since, channel_kind="")
    addresses = {*waiting.values_list("recipient", flat=True), *(refusal.mail.recipient for refusal in refused)}
    return {address.casefold() for address in addresses} == {mail.recipient.casefold()}


def _refuse_recipient(refusal: RefusedRecipient, *, now: datetime) -> None:
    mail, since = refusal.mail, refusal.mail.refused_since or now
    if refusal.fault is Fault.RECIPIENT_FOR_NOW:
        _store(mail, {"refused_since": since}, is_given_up=_is_long_refused(since, now), now=now)
        return
    days = sorted({*mail.refused_on, now.date().isoformat()})
    changed = {"refused_since": since, "refused_on": days, "due_at": now + ONCE_A_DAY}
    _store(mail, changed, is_given_up=len(days) >= RECIPIENT_TRIES, now=now)


def _is_long_refused(since: datetime, now: datetime) -> bool:
    return now - since >= timedelta(days=settings.MAIL_GIVE_UP_DAYS)


def _store(mail: Mail, changed: Mapping[str, object], *, is_given_up: bool, now: datetime) -> None:
    if is_given_up:
        changed = {**changed, "given_up_at": now}
    with transaction.atomic():
        is_unsent = Mail.objects.filter(pk=mail.pk, sent_at=None).update(**changed)
        if is_given_up and is_unsent:
            log.error("Mail %s failed after %s attempts and is not retried.", mail.message_id, mail.attempts)
            is_message = bool(mail.channel_kind)
            record_mail("connection.message_failed" if is_message else "connection.mail_given_up", mail, now=now)


def record_mail(kind: str, mail: Mail, *, now: datetime) -> None:
    """Record an event for each connection that the mail is about."""
    detail = {"mail": mail.kind, "to": mail.recipient, "subject": mail.subject}
    for connection in mail.about:
        record(kind, Connection(pk=connection["id"], name=connection["name"]), by=OUTBOX, at=now, detail=detail)
