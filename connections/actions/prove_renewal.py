"""Find out whether Azure DevOps still accepts the old token of a renewal, until it rejects it or two hours are over."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from connections.actions import ask_about_token
from connections.actions.ask_about_token import Answer
from connections.actions.renewal_rows import note
from connections.domain.renewal import State
from connections.models import Renewal
from core.leases import renewing
from history.record import SCHEDULER

_ASKED_ABOUT = (State.SWAPPED, State.REVOKED)


def claim_due(*, now: datetime) -> list[tuple[int, str]]:
    """Lease the renewals whose old tokens are due. Returns their ids, each with its lease."""
    return ask_about_token.claim_due(Renewal.objects.filter(state__in=_ASKED_ABOUT), now=now)


def unclaim(renewal_id: int, lease: str) -> None:
    """End the lease of a claim that could not be handed to a worker; the old token is due as before."""
    Renewal.objects.filter(pk=renewal_id).under(lease).release()


def ask_claimed(renewal_id: int, *, lease: str, clock: Callable[[], datetime]) -> bool:
    """Ask once, and record the answer. Returns False for a duplicate or late message."""
    rows = Renewal.objects.filter(pk=renewal_id)
    started = rows.start(lease, now=clock())
    if not started:
        return False
    with renewing(rows.under(started)):
        renewal = rows.select_related("connection").get()
        answer = ask_about_token.ask(renewal)
    return write(renewal, started, answer, now=clock())


def write(renewal: Renewal, lease: str, answer: Answer, *, now: datetime) -> bool:
    """Record the answer and what follows from it, unless the lease was lost or the renewal has changed since."""
    asked_for = renewal.revoke_asked_at
    due = answer.next_ask(asked_for, now=now) if asked_for else None
    changes: dict[str, Any] = {"next_ask_at": due, "asked_at": now, "asks": F("asks") + 1, "last_answer": answer.code}
    # Without a revocation that was asked for, a token that is accepted waits as before.
    ended = answer.is_proof or (due is None and renewal.state == State.REVOKED)
    if ended:
        state = State.PROVED if answer.is_proof else State.NOT_PROVED
        changes |= {"state": state, "sealed": b"", "candidates": [], "ended_at": now, "problem": "", "problem_word": ""}
    held = Renewal.objects.filter(pk=renewal.pk).under(lease)
    with transaction.atomic():
        if not held.filter(state=renewal.state, next_ask_at=renewal.next_ask_at).release(**changes):
            held.release()
            return False
        if ended:
            kind = "connection.old_token_proved" if answer.is_proof else "connection.old_token_not_proved"
            note(kind, renewal, by=SCHEDULER, now=now)
    return True
