"""Remind the owners of API tokens before these expire, on the same days as of the tokens of connections."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from api.models import ApiToken
from connections.domain import expiry
from connections.models import NotificationChannel
from connections.notifications import notify
from connections.notifications.mail_basis import Basis
from connections.notifications.notify import Recipient
from history.record import SCHEDULER, record

log = logging.getLogger(__name__)
MAIL = "api_tokens_expiring"


@dataclass(frozen=True, slots=True)
class _Due:
    """A token whose owner is to be reminded. `threshold` is one of REMINDER_DAYS."""

    token: ApiToken
    threshold: int
    days_left: int


@dataclass(frozen=True, slots=True)
class _Reader:
    """Someone who is reminded, by mail or through a channel: as the owner, or as an administrator in place of one."""

    address: str
    is_owner: bool
    channel: NotificationChannel | None = None

    def recipient(self, count: int) -> Recipient:
        """The recipient of a mail or message about so many tokens."""
        if self.channel is not None:
            return notify.channel_recipient(self.channel)
        these = "this API token" if count == 1 else "these API tokens"
        administers = f"you administer MFE Orchestrator and the owner of {these} can't be notified"
        return Recipient(self.address, f"you own {these}" if self.is_owner else administers)


def remind_due(*, now: datetime) -> int:
    """Write one mail or message to each reader about all tokens that are due. Returns how many were written."""
    everybody = notify.Recipients()
    by_reader: dict[_Reader, list[_Due]] = defaultdict(list)
    today = timezone.localdate(now)
    with transaction.atomic():
        for due in _due(now, today):
            readers = _readers(due.token.owner, everybody)
            if not readers:
                log.warning("No one can be reminded about API token %s: there is no mail address.", due.token.pk)
            elif _claim(due):
                _record(due, readers, now=now)
                for reader in readers:
                    by_reader[reader].append(due)
        return sum(_write(reader, theirs, today=today, now=now) for reader, theirs in by_reader.items())


def _due(now: datetime, today: date) -> Iterator[_Due]:
    for token in _candidates(now):
        expires_on = timezone.localdate(token.expires_at)
        threshold = expiry.due_threshold(
            expires_on,
            today,
            thresholds=settings.REMINDER_DAYS,
            token_set_on=timezone.localdate(token.created_at),
            reminded=_reminded(token),
        )
        if threshold is not None:
            yield _Due(token, threshold, expiry.days_left(expires_on, today))


def _candidates(now: datetime) -> QuerySet[ApiToken]:
    """Tokens that expire soon and work until then. Those of inactive people do not."""
    farthest = now + timedelta(days=max(settings.REMINDER_DAYS, default=0) + 1)
    soon = ApiToken.objects.filter(revoked_at=None, owner__is_active=True, expires_at__lte=farthest)
    return soon.select_related("owner").order_by("expires_at", "pk")


def _reminded(token: ApiToken) -> set[int]:
    if token.reminded_days is None:
        return set()
    return {days for days in settings.REMINDER_DAYS if days >= token.reminded_days}


def _readers(owner: User, everybody: notify.Recipients) -> list[_Reader]:
    """The owner, or administrators if the owner has no mail address or stopped all reminders; and their channels."""
    is_owner = bool(owner.email) and not everybody.is_muted(owner.email, notify.EVERYTHING)
    addresses = [owner.email] if is_owner else everybody.administrators
    channels = everybody.personal_channels(addresses)
    readers = [_Reader(address, is_owner) for address in addresses]
    return readers + [_Reader(channel.name, is_owner, channel) for channel in channels]


def _claim(due: _Due) -> bool:
    """Whether no other worker has written this reminder."""
    unchanged = ApiToken.objects.filter(pk=due.token.pk, reminded_days=due.token.reminded_days, revoked_at=None)
    return bool(unchanged.update(reminded_days=due.threshold))


def _record(due: _Due, readers: list[_Reader], *, now: datetime) -> None:
    people = sum(reader.channel is None for reader in readers)
    detail = {
        "owner": due.token.owner.get_username(),
        "days_left": due.days_left,
        "people": people,
        "channels": len(readers) - people,
    }
    record("api_token.reminded", due.token, by=SCHEDULER, at=now, detail=detail)


def _write(reader: _Reader, due: list[_Due], *, today: date, now: datetime) -> int:
    rows = [_row(expiring, today, now) for expiring in due]
    context = {
        "rows": rows,
        "count": len(rows),
        "first": rows[0],
        "tokens_url": notify.page("api:tokens" if reader.is_owner else "api:all-tokens"),
    }
    # Administrators cannot stop a reminder that the owner does not get.
    stop = notify.EVERYTHING if reader.is_owner else None
    recipients = [reader.recipient(len(rows))]
    basis = [_basis(expiring.token) for expiring in due]
    return len(notify.enqueue_mail(MAIL, recipients, context, about=[], now=now, unsubscribe_from=stop, basis=basis))


def _basis(token: ApiToken) -> Basis:
    values = {"revoked_at": None, "owner__is_active": True, "expires_at": token.expires_at}
    return Basis(ApiToken, token, "api_token", values)


def _row(due: _Due, today: date, now: datetime) -> dict[str, Any]:
    token, day = due.token, timezone.localdate(due.token.expires_at)
    has_expired = token.expires_at <= now
    relative = expiry.relative_day(day, today)
    return {
        "name": token.name,
        "owner": token.owner.get_full_name() or token.owner.get_username(),
        "words": f"{'expired' if has_expired else 'expires'} {relative}, {day:%-d %B %Y}",
        "relative": relative,
        "has_expired": has_expired,
        "last_used_at": token.last_used_at,
    }
