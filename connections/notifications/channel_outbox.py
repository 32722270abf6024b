"""Deliver due messages to channels: lease a message, post it, mark it. Failures are retried with backoff.

The rules are those of mails (decision records 9 and 11). In addition, a channel that failed or asked to wait is left
alone until then, so that it delays no other channel.
"""

import json
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from time import monotonic, sleep
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connections.models import ChannelTarget, Mail, NotificationChannel
from connections.notifications import channel_bodies, notify, outbox_rows, send_lock, webhook_post
from connections.notifications.mail_refusals import OUTBOX, refuse_mail
from connections.notifications.webhook_post import Answer, NotPosted
from core.database_time import lies_ahead
from core.encryption import UnreadableToken
from core.leases import LeasedQuerySet
from core.redaction import clean
from history.record import record

log = logging.getLogger(__name__)
_LONGEST_PAUSE = timedelta(days=1)
_LONGEST_QUOTE = 200
_LONGEST_ERROR = 500
_PARTS = re.compile(r"[/?&=]")
_SHORTEST_SECRET = 8
_BETWEEN_TRIES = 0.2  # seconds
Kind = NotificationChannel.Kind


class Verdict(Enum):
    """What an answer means for a message and its channel."""

    DELIVERED = auto()
    GONE = auto()  # the target was removed: nothing is sent there again
    UNAVAILABLE = auto()  # the target can't take any message now
    REFUSED = auto()  # the target does not accept this message


def deliver_due(*, now: datetime) -> int:
    """Deliver one batch of due messages. Returns how many were delivered."""
    return sum(_deliver_batch(now, started=monotonic()))


def deliver_all_due(*, now: datetime) -> int:
    """Deliver all messages that are due now, batch by batch. Returns how many were delivered."""
    started, delivered = monotonic(), 0
    while tried := _deliver_batch(now, started=started):
        delivered += sum(tried)
    return delivered


def _deliver_batch(now: datetime, *, started: float) -> list[bool]:
    """Try one batch of the messages that are due at `now`. Returns of each claimed one whether it was delivered."""
    pks = list(_due(now).values_list("pk", flat=True)[: settings.MAILS_PER_TICK])
    tried = (_try(pk, _due, now=_later(now, started)) for pk in pks)
    return [is_delivered for is_delivered in tried if is_delivered is not None]


def deliver_one(message_id: int, *, now: datetime) -> Mail:
    """Deliver one message now, also while its channel is paused. Returns it as it is afterwards.

    Waits for another process that has started to deliver it, for as long as its lease.
    """
    started = monotonic()
    while _try(message_id, _unpaused, now=_later(now, started)) is None:
        message = Mail.objects.get(pk=message_id)
        is_tried = message.attempts > 0 and message.leased_until is None
        if is_tried or monotonic() - started > settings.MAIL_LEASE_SECONDS:
            break
        sleep(_BETWEEN_TRIES)
    return Mail.objects.get(pk=message_id)


def _later(now: datetime, started: float) -> datetime:
    return now + timedelta(seconds=monotonic() - started)


def _try(pk: int, due: Callable[[datetime], LeasedQuerySet[Mail]], *, now: datetime) -> bool | None:
    """Whether a message was delivered; None if it is not due, or another process has it."""
    with send_lock.mail_lock(pk) as is_ours:
        message = outbox_rows.claim(due(now), pk, now) if is_ours else None
        return None if message is None else _deliver(message, now=now)


def _unpaused(now: datetime) -> LeasedQuerySet[Mail]:
    return outbox_rows.due(now).exclude(channel_kind="")


def _due(now: datetime) -> LeasedQuerySet[Mail]:
    is_paused = lies_ahead("channel__paused_until", now, at_most=2 * _LONGEST_PAUSE)
    paused = Mail.objects.filter(is_paused).values("pk")
    return _unpaused(now).exclude(pk__in=paused)


def _deliver(message: Mail, *, now: datetime) -> bool:
    channel = message.channel
    if outbox_rows.withdraw_if_untrue(message, now=now):
        return False
    if channel is None or channel.gone_at is not None:
        reason = outbox_rows.CHANNEL_REMOVED if channel is None else "The channel no longer exists."
        outbox_rows.give_up([message], reason, now=now)
        return False
    try:
        target = channel.reveal()
        answer = _post(message, target, now=now)
        verdict = judge(channel.kind, answer)
        words = "" if verdict is Verdict.DELIVERED else _words_of(answer, target)
    except (NotPosted, UnreadableToken) as failure:
        unreadable = "No key decrypts the target of the channel. Enter it again."
        answer, verdict = None, Verdict.UNAVAILABLE
        words = unreadable if isinstance(failure, UnreadableToken) else str(failure)
    except Exception as failure:  # one message must not keep the others from being delivered
        log.exception("Message %s could not be prepared.", message.message_id)
        answer, verdict, words = None, Verdict.REFUSED, type(failure).__name__
    return _settle(message, channel, verdict, words, wait=_asked_wait(answer, now), now=now)


def _post(message: Mail, target: ChannelTarget, *, now: datetime) -> Answer:
    content, headers = channel_bodies.request_of(message, target, now=now)
    return webhook_post.post(target.url, content, headers)


