"""The door for workers. Arguments of a later version are passed over."""

from django.utils import timezone

from orchestrator.celery import app
from throttling import rates


@app.task
def forget_rested_counters(**_later: object) -> None:
    """Remove counters that count nothing any more."""
    rates.forget_rested(now=timezone.now())
