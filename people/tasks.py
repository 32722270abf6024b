"""The door for workers. Arguments of a later version are passed over."""

from celery import shared_task
from django.utils import timezone

from people.actions import end_sessions


@shared_task
def forget_ended_sessions(**_later: object) -> None:
    """Remove sessions whose time is over."""
    end_sessions.forget_ended(now=timezone.now())
