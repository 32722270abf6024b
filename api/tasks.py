"""Scheduled work on API tokens."""

from functools import partial

from django.utils import timezone

from api.actions import idempotency, manage_tokens, remind
from core.database_time import database_now
from core.tasks import run_each, task


@task
def remove_expired_rows() -> None:
    """Delete old tokens, and requests that are too old to be repeated."""
    now = timezone.now()
    run_each(partial(idempotency.forget_old, now=now), partial(manage_tokens.remove_ended, now=now))


@task
def remind_due() -> None:
    """Write due reminders about API tokens to the outbox."""
    remind.remind_due(now=database_now())