def _settle(
    message: Mail, channel: NotificationChannel, verdict: Verdict, words: str, *, wait: timedelta | None, now: datetime
) -> bool:
    if verdict is Verdict.DELIVERED:
        outbox_rows.mark_sent(message, "connection.message_sent", now=now)
        NotificationChannel.objects.filter(pk=channel.pk).exclude(paused_until=None).update(paused_until=None)
        return True
    log.warning("Message %s was not delivered, attempt %s: %s", message.message_id, message.attempts, verdict.name)
    if verdict is Verdict.GONE:
        _close(channel, message, words, now=now)
        return False
    due_at = now + (wait or outbox_rows.backoff(message.attempts))
    outbox_rows.retry_later(message, words, due_at=due_at)
    if verdict is Verdict.REFUSED:
        refuse_mail(message, now=now)
    else:
        NotificationChannel.objects.filter(pk=channel.pk).update(paused_until=due_at)
    return False


def judge(kind: str, answer: Answer) -> Verdict:
    """What an answer means."""
    if answer.status == 410:
        return Verdict.GONE
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return Verdict.UNAVAILABLE
    if 200 <= answer.status <= 299:
        return Verdict.REFUSED if _is_error(kind, answer) else Verdict.DELIVERED
    # Also a redirect: it is not followed, because its target was not allowed.
    return Verdict.REFUSED


def _is_error(kind: str, answer: Answer) -> bool:
    """Whether a success reports an error in its body. Slack answers "ok", Teams 202 or an empty body."""
    body = answer.body.strip()
    if kind == Kind.SLACK:
        return body != b"ok"
    if kind == Kind.TEAMS:
        return answer.status != 202 and bool(body)
    try:
        content = json.loads(body) if body.startswith(b"{") else {}
    except (ValueError, RecursionError):
        return False
    return bool(content.get("error")) or content.get("ok") is False


def _words_of(answer: Answer, target: ChannelTarget) -> str:
    """The answer in one line, for the outbox. Its text is left out if it repeats a part of the secret target."""
    if 300 <= answer.status <= 399:
        return f"The target answered {answer.status}, a redirect, which is not followed."
    if _repeats(answer.body, target):
        return f"The target answered {answer.status}. Its text repeats the webhook URL or the signing secret."
    quoted = " ".join(answer.body[: 4 * _LONGEST_QUOTE].decode(errors="replace").split())
    quoted = clean("".join(letter for letter in quoted if letter.isprintable()))[:_LONGEST_QUOTE]
    return f"The target answered {answer.status}{f': {quoted}' if quoted else '.'}"[:_LONGEST_ERROR]


@sensitive_variables()
def _repeats(body: bytes, target: ChannelTarget) -> bool:
    """Whether the text has the signing secret, or a part of the URL that is long enough to be secret."""
    text = body.decode(errors="replace")
    texts = (text, unquote(text), text.replace("\\/", "/"))
    address = urlsplit(target.url.reveal())
    parts = [*_PARTS.split(f"{address.path}?{address.query}"), target.signing_secret.reveal().removeprefix("whsec_")]
    secrets = {form for part in parts if len(part) >= _SHORTEST_SECRET for form in (part, unquote(part))}
    return any(secret in text for secret in secrets for text in texts)


def _asked_wait(answer: Answer | None, now: datetime) -> timedelta | None:
    """How long the target asked to wait, in seconds or until a date; at most a day."""
    text = answer.retry_after.strip() if answer else ""
    try:
        wait = timedelta(seconds=int(text)) if text.isdigit() else parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(wait, _LONGEST_PAUSE) if wait > timedelta(0) else None


def _close(channel: NotificationChannel, message: Mail, words: str, *, now: datetime) -> None:
    """Mark the channel as gone, its messages as failed, and notify administrators by mail, all at once."""
    with transaction.atomic():
        # Unless an administrator has entered another target meanwhile.
        same_target = NotificationChannel.objects.filter(pk=channel.pk, gone_at=None, sealed=channel.sealed)
        if not same_target.update(gone_at=now):
            outbox_rows.retry_later(message, words, due_at=now + outbox_rows.backoff(message.attempts))
            return
        failed = outbox_rows.give_up([message, *outbox_rows.waiting_for(channel, now=now)], words, now=now)
        record("channel.gone", channel, by=OUTBOX, at=now, detail={"kind": channel.kind, "host": channel.host})
        _notify_administrators(channel, failed=failed, now=now)


def _notify_administrators(channel: NotificationChannel, *, failed: int, now: datetime) -> None:
    context = {"channel": channel, "failed": failed, "channel_url": notify.page("channel", channel.pk)}
    notify.enqueue_mail("channel_gone", notify.administrators(), context, about=[], now=now)


def write_test(channel: NotificationChannel, *, now: datetime) -> Mail:
    """Write a test message to a channel."""
    recipient = notify.Recipient(channel.name, "", channel)
    context = {"channel": channel, "channels_url": notify.page("channels")}
    (message,) = notify.enqueue_mail("channel_test", [recipient], context, about=[], now=now)
    return message
