"""The door for workers."""

from django.utils import timezone

from core.tasks import task
from people.actions import end_sessions


@task
def forget_ended_sessions() -> None:
    """Remove sessions whose time is over."""
    end_sessions.forget_ended(now=timezone.now())
