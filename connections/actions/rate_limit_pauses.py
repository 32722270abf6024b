"""Pauses that Azure DevOps asked for, per person, shared by all processes."""

from datetime import datetime, timedelta

from django.db.models import Q

from connections.models import Connection
from connections.models.rate_limits import LONGEST_PAUSE, RateLimitPause

_KEPT = timedelta(hours=1)


def note(connection: Connection, seconds: float, *, now: datetime) -> None:
    """Pause all calls for the owner of this token for some seconds, at most five minutes.

    An existing pause is never shortened.
    """
    until = now + min(timedelta(seconds=seconds), LONGEST_PAUSE)
    existing = RateLimitPause.objects.filter(server=connection.server, identity_id=connection.identity_id)
    if not existing.filter(Q(until__lt=until) | Q(until__gt=now + LONGEST_PAUSE)).update(until=until):
        row = RateLimitPause(server=connection.server, identity_id=connection.identity_id, until=until)
        RateLimitPause.objects.bulk_create([row], ignore_conflicts=True)


def seconds_left(connection: Connection, *, now: datetime) -> float | None:
    """How long calls for the owner of this token are still paused; None if they are not."""
    theirs = RateLimitPause.under_way(now).filter(server=connection.server, identity_id=connection.identity_id)
    until = theirs.values_list("until", flat=True).first()
    return (until - now).total_seconds() if until else None


def forget_ended(*, now: datetime) -> None:
    """Delete ended pauses, and those written by a clock that was far ahead."""
    RateLimitPause.objects.filter(Q(until__lt=now - _KEPT) | Q(until__gt=now + LONGEST_PAUSE + _KEPT)).delete()
