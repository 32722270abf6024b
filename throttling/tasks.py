"""The door for workers."""

from django.utils import timezone

from core.tasks import task
from throttling import rate_limits


@task
def forget_rested_counters() -> None:
    """Remove counters that count nothing any more."""
    rate_limits.forget_rested(now=timezone.now())
