"""Task that cleans up counters."""

from django.utils import timezone

from core.tasks import task
from throttling import rate_limits


@task
def forget_rested_counters() -> None:
    """Delete counters whose allowance is full again."""
    rate_limits.forget_rested(now=timezone.now())
