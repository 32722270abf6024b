"""Do what is pending for the owner of tokens who has just signed in: find lost tokens, revoke what has to be revoked.

One that fails does not stop the others. Whatever remains stays pending, and its page says why.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, partial

from django.db import transaction

from connections.actions.refusals import CannotRenew
from connections.actions.renewal_problems import problem_of
from connections.actions.renewal_rows import move, note
from connections.actions.signed_in import Owner, SignedIn
from connections.domain import renewal as rules
from connections.domain.renewal import NEEDS_SIGN_IN, State
from connections.models import Renewal
from connections.old_tokens import users_of
from connections.providers.azure_devops import personal_tokens
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.paging import Listed
from connections.providers.azure_devops.personal_tokens import TokenEntry
from core.leases import working_on

# A token whose creation was not answered can appear later than this only if something is very slow.
_APPEARS_WITHIN = timedelta(minutes=10)
_FIRST_ASK = timedelta(seconds=5)
Tokens = Callable[[], Listed[TokenEntry]]


def settle(owner: Owner, signed_in: SignedIn, *, asked_for: int | None) -> None:
    """Do what is pending for this person in this organization.

    An old token that a person picked is revoked only in a sign-in for that renewal, which is `asked_for`.
    """
    waiting = Renewal.objects.filter(
        server=owner.server,
        organization__iexact=owner.organization,
        identity_id=owner.identity_id,
        state__in=NEEDS_SIGN_IN,
    )
    tokens = cache(partial(personal_tokens.active_tokens, signed_in.transport))
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)):
        rows = Renewal.objects.filter(pk=pk)
        if lease := rows.claim(now=signed_in.clock()):
            with working_on(rows.under(lease)):
                renewal = rows.select_related("connection").get()
                if renewal.picked_name is None or pk == asked_for:
                    settle_one(renewal, signed_in, tokens)


def settle_one(renewal: Renewal, signed_in: SignedIn, tokens: Tokens | None = None) -> None:
    """Take the step that one renewal waits for, if its time has come. `tokens` lists the tokens of the owner."""
    find_lost = partial(_find_lost, tokens or partial(personal_tokens.active_tokens, signed_in.transport))
    steps: dict[State, Callable[[Renewal, SignedIn], None]] = {
        State.CREATING: find_lost,
        State.LOST: find_lost,
        State.DISCARDED: _revoke_new,
        State.SWAPPED: _revoke_old,
    }
    step = steps.get(State(renewal.state))
    if step is None:
        return
    try:
        step(renewal, signed_in)
    except AzureDevOpsError as error:
        Renewal.objects.filter(pk=renewal.pk, state=renewal.state).update(**problem_of(error))
    except CannotRenew:
        # Another request has moved it on.
        return


def _find_lost(tokens: Tokens, renewal: Renewal, signed_in: SignedIn) -> None:
    """Revoke what bears the marker, because its text is lost."""
    listed = tokens()
    lost = [entry for entry in listed.items if renewal.marker in entry.name]
    for entry in lost:
        personal_tokens.revoke(signed_in.transport, entry.id)
    now = signed_in.clock()
    may_appear = not listed.is_whole or now - renewal.started_at < _APPEARS_WITHIN
    if not lost and may_appear:
        move(renewal, State.CREATING, State.LOST, state=State.LOST, problem="renewal_lost", problem_word="")
        return
    with transaction.atomic():
        move(renewal, State.CREATING, State.LOST, state=State.FAILED, problem="renewal_interrupted", ended_at=now)
        if lost:
            note("connection.new_token_revoked", renewal, by=signed_in.by, now=now, reason="renewal_lost")


def _revoke_new(renewal: Renewal, signed_in: SignedIn) -> None:
    personal_tokens.revoke(signed_in.transport, renewal.authorization_id)
    now = signed_in.clock()
    # Not why an earlier attempt to revoke it failed.
    reason = rules.NOT_AS_ASKED if renewal.problem == rules.NOT_AS_ASKED else ""
    with transaction.atomic():
        move(renewal, State.DISCARDED, state=State.FAILED, sealed=b"", problem=reason, ended_at=now)
        note("connection.new_token_revoked", renewal, by=signed_in.by, now=now, reason=reason)


def is_time_to_revoke(renewal: Renewal, used_by: list[str], *, now: datetime) -> bool:
    """Whether no request with the old token can still be running, and we know for certain which entry it is."""
    is_over = renewal.revoke_from is not None and now >= renewal.revoke_from
    return is_over and bool(renewal.old_authorization_id) and not used_by


def still_used_by(renewal: Renewal) -> list[str]:
    """The names of the connections that use the old token."""
    return [connection.name for connection in users_of({renewal.old_fingerprint})]


def _revoke_old(renewal: Renewal, signed_in: SignedIn) -> None:
    asked_at = signed_in.clock()
    if not is_time_to_revoke(renewal, still_used_by(renewal), now=asked_at):
        return
    # Written first: if the process dies now, the answers of Azure DevOps still tell whether the token was revoked.
    move(renewal, State.SWAPPED, revoke_asked_at=asked_at, next_ask_at=asked_at + _FIRST_ASK)
    personal_tokens.revoke(signed_in.transport, renewal.old_authorization_id)
    with transaction.atomic():
        move(renewal, State.SWAPPED, state=State.REVOKED)
        note("connection.old_token_revoked", renewal, by=signed_in.by, now=signed_in.clock())
