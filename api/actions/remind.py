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
from django.urls import reverse
from django.utils import timezone

from api.models import ApiToken
from connections.domain import expiry
from connections.notifications import notify
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


def remind_due(*, now: datetime) -> int:
    """Write one mail to each person about all tokens that are due. Returns how many were written."""
    everybody = notify.Recipients()
    by_recipient: dict[Recipient, list[_Due]] = defaultdict(list)
    today = timezone.localdate(now)
    with transaction.atomic():
        for due in _due(now, today):
            people = _recipients(due.token.owner, everybody)
            if not people:
                log.warning("No one can be reminded about API token %s: there is no mail address.", due.token.pk)
            elif _claim(due):
                _record(due, len(people), now=now)
                for person in people:
                    by_recipient[person].append(due)
        return sum(_write(person, theirs, today=today, now=now) for person, theirs in by_recipient.items())


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


def _recipients(owner: User, everybody: notify.Recipients) -> list[Recipient]:
    """The owner, or administrators if the owner has no mail address or stopped all reminders."""
    if owner.email and not everybody.is_muted(owner.email, notify.EVERYTHING):
        return [Recipient(owner.email, "you own this API token")]
    why = "you administer MFE Orchestrator and the owner of this API token can't be notified"
    return [Recipient(address, why) for address in everybody.administrators]


def _claim(due: _Due) -> bool:
    """Whether no other worker has written this reminder."""
    unchanged = ApiToken.objects.filter(pk=due.token.pk, reminded_days=due.token.reminded_days, revoked_at=None)
    return bool(unchanged.update(reminded_days=due.threshold))


def _record(due: _Due, people: int, *, now: datetime) -> None:
    detail = {"owner": due.token.owner.get_username(), "days_left": due.days_left, "people": people}
    record("api_token.reminded", due.token, by=SCHEDULER, at=now, detail=detail)


def _write(person: Recipient, due: list[_Due], *, today: date, now: datetime) -> int:
    rows = [_row(expiring, today, now) for expiring in due]
    own = person.why.startswith("you own")
    context = {
        "rows": rows,
        "count": len(rows),
        "first": rows[0],
        "tokens_url": f"{settings.SITE_URL}{reverse('api:tokens' if own else 'api:all-tokens')}",
    }
    why = person.why if len(rows) == 1 else person.why.replace("this API token", "these API tokens")
    # Administrators cannot stop a reminder that the owner does not get.
    stop = notify.EVERYTHING if own else None
    recipients = [Recipient(person.address, why)]
    return len(notify.enqueue_mail(MAIL, recipients, context, about=[], now=now, unsubscribe_from=stop))


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
