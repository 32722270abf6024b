"""Who holds what is read in the background, and what a clock that was ahead would hold up."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from delivery.models import PollSubscription, SyncState

_CLOCKS_DIFFER = timedelta(minutes=10)


def lease_end(now: datetime) -> datetime:
    """When a lease ends that is taken or renewed now."""
    return now + timedelta(seconds=settings.REFRESH_LEASE_SECONDS)


def held(now: datetime) -> Q:
    """Rows with a lease that lasts. One that ends much later than any can is of a clock that was ahead."""
    longest = timedelta(seconds=2 * settings.REFRESH_LEASE_SECONDS)
    return Q(leased_until__gte=now, leased_until__lte=now + longest)


def free(now: datetime) -> Q:
    """The others."""
    return Q(leased_until=None) | ~held(now)


def repair_clock_skew(*, now: datetime) -> None:
    """Let nothing rest for long because the clock was ahead when it was read last."""
    ahead = now + _CLOCKS_DIFFER
    SyncState.objects.filter(finished_at__gt=ahead, next_at__gt=now).update(next_at=now)
    PollSubscription.objects.filter(read_at__gt=ahead, next_at__gt=now).update(next_at=now)
