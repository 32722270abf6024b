"""Disconnect, disable and enable connections."""

from datetime import datetime

from django.db import transaction

from connections.actions import audit_runs, versions
from connections.actions.refusals import CannotChange, CannotDisconnect
from connections.input_rules import typed_name
from connections.models import Connection
from connections.old_tokens import OldToken, token_of
from history.record import Actor, record


def disconnect(
    connection: Connection, *, confirmed_name: str, by: Actor, now: datetime, drawn_from: str | None = None
) -> OldToken:
    """Delete the connection and its stored token, but not its events. Returns the token, which is still valid.

    `drawn_from` is the version in the form. Raises `CannotDisconnect` and `ConnectionGone`.
    """
    with transaction.atomic():
        # All writers of related rows lock the connection, so nothing is added while it is deleted.
        current = versions.held(connection.pk)
        versions.require_unchanged(current, drawn_from, versions.DISCONNECT, refusal=CannotDisconnect)
        if not _is_name_of(current, confirmed_name):
            raise CannotDisconnect("name_not_confirmed", field="confirm_name")
        detail = {"organization": current.organization, "identity": current.identity_id}
        old = token_of(current)
        record("connection.disconnected", current, by=by, at=now, detail=detail)
        audit_runs.release(current.pk, now=now)
        current.delete()
    return old


def _is_name_of(connection: Connection, typed: str) -> bool:
    name, typed = (typed_name(text, connection.pk) for text in (connection.name, typed))
    return name.casefold() == typed.casefold()


def set_disabled(
    connection: Connection, *, disabled: bool, by: Actor, now: datetime, drawn_from: str | None = None
) -> None:
    """Disable or enable the connection; recorded only if it changes.

    `drawn_from` is the version in the form. Raises `CannotChange` and `ConnectionGone`.
    """
    with transaction.atomic():
        current = versions.held(connection.pk)
        connection.disabled = disabled
        if current.disabled != disabled:
            versions.require_unchanged(current, drawn_from, versions.DISABLE, refusal=CannotChange)
            Connection.objects.filter(pk=current.pk).update(disabled=disabled)
            record("connection.disabled" if disabled else "connection.enabled", current, by=by, at=now)
        if disabled:
            audit_runs.release(current.pk, now=now)
