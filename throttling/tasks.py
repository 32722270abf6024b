"""The door for workers."""

from django.utils import timezone

from orchestrator.celery import task
from throttling import rates


@task
def forget_rested_counters() -> None:
    """Remove counters that count nothing any more."""
    rates.forget_rested(now=timezone.now())
