"""Calendar feeds of expiry dates: create, renew and revoke their secret addresses, and serve them."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from connections import notification_reads
from connections.models import CalendarFeed
from connections.notifications import calendar_feed
from connections.notifications.calendar_revisions import next_second, revise
from history.record import Actor, Named, record

_FETCHES_NOTED_EVERY = timedelta(hours=1)


def make_address(user: User, *, by: Actor, now: datetime) -> str:
    """Create the secret of a new address, which replaces an earlier one. Only its digest is stored."""
    secret = secrets.token_urlsafe(32)
    fresh = {"secret_digest": _digest(secret), "made_at": now, "fetched_at": None, "changed_at": now}
    with transaction.atomic():
        _, is_new = CalendarFeed.objects.update_or_create(user=user, defaults=fresh | {"content_digest": ""})
        record("calendar.made" if is_new else "calendar.renewed", _named(user), by=by, at=now)
    return secret


def revoke(user: User, *, by: Actor, now: datetime) -> None:
    """Revoke the address. A second call does nothing."""
    with transaction.atomic():
        removed, _ = CalendarFeed.objects.filter(user=user).delete()
        if removed:
            record("calendar.revoked", _named(user), by=by, at=now)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file for a calendar program, its digest, and when it last changed."""

    content: bytes
    digest: str
    changed_at: datetime


def fetch(secret: str, *, now: datetime) -> Fetched | None:
    """The file at an address; None if the address is revoked or its owner lost access."""
    feed = CalendarFeed.objects.select_related("user").filter(secret_digest=_digest(secret)).first()
    if feed is None or not _may_read(feed.user):
        return None
    today = timezone.localdate(now)
    content = calendar_feed.calendar_of(
        notification_reads.dated_of(feed.user),
        notification_reads.dated_entries_of(feed.user),
        today=today,
        revise=partial(revise, now=now),
    )
    digest = hashlib.sha256(content).hexdigest()
    changes: dict[str, object] = {}
    if digest != feed.content_digest:
        after = feed.changed_at if feed.content_digest else None
        feed.changed_at = next_second(now, after=after)
        changes = {"content_digest": digest, "changed_at": feed.changed_at}
    if changes or feed.fetched_at is None or now - feed.fetched_at >= _FETCHES_NOTED_EVERY:
        # Filters by the digest, so that an address revoked in the meantime is not updated.
        CalendarFeed.objects.filter(pk=feed.pk, secret_digest=feed.secret_digest).update(fetched_at=now, **changes)
    return Fetched(content, digest, feed.changed_at)


def _may_read(user: User) -> bool:
    return user.is_active and user.has_perm("connections.view_connection")


def _digest(secret: str) -> str:
    # The secret is 256 random bits, so a plain digest cannot be guessed back.
    return hashlib.sha256(secret.encode()).hexdigest()


def _named(user: User) -> Named:
    return Named("calendar", user.pk, user.get_full_name() or user.get_username())
