"""Scheduled work on API tokens."""

from django.utils import timezone

from api.actions import idempotency, manage_tokens
from core.tasks import task


@task
def remove_expired_rows() -> None:
    """Delete old tokens, and requests that are too old to be repeated."""
    now = timezone.now()
    idempotency.forget_old(now=now)
    manage_tokens.remove_ended(now=now)
