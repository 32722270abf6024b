"""Time passes for what was read of Azure DevOps."""

from datetime import timedelta

from django.core.cache import caches
from django.db.models import F

from delivery.models import PollSubscription

MINUTE = timedelta(minutes=1)


def age_what_was_read(by: timedelta = MINUTE) -> None:
    """Let what was cached expire, and make what was polled older."""
    caches["azure_devops"].clear()
    PollSubscription.objects.update(read_at=F("read_at") - by, next_at=F("next_at") - by)
