"""The door for workers. Arguments of a later version are passed over."""

from celery import shared_task
from django.utils import timezone

from throttling import rates


@shared_task
def forget_rested_counters(**_later: object) -> None:
    """Remove counters that count nothing any more."""
    rates.forget_rested(now=timezone.now())
