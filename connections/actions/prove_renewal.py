"""Find out whether Azure DevOps still accepts the old token of a renewal, until it rejects it or two hours are over.

What is due is in the rows. A worker that dies leaves a lease that expires, and the token is asked about again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from connections import clients
from connections.actions.renewal_rows import note
from connections.domain import leak_proof
from connections.domain.renewal import State
from connections.models import Renewal
from connections.providers.azure_devops.errors import AzureDevOpsError
from core.encryption import UnreadableToken
from core.leases import renewing
from history.record import SCHEDULER

_MOST_AT_ONCE = 20
_ASKED_ABOUT = (State.SWAPPED, State.REVOKED)


def prove_due(*, clock: Callable[[], datetime]) -> None:
    """Ask about the old tokens that are due, one after another."""
    now = clock()
    due = Renewal.objects.free(now).filter(next_ask_at__lte=now, state__in=_ASKED_ABOUT)
    for pk in list(due.order_by("next_ask_at", "pk").values_list("pk", flat=True)[:_MOST_AT_ONCE]):
        rows = Renewal.objects.filter(pk=pk)
        lease = rows.filter(next_ask_at__lte=now).claim(now=clock())
        if lease:
            with renewing(rows.under(lease)):
                renewal = rows.select_related("connection").get()
                code, is_proof = _ask(renewal)
            write(renewal, lease, code, is_proof=is_proof, now=clock())


def _ask(renewal: Renewal) -> tuple[str, bool]:
    """The problem code of the answer, or "" if the token was accepted; and whether it proves that it is not."""
    try:
        server, token, seconds = clients.server(renewal.server), renewal.reveal(), clients.page_seconds()
        with clients.azure_devops(server, renewal.organization, token, seconds=seconds, even_if_leaked=True) as client:
            client.connection_data()
    except AzureDevOpsError as error:
        return error.code, leak_proof.is_proof(error)
    except (UnreadableToken, clients.UnknownServer) as ours:
        return ours.code, False
    return "", False


def write(renewal: Renewal, lease: str, code: str, *, is_proof: bool, now: datetime) -> None:
    """Record the answer and what follows from it, unless the lease was lost or the renewal has changed since."""
    due = None
    if renewal.revoke_asked_at is not None and not is_proof:
        due = leak_proof.next_ask(renewal.revoke_asked_at, after=now)
    changes: dict[str, Any] = {"next_ask_at": due, "asked_at": now, "asks": F("asks") + 1, "last_answer": code}
    # Without a revocation that was asked for, a token that is accepted waits as before.
    ended = is_proof or (due is None and renewal.state == State.REVOKED)
    if ended:
        changes |= {
            "state": State.PROVED if is_proof else State.NOT_PROVED,
            "sealed": b"",
            "candidates": [],
            "ended_at": now,
        }
        changes |= {"problem": "", "problem_word": ""}
    held = Renewal.objects.filter(pk=renewal.pk).under(lease)
    with transaction.atomic():
        if not held.filter(state=renewal.state, next_ask_at=renewal.next_ask_at).release(**changes):
            held.release()
        elif ended:
            kind = "connection.old_token_proved" if is_proof else "connection.old_token_not_proved"
            note(kind, renewal, by=SCHEDULER, now=now)
