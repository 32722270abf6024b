"""Record what uses the credential of a connection, and whom to notify when it is replaced."""

from datetime import datetime

from django.db import transaction

from connections import register_rules
from connections.actions import versions
from connections.actions.refusals import CannotEdit, refusing_invalid_input
from connections.models import Consumer
from history.record import Actor, record


def set_used_by(connection_id: int, text: str, *, by: Actor, now: datetime, drawn_from: str | None = None) -> bool:
    """Record the consumers of a connection, one per line. Returns whether that changed anything.

    `drawn_from` is the version in the form. Raises `CannotEdit` and `ConnectionGone`.
    """
    with refusing_invalid_input(CannotEdit):
        entered = register_rules.consumers(text)
    yours = versions.used_by(entered)
    with transaction.atomic():
        current = versions.held(connection_id)
        versions.require_unchanged(current, drawn_from, versions.USED_BY, yours={"used_by": yours}, refusal=CannotEdit)
        before = versions.used_by_of(current)
        if before.value == yours.value:
            return False
        current.consumers.all().delete()
        Consumer.objects.bulk_create(
            Consumer(connection=current, name=consumer.name, url=consumer.url, contact=consumer.contact)
            for consumer in entered
        )
        detail = {"used_by": {"before": before.words, "after": yours.words}}
        record("connection.used_by_changed", current, by=by, at=now, detail=detail)
    return True
