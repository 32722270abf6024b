"""Find out whether Azure DevOps still accepts a leaked token, until it rejects it or two hours are over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from connections.actions import ask_about_token
from connections.actions.ask_about_token import Answer
from connections.actions.declare_leak import stop_late
from connections.domain import leak_proof
from connections.models import Connection, LeakedToken
from connections.notifications import leak_mail
from core.leases import renewing
from history.record import SCHEDULER, Named, record


def claim_due(*, now: datetime) -> list[tuple[int, str]]:
    """Lease the leaked tokens that are due. Returns their ids, each with its lease."""
    return ask_about_token.claim_due(LeakedToken.objects.all(), now=now)


def seconds_to_next_ask(leak_id: int, *, now: datetime) -> float | None:
    """How long until a leaked token is asked about, or None if it is no longer."""
    due = LeakedToken.objects.filter(pk=leak_id).values_list("next_ask_at", flat=True).first()
    return max(0.0, (due - now).total_seconds()) if due else None


def unclaim(leak_id: int, lease: str) -> None:
    """End the lease of a claim that could not be handed to a worker; the token is due as before."""
    LeakedToken.objects.filter(pk=leak_id).under(lease).release()


def ask_claimed(leak_id: int, *, lease: str, clock: Callable[[], datetime]) -> bool:
    """Ask once, and record the answer. Returns False for a duplicate or late message."""
    rows = LeakedToken.objects.filter(pk=leak_id)
    started = rows.start(lease, now=clock())
    if not started:
        return False
    with renewing(rows.under(started)):
        leak = rows.get()
        stop_late(leak, now=clock())
        answer = _proof_of(leak, ask_about_token.ask(leak))
    return _write(leak, started, answer, now=clock())


def _proof_of(leak: LeakedToken, answer: Answer) -> Answer:
    """The answer; an ambiguous rejection is no proof of a token that was rejected before it was declared leaked."""
    was_accepted = bool(leak.asks) and not leak.last_answer
    if answer.code not in leak_proof.AMBIGUOUS or leak.revoked_at or was_accepted or not leak.was_rejected:
        return answer
    return replace(answer, is_proof=False)


def _write(leak: LeakedToken, lease: str, answer: Answer, *, now: datetime) -> bool:
    """Record the answer, unless the lease was lost, and what follows from it."""
    due = answer.next_ask(leak.declared_at, now=now)
    changes: dict[str, Any] = {"next_ask_at": due, "asked_at": now, "asks": F("asks") + 1, "last_answer": answer.code}
    if due is None:
        # The token was only kept for asking.
        changes |= {"proved_at" if answer.is_proof else "ended_at": now, "sealed": b""}
        changes |= {"candidates": [], "candidates_read_at": None}
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
