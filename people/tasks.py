"""Tasks about people."""

from django.utils import timezone

from core.tasks import task
from people.actions import end_sessions


@task
def forget_ended_sessions() -> None:
    """Delete expired sessions."""
    end_sessions.forget_ended(now=timezone.now())
