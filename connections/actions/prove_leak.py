"""Find out whether Azure DevOps still accepts a leaked token, until it rejects it or two hours are over.

What is due is in the rows. A worker that dies leaves a lease that expires, and the token is asked about again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from connections import clients
from connections.actions.declare_leak import stop_late
from connections.domain import leak_proof
from connections.models import Connection, LeakedToken
from connections.notifications import leak_mail
from connections.providers.azure_devops.errors import AzureDevOpsError, Throttled
from core.encryption import UnreadableToken
from core.leases import renewing
from history.record import SCHEDULER, Named, record

_MOST_AT_ONCE = 20


def claim_due(*, now: datetime) -> list[tuple[int, str]]:
    """Lease the leaked tokens that are due. Returns their ids, each with its lease."""
    due = LeakedToken.objects.free(now).filter(next_ask_at__lte=now).order_by("next_ask_at", "pk")
    claims = []
    for pk in due.values_list("pk", flat=True)[:_MOST_AT_ONCE]:
        lease = LeakedToken.objects.filter(pk=pk, next_ask_at__lte=now).claim(now=now)
        claims += [(pk, lease)] if lease else []
    return claims


def seconds_to_next_ask(leak_id: int, *, now: datetime) -> float | None:
    """How long until a leaked token is asked about, or None if it is no longer."""
    due = LeakedToken.objects.filter(pk=leak_id).values_list("next_ask_at", flat=True).first()
    return max(0.0, (due - now).total_seconds()) if due else None


def unclaim(leak_id: int, lease: str) -> None:
    """End the lease of a claim that could not be handed to a worker; the token is due as before."""
    LeakedToken.objects.filter(pk=leak_id).under(lease).release()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Azure DevOps answered: the problem code, or "" if it accepted the token."""

    code: str
    is_proof: bool = False
    retry_after: float = 0.0


def ask_claimed(leak_id: int, *, lease: str, clock: Callable[[], datetime]) -> bool:
    """Ask once, and record the answer. Returns False for a duplicate or late message."""
    rows = LeakedToken.objects.filter(pk=leak_id)
    started = rows.start(lease, now=clock())
    if not started:
        return False
    with renewing(rows.under(started)):
        leak = rows.get()
        stop_late(leak, now=clock())
        answer = _ask(leak)
    return _write(leak, started, answer, now=clock())


def _ask(leak: LeakedToken) -> _Answer:
    try:
        server, token, seconds = clients.server(leak.server), leak.reveal(), clients.page_seconds()
        # An access token that an application fetched before would be accepted for an hour.
        with clients.azure_devops(
            server, leak.organization, token, seconds=seconds, fresh=True, even_if_leaked=True
        ) as client:
            client.connection_data()
    except AzureDevOpsError as error:
        wait = error.retry_after if isinstance(error, Throttled) else None
        return _Answer(error.code, leak_proof.is_proof(error), wait or 0.0)
    except (UnreadableToken, clients.UnknownServer) as ours:
        return _Answer(ours.code)
    return _Answer("")


def _write(leak: LeakedToken, lease: str, answer: _Answer, *, now: datetime) -> bool:
    """Record the answer, unless the lease was lost, and what follows from it."""
    not_before = now + timedelta(seconds=answer.retry_after)
    due = None if answer.is_proof else leak_proof.next_ask(leak.declared_at, after=not_before)
    changes: dict[str, Any] = {"next_ask_at": due, "asked_at": now, "asks": F("asks") + 1, "last_answer": answer.code}
    if due is None:
        # The token was only kept for asking.
        changes |= {"proved_at" if answer.is_proof else "ended_at": now, "sealed": b""}
    with transaction.atomic():
        if not LeakedToken.objects.filter(pk=leak.pk).under(lease).release(**changes):
            return False
        leak.refresh_from_db()
        if due is None:
            _report(leak, now=now)
    return True


def _report(leak: LeakedToken, *, now: datetime) -> None:
    """Record the result in the history of each connection, and notify the people concerned."""
    kind = "connection.leak_proved" if leak.took else "connection.leak_not_proved"
    detail = {"leak": leak.pk, "seconds": round(leak.took.total_seconds())} if leak.took else {"leak": leak.pk}
    for user in leak.connections:
        subject = Named("connection", user["id"], user["name"])
        record(kind, subject, by=SCHEDULER, at=now, detail=detail)
    there = Connection.objects.filter(pk__in=[user["id"] for user in leak.connections]).select_related("owner")
    leak_mail.notify_result(leak, there.order_by("pk"), now=now)
