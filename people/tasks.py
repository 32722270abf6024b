"""The door for workers. Arguments of a later version are passed over."""

from django.utils import timezone

from orchestrator.celery import app
from people.actions import end_sessions


@app.task
def forget_ended_sessions(**_later: object) -> None:
    """Remove sessions whose time is over."""
    end_sessions.forget_ended(now=timezone.now())
