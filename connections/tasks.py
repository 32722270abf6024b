"""The door for workers: ids in, one action each."""

from celery import shared_task
from django.utils import timezone

from connections.actions.audit import audit
from connections.actions.probe import forget_old
from connections.models import Connection
from history.record import Actor


@shared_task
def audit_one(*, connection_id: int, actor_name: str, actor_id: int | None) -> None:
    """Check one stored token, on behalf of whoever asked."""
    connection = Connection.objects.filter(pk=connection_id, disabled=False).first()
    if connection is not None:
        audit(connection, by=Actor(actor_name, actor_id), now=timezone.now(), in_a_hurry=False)


@shared_task
def forget_old_probe_results() -> None:
    """Remove test results that Connect would not take any more."""
    forget_old(now=timezone.now())
