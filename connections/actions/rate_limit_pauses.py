"""Note that Azure DevOps told a person to wait, and ask for how long, in whichever process one is."""

from datetime import datetime, timedelta

from django.db.models import Q

from connections.models import Connection
from connections.models.rate_limits import LONGEST_PAUSE, RateLimitPause

_KEPT = timedelta(hours=1)


def note(connection: Connection, seconds: float, *, now: datetime) -> None:
    """Let every process leave the person behind this connection's token alone for so long, at most five minutes.

    A pause that is known already is never shortened.
    """
    until = now + min(timedelta(seconds=seconds), LONGEST_PAUSE)
    known = RateLimitPause.objects.filter(server=connection.server, identity_id=connection.identity_id)
    if not known.filter(Q(until__lt=until) | Q(until__gt=now + LONGEST_PAUSE)).update(until=until):
        row = RateLimitPause(server=connection.server, identity_id=connection.identity_id, until=until)
        RateLimitPause.objects.bulk_create([row], ignore_conflicts=True)


def seconds_left(connection: Connection, *, now: datetime) -> float | None:
    """How long the person behind this connection's token is still to be left alone; None when they may be asked."""
    theirs = RateLimitPause.under_way(now).filter(server=connection.server, identity_id=connection.identity_id)
    until = theirs.values_list("until", flat=True).first()
    return (until - now).total_seconds() if until else None


def forget_ended(*, now: datetime) -> None:
    """Remove pauses that are over, and those of a clock that was far ahead."""
    RateLimitPause.objects.filter(Q(until__lt=now - _KEPT) | Q(until__gt=now + LONGEST_PAUSE + _KEPT)).delete()
